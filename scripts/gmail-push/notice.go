package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"strconv"
	"strings"

	"cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"

	"github.com/chattercheatah/chattercheatah/shared/boot"
	"github.com/chattercheatah/chattercheatah/shared/private"
)

// notice is what Gmail publishes.
type notice struct {
	Address   string    `json:"emailAddress"`
	HistoryID historyID `json:"historyId"`
}

// historyID is written as a number, as Gmail does, and read as a string too, as stands in Gmail's guide.
type historyID uint64

// UnmarshalJSON takes either.
func (h *historyID) UnmarshalJSON(text []byte) error {
	n, err := strconv.ParseUint(strings.Trim(string(text), `"`), 10, 64)
	*h = historyID(n)
	return err
}

// readNotice reports whether data is an announcement of Gmail's.
func readNotice(data []byte) (n notice, ok bool) {
	if json.Unmarshal(data, &n) != nil || n.HistoryID == 0 {
		return notice{}, false
	}
	address, err := private.ParseEmail(n.Address)
	n.Address = address
	return n, err == nil
}

// masked is an address of which the first character and the domain are shown.
func masked(address string) string {
	at := strings.LastIndexByte(address, '@')
	for _, first := range address[:at] {
		return string(first) + "***" + address[at:]
	}
	return "***" + address[at:]
}

var (
	errTest    = errors.New("test takes [-history-id N] and one mailbox's address; -h explains")
	errAddress = errors.New("the mailbox must look like name@example.com")
	errHistory = errors.New("-history-id must be a number above 0")
)

// runTest publishes a notice of a mailbox.
func runTest(ctx context.Context, env boot.Environment, args []string, out io.Writer) error {
	flags := flag.NewFlagSet("test", flag.ContinueOnError)
	id := flags.Uint64("history-id", 1, "")
	rest, err := parse(flags, args)
	switch {
	case err != nil:
		return err
	case len(rest) != 1:
		return errTest
	case *id == 0:
		return errHistory
	}
	set, err := boot.Settings[reach](env)
	address, addressErr := private.ParseEmail(rest[0])
	if addressErr != nil {
		err = errors.Join(err, errAddress)
	}
	if err != nil {
		return err
	}
	client, err := set.dial(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = client.Close() }()
	data, err := json.Marshal(notice{address, historyID(*id)})
	if err != nil {
		return err
	}
	published, err := client.TopicAdminClient.Publish(ctx, &pubsubpb.PublishRequest{
		Topic: set.Topic.Name, Messages: []*pubsubpb.PubsubMessage{{Data: data}},
	})
	if err != nil {
		return because(err, "publishing to %s", set.Topic.Name)
	}
	_, err = fmt.Fprintf(out, "published message %s: %s has changed up to %d\n", published.GetMessageIds()[0], masked(address), *id)
	return err
}
