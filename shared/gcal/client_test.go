package gcal_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chattercheatah/chattercheatah/shared/fault"
	"github.com/chattercheatah/chattercheatah/shared/gcal"
	"github.com/chattercheatah/chattercheatah/shared/gcal/gcaltest"
	"github.com/chattercheatah/chattercheatah/shared/google"
	"github.com/chattercheatah/chattercheatah/shared/private"
)

const refresh = "1//a-grant"

var (
	grant = google.Grant{TenantID: "1042", RefreshToken: private.NewSecret(refresh)}
	noon  = time.Date(2026, time.February, 6, 12, 0, 0, 0, time.UTC)
)

func newClient(t *testing.T) (*gcal.Client, *gcaltest.Server) {
	t.Helper()
	fake := gcaltest.Start(t)
	fake.Connect(refresh)
	c, err := gcal.NewClient(google.Config{Base: fake.URL() + "/", ClientID: gcaltest.ClientID, ClientSecret: private.NewSecret(gcaltest.ClientSecret)})
	if err != nil {
		t.Fatal(err)
	}
	return c, fake
}

func meeting(id string) gcal.Event {
	return gcal.Event{ID: id, Summary: "Tour: Maria", Start: noon, End: noon.Add(time.Hour), Properties: map[string]string{"tenant_id": "1042"}}
}

func TestFreeBusy_TellsWhatIsTakenAndNoErrorIsFree(t *testing.T) {
	t.Parallel()
	c, fake := newClient(t)
	fake.Occupy(refresh, noon, noon.Add(time.Hour))
	taken, err := c.FreeBusy(t.Context(), grant, "primary", noon.Add(30*time.Minute), noon.Add(2*time.Hour))
	if err != nil || len(taken) != 1 || !taken[0].Start.Equal(noon) || !taken[0].End.Equal(noon.Add(time.Hour)) {
		t.Errorf("%v, %v; want what is taken, which begins before", taken, err)
	}
	if _, err := c.FreeBusy(t.Context(), grant, "owner@exampleco.test", noon, noon.Add(time.Hour)); err == nil || strings.Contains(err.Error(), "exampleco") {
		t.Errorf("another calendar: %v; want an error without its name", err)
	}
	for _, how := range []gcaltest.FreeBusy{gcaltest.ErrorInside, gcaltest.Silence, gcaltest.RateLimited, gcaltest.ServerError, gcaltest.Unreadable, gcaltest.NoConnection, gcaltest.NoAnswer} {
		fake.AnswerFreeBusy(how)
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		if taken, err := c.FreeBusy(ctx, grant, "primary", noon, noon.Add(time.Hour)); fault.KindOf(err) != fault.Unavailable || taken != nil || strings.Contains(err.Error(), "Invented") {
			t.Errorf("answer %d: %v, %v; want fault.Unavailable without Google's words", how, taken, err)
		}
		cancel()
	}
}

func TestInsert_SaysWhatIsKnownOfTheEvent(t *testing.T) {
	t.Parallel()
	c, fake := newClient(t)
	insert := func(id string) error { return c.Insert(t.Context(), grant, "primary", meeting(id)) }
	if err := errors.Join(insert("first"), insert("overlaps")); err != nil {
		t.Fatal(err)
	}
	fake.Delete(refresh, "overlaps")
	for _, id := range []string{"first", "overlaps"} {
		if err := insert(id); !errors.Is(err, gcal.ErrDuplicate) || errors.Is(err, gcal.ErrNotInserted) {
			t.Errorf("%s again: %v; want ErrDuplicate", id, err)
		}
	}
	for _, status := range []int{400, 401, 403, 429} {
		fake.RefuseInserts(status)
		if err := insert("refused"); !errors.Is(err, gcal.ErrNotInserted) {
			t.Errorf("status %d: %v; want ErrNotInserted", status, err)
		}
	}
	fake.RefuseInserts(500)
	if err := insert("failed"); err == nil || errors.Is(err, gcal.ErrNotInserted) || errors.Is(err, gcal.ErrDuplicate) {
		t.Errorf("status 500: %v; want that it is open", err)
	}
	fake.RefuseInserts(0)
	fake.LoseInserts(1)
	if err := insert("lost1"); err == nil || errors.Is(err, gcal.ErrNotInserted) || errors.Is(err, gcal.ErrDuplicate) {
		t.Errorf("the answer was lost: %v; want that it is open", err)
	}
	for id, want := range map[string]gcal.Found{
		"first":    {There: true, Start: noon, End: noon.Add(time.Hour)},
		"overlaps": {There: true, Cancelled: true, Start: noon, End: noon.Add(time.Hour)},
		"lost1":    {There: true, Start: noon, End: noon.Add(time.Hour)},
		"refused":  {},
	} {
		if got, err := c.Event(t.Context(), grant, "primary", id); err != nil || got.There != want.There || got.Cancelled != want.Cancelled || !got.Start.Equal(want.Start) {
			t.Errorf("%s: %+v, %v; want %+v", id, got, err, want)
		}
	}
	if n := fake.Asked().Insert; n != 10 {
		t.Errorf("%d insertions arrived; want one for each of the 10", n)
	}
}

func TestTokens_AreFetchedOnceAndNotServedToAnotherGrant(t *testing.T) {
	t.Parallel()
	c, fake := newClient(t)
	ask := func(g google.Grant) error {
		_, err := c.FreeBusy(t.Context(), g, "primary", noon, noon.Add(time.Hour))
		return err
	}
	var wg sync.WaitGroup
	for range 50 {
		wg.Go(func() {
			if err := ask(grant); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if n := fake.Asked().Token; n != 1 {
		t.Errorf("%d tokens were fetched; want one", n)
	}
	fake.Expire()
	if err := ask(grant); err != nil || fake.Asked().Token != 2 {
		t.Errorf("after it was refused: %v, %d tokens; want another", err, fake.Asked().Token)
	}
	if err := ask(google.Grant{TenantID: "1042", RefreshToken: private.NewSecret("1//another")}); !errors.Is(err, google.ErrGrant) {
		t.Errorf("another grant of the tenant: %v; want ErrGrant", err)
	}
	fake.Revoke(refresh)
	if err := ask(grant); !errors.Is(err, google.ErrGrant) || strings.Contains(err.Error(), refresh) {
		t.Errorf("a revoked grant: %v; want ErrGrant, although a token was kept", err)
	}
}
