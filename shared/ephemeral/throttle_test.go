package ephemeral_test

import (
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/chattercheatah/chattercheatah/shared/ephemeral"
	"github.com/chattercheatah/chattercheatah/shared/ephemeral/ephemeraltest"
	"github.com/chattercheatah/chattercheatah/shared/fault"
)

// clock is moved by hand.
type clock struct{ at atomic.Int64 }

func (c *clock) now() time.Time { return time.Unix(c.at.Load(), 0) }

func newStore(t *testing.T, s *ephemeraltest.Server, now func() time.Time) *ephemeral.Store {
	t.Helper()
	store := ephemeral.New(ephemeral.Config{Project: "p", EmulatorHost: s.Addr()}, now)
	t.Cleanup(func() { _ = store.Close() })
	return store
}

func TestThrottle_LetsItsLimitThroughInEachWindow(t *testing.T) {
	t.Parallel()
	c := &clock{}
	c.at.Store(1_800_000_000)
	throttle := newStore(t, ephemeraltest.New(t), c.now).Throttle("test", 3, time.Minute)
	take := func(key string) error { return throttle.Take(t.Context(), key) }
	for range 3 {
		if err := take("a"); err != nil {
			t.Fatal(err)
		}
	}
	err := take("a")
	if fault.KindOf(err) != fault.TooMany || !strings.Contains(fault.PublicText(err), "61 seconds") && !strings.Contains(fault.PublicText(err), "60 seconds") {
		t.Errorf("the fourth attempt: %v; want too many, and when to come back", err)
	}
	if err := take("b"); err != nil {
		t.Errorf("another key: %v", err)
	}
	c.at.Add(61)
	if err := take("a"); err != nil {
		t.Errorf("in the next window: %v", err)
	}
	if err := throttle.Reset(t.Context(), "b"); err != nil {
		t.Error(err)
	}
	for range 3 {
		if err := take("b"); err != nil {
			t.Errorf("after a reset: %v", err)
		}
	}
}

func TestThrottle_InstancesAtOnceDoNotExceedTheLimit(t *testing.T) {
	t.Parallel()
	server := ephemeraltest.New(t)
	var through atomic.Int64
	var wg sync.WaitGroup
	for range 4 {
		throttle := newStore(t, server, time.Now).Throttle("test", 3, time.Hour)
		wg.Go(func() {
			for range 3 {
				if throttle.Take(t.Context(), "a") == nil {
					through.Add(1)
				}
			}
		})
	}
	wg.Wait()
	if n := through.Load(); n < 1 || n > 3 {
		t.Errorf("%d attempts got through; want 3 at most", n)
	}
}

func TestThrottle_DoesNotWriteDownWhoTried(t *testing.T) {
	t.Parallel()
	server := ephemeraltest.New(t)
	if err := newStore(t, server, time.Now).Throttle("test", 3, time.Hour).Take(t.Context(), "lead@exampleco.test"); err != nil {
		t.Fatal(err)
	}
	names := server.Names()
	if len(names) != 1 || strings.Contains(names[0], "lead") {
		t.Errorf("documents: %v; want one that names nobody", names)
	}
}

func TestThrottle_WithoutFirestoreIsUnavailable(t *testing.T) {
	t.Parallel()
	server := ephemeraltest.New(t)
	throttle := newStore(t, server, time.Now).Throttle("test", 3, time.Hour)
	server.Stop()
	if err := throttle.Take(t.Context(), "a"); err == nil || fault.KindOf(err) != fault.Unavailable {
		t.Errorf("Take = %v; want unavailable", err)
	}
}
