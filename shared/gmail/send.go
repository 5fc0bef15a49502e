package gmail

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strings"

	"google.golang.org/api/gmail/v1"

	"github.com/chattercheatah/chattercheatah/shared/fault"
	"github.com/chattercheatah/chattercheatah/shared/google"
)

// Sent is a mail of ours as it stands in the mailbox.
type Sent struct {
	ID       string // the message's, of a draft too
	ThreadID string // not the one that was asked for when Gmail took the mail for a new conversation
	Draft    bool   // of Find: it still is one
}

// Send sends a mail (RFC 5322, with a Message-ID of ours) from the mailbox, and asks once: Gmail has no check against a second. It joins a thread,
// "" for none, if its In-Reply-To or References and its Subject fit. ErrNotSent when it surely was not sent; then ErrBusy, ErrScope, ErrNoThread
// and google.ErrGrant tell why. After any other error it may have been: Find tells.
func (c *Client) Send(ctx context.Context, g google.Grant, raw []byte, threadID string) (Sent, error) {
	return c.once(ctx, g, "sending a mail", func(ctx context.Context, header string) (*gmail.Message, error) {
		call := c.service.Users.Messages.Send(me, message(raw, threadID)).Context(ctx)
		call.Header().Set("Authorization", header)
		return call.Do()
	})
}

// Draft puts a mail among the drafts for the mailbox's owner to send. It is asked for and fails as Send does.
func (c *Client) Draft(ctx context.Context, g google.Grant, raw []byte, threadID string) (Sent, error) {
	return c.once(ctx, g, "making a draft", func(ctx context.Context, header string) (*gmail.Message, error) {
		call := c.service.Users.Drafts.Create(me, &gmail.Draft{Message: message(raw, threadID)}).Context(ctx)
		call.Header().Set("Authorization", header)
		draft, err := call.Do()
		if err != nil {
			return nil, err
		}
		return draft.Message, nil
	})
}

func message(raw []byte, threadID string) *gmail.Message {
	return &gmail.Message{Raw: base64.URLEncoding.EncodeToString(raw), ThreadId: threadID}
}

func (c *Client) once(ctx context.Context, g google.Grant, doing string, ask func(context.Context, string) (*gmail.Message, error)) (Sent, error) {
	var m *gmail.Message
	undone, err := c.Tokens.Once(ctx, g, func(ctx context.Context, header string) (err error) {
		m, err = ask(ctx, header)
		return err
	})
	switch {
	case err == nil && (m == nil || m.Id == ""):
		return Sent{}, incomplete(doing)
	case err == nil:
		return Sent{ID: m.Id, ThreadID: m.ThreadId}, nil
	case status(err) == http.StatusNotFound:
		err = fmt.Errorf("%w: %w", ErrNoThread, reason(err))
	default:
		err = reason(err)
	}
	if undone {
		err = fmt.Errorf("%w: %w", ErrNotSent, err)
	}
	return Sent{}, fault.Wrap(fault.Unavailable, fmt.Errorf("%s: %w", doing, err), "")
}

// messageID is what can be searched for: a query knows no quotes inside a word.
var messageID = regexp.MustCompile(`^[^\s<>"(){}]{3,990}$`)

// Find looks for a mail by its Message-ID, with or without its brackets, among all that stands in the mailbox: sent, draft, deleted by its owner
// a moment ago. Gmail's search may lag behind a mail that has just been sent, so not found proves little at once.
func (c *Client) Find(ctx context.Context, g google.Grant, id string) (s Sent, found bool, err error) {
	const doing = "looking for a mail"
	id = strings.TrimSuffix(strings.TrimPrefix(id, "<"), ">")
	if !messageID.MatchString(id) {
		return Sent{}, false, fault.Wrap(fault.Internal, errors.New(doing+": that is no Message-ID"), "")
	}
	search := c.service.Users.Messages.List(me).Q("rfc822msgid:" + id).IncludeSpamTrash(true).Context(ctx)
	answer, err := read(ctx, c, g, doing, search)
	if err != nil || len(answer.Messages) == 0 {
		return Sent{}, false, err
	}
	drafts, err := read(ctx, c, g, doing, search.LabelIds("DRAFT"))
	if err != nil {
		return Sent{}, false, err
	}
	return Sent{ID: answer.Messages[0].Id, ThreadID: answer.Messages[0].ThreadId, Draft: len(drafts.Messages) > 0}, true, nil
}
