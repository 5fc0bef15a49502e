package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"regexp"
	"strings"

	"cloud.google.com/go/pubsub/v2"
	"cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/chattercheatah/chattercheatah/shared/boot"
	"github.com/chattercheatah/chattercheatah/shared/task"
)

// names are what a topic's project has for it, in full.
type names struct {
	project   string // without projects/
	topic     string // that Gmail publishes to
	push      string // the subscription that is pushed to us
	deadTopic string // where what cannot be delivered goes
	dead      string // the subscription that keeps it
}

// namesOf takes a topic's full name, as gmail.Topic has checked it.
func namesOf(topic string) names {
	_, path, _ := strings.Cut(topic, "/")
	project, rest, _ := strings.Cut(path, "/")
	name := strings.TrimPrefix(rest, "topics/")
	subscriptions := "projects/" + project + "/subscriptions/"
	return names{project: project, topic: topic, push: subscriptions + name, deadTopic: topic + "-dead", dead: subscriptions + name + "-dead"}
}

// setupSettings are those of setup.
type setupSettings struct {
	Reach  reach
	Public boot.PublicURL
	Pusher task.PusherConfig // as the function reads it, so that both mean the same
}

// mode is what is done about what differs.
type mode struct{ apply, check bool }

var (
	projectNumber = regexp.MustCompile(`^[1-9][0-9]{0,18}$`)

	errMode   = errors.New("setup takes -project-number with -apply, with -check or with neither, and nothing else; -h explains")
	errNumber = errors.New("-project-number must be the number of the topic's project, such as 123456789012: Pub/Sub's own account there is named after it, " +
		"and is given leave to move what cannot be delivered. gcloud projects describe PROJECT --format='value(projectNumber)' tells it")
	errDiffers = errors.New("not everything is as it should be; -apply mends it")
)

func runSetup(ctx context.Context, env boot.Environment, args []string, out io.Writer) error {
	var m mode
	flags := flag.NewFlagSet("setup", flag.ContinueOnError)
	flags.BoolVar(&m.apply, "apply", false, "")
	flags.BoolVar(&m.check, "check", false, "")
	number := flags.String("project-number", "", "")
	rest, err := parse(flags, args)
	if err != nil {
		return err
	}
	if len(rest) > 0 || m.apply && m.check {
		return errMode
	}
	set, err := boot.Settings[setupSettings](env)
	if !projectNumber.MatchString(*number) {
		err = errors.Join(err, errNumber)
	}
	if err != nil {
		return err
	}
	client, err := set.Reach.dial(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = client.Close() }()
	return newSetUp(client, set, *number, out).run(ctx, m)
}

// setUp brings Pub/Sub to what is needed.
type setUp struct {
	names
	client   *pubsub.Client
	out      io.Writer
	emulated bool // by a stand-in, which need not know grants

	subscriptions []*pubsubpb.Subscription // as they should be
	grants        []grant

	steps []step
}

// pushPath follows the public address: what functions/email-pubsub answers.
const pushPath = "/api/v1/email/pubsub"

func newSetUp(client *pubsub.Client, set setupSettings, number string, out io.Writer) *setUp {
	n := namesOf(set.Reach.Topic.Name)
	address := set.Public.BaseURL + pushPath
	pubsubAccount := "serviceAccount:service-" + number + "@gcp-sa-pubsub.iam.gserviceaccount.com"
	return &setUp{
		names: n, client: client, out: out, emulated: set.Reach.Emulator != "",
		subscriptions: []*pubsubpb.Subscription{
			deadSubscription(n), pushSubscription(n, address, set.Pusher.ServiceAccount, address),
		},
		grants: []grant{
			{client.TopicAdminClient, n.topic, publisherRole, gmailAccount},
			{client.TopicAdminClient, n.deadTopic, publisherRole, pubsubAccount},
			{client.SubscriptionAdminClient, n.push, subscriberRole, pubsubAccount},
		},
	}
}

// step is something that differs, a line for each, and what to do about it. Steps are done in their order: what comes later needs what
// comes before.
type step struct {
	differ []string
	do     func(context.Context) error
}

func (s *setUp) differs(do func(context.Context) error, differ ...string) {
	if len(differ) > 0 {
		s.steps = append(s.steps, step{differ, do})
	}
}

// run shows what differs, and changes it when it is to be applied. It stops at the first step that fails; what was done stays, and running
// again goes on from there.
func (s *setUp) run(ctx context.Context, m mode) error {
	if err := s.plan(ctx); err != nil {
		return err
	}
	for _, step := range s.steps {
		_, _ = fmt.Fprintln(s.out, strings.Join(step.differ, "\n"))
		if !m.apply {
			continue
		}
		if err := step.do(ctx); err != nil {
			return err
		}
	}
	switch {
	case len(s.steps) == 0:
		_, _ = fmt.Fprintln(s.out, "everything is as it should be")
	case m.check:
		return errDiffers
	case !m.apply:
		_, _ = fmt.Fprintln(s.out, "nothing was changed; -apply does it")
	}
	return nil
}

// plan looks at all that there is before anything is changed.
func (s *setUp) plan(ctx context.Context) error {
	for _, name := range []string{s.topic, s.deadTopic} {
		if err := s.planTopic(ctx, name); err != nil {
			return err
		}
	}
	for _, want := range s.subscriptions {
		if err := s.planSubscription(ctx, want); err != nil {
			return err
		}
	}
	return s.planGrants(ctx)
}

func (s *setUp) planTopic(ctx context.Context, name string) error {
	_, err := s.client.TopicAdminClient.GetTopic(ctx, &pubsubpb.GetTopicRequest{Topic: name})
	if status.Code(err) != codes.NotFound {
		return because(err, "looking at %s", name)
	}
	s.differs(func(ctx context.Context) error {
		_, err := s.client.TopicAdminClient.CreateTopic(ctx, &pubsubpb.Topic{Name: name})
		return because(err, "making %s", name)
	}, name+": none -> made")
	return nil
}

func (s *setUp) planSubscription(ctx context.Context, want *pubsubpb.Subscription) error {
	live, err := s.client.SubscriptionAdminClient.GetSubscription(ctx, &pubsubpb.GetSubscriptionRequest{Subscription: want.Name})
	if status.Code(err) == codes.NotFound {
		_, differ := lay(&pubsubpb.Subscription{}, want)
		s.differs(func(ctx context.Context) error {
			_, err := s.client.SubscriptionAdminClient.CreateSubscription(ctx, want)
			return because(err, "making %s", want.Name)
		}, append([]string{want.Name + ": none -> made"}, differ...)...)
		return nil
	}
	if err != nil {
		return because(err, "looking at %s", want.Name)
	}
	if err := usable(live, want); err != nil {
		return err
	}
	update, differ := lay(live, want)
	s.differs(func(ctx context.Context) error {
		_, err := s.client.SubscriptionAdminClient.UpdateSubscription(ctx, update)
		return because(err, "changing %s", want.Name)
	}, differ...)
	return nil
}

// because says what was being done when err came; nil of nil.
func because(err error, doing string, args ...any) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", fmt.Sprintf(doing, args...), err)
}
