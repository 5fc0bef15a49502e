package emailoauth_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/chattercheatah/chattercheatah/shared/fault"
	"github.com/chattercheatah/chattercheatah/shared/gmail/gmailtest"
	"github.com/chattercheatah/chattercheatah/shared/store"
)

// disconnect gives the swim school's mailbox back.
func (b *bench) disconnect() (int, map[string]any) {
	return b.call(http.MethodDelete, "/email/disconnect", b.swimmer, "")
}

func TestDisconnect_EndsTheWatchTheGrantAndWhatIsKept(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.call(http.MethodPut, "/email/settings", b.swimmer, `{"response_signature":"The team"}`)
	b.connected(t, b.dentist, denBox)
	m, theirs := b.answering(t, 7), b.Snapshot(t, 2048)
	status, answer := b.disconnect()
	want := map[string]any{"status": "disconnected", "gmail_email": swimKept, "revoked": true}
	if status != http.StatusOK || !cmp.Equal(want, answer) {
		t.Errorf("answered %d (-want +got):\n%s", status, cmp.Diff(want, answer))
	}
	if to, _ := b.google.Watched(swimBox); to != "" || !b.google.Revoked(m.RefreshToken.Reveal()) {
		t.Errorf("the watch of %q goes on, or the grant", to)
	}
	left := b.Query(t, `select concat_ws(' ', is_enabled, gmail_email, gmail_refresh_token, gmail_access_token, last_history_id, watch_expires_at, read_due_at, last_read_at, response_signature)
		from tenant_email_configs where tenant_id = 1042`)
	if diff := cmp.Diff([]string{"f The team"}, left); diff != "" {
		t.Errorf("left (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(theirs, b.Snapshot(t, 2048)); diff != "" {
		t.Errorf("another tenant's rows changed:\n%s", diff)
	}
	if _, err := b.SwimSchool.Mailbox(t.Context()); fault.KindOf(err) != fault.NotFound {
		t.Errorf("Mailbox = %v; want not found", err)
	}
	status, answer = b.disconnect()
	if detail, _ := answer["detail"].(string); status != http.StatusNotFound || detail != "no mailbox is connected" {
		t.Errorf("the second time it was answered %d %v; want 404", status, answer)
	}
	b.connected(t, b.swimmer, swimBox)
}

func TestDisconnect_WhileGoogleDoesNotAnswerNothingIsReadAndItCanBeRepeated(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	m := b.answering(t, 7)
	b.google.RefuseTokens(http.StatusServiceUnavailable)
	status, answer := b.disconnect()
	if detail, _ := answer["detail"].(string); status != http.StatusServiceUnavailable || !strings.Contains(detail, "answering is off") {
		t.Errorf("answered %d %v; want 503", status, answer)
	}
	if kept := mailbox(t, b.SwimSchool); kept.Enabled || !kept.RefreshToken.Equal(m.RefreshToken) {
		t.Errorf("enabled is %v; want it off and the token kept", kept.Enabled)
	}
	b.google.RefuseTokens(0)
	if status, answer = b.disconnect(); status != http.StatusOK || answer["revoked"] != true || !b.google.Revoked(m.RefreshToken.Reveal()) {
		t.Errorf("repeated, it was answered %d %v", status, answer)
	}
}

func TestDisconnect_AWatchThatCannotBeEndedIsNoHindrance(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.answering(t, 7)
	b.google.Break(gmailtest.Stop, gmailtest.ServerError)
	if status, answer := b.disconnect(); status != http.StatusOK || answer["revoked"] != true {
		t.Errorf("answered %d %v", status, answer)
	}
}

func TestDisconnect_AGrantThatIsWorthlessCountsAsRevoked(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	m := b.answering(t, 7)
	b.google.Revoke(m.RefreshToken.Reveal())
	if status, answer := b.disconnect(); status != http.StatusOK || answer["revoked"] != true {
		t.Errorf("answered %d %v", status, answer)
	}
}

func TestDisconnect_SparesTheCalendarOfTheSameAccount(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	if _, err := b.SwimSchool.ConfigureCalendar(t.Context(), store.CalendarConfigChange{GoogleEmail: new(swimBox)}); err != nil {
		t.Fatal(err)
	}
	m := b.answering(t, 7)
	status, answer := b.disconnect()
	if detail, _ := answer["detail"].(string); status != http.StatusOK || answer["revoked"] != false || !strings.Contains(detail, "calendar is connected") {
		t.Errorf("answered %d %v; want that the access was left", status, answer)
	}
	if to, _ := b.google.Watched(swimBox); to != "" || b.google.Revoked(m.RefreshToken.Reveal()) {
		t.Errorf("the watch of %q goes on, or the calendar's grant does not", to)
	}
	if _, err := b.SwimSchool.Mailbox(t.Context()); fault.KindOf(err) != fault.NotFound {
		t.Errorf("Mailbox = %v; want not found", err)
	}
}
