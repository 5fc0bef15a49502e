package telnyx_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/chattercheatah/chattercheatah/shared/fault"
	"github.com/chattercheatah/chattercheatah/shared/private"
	"github.com/chattercheatah/chattercheatah/shared/telnyx"
	"github.com/chattercheatah/chattercheatah/shared/telnyx/telnyxtest"
)

var query = telnyx.SentQuery{
	From: ours, To: customer, WebhookURL: statusURL,
	After:  time.Date(2026, 5, 15, 12, 0, 0, 0, time.FixedZone("", -5*3600)),
	Before: time.Date(2026, 5, 15, 12, 10, 0, 0, time.FixedZone("", -5*3600)),
}

func wantUnavailable(t testing.TB, name string, id string, found bool, err error) {
	t.Helper()
	if err == nil || fault.KindOf(err) != fault.Unavailable || found || id != "" {
		t.Errorf("%s: FindSent = %q, %v, %v; want unavailable", name, id, found, err)
	}
	wantNoLeak(t, err)
}

func TestFindSent_FindsATextWhoseAnswerWasLost(t *testing.T) {
	t.Parallel()
	for _, failure := range []telnyxtest.Failure{telnyxtest.TakenLost, telnyxtest.Taken500, telnyxtest.TakenGarbage} {
		s, c := fake(t, "")
		client := telnyx.NewClient(c.url)
		s.Fail(failure)
		if _, err := client.Send(t.Context(), key, hello); err == nil {
			t.Fatalf("%s: the answer was not lost", failure)
		}
		id, found, err := client.FindSent(t.Context(), key, query)
		if err != nil || !found || id != s.Sent()[0].ID {
			t.Errorf("%s: FindSent = %q, %v, %v; want %q", failure, id, found, err, s.Sent()[0].ID)
		}
	}
}

func TestFindSent_DoesNotTakeAnotherTextForIt(t *testing.T) {
	t.Parallel()
	s, c := fake(t, "")
	client := telnyx.NewClient(c.url)
	s.Fail(telnyxtest.Dropped)
	if _, err := client.Send(t.Context(), key, hello); err == nil {
		t.Fatal("the text was taken")
	}
	another, elsewhere, reversed := hello, hello, hello
	another.WebhookURL += "7"
	elsewhere.To = private.MustPhone("+15555550143")
	reversed.From, reversed.To = hello.To, hello.From
	for _, o := range []telnyx.Outgoing{another, elsewhere, reversed} {
		if _, err := client.Send(t.Context(), key, o); err != nil {
			t.Fatal(err)
		}
	}
	id, found, err := client.FindSent(t.Context(), key, query)
	if err != nil || found || id != "" {
		t.Errorf("FindSent = %q, %v, %v; want nothing", id, found, err)
	}
}

// Telnyx may ignore a filter that it does not know, so each record is compared again.
func TestFindSent_ComparesEveryPartOfARecord(t *testing.T) {
	t.Parallel()
	record := map[string]string{"uuid": "m1", "direction": "outbound", "cli": ours.E164(), "cld": customer.E164(), "delivery_status_webhook_url": statusURL}
	for part, value := range map[string]string{
		"": "", "uuid": "", "direction": "inbound", "cli": "+15555550199", "cld": "+15555550199", "delivery_status_webhook_url": statusURL + "8",
	} {
		body := `{"data":[{`
		for name, v := range record {
			if name == part {
				v = value
			}
			body += fmt.Sprintf("%q:%q,", name, v)
		}
		c := count(t, says(200, body+`"status":"DELIVERED"}],"meta":{"total_pages":1}}`))
		id, found, err := telnyx.NewClient(c.url).FindSent(t.Context(), key, query)
		if err != nil || found != (part == "") || (id == "m1") != found {
			t.Errorf("with another %q: FindSent = %q, %v, %v", part, id, found, err)
		}
	}
}

func TestFindSent_ReadsEveryPage(t *testing.T) {
	t.Parallel()
	s, c := fake(t, "")
	client := telnyx.NewClient(c.url)
	for i := range 120 {
		o := hello
		if i > 0 {
			o.WebhookURL = fmt.Sprintf("%s-%d", statusURL, i)
		}
		if _, err := client.Send(t.Context(), key, o); err != nil {
			t.Fatal(err)
		}
	}
	id, found, err := client.FindSent(t.Context(), key, query)
	if err != nil || !found || id != s.Sent()[0].ID {
		t.Errorf("FindSent = %q, %v, %v; want the oldest text", id, found, err)
	}
	if asked := c.requests.Load() - 120; asked != 3 {
		t.Errorf("%d pages were read, want 3", asked)
	}
}

func TestFindSent_MorePagesThanItReadsIsNotAbsent(t *testing.T) {
	t.Parallel()
	for pages, answered := range map[int]bool{0: true, 1: true, 10: true, 11: false, 1000: false} {
		c := count(t, says(200, fmt.Sprintf(`{"data":[],"meta":{"total_pages":%d}}`, pages)))
		id, found, err := telnyx.NewClient(c.url).FindSent(t.Context(), key, query)
		if answered && (err != nil || found) {
			t.Errorf("%d pages: FindSent = %q, %v, %v; want nothing", pages, id, found, err)
		}
		if !answered {
			wantUnavailable(t, fmt.Sprintf("%d pages", pages), id, found, err)
		}
		if want := int64(min(max(pages, 1), 10)); c.requests.Load() != want {
			t.Errorf("%d pages: %d requests, want %d", pages, c.requests.Load(), want)
		}
	}
}

func TestFindSent_AnAnswerThatCannotBeReadIsNotAbsent(t *testing.T) {
	t.Parallel()
	for name, answer := range map[string]http.HandlerFunc{
		"500":        says(500, `{"data":[]}`),
		"302":        says(302, `{"data":[]}`, "Location", "/elsewhere"),
		"401":        says(401, `{"errors":[{"code":"10009"}]}`),
		"429":        says(429, `{"data":[]}`),
		"204":        says(204, ""),
		"no body":    says(200, ""),
		"no JSON":    says(200, "<html>"),
		"no data":    says(200, `{"meta":{"total_pages":1}}`),
		"null":       says(200, `{"data":null}`),
		"an object":  says(200, `{"data":{}}`),
		"cut off":    says(200, `{"data":[`, "Content-Length", "100"),
		"errors too": says(200, `{"errors":[]}`),
	} {
		c := count(t, answer)
		id, found, err := telnyx.NewClient(c.url).FindSent(t.Context(), key, query)
		wantUnavailable(t, name, id, found, err)
	}
}

func TestFindSent_UnavailableWhenItCannotAsk(t *testing.T) {
	t.Parallel()
	s, c := fake(t, "")
	client := telnyx.NewClient(c.url)
	s.RecordsDown(true)
	id, found, err := client.FindSent(t.Context(), key, query)
	wantUnavailable(t, "down", id, found, err)
	s.RecordsDown(false)
	if _, found, err = client.FindSent(t.Context(), key, query); err != nil || found {
		t.Errorf("up again: %v, %v", found, err)
	}
	id, found, err = client.FindSent(t.Context(), private.NewSecret("KEYwrong"), query)
	wantUnavailable(t, "a wrong key", id, found, err)

	over, cancel := context.WithCancel(t.Context())
	cancel()
	id, found, err = client.FindSent(over, key, query)
	wantUnavailable(t, "given up", id, found, err)
	closed := httptest.NewServer(http.NotFoundHandler())
	closed.Close()
	id, found, err = telnyx.NewClient(closed.URL).FindSent(t.Context(), key, query)
	wantUnavailable(t, "nobody listens", id, found, err)
	id, found, err = telnyx.NewClient("http://telnyx.test:bad").FindSent(t.Context(), key, query)
	wantUnavailable(t, "no address", id, found, err)
}

func TestFindSent_AsksForTheTextsOfItsWindow(t *testing.T) {
	t.Parallel()
	asked := make(chan url.Values, 1)
	c := count(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked <- r.URL.Query()
		says(200, `{"data":[]}`)(w, r)
	}))
	if _, _, err := telnyx.NewClient(c.url).FindSent(t.Context(), key, query); err != nil {
		t.Fatal(err)
	}
	want := url.Values{
		"filter[record_type]": {"messaging"}, "filter[direction]": {"outbound"}, "filter[cli]": {ours.E164()}, "filter[cld]": {customer.E164()},
		"filter[created_at][gte]": {"2026-05-15T17:00:00Z"}, "filter[created_at][lt]": {"2026-05-15T17:10:00Z"},
		"page[number]": {"1"}, "page[size]": {"50"}, "sort": {"-created_at"},
	}
	if diff := cmp.Diff(want, <-asked); diff != "" {
		t.Errorf("the query (-want +got):\n%s", diff)
	}
}
