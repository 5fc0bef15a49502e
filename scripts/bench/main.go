// Command bench measures what the project claims about its speed, and writes the table to docs/benchmarks.md.
//
//	bench                 measure everything and write docs/benchmarks.md and docs/plans.md (make bench)
//	bench inbound growth  measure parts of it and print them (growth writes docs/plans.md too)
//
// Every figure is measured beside what it is compared with, in turns within one run: ratios hold on a busy machine where
// times do not. The functions are the programs that are deployed, staged and built as scripts/stage does; Postgres syncs to
// disk; Telnyx, the model, Cloud Tasks, Jackrabbit and Firestore are the stand-ins of the tests, in this process and on the same processors.
package main

import (
	"context"
	_ "embed"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/chattercheatah/chattercheatah/scripts/internal/usage"
)

// measurement is one part of the table.
type measurement struct {
	name  string
	title string
	how   string
	run   func(*rig) ([]figure, error)
}

var measurements = []measurement{
	{"inbound", "Inbound text", `A signed text from its request to its acknowledgement, 16 callers, flat out, rounds in turn. The floor is the bare functions
framework with the same clients linked: it verifies the same signature and inserts one row with pgx, through a pool of the
same size. Every text of ours is checked against its route, recorded in its conversation under row security, and plans a reply, whose
task is put on the queue before the acknowledgement.`, inbound},
	{"hung", "The model hangs", `Texts come in at a constant rate for a minute; for half of it the model answers nobody. Everything runs on these processors: both
functions, Postgres, and the stand-ins.`, hung},
	{"answers", "Text in to answer out", `From posting the signed webhook to the provider's acceptance of the answer, each text another customer's.`, answers},
	{"fairness", "Fairness", `Ten tenants with a text a second each, and rounds with and without an eleventh that has fifty times as many, which is more than
its share of the workers can answer.`, fairness},
	{"calls", "Calls", `Each call is another customer's; the kinds of request take turns within each round, each at a constant rate. telnyx-tools asks a
Jackrabbit that takes 150 ms for a list of 300 classes: an instance asks for it first, then another finds it in Firestore, then the first has it in
memory. Where no worker is at work, send-link waits its 2.5 seconds and says that the link is on its way. Everything is signed as Telnyx signs, and
an answer that does not say what it should counts as refused.`, calls},
	{"mail", "Mail", `Each mail is another customer's, of twenty tenants. It is delivered into a fake Gmail, which announces it to email-pubsub as Pub/Sub does; the worker
reads the mailbox, fetches the mail, asks the model and answers in the thread.`, mails},
	{"coldstart", "Cold start", `Process start to the first 200, one processor each, programs in turn. The program beside each links what the function's own packages
import and does nothing with it. Nothing is dialled before listening: a test counts.`, coldStart},
	{"growth", "Growth and row security", `Ninety customers text in databases of three sizes, in turn; a fifth of all messages is one tenant's, whose newest
conversations are listed and opened. Then each step of a text's life with row security on, and with the application's role freed from it, in turn.
[plans.md](plans.md) shows what Postgres does for each.`, growth},
	{"prompt", "Prompt", `A claim tells which version of the prompt is live. While that is the one that is kept nothing is asked, and a test counts the round trips.`, prompts},
}

//go:embed main.go
var source string

func main() {
	usage.Parse(source)
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, flag.Args()); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, names []string) error {
	chosen := slices.DeleteFunc(slices.Clone(measurements), func(m measurement) bool { return len(names) > 0 && !slices.Contains(names, m.name) })
	if len(chosen) == 0 || len(names) > len(chosen) {
		var known []string
		for _, m := range measurements {
			known = append(known, m.name)
		}
		return fmt.Errorf("there are: %s", strings.Join(known, ", "))
	}
	r, err := newRig(ctx)
	if err != nil {
		return err
	}
	defer r.close()
	began := time.Now()
	var done []result
	for _, m := range chosen {
		progress("%s (after %v)", m.title, time.Since(began).Round(time.Second))
		figures, err := m.run(r)
		if err != nil {
			return fmt.Errorf("%s: %w", m.name, err)
		}
		done = append(done, result{m, figures})
	}
	if err := show(os.Stdout, done); err != nil || len(names) > 0 {
		return err
	}
	return keep(r, done, time.Since(began))
}

// progress tells what is going on.
func progress(format string, args ...any) { fmt.Fprintf(os.Stderr, "  "+format+"\n", args...) }
