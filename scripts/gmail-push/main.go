// Command gmail-push looks after the way that Gmail's announcements of mail take through Pub/Sub to the function email-pubsub.
//
//	gmail-push setup -project-number N          show what differs from what is needed, and change nothing
//	gmail-push setup -project-number N -apply   show the same, and change it; a second time nothing differs
//	gmail-push setup -project-number N -check   show the same, and end with 1 when anything differs, with 0 when nothing does
//	gmail-push test [-history-id N] ADDRESS     publish what Gmail publishes when the mailbox ADDRESS changes
//	gmail-push drain                            print the announcements that could not be delivered, and leave them where they are
//	gmail-push drain -ack                       print them, and remove what was printed
//	gmail-push drain -replay                    print them, publish them again, and remove what was published
//
// GMAIL_TOPIC is the topic, projects/PROJECT/topics/NAME, in the project of the OAuth client. The log-in is that of
// "gcloud auth application-default login", and needs roles/pubsub.admin in that project; PUBSUB_EMULATOR_HOST is host:port of a stand-in
// instead.
//
// setup keeps a topic NAME that Gmail may publish to; a subscription NAME of it, which is pushed to API_BASE_URL with a token of
// PUBSUB_SERVICE_ACCOUNT for that address; and a topic and a subscription NAME-dead, which hold for a week what could not be
// delivered. The log-in must be allowed to act as PUBSUB_SERVICE_ACCOUNT. -project-number is the number of the topic's
// project ("gcloud projects describe PROJECT --format='value(projectNumber)'"): Pub/Sub's own account in the project is named after it,
// service-N@gcp-sa-pubsub.iam.gserviceaccount.com, and may move undeliverable announcements only when it is given leave. What exists is
// changed in place; nothing is deleted, and nobody loses a grant.
//
// test publishes history id 1 unless -history-id gives another. Every connected mailbox has been read up to 1, so that the function logs
// read_already and nothing is read: that the way is whole is shown, and no more. An id that Gmail has not come to yet has the mailbox read
// again and again until Gmail has.
//
// drain prints a line for each: when Gmail published it, its message id, how often it was delivered, the mailbox with its name left out, and the
// history id. What is no announcement of Gmail's is never published again. One drain at a time: another does not see what the first holds.
package main

import (
	"context"
	_ "embed"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"cloud.google.com/go/pubsub/v2"
	"google.golang.org/api/option"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/chattercheatah/chattercheatah/scripts/internal/usage"
	"github.com/chattercheatah/chattercheatah/shared/boot"
	"github.com/chattercheatah/chattercheatah/shared/gmail"
)

//go:embed main.go
var source string

func main() {
	usage.Parse(source)
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, boot.OSEnvironment(), flag.Args(), os.Stdout); err != nil {
		stop()
		fmt.Fprintf(os.Stderr, "gmail-push:\n%v\n", err)
		os.Exit(1)
	}
}

var errCommand = errors.New("say setup, test or drain; -h explains")

func run(ctx context.Context, env boot.Environment, args []string, out io.Writer) error {
	if len(args) == 0 {
		return errCommand
	}
	commands := map[string]func(context.Context, boot.Environment, []string, io.Writer) error{"setup": runSetup, "test": runTest, "drain": runDrain}
	command, there := commands[args[0]]
	if !there {
		return errCommand
	}
	err := command(ctx, env, args[1:], out)
	if errors.Is(err, flag.ErrHelp) {
		_, err = fmt.Fprintln(out, usage.Text(source))
	}
	return err
}

// parse reads the flags of a part of the command, and returns what follows them.
func parse(flags *flag.FlagSet, args []string) (rest []string, err error) {
	flags.SetOutput(io.Discard)
	if err := flags.Parse(args); err != nil {
		return nil, fmt.Errorf("%s: %w; -h explains", flags.Name(), err)
	}
	return flags.Args(), nil
}

// reach says which topic it is about, and where Pub/Sub is.
type reach struct {
	Topic    gmail.Topic
	Emulator string `env:"PUBSUB_EMULATOR_HOST"` // host:port of a stand-in
}

func (r reach) dial(ctx context.Context) (*pubsub.Client, error) {
	var options []option.ClientOption
	if r.Emulator != "" {
		options = []option.ClientOption{
			option.WithEndpoint(r.Emulator), option.WithoutAuthentication(),
			option.WithGRPCDialOption(grpc.WithTransportCredentials(insecure.NewCredentials())),
		}
	}
	client, err := pubsub.NewClient(ctx, namesOf(r.Topic.Name).project, options...)
	if err != nil {
		return nil, fmt.Errorf("reaching Pub/Sub: %w", err)
	}
	return client, nil
}
