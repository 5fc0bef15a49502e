package ephemeral_test

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/chattercheatah/chattercheatah/shared/ephemeral"
	"github.com/chattercheatah/chattercheatah/shared/ephemeral/ephemeraltest"
	"github.com/chattercheatah/chattercheatah/shared/fault"
)

// holds checks what is under a key.
func holds(t *testing.T, c *ephemeral.Cache, key, want string, wantMade time.Time) {
	t.Helper()
	value, made, err := c.Get(t.Context(), key)
	if err != nil || string(value) != want || (value == nil) != (want == "") || !made.Equal(wantMade) {
		t.Errorf("under %s: %q of %v, %v; want %q of %v", key, value, made, err, want, wantMade)
	}
}

func TestCache_AllInstancesSeeAValueUntilADayAfterItsLife(t *testing.T) {
	t.Parallel()
	c := &clock{}
	c.at.Store(1_800_000_000)
	server := ephemeraltest.New(t)
	one, other := newStore(t, server, c.now).Cache("test", 5*time.Minute), newStore(t, server, c.now).Cache("test", 5*time.Minute)
	holds(t, one, "a", "", time.Time{})
	for _, value := range []string{"first", "second \x00\xff"} {
		if err := one.Put(t.Context(), "a", []byte(value)); err != nil {
			t.Fatal(err)
		}
		holds(t, other, "a", value, c.now())
	}
	holds(t, other, "b", "", time.Time{})
	holds(t, newStore(t, server, c.now).Cache("another", 5*time.Minute), "a", "", time.Time{})
	made := c.now()
	c.at.Add(24*3600 + 5*60 - 1)
	holds(t, other, "a", "second \x00\xff", made)
	c.at.Add(1)
	holds(t, other, "a", "", time.Time{})
}

func TestCache_RefusesWhatFirestoreWould(t *testing.T) {
	t.Parallel()
	cache := newStore(t, ephemeraltest.New(t), time.Now).Cache("test", time.Minute)
	most := bytes.Repeat([]byte("x"), 900_000)
	if err := cache.Put(t.Context(), "a", append(most, 'x')); err == nil || fault.KindOf(err) != fault.Internal || strings.Contains(err.Error(), "xx") {
		t.Errorf("a value that is too long: %v; want an error that nobody can mend by waiting", err)
	}
	if err := cache.Put(t.Context(), "a", most); err != nil {
		t.Errorf("the longest value: %v", err)
	}
	if value, _, err := cache.Get(t.Context(), "a"); err != nil || !bytes.Equal(value, most) {
		t.Errorf("the longest value comes back with %d bytes, %v", len(value), err)
	}
}

func TestCache_NamesNoKey(t *testing.T) {
	t.Parallel()
	server := ephemeraltest.New(t)
	if err := newStore(t, server, time.Now).Cache("test", time.Minute).Put(t.Context(), "545911", []byte("x")); err != nil {
		t.Fatal(err)
	}
	if names := server.Names(); len(names) != 1 || !strings.Contains(names[0], "/caches/") || strings.Contains(names[0], "545911") {
		t.Errorf("documents: %v; want one of the caches, that names no key", names)
	}
}

func TestCache_WithoutFirestoreIsUnavailable(t *testing.T) {
	t.Parallel()
	server := ephemeraltest.New(t)
	cache := newStore(t, server, time.Now).Cache("test", time.Minute)
	server.Stop()
	if value, _, err := cache.Get(t.Context(), "a"); value != nil || err == nil || fault.KindOf(err) != fault.Unavailable {
		t.Errorf("Get = %q, %v; want unavailable", value, err)
	}
	if err := cache.Put(t.Context(), "a", []byte("x")); err == nil || fault.KindOf(err) != fault.Unavailable {
		t.Errorf("Put = %v; want unavailable", err)
	}
}
