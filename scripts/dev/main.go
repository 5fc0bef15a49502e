// Command dev runs the whole system on one machine, and its tests, with nothing installed but Go.
//
//	dev run          start everything behind one address and print what to try (make run)
//	dev demo         text both demo tenants the same question and show the two answers (make demo, beside make run)
//	dev text         text one number: dev text +15555550142 "Are you open on Saturday?"
//	dev demo-call    call a demo tenant, and show what its assistant is told, its tools answer and is made of the call (make demo-call)
//	dev demo-email   connect the mailboxes of both demo tenants, write the same mail to both, and show both threads (make demo-email)
//	dev test [args]  start a database, then go vet and go test with args (make test)
//	dev profile      show where a text and an answer spend processor time and memory (make profile)
//	dev drill [NAME] have each thing that the system stands on fail for thirty seconds, or one of them, and count what was lost or sent twice (make drill)
//	dev crash        kill the system at every named point, many times, and count what was lost or sent twice (make crash)
//
// Any setting of the README's table that is set in the environment replaces the local default.
package main

import (
	"context"
	_ "embed"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	_ "github.com/chattercheatah/chattercheatah/functions/admin-tenants"
	_ "github.com/chattercheatah/chattercheatah/functions/ai-call-complete"
	_ "github.com/chattercheatah/chattercheatah/functions/ai-call-complete/worker"
	_ "github.com/chattercheatah/chattercheatah/functions/email-oauth"
	_ "github.com/chattercheatah/chattercheatah/functions/email-pubsub"
	_ "github.com/chattercheatah/chattercheatah/functions/email-pubsub/worker"
	_ "github.com/chattercheatah/chattercheatah/functions/leads"
	_ "github.com/chattercheatah/chattercheatah/functions/operations"
	_ "github.com/chattercheatah/chattercheatah/functions/operations/worker"
	_ "github.com/chattercheatah/chattercheatah/functions/setup-prompt"
	_ "github.com/chattercheatah/chattercheatah/functions/setup-prompt/trial"
	_ "github.com/chattercheatah/chattercheatah/functions/telnyx-sms"
	_ "github.com/chattercheatah/chattercheatah/functions/telnyx-sms/worker"
	_ "github.com/chattercheatah/chattercheatah/functions/telnyx-tools"
	_ "github.com/chattercheatah/chattercheatah/functions/users"
	"github.com/chattercheatah/chattercheatah/scripts/internal/usage"
)

//go:embed main.go
var source string

func main() {
	usage.Parse(source)
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := command(ctx, flag.Args()); err != nil && !errors.Is(err, context.Canceled) {
		fmt.Fprintln(os.Stderr, "dev:", err)
		os.Exit(1)
	}
}

func command(ctx context.Context, args []string) error {
	if len(args) == 0 {
		args = []string{"run"}
	}
	switch args[0] {
	case "run":
		return run(ctx)
	case "demo":
		return demonstrate(ctx)
	case "demo-call":
		return demonstrateCall(ctx)
	case "demo-email":
		return demonstrateEmail(ctx)
	case "text":
		return textOne(ctx, args[1:])
	case "test":
		return test(ctx, args[1:])
	case "profile":
		return profile(ctx)
	case "drill":
		return drillAll(ctx, args[1:])
	case "crash":
		return crashTest(ctx, args[1:])
	default:
		return fmt.Errorf("there is no %q; use run, demo, demo-call, demo-email, text, test, profile, drill or crash", args[0])
	}
}
