package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"time"

	"cloud.google.com/go/pubsub/v2"
	"cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/chattercheatah/chattercheatah/shared/boot"
)

var errDrain = errors.New("drain takes -ack, -replay or neither; -h explains")

func runDrain(ctx context.Context, env boot.Environment, args []string, out io.Writer) error {
	d := &drain{out: out, seen: map[string]bool{}, held: map[string]string{}}
	flags := flag.NewFlagSet("drain", flag.ContinueOnError)
	flags.BoolVar(&d.ack, "ack", false, "")
	flags.BoolVar(&d.replay, "replay", false, "")
	rest, err := parse(flags, args)
	if err != nil {
		return err
	}
	if len(rest) > 0 || d.ack && d.replay {
		return errDrain
	}
	set, err := boot.Settings[reach](env)
	if err != nil {
		return err
	}
	if d.client, err = set.dial(ctx); err != nil {
		return err
	}
	defer func() { _ = d.client.Close() }()
	d.names = namesOf(set.Topic.Name)
	return d.run(ctx)
}

// drain goes through what could not be delivered. A message leaves the subscription only after its line is written, and for -replay after
// it has been published again; whatever else happens, it stays or comes back.
type drain struct {
	names
	client      *pubsub.Client
	out         io.Writer
	ack, replay bool

	seen     map[string]bool   // by message id: a line is written once
	held     map[string]string // what is to stay, by message id: how Pub/Sub knows that we hold it
	replayed int
}

func (d *drain) run(ctx context.Context) (err error) {
	_, err = d.client.SubscriptionAdminClient.GetSubscription(ctx, &pubsubpb.GetSubscriptionRequest{Subscription: d.dead})
	if status.Code(err) == codes.NotFound {
		return fmt.Errorf("there is no %s; make it with gmail-push setup -apply", d.dead)
	}
	if err != nil {
		return because(err, "looking at %s", d.dead)
	}
	defer func() { err = errors.Join(err, d.giveBack(ctx)) }()
	for {
		got, err := d.pull(ctx)
		if err != nil {
			return err
		}
		unseen := slices.ContainsFunc(got, func(m *pubsubpb.ReceivedMessage) bool { return !d.seen[m.GetMessage().GetMessageId()] })
		if err := d.settle(ctx, got); err != nil {
			return err
		}
		if !unseen {
			return d.sum()
		}
	}
}

func (d *drain) sum() error {
	_, err := fmt.Fprintf(d.out, "%d could not be delivered: %d published again, %d removed, %d left\n",
		len(d.seen), d.replayed, len(d.seen)-len(d.held)-d.replayed, len(d.held))
	return err
}

const (
	mostPulled = 100
	pullWait   = 10 * time.Second // for the next message; then there is none
)

func (d *drain) pull(ctx context.Context) ([]*pubsubpb.ReceivedMessage, error) {
	limited, cancel := context.WithTimeout(ctx, pullWait)
	defer cancel()
	got, err := d.client.SubscriptionAdminClient.Pull(limited, &pubsubpb.PullRequest{Subscription: d.dead, MaxMessages: mostPulled})
	if err != nil && ctx.Err() == nil && limited.Err() != nil {
		return nil, nil
	}
	return got.GetReceivedMessages(), because(err, "pulling from %s", d.dead)
}

// settle prints what was pulled, and does with it what is to be done.
func (d *drain) settle(ctx context.Context, got []*pubsubpb.ReceivedMessage) error {
	var again []*pubsubpb.PubsubMessage
	var done []string
	for _, m := range got {
		id, data := m.GetMessage().GetMessageId(), m.GetMessage().GetData()
		_, isNotice := readNotice(data)
		d.held[id] = m.GetAckId()
		if d.ack || d.replay && isNotice {
			done = append(done, id)
		}
		if d.seen[id] {
			continue // it has come again, and was seen to
		}
		if err := d.print(m.GetMessage()); err != nil {
			return because(err, "printing a message, which stays")
		}
		if d.seen[id] = true; d.replay && isNotice {
			again = append(again, &pubsubpb.PubsubMessage{Data: data})
		}
	}
	if err := d.publish(ctx, again); err != nil {
		return err
	}
	return d.remove(ctx, done)
}

// print writes a message's line: when it was published first, its id, how often it was delivered, and what it says.
func (d *drain) print(m *pubsubpb.PubsubMessage) error {
	says := fmt.Sprintf("no announcement of Gmail's, %d bytes", len(m.GetData()))
	if n, ok := readNotice(m.GetData()); ok {
		says = fmt.Sprintf("%s history %d", masked(n.Address), n.HistoryID)
	}
	_, err := fmt.Fprintf(d.out, "%s message %s %s: %s\n", publishedAt(m).UTC().Format(time.RFC3339), m.GetMessageId(), attempts(m), says)
	return err
}

// What Pub/Sub notes on a message that it could not deliver (docs.cloud.google.com/pubsub, "Dead-letter topics").
const (
	countAttribute = "CloudPubSubDeadLetterSourceDeliveryCount"
	timeAttribute  = "CloudPubSubDeadLetterSourceTopicPublishTime"
)

func publishedAt(m *pubsubpb.PubsubMessage) time.Time {
	if first, err := time.Parse(time.RFC3339, m.GetAttributes()[timeAttribute]); err == nil {
		return first
	}
	return m.GetPublishTime().AsTime()
}

func attempts(m *pubsubpb.PubsubMessage) string {
	n, err := strconv.ParseUint(m.GetAttributes()[countAttribute], 10, 31)
	if err != nil {
		return "attempts unknown"
	}
	return fmt.Sprintf("attempts %d", n)
}

// publish publishes messages again, all or none as far as is known. One that is published twice is read once.
func (d *drain) publish(ctx context.Context, again []*pubsubpb.PubsubMessage) error {
	if len(again) == 0 {
		return nil
	}
	_, err := d.client.TopicAdminClient.Publish(ctx, &pubsubpb.PublishRequest{Topic: d.topic, Messages: again})
	if err == nil {
		d.replayed += len(again)
	}
	return because(err, "publishing to %s again, all that was not stays", d.topic)
}

func (d *drain) remove(ctx context.Context, ids []string) error {
	if len(ids) == 0 {
		return nil
	}
	var acks []string
	for _, id := range ids {
		acks = append(acks, d.held[id])
	}
	if err := d.client.SubscriptionAdminClient.Acknowledge(ctx, &pubsubpb.AcknowledgeRequest{Subscription: d.dead, AckIds: acks}); err != nil {
		return because(err, "removing from %s what was printed, which stays", d.dead)
	}
	for _, id := range ids {
		delete(d.held, id)
	}
	return nil
}

// giveBackLimit bounds the end of a drain, an interrupted one's too.
const giveBackLimit = 10 * time.Second

// giveBack lets go of what stays, for the next drain to see it at once.
func (d *drain) giveBack(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), giveBackLimit)
	defer cancel()
	for acks := range slices.Chunk(slices.Collect(maps.Values(d.held)), 10*mostPulled) {
		err := d.client.SubscriptionAdminClient.ModifyAckDeadline(ctx, &pubsubpb.ModifyAckDeadlineRequest{Subscription: d.dead, AckIds: acks})
		if err != nil {
			return because(err, "letting go of what stays, which the next drain sees in ten minutes")
		}
	}
	return nil
}
