// Package gcal reads and fills a tenant's own Google Calendar: when it is busy, and one event for each meeting that is booked.
//
// Errors are fault.Unavailable and hold a status and a reason, never a calendar's name, an event or a token. Among them errors.Is tells
// ErrGrant, and of an insertion ErrDuplicate and ErrNotInserted.
package gcal

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/oauth2"
	"google.golang.org/api/calendar/v3"
	"google.golang.org/api/googleapi"
	"google.golang.org/api/option"

	"github.com/chattercheatah/chattercheatah/shared/fault"
	"github.com/chattercheatah/chattercheatah/shared/private"
)

// What an error can be besides a Google that did not answer.
var (
	ErrGrant       = errors.New("the grant is revoked or has expired; the calendar has to be connected again")
	ErrDuplicate   = errors.New("there is, or was, an event with this id")
	ErrNotInserted = errors.New("the event was surely not made")
)

// Config is as whom Google is asked, and where.
type Config struct {
	Base         string         `env:"GOOGLE_API_BASE"` // "" for Google's own addresses
	ClientID     string         `env:"GOOGLE_OAUTH_CLIENT_ID"`
	ClientSecret private.Secret `env:"GOOGLE_OAUTH_CLIENT_SECRET"`
}

// Validate names each setting that is malformed. Without a client there are no calendars, which is no error: tenants without one have
// their booking page.
func (c Config) Validate() error {
	var errs []error
	if u, err := url.Parse(c.Base); err != nil || c.Base != "" && (u.Host == "" || u.Scheme != "https" && u.Scheme != "http") {
		errs = append(errs, errors.New("GOOGLE_API_BASE must be an absolute address, or empty for Google's own"))
	}
	if (c.ClientID == "") != c.ClientSecret.IsZero() {
		errs = append(errs, errors.New("GOOGLE_OAUTH_CLIENT_SECRET and GOOGLE_OAUTH_CLIENT_ID belong together: set both or neither"))
	}
	return errors.Join(errs...)
}

// Google's own addresses.
const (
	tokenAddress    = "https://oauth2.googleapis.com/token"
	calendarAddress = "https://www.googleapis.com/calendar/v3/"
)

// Client asks Google. Deadlines come with each call's context.
type Client struct {
	http    *http.Client
	service *calendar.Service
	tokens  *tokens
}

// NewClient asks at the address of c. It dials nothing.
func NewClient(c Config) (*Client, error) {
	token, api := tokenAddress, calendarAddress
	if base := strings.TrimRight(c.Base, "/"); base != "" {
		token, api = base+"/token", base+"/calendar/v3/" // the endpoint of the library is the whole of the path
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.MaxIdleConnsPerHost = 32
	plain := &http.Client{Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	service, err := calendar.NewService(context.Background(), option.WithHTTPClient(plain), option.WithEndpoint(api))
	if err != nil {
		return nil, fmt.Errorf("making a client of Google Calendar: %w", err)
	}
	return &Client{plain, service, newTokens(plain, oauth2.Config{
		ClientID: c.ClientID, ClientSecret: c.ClientSecret.Reveal(), Endpoint: oauth2.Endpoint{TokenURL: token, AuthStyle: oauth2.AuthStyleInParams},
	})}, nil
}

// Grant is a tenant's leave to use its calendar: the refresh token that Google gave when somebody connected it.
type Grant struct {
	TenantID     string
	RefreshToken private.Secret
}

// Busy is a time that is taken, from Start up to but not including End. It may reach beyond the time that was asked about.
type Busy struct{ Start, End time.Time }

// FreeBusy tells when a calendar is busy between two times. Of a calendar that Google says nothing of, or about which it reports an error,
// nothing is known: that is an error too, and never free.
func (c *Client) FreeBusy(ctx context.Context, g Grant, calendarID string, from, to time.Time) (taken []Busy, err error) {
	err = c.read(ctx, g, "asking when a calendar is busy", func(header string) error {
		call := c.service.Freebusy.Query(&calendar.FreeBusyRequest{
			TimeMin: from.UTC().Format(time.RFC3339), TimeMax: to.UTC().Format(time.RFC3339), Items: []*calendar.FreeBusyRequestItem{{Id: calendarID}},
		}).Context(ctx)
		call.Header().Set("Authorization", header)
		answer, err := call.Do()
		if err != nil {
			return err
		}
		taken, err = spans(answer, calendarID)
		return err
	})
	return taken, err
}

func spans(answer *calendar.FreeBusyResponse, calendarID string) ([]Busy, error) {
	about, told := answer.Calendars[calendarID]
	switch {
	case !told:
		return nil, errors.New("the answer says nothing of the calendar")
	case len(about.Errors) > 0:
		return nil, fmt.Errorf("the calendar has an error, %q", plain(about.Errors[0].Reason))
	}
	var taken []Busy
	for _, span := range about.Busy {
		start, startErr := time.Parse(time.RFC3339, span.Start)
		end, endErr := time.Parse(time.RFC3339, span.End)
		if startErr != nil || endErr != nil {
			return nil, errors.New("the answer has a time that cannot be read")
		}
		taken = append(taken, Busy{start, end})
	}
	return taken, nil
}

// Event is a meeting to put into a calendar.
type Event struct {
	ID                   string // 5 to 1024 of 0-9 and a-v; one is never free again, even when its event is deleted
	Summary, Description string
	Start, End           time.Time // in the zone that the calendar is to show
	Attendee             string    // who is invited, by e-mail; "" for nobody
	Properties           map[string]string
}

// Insert makes an event, and asks once: Google has no check against what is there already. ErrDuplicate when the id is taken, perhaps by an
// earlier attempt; ErrNotInserted, ErrGrant among it, when the event was surely not made. After any other error it may have been.
func (c *Client) Insert(ctx context.Context, g Grant, calendarID string, e Event) error {
	token, err := c.tokens.access(ctx, g)
	if err != nil {
		return fault.Wrap(fault.Unavailable, fmt.Errorf("inserting an event: %w: %w", ErrNotInserted, reason(err)), "")
	}
	var connected atomic.Bool
	traced := httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{GotConn: func(httptrace.GotConnInfo) { connected.Store(true) }})
	call := c.service.Events.Insert(calendarID, wire(e)).Context(traced).SendUpdates("none")
	if e.Attendee != "" {
		call = call.SendUpdates("all")
	}
	call.Header().Set("Authorization", token)
	_, err = call.Do()
	if err == nil {
		return nil
	}
	answer, refused := errors.AsType[*googleapi.Error](err)
	err = reason(err)
	switch {
	case refused && answer.Code == http.StatusConflict:
		err = fmt.Errorf("%w: %w", ErrDuplicate, err)
	case refused && answer.Code >= 400 && answer.Code < 500 && answer.Code != http.StatusRequestTimeout, !connected.Load():
		err = fmt.Errorf("%w: %w", ErrNotInserted, err)
	}
	if refused && answer.Code == http.StatusUnauthorized {
		c.tokens.forget(g)
	}
	return fault.Wrap(fault.Unavailable, fmt.Errorf("inserting an event: %w", err), "")
}

func wire(e Event) *calendar.Event {
	made := &calendar.Event{
		Id: e.ID, Summary: e.Summary, Description: e.Description,
		Start:              &calendar.EventDateTime{DateTime: e.Start.Format(time.RFC3339), TimeZone: e.Start.Location().String()},
		End:                &calendar.EventDateTime{DateTime: e.End.Format(time.RFC3339), TimeZone: e.End.Location().String()},
		ExtendedProperties: &calendar.EventExtendedProperties{Private: e.Properties},
	}
	if e.Attendee != "" {
		made.Attendees = []*calendar.EventAttendee{{Email: e.Attendee}}
	}
	return made
}

// Found is how an event stands.
type Found struct {
	There      bool // false for one that there never was
	Cancelled  bool // it was deleted
	Start, End time.Time
}

// Event looks for an event by its id.
func (c *Client) Event(ctx context.Context, g Grant, calendarID, id string) (f Found, err error) {
	err = c.read(ctx, g, "looking for an event", func(header string) error {
		call := c.service.Events.Get(calendarID, id).Context(ctx)
		call.Header().Set("Authorization", header)
		e, err := call.Do()
		if answer, ok := errors.AsType[*googleapi.Error](err); ok && (answer.Code == http.StatusNotFound || answer.Code == http.StatusGone) {
			f = Found{}
			return nil
		}
		if err != nil {
			return err
		}
		f = Found{There: true, Cancelled: e.Status == "cancelled", Start: at(e.Start), End: at(e.End)}
		return nil
	})
	return f, err
}

// at is zero for a whole day.
func at(t *calendar.EventDateTime) time.Time {
	if t == nil {
		return time.Time{}
	}
	moment, _ := time.Parse(time.RFC3339, t.DateTime)
	return moment
}

// read asks, and once more with another access token when the first is refused.
func (c *Client) read(ctx context.Context, g Grant, doing string, ask func(header string) error) error {
	var err error
	for range 2 {
		var token string
		if token, err = c.tokens.access(ctx, g); err != nil {
			break
		}
		err = ask(token)
		if answer, ok := errors.AsType[*googleapi.Error](err); !ok || answer.Code != http.StatusUnauthorized {
			break
		}
		c.tokens.forget(g)
	}
	if err == nil {
		return nil
	}
	return fault.Wrap(fault.Unavailable, fmt.Errorf("%s: %w", doing, reason(err)), "")
}

// reason is what may be told of an error: the library's own repeats Google's words, and addresses in which a calendar's name stands.
func reason(err error) error {
	if answer, ok := errors.AsType[*googleapi.Error](err); ok {
		why := ""
		if len(answer.Errors) > 0 {
			why = plain(answer.Errors[0].Reason)
		}
		return fmt.Errorf("status %d, %q", answer.Code, why)
	}
	if e, ok := errors.AsType[*oauth2.RetrieveError](err); ok {
		if e.ErrorCode == "invalid_grant" {
			return ErrGrant
		}
		return fmt.Errorf("no access token: status %d, %q", statusOf(e.Response), plain(e.ErrorCode))
	}
	if e, ok := errors.AsType[*url.Error](err); ok {
		return e.Err
	}
	return err
}

func statusOf(r *http.Response) int {
	if r == nil {
		return 0
	}
	return r.StatusCode
}

// plain is a reason as Google writes them, and nothing else.
func plain(s string) string {
	if len(s) > 60 || strings.Trim(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_") != "" {
		return "unreadable"
	}
	return s
}
