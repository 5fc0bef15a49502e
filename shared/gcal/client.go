// Package gcal reads and fills a tenant's own Google Calendar: when it is busy, and one event for each meeting that is booked.
//
// Errors are fault.Unavailable and hold a status and a reason, never a calendar's name, an event or a token. Among them errors.Is tells
// google.ErrGrant, and of an insertion ErrDuplicate and ErrNotInserted.
package gcal

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"google.golang.org/api/calendar/v3"
	"google.golang.org/api/googleapi"
	"google.golang.org/api/option"

	"github.com/chattercheatah/chattercheatah/shared/fault"
	"github.com/chattercheatah/chattercheatah/shared/google"
)

// What an error can be besides a Google that did not answer.
var (
	ErrDuplicate   = errors.New("there is, or was, an event with this id")
	ErrNotInserted = errors.New("the event was surely not made")
)

// calendarAddress is Google's own.
const calendarAddress = "https://www.googleapis.com/calendar/v3/"

// Client asks Google. Deadlines come with each call's context.
type Client struct {
	service *calendar.Service
	tokens  *google.Tokens
}

// NewClient asks at the address of c. It dials nothing.
func NewClient(c google.Config) (*Client, error) {
	plain := google.NewHTTP()
	at := c.At("/calendar/v3/", calendarAddress) // the endpoint of the library is the whole of the path
	service, err := calendar.NewService(context.Background(), option.WithHTTPClient(plain), option.WithEndpoint(at))
	if err != nil {
		return nil, fmt.Errorf("making a client of Google Calendar: %w", err)
	}
	return &Client{service, google.NewTokens(c, plain)}, nil
}

// Busy is a time that is taken, from Start up to but not including End. It may reach beyond the time that was asked about.
type Busy struct{ Start, End time.Time }

// FreeBusy tells when a calendar is busy between two times. Of a calendar that Google says nothing of, or about which it reports an error,
// nothing is known: that is an error too, and never free.
func (c *Client) FreeBusy(ctx context.Context, g google.Grant, calendarID string, from, to time.Time) (taken []Busy, err error) {
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
		return nil, fmt.Errorf("the calendar has an error, %q", google.Plain(about.Errors[0].Reason))
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
// earlier attempt; ErrNotInserted, google.ErrGrant among it, when the event was surely not made. After any other error it may have been.
func (c *Client) Insert(ctx context.Context, g google.Grant, calendarID string, e Event) error {
	undone, err := c.tokens.Once(ctx, g, func(ctx context.Context, header string) error {
		call := c.service.Events.Insert(calendarID, wire(e)).Context(ctx).SendUpdates("none")
		if e.Attendee != "" {
			call = call.SendUpdates("all")
		}
		call.Header().Set("Authorization", header)
		_, err := call.Do()
		return err
	})
	if err == nil {
		return nil
	}
	answer, refused := errors.AsType[*googleapi.Error](err)
	err = google.Reason(err)
	switch {
	case refused && answer.Code == http.StatusConflict:
		err = fmt.Errorf("%w: %w", ErrDuplicate, err)
	case undone:
		err = fmt.Errorf("%w: %w", ErrNotInserted, err)
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
func (c *Client) Event(ctx context.Context, g google.Grant, calendarID, id string) (f Found, err error) {
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

// read asks what changes nothing.
func (c *Client) read(ctx context.Context, g google.Grant, doing string, ask func(header string) error) error {
	if err := c.tokens.Read(ctx, g, ask); err != nil {
		return fault.Wrap(fault.Unavailable, fmt.Errorf("%s: %w", doing, google.Reason(err)), "")
	}
	return nil
}
