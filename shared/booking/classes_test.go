package booking_test

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/chattercheatah/chattercheatah/shared/booking"
	"github.com/chattercheatah/chattercheatah/shared/ephemeral"
	"github.com/chattercheatah/chattercheatah/shared/ephemeral/ephemeraltest"
	"github.com/chattercheatah/chattercheatah/shared/fault"
	"github.com/chattercheatah/chattercheatah/shared/jackrabbit"
	"github.com/chattercheatah/chattercheatah/shared/jackrabbit/jackrabbittest"
)

const org = "545911"

// pool is a swim school's list at a fake Jackrabbit, a Firestore that instances share and a clock that is moved by hand.
type pool struct {
	jackrabbit *jackrabbittest.Server
	firestore  *ephemeraltest.Server
	at         atomic.Int64
	log        locked
}

func newPool(t testing.TB, rows ...jackrabbittest.Row) *pool {
	t.Helper()
	p := &pool{jackrabbit: jackrabbittest.Start(t), firestore: ephemeraltest.New(t)}
	p.at.Store(time.Date(2026, 2, 6, 16, 0, 0, 0, time.UTC).Unix())
	p.jackrabbit.Set(org, rows...)
	return p
}

func (p *pool) now() time.Time           { return time.Unix(p.at.Load(), 0).UTC() }
func (p *pool) advance(by time.Duration) { p.at.Add(int64(by / time.Second)) }

// instance is another process.
func (p *pool) instance(t testing.TB) *booking.Classes {
	t.Helper()
	store := ephemeral.New(ephemeral.Config{Project: "p", EmulatorHost: p.firestore.Addr()}, p.now)
	t.Cleanup(func() { _ = store.Close() })
	return &booking.Classes{
		Client: jackrabbit.NewClient(p.jackrabbit.URL()), Cache: store.Cache("classes", 5*time.Minute), Now: p.now, Log: slog.New(slog.NewTextHandler(&p.log, nil)),
	}
}

// locked is a log that several may write.
type locked struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *locked) Write(line []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(line)
}

func (l *locked) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// names are the levels of the classes found.
func names(a booking.Answer) string {
	var all []string
	for _, c := range a.Classes {
		all = append(all, c.Level)
	}
	return strings.Join(all, ", ")
}

// wantList checks what an instance finds without a filter, and how often Jackrabbit was asked up to then.
func (p *pool) wantList(t *testing.T, c *booking.Classes, want string, stale bool, asked int) booking.Answer {
	t.Helper()
	a, err := c.Find(t.Context(), org, booking.Filter{})
	if err != nil || names(a) != want || a.Stale != stale || a.Unavailable {
		t.Errorf("found %q, stale %v, unavailable %v, %v; want %q, stale %v", names(a), a.Stale, a.Unavailable, err, want, stale)
	}
	if n := p.jackrabbit.Asked(org); n != asked {
		t.Errorf("Jackrabbit was asked %d times; want %d", n, asked)
	}
	return a
}

// wantNone checks that there is no list to be had.
func (p *pool) wantNone(t *testing.T, c *booking.Classes, asked int) {
	t.Helper()
	a, err := c.Find(t.Context(), org, booking.Filter{})
	if err == nil || fault.KindOf(err) != fault.Unavailable || !a.Unavailable || len(a.Classes) != 0 || !strings.HasPrefix(a.Say("en"), "I cannot see") {
		t.Errorf("found %q, unavailable %v, %v; want unavailable, and words for it", names(a), a.Unavailable, err)
	}
	if n := p.jackrabbit.Asked(org); n != asked {
		t.Errorf("Jackrabbit was asked %d times; want %d", n, asked)
	}
}

var (
	starfish = jackrabbittest.Class(1, "Starfish - Sat 9:00am").Level("Starfish").Ages("P3Y", "P5Y11M")
	minnow   = jackrabbittest.Class(2, "Minnow").Level("Minnow").At("24Spring", "24 Hour Fitness Spring Energy").On("16:30", "17:00", time.Monday)
)

func TestClasses_AListServesAllInstancesForFiveMinutes(t *testing.T) {
	t.Parallel()
	p := newPool(t, starfish)
	one, other := p.instance(t), p.instance(t)
	began := p.now()
	p.wantList(t, one, "Starfish", false, 1)
	p.jackrabbit.Set(org, minnow)
	p.advance(299 * time.Second)
	p.wantList(t, one, "Starfish", false, 1)
	if a := p.wantList(t, other, "Starfish", false, 1); !a.AsOf.Equal(began) {
		t.Errorf("as of %v; want %v, when it was fetched", a.AsOf, began)
	}
	p.advance(time.Second)
	p.wantList(t, other, "Minnow", false, 2)
	p.wantList(t, one, "Minnow", false, 2)
	if log := p.log.String(); log != "" {
		t.Errorf("logged %s", log)
	}
}

func TestClasses_OneAsksForAllWhoWantAListAtOnce(t *testing.T) {
	t.Parallel()
	p := newPool(t, starfish)
	p.jackrabbit.Set("526069", minnow)
	c := p.instance(t)
	arrived, release := p.jackrabbit.Hang()
	var wg sync.WaitGroup
	for i := range 40 {
		wg.Go(func() {
			id, want := org, "Starfish"
			if i%2 == 1 {
				id, want = "526069", "Minnow"
			}
			a, err := c.Find(t.Context(), id, booking.Filter{Days: []time.Weekday{time.Monday, time.Saturday}, Level: want})
			if err != nil || names(a) != want {
				t.Errorf("found %q, %v; want %s", names(a), err, want)
			}
		})
	}
	<-arrived
	release()
	wg.Wait()
	if a, b := p.jackrabbit.Asked(org), p.jackrabbit.Asked("526069"); a != 1 || b != 1 {
		t.Errorf("asked %d and %d times; want each list once", a, b)
	}
}

func TestClasses_AStaleAnswerWhenJackrabbitIsAway(t *testing.T) {
	t.Parallel()
	p := newPool(t, starfish)
	one := p.instance(t)
	began := p.now()
	p.wantList(t, one, "Starfish", false, 1)
	p.jackrabbit.Fail(503)
	p.advance(10 * time.Minute)
	if a := p.wantList(t, one, "Starfish", true, 2); !a.AsOf.Equal(began) {
		t.Errorf("as of %v; want %v", a.AsOf, began)
	}
	p.wantList(t, p.instance(t), "Starfish", true, 3)
	p.advance(24*time.Hour - 10*time.Minute)
	p.wantList(t, one, "Starfish", true, 4)
	p.wantList(t, p.instance(t), "Starfish", true, 5)
	p.advance(time.Second)
	p.wantNone(t, one, 5)
	p.wantNone(t, p.instance(t), 6)
	p.jackrabbit.Fail(0)
	p.advance(10 * time.Second)
	p.wantList(t, one, "Starfish", false, 7)
	if log := p.log.String(); !strings.Contains(log, "status 503") || strings.Contains(log, "invented") {
		t.Errorf("logged %s; want the status and nothing that Jackrabbit said", log)
	}
}

func TestClasses_AreUnavailableWhenThereNeverWasAList(t *testing.T) {
	t.Parallel()
	p := newPool(t)
	p.jackrabbit.Fail(500)
	c := p.instance(t)
	p.wantNone(t, c, 1)
	if a, err := c.Find(t.Context(), " ", booking.Filter{}); !a.Unavailable || fault.KindOf(err) != fault.Invalid {
		t.Errorf("without an organisation: %v; want invalid", err)
	}
}

func TestClasses_JackrabbitIsLeftAloneForAWhileAfterItFailed(t *testing.T) {
	t.Parallel()
	p := newPool(t, starfish)
	p.jackrabbit.Fail(500)
	c := p.instance(t)
	p.wantNone(t, c, 1)
	p.jackrabbit.Fail(0)
	p.advance(9 * time.Second)
	p.wantNone(t, c, 1)
	p.advance(time.Second)
	p.wantList(t, c, "Starfish", false, 2)
}

func TestClasses_AnEmptyListAfterAFullOneIsNotBelievedForADay(t *testing.T) {
	t.Parallel()
	p := newPool(t, starfish)
	one := p.instance(t)
	p.wantList(t, one, "Starfish", false, 1)
	p.jackrabbit.Set(org)
	p.advance(time.Hour)
	p.wantList(t, one, "Starfish", true, 2)
	p.wantList(t, p.instance(t), "Starfish", true, 3)
	p.advance(24 * time.Hour)
	p.wantList(t, one, "", false, 4)
	p.wantList(t, p.instance(t), "", false, 4)
}

func TestClasses_AnEmptyListIsAnAnswerToBeginWith(t *testing.T) {
	t.Parallel()
	p := newPool(t)
	c := p.instance(t)
	a := p.wantList(t, c, "", false, 1)
	if a.Total != 0 || a.Emptied != "" || a.Say("en") != "I see no class with an opening." {
		t.Errorf("%+v: %s", a, a.Say("en"))
	}
	p.wantList(t, p.instance(t), "", false, 1)
}

func TestClasses_AnOlderListIsBetterThanALongWait(t *testing.T) {
	t.Parallel()
	p := newPool(t, starfish)
	c := p.instance(t)
	p.wantList(t, c, "Starfish", false, 1)
	p.advance(10 * time.Minute)
	_, release := p.jackrabbit.Hang()
	defer release()
	began := time.Now()
	p.wantList(t, c, "Starfish", true, 2)
	if waited := time.Since(began); waited > 3*time.Second {
		t.Errorf("waited for %v; want a second or two", waited)
	}
}

func TestClasses_ACallerWhoHangsUpDoesNotSpoilItForOthers(t *testing.T) {
	t.Parallel()
	for name, older := range map[string]bool{"with an older list": true, "without one": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPool(t, starfish)
			c, asked := p.instance(t), 0
			if older {
				p.wantList(t, c, "Starfish", false, 1)
				p.advance(10 * time.Minute)
				asked = 1
			}
			p.jackrabbit.Set(org, minnow)
			arrived, release := p.jackrabbit.Hang()
			ctx, hangUp := context.WithCancel(t.Context())
			go func() {
				<-arrived
				hangUp()
			}()
			a, err := c.Find(ctx, org, booking.Filter{})
			if older && (err != nil || names(a) != "Starfish" || !a.Stale) || !older && (fault.KindOf(err) != fault.Unavailable || !a.Unavailable) {
				t.Errorf("who hung up got %q, %v", names(a), err)
			}
			release()
			p.wantList(t, c, "Minnow", false, asked+1)
		})
	}
}

func TestClasses_WithoutFirestoreAnInstanceAsksForItself(t *testing.T) {
	t.Parallel()
	p := newPool(t, starfish)
	one, alone := p.instance(t), p.instance(t)
	alone.Cache = nil
	p.firestore.Stop()
	p.wantList(t, one, "Starfish", false, 1)
	p.wantList(t, one, "Starfish", false, 1)
	p.wantList(t, alone, "Starfish", false, 2)
	if log := p.log.String(); !strings.Contains(log, "not read") || !strings.Contains(log, "not shared") {
		t.Errorf("logged %s; want that the cache is away", log)
	}
}

func TestClasses_WhatIsInTheCacheAndNoListIsNotUsed(t *testing.T) {
	t.Parallel()
	p := newPool(t, starfish)
	c := p.instance(t)
	if err := c.Cache.Put(t.Context(), org, []byte(`{"id":`)); err != nil {
		t.Fatal(err)
	}
	p.wantList(t, c, "Starfish", false, 1)
}
