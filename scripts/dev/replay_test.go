package main

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/chattercheatah/chattercheatah/shared/private"
	"github.com/chattercheatah/chattercheatah/shared/store/demo"
	"github.com/chattercheatah/chattercheatah/shared/telnyx/telnyxtest"
)

// eventually waits until something holds.
func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for !holds() {
		select {
		case <-ctx.Done():
			t.Fatal("it did not come about that " + what)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// TestReplay_ATextThatTelnyxRefusedReachesThePhoneOnceWhenItIsMended is the way of an operator: an alert, the list, the cause mended, replay.
func TestReplay_ATextThatTelnyxRefusedReachesThePhoneOnceWhenItIsMended(t *testing.T) {
	t.Parallel()
	l := startLive(t, nil)
	phone := private.MustPhone("+15555550103")
	l.telnyx.Fail(telnyxtest.Refused40010) // no campaign is registered
	if _, err := l.telnyx.Text(t.Context(), phone, demo.SwimSchool().Phone, "What does a lesson cost?"); err != nil {
		t.Fatal(err)
	}
	_, who := l.call(t, http.MethodPost, "/api/v1/auth/login", nil, `{"email":"admin@chattercheatah.com","password":"admin123"}`)
	operator := http.Header{"Authorization": {fmt.Sprint("Bearer ", who["access_token"])}}
	counted := func() []any {
		_, answer := l.call(t, http.MethodGet, "/api/v1/admin/dead-letters", operator, "")
		items, _ := answer["items"].([]any)
		return items
	}
	eventually(t, "the text is counted among what failed for good", func() bool { return len(counted()) == 1 })
	if c := counted()[0].(map[string]any); c["tenant_id"] != 1042.0 || c["kind"] != "text" || c["reason"] != "config" {
		t.Errorf("what is counted is %v", c)
	}
	school := operator.Clone()
	school.Set("X-Tenant-Id", "1042")
	_, list := l.call(t, http.MethodGet, "/api/v1/dead-letters", school, "")
	letter := list["items"].([]any)[0].(map[string]any)
	if letter["replayable"] != true || len(l.telnyx.Inbox(phone)) != 0 {
		t.Fatalf("the letter is %v, and the phone has %d texts", letter, len(l.telnyx.Inbox(phone)))
	}
	replay := fmt.Sprintf("/api/v1/dead-letters/text/%.0f/replay", letter["id"])
	var effects atomic.Int64
	var wg sync.WaitGroup
	for range 10 {
		wg.Go(func() {
			if status, answer := l.call(t, http.MethodPost, replay, school, ""); status != http.StatusOK {
				t.Errorf("a press was answered %d %v", status, answer)
			} else if answer["replayed"] == true {
				effects.Add(1)
			}
		})
	}
	wg.Wait()
	received(t, l.telnyx, phone, 1)
	eventually(t, "nothing is left", func() bool { return len(counted()) == 0 })
	status, answer := l.call(t, http.MethodPost, replay, school, "")
	if n := len(l.telnyx.Inbox(phone)); effects.Load() != 1 || n != 1 || status != http.StatusOK || answer["replayed"] != false {
		t.Errorf("%d effects and %d texts; pressed again: %d %v", effects.Load(), n, status, answer)
	}
}
