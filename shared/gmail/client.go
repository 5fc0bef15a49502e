// Package gmail is the part of Gmail that answering a tenant's mail needs: notices of what arrives, the mail itself, and an answer or a draft.
//
// Errors are fault.Unavailable and hold a status and a reason, never an address, a subject, a token or a word of a mail. Among them errors.Is
// tells google.ErrGrant and those below.
//
// What a call costs, in quota units; a user has 6,000 a minute, a project 1,200,000 (developers.google.com, "Usage limits"; the page had 5 for
// a message and 15,000 a minute before):
//
//	Profile   1      History  2 a page      Message  20      Send   100
//	Watch   100      Recent   5 a page      Find      5      Draft   10
//	Stop     50
package gmail

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"time"

	"google.golang.org/api/gmail/v1"
	"google.golang.org/api/googleapi"
	"google.golang.org/api/option"

	"github.com/chattercheatah/chattercheatah/shared/fault"
	"github.com/chattercheatah/chattercheatah/shared/google"
)

// What an error can be besides a Gmail that did not answer.
var (
	ErrHistoryGone = errors.New("the history does not reach back that far; look through the recent mail instead")
	ErrNoMessage   = errors.New("there is no such message, or no more")
	ErrNoThread    = errors.New("there is no such thread, or no more")
	ErrNotSent     = errors.New("the mail was surely not sent, and no draft made")
	ErrBusy        = errors.New("the mailbox or the project has been asked too often; try later")
	ErrScope       = errors.New("the grant does not reach that far; the account has to be connected again, with everything ticked")
)

// Scopes are what a person is asked for: to read the mailbox, and to draft and send.
func Scopes() []string { return []string{gmail.GmailReadonlyScope, gmail.GmailComposeScope} }

// Unticked are those of Scopes that are not among what was granted.
func Unticked(granted []string) []string {
	return slices.DeleteFunc(Scopes(), func(s string) bool { return slices.Contains(granted, s) })
}

// Client asks Gmail, of each grant for the mailbox of its account. Deadlines come with each call's context.
type Client struct {
	// Tokens are the access tokens in use: Current tells a caller which one to keep.
	Tokens *google.Tokens

	http    *http.Client
	base    string
	service *gmail.Service
}

// gmailAddress is Google's own.
const gmailAddress = "https://gmail.googleapis.com/"

// me is the account that a token is of.
const me = "me"

// NewClient asks at the address of c. It dials nothing.
func NewClient(c google.Config) (*Client, error) {
	plain, at := google.NewHTTP(), c.At("/", gmailAddress)
	// The library's own log would hold whole mails.
	service, err := gmail.NewService(context.Background(), option.WithHTTPClient(plain), option.WithEndpoint(at), option.WithLogger(slog.New(slog.DiscardHandler)))
	if err != nil {
		return nil, fmt.Errorf("making a client of Gmail: %w", err)
	}
	return &Client{google.NewTokens(c, plain), plain, at, service}, nil
}

// Profile is whose mailbox it is, and where its history has got to.
type Profile struct {
	Address   string // in the case that Google keeps it in
	HistoryID uint64
}

// Profile asks whose mailbox it is.
func (c *Client) Profile(ctx context.Context, g google.Grant) (Profile, error) {
	p, err := read(ctx, c, g, "asking whose mailbox it is", c.service.Users.GetProfile(me).Context(ctx))
	if err != nil {
		return Profile{}, err
	}
	if p.EmailAddress == "" || p.HistoryId == 0 {
		return Profile{}, incomplete("asking whose mailbox it is")
	}
	return Profile{p.EmailAddress, p.HistoryId}, nil
}

// Watching is a mailbox whose changes are announced.
type Watching struct {
	HistoryID uint64 // where the history has got to; not where reading it has, of a mailbox that was watched before
	Expires   time.Time
}

// Watch has Gmail announce to topic (projects/P/topics/T) what changes in the inbox, for seven days or until Stop. The first notice comes at once.
// Watching again makes it last longer.
func (c *Client) Watch(ctx context.Context, g google.Grant, topic string) (Watching, error) {
	const doing = "having a mailbox watched"
	w, err := read(ctx, c, g, doing, c.service.Users.Watch(me, &gmail.WatchRequest{
		TopicName: topic, LabelIds: []string{"INBOX"}, LabelFilterBehavior: "include",
	}).Context(ctx))
	if err != nil {
		return Watching{}, err
	}
	if w.HistoryId == 0 || w.Expiration == 0 {
		return Watching{}, incomplete(doing)
	}
	return Watching{w.HistoryId, time.UnixMilli(w.Expiration).UTC()}, nil
}

// Stop ends the notices. A mailbox that is not watched is no error.
func (c *Client) Stop(ctx context.Context, g google.Grant) error {
	return c.read(ctx, g, "ending the watch of a mailbox", func(header string) error {
		call := c.service.Users.Stop(me).Context(ctx)
		call.Header().Set("Authorization", header)
		return call.Do()
	})
}

// Added is a message that came into a mailbox, by whatever way: it may be the owner's own, a draft, spam, or deleted again.
type Added struct {
	ID, ThreadID string
	Labels       []string // as they were then; none in what Recent lists
}

// History is a page of what came into a mailbox.
type History struct {
	Added     []Added // in the order in which they came, each once a page
	HistoryID uint64  // where the history has got to, to go on from after the last page
	Next      string  // the next page; "" after the last one
}

// pageSize is the most that Gmail lists at a time.
const pageSize = 500

// History lists what came into a mailbox after a history id, which is one of Profile, Watch or History, never of a notice. page is "" for the
// first one. ErrHistoryGone when Gmail does not know so far back, which may be after hours.
func (c *Client) History(ctx context.Context, g google.Grant, since uint64, page string) (History, error) {
	const doing = "reading the history of a mailbox"
	call := c.service.Users.History.List(me).StartHistoryId(since).HistoryTypes("messageAdded").MaxResults(pageSize).Context(ctx)
	if page != "" {
		call = call.PageToken(page)
	}
	answer, err := read(ctx, c, g, doing, call)
	if status(err) == http.StatusNotFound {
		return History{}, fault.Wrap(fault.Unavailable, fmt.Errorf("%s: %w", doing, ErrHistoryGone), "")
	}
	if err != nil {
		return History{}, err
	}
	if answer.HistoryId == 0 {
		return History{}, incomplete(doing)
	}
	return History{additions(answer.History), answer.HistoryId, answer.NextPageToken}, nil
}

func additions(records []*gmail.History) []Added {
	var added []Added
	seen := map[string]bool{}
	for _, record := range records {
		for _, a := range record.MessagesAdded {
			if a == nil || a.Message == nil || a.Message.Id == "" || seen[a.Message.Id] {
				continue
			}
			seen[a.Message.Id] = true
			added = append(added, Added{a.Message.Id, a.Message.ThreadId, a.Message.LabelIds})
		}
	}
	return added
}

// Recent lists the messages under a label, such as INBOX, that Gmail's search finds ("newer_than:2d"), the newest first, a page at a time; of
// their labels it tells that one. It is for a mailbox whose history is gone; take a history id from Profile before.
func (c *Client) Recent(ctx context.Context, g google.Grant, label, query, page string) (added []Added, next string, err error) {
	call := c.service.Users.Messages.List(me).LabelIds(label).Q(query).MaxResults(pageSize).Context(ctx)
	if page != "" {
		call = call.PageToken(page)
	}
	answer, err := read(ctx, c, g, "listing the recent mail of a mailbox", call)
	if err != nil {
		return nil, "", err
	}
	for _, m := range answer.Messages {
		added = append(added, Added{ID: m.Id, ThreadID: m.ThreadId, Labels: []string{label}})
	}
	return added, answer.NextPageToken, nil
}

// call is a call of the library.
type call[T any] interface {
	Header() http.Header
	Do(options ...googleapi.CallOption) (T, error)
}

// read asks what may be asked again.
func read[T any](ctx context.Context, c *Client, g google.Grant, doing string, call call[T]) (answer T, err error) {
	err = c.read(ctx, g, doing, func(header string) error {
		call.Header().Set("Authorization", header)
		answer, err = call.Do()
		return err
	})
	return answer, err
}

func (c *Client) read(ctx context.Context, g google.Grant, doing string, ask func(header string) error) error {
	if err := c.Tokens.Read(ctx, g, ask); err != nil {
		return fault.Wrap(fault.Unavailable, &failure{doing, status(err), reason(err)}, "")
	}
	return nil
}

// failure is an error whose status is remembered, 0 for one that came without.
type failure struct {
	doing  string
	status int
	err    error
}

// Error tells what was tried and why it failed.
func (f *failure) Error() string { return f.doing + ": " + f.err.Error() }

// Unwrap gives the cause.
func (f *failure) Unwrap() error { return f.err }

func status(err error) int {
	if f, ok := errors.AsType[*failure](err); ok {
		return f.status
	}
	if answer, ok := errors.AsType[*googleapi.Error](err); ok {
		return answer.Code
	}
	return 0
}

// reason is what may be told of an error.
func reason(err error) error {
	told := google.Reason(err)
	answer, ok := errors.AsType[*googleapi.Error](err)
	if !ok {
		return told
	}
	why := google.Why(answer)
	switch {
	case answer.Code == http.StatusTooManyRequests, answer.Code == http.StatusForbidden && (why == "rateLimitExceeded" || why == "userRateLimitExceeded"):
		return fmt.Errorf("%w: %w", ErrBusy, told)
	case answer.Code == http.StatusForbidden && why == "insufficientPermissions":
		return fmt.Errorf("%w: %w", ErrScope, told)
	default:
		return told
	}
}

func incomplete(doing string) error {
	return fault.Wrap(fault.Unavailable, fmt.Errorf("%s: an answer without what was asked for", doing), "")
}
