package ephemeral_test

import (
	"bytes"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/chattercheatah/chattercheatah/shared/ephemeral"
	"github.com/chattercheatah/chattercheatah/shared/ephemeral/ephemeraltest"
	"github.com/chattercheatah/chattercheatah/shared/fault"
)

// put keeps a value that has to be taken.
func put(t *testing.T, o *ephemeral.Once, key, value string) {
	t.Helper()
	if err := o.Put(t.Context(), key, []byte(value)); err != nil {
		t.Fatal(err)
	}
}

// gone checks that nothing is there to be taken.
func gone(t *testing.T, o *ephemeral.Once, key string) {
	t.Helper()
	if value, err := o.Take(t.Context(), key); value != nil || err == nil || fault.KindOf(err) != fault.NotFound {
		t.Errorf("Take(%s) = %q, %v; want not found", key, value, err)
	}
}

func TestOnce_AnyInstanceTakesAValueOneTime(t *testing.T) {
	t.Parallel()
	server := ephemeraltest.New(t)
	one, other := newStore(t, server, time.Now).Once("test", time.Minute), newStore(t, server, time.Now).Once("test", time.Minute)
	gone(t, one, "a")
	put(t, one, "a", "value \x00\xff")
	gone(t, other, "b")
	gone(t, newStore(t, server, time.Now).Once("another", time.Minute), "a")
	if value, err := other.Take(t.Context(), "a"); err != nil || string(value) != "value \x00\xff" {
		t.Errorf("Take = %q, %v", value, err)
	}
	gone(t, one, "a")
	gone(t, other, "a")
	if names := server.Names(); len(names) != 0 {
		t.Errorf("%v are left", names)
	}
}

func TestOnce_OfFiftyTakersOneHasIt(t *testing.T) {
	t.Parallel()
	server := ephemeraltest.New(t)
	put(t, newStore(t, server, time.Now).Once("test", time.Minute), "a", "value")
	var had, missed atomic.Int64
	var wg sync.WaitGroup
	for range 5 {
		once := newStore(t, server, time.Now).Once("test", time.Minute)
		for range 10 {
			wg.Go(func() {
				value, err := once.Take(t.Context(), "a")
				if err == nil && string(value) == "value" {
					had.Add(1)
				} else if fault.KindOf(err) == fault.NotFound && value == nil {
					missed.Add(1)
				}
			})
		}
	}
	wg.Wait()
	if had.Load() != 1 || missed.Load() != 49 {
		t.Errorf("%d had the value and %d were told that there is none; want 1 and 49", had.Load(), missed.Load())
	}
}

func TestOnce_WhatHasExpiredIsNotThere(t *testing.T) {
	t.Parallel()
	c := &clock{}
	c.at.Store(1_800_000_000)
	once := newStore(t, ephemeraltest.New(t), c.now).Once("test", 10*time.Minute)
	put(t, once, "a", "value")
	put(t, once, "b", "value")
	c.at.Add(599)
	if value, err := once.Take(t.Context(), "a"); err != nil || string(value) != "value" {
		t.Errorf("in the last second: %q, %v", value, err)
	}
	c.at.Add(1)
	gone(t, once, "b")
	c.at.Add(-1)
	gone(t, once, "b") // not even when a clock goes back
}

func TestOnce_NamesNoKey(t *testing.T) {
	t.Parallel()
	server := ephemeraltest.New(t)
	put(t, newStore(t, server, time.Now).Once("test", time.Minute), "the-state", "x")
	if names := server.Names(); len(names) != 1 || !strings.Contains(names[0], "/onces/") || strings.Contains(names[0], "the-state") {
		t.Errorf("documents: %v; want one of those kept for once, that names no key", names)
	}
}

func TestOnce_RefusesWhatFirestoreWould(t *testing.T) {
	t.Parallel()
	once := newStore(t, ephemeraltest.New(t), time.Now).Once("test", time.Minute)
	err := once.Put(t.Context(), "a", bytes.Repeat([]byte("x"), 900_001))
	if err == nil || fault.KindOf(err) != fault.Internal || strings.Contains(err.Error(), "xx") {
		t.Errorf("a value that is too long: %v; want an error that nobody can mend by waiting", err)
	}
	gone(t, once, "a")
}

func TestOnce_WithoutFirestoreIsUnavailableInTime(t *testing.T) {
	t.Parallel()
	server := ephemeraltest.New(t)
	once := newStore(t, server, time.Now).Once("test", time.Minute)
	server.Stop()
	for name, call := range map[string]func() error{
		"Put":  func() error { return once.Put(t.Context(), "a", []byte("x")) },
		"Take": func() error { _, err := once.Take(t.Context(), "a"); return err },
	} {
		began := time.Now()
		if err := call(); err == nil || fault.KindOf(err) != fault.Unavailable {
			t.Errorf("%s = %v; want unavailable", name, err)
		}
		if took := time.Since(began); took > 4*time.Second {
			t.Errorf("%s took %v; a person does not wait that long", name, took)
		}
	}
}
