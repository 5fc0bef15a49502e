package leads_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/chattercheatah/chattercheatah/shared/private"
	"github.com/chattercheatah/chattercheatah/shared/store"
	"github.com/chattercheatah/chattercheatah/shared/telnyx/telnyxtest"
)

// finished makes a call of the swim school's of which something was made, and returns its path.
func (b *bench) finished(t testing.TB, name string, from private.Phone, at time.Time) string {
	t.Helper()
	ctx := t.Context()
	rec, err := b.SwimSchool.RecordCall(ctx, store.CallEvent{
		Names: []string{"control:" + name}, Channel: "phone_call", Customer: from, Ours: b.SwimSchoolPhone, ControlID: name, Ended: true,
		StartedAt: at, EndedAt: at.Add(time.Minute), Duration: time.Minute, Cause: "normal_clearing", RecordingID: "recording-" + name,
		Insights: []store.CallInsight{{ID: "i1", Result: private.NewText("wants a class")}},
	})
	if err != nil {
		t.Fatal(err)
	}
	b.Exec(t, `update calls set finish_at = now() where id = $1`, rec.ID)
	w, _, err := b.SwimSchool.ClaimCall(ctx, rec.ID, time.Minute)
	if err != nil || w == nil {
		t.Fatalf("ClaimCall = %v, %v", w, err)
	}
	_, err = b.SwimSchool.FinishCall(ctx, w, store.CallMade{IsLead: true, Label: "Call", CallSummary: store.CallSummary{
		Summary: "Wants a class.", Intent: "booking_request", Outcome: "lead_created", Language: "es", Name: "Pat", Email: "pat@exampleco.test", FromTranscript: true,
		Transcript: []store.Utterance{{Role: "user", Text: "Hola", At: at, Key: "k"}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprint("/calls/", rec.ID)
}

func TestCalls_AreListedReadAndHeardByTheirTenantAlone(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	began := time.Date(2026, 2, 5, 18, 0, 0, 0, time.UTC)
	first := b.finished(t, "a", customer, began)
	second := b.finished(t, "b", private.MustPhone("+15555550103"), began.Add(time.Hour))
	b.telnyx.Converse(telnyxtest.Conversation{ID: "t", ControlID: "a", Recording: "recording-a"})

	read := b.want(t, http.MethodGet, first, "")
	want := map[string]any{
		"id": read["id"], "channel": "phone_call", "direction": "inbound", "customer_number": customer.E164(), "our_number": b.SwimSchoolPhone.E164(), "ended": true,
		"started_at": "2026-02-05T18:00:00Z", "ended_at": "2026-02-05T18:01:00Z", "duration_seconds": 60.0, "hangup_cause": "normal_clearing", "has_recording": true,
		"summary": map[string]any{
			"text": "Wants a class.", "intent": "booking_request", "outcome": "lead_created", "language": "es", "name": "Pat", "email": "pat@exampleco.test",
			"lead_id": read["summary"].(map[string]any)["lead_id"],
		},
		"transcript": []any{map[string]any{"role": "user", "text": "Hola", "at": "2026-02-05T18:00:00Z"}},
		"insights":   []any{map[string]any{"id": "i1", "name": nil, "result": "wants a class"}},
	}
	if diff := cmp.Diff(want, read); diff != "" {
		t.Errorf("the call (-want +got):\n%s", diff)
	}
	var listed []string
	for _, page := range b.pages(t, "/calls?limit=1", "id") {
		for _, id := range page {
			listed = append(listed, fmt.Sprintf("/calls/%.0f", id))
		}
	}
	if diff := cmp.Diff([]string{second, first}, listed); diff != "" {
		t.Errorf("the list (-want +got):\n%s", diff)
	}
	if got := b.want(t, http.MethodGet, "/calls?phone_number=%2B15555550103", "")["items"].([]any); len(got) != 1 {
		t.Errorf("of one customer there are %d calls", len(got))
	}
	if link := b.want(t, http.MethodGet, first+"/recording", "")["url"]; !strings.HasPrefix(fmt.Sprint(link), "https://recordings.example.test/recording-a") {
		t.Errorf("the link is %v", link)
	}
	for _, path := range []string{first, first + "/recording"} {
		foreign, theirs := b.call(http.MethodGet, path, b.dentist, "")
		missing, nobodys := b.call(http.MethodGet, strings.Replace(path, first, "/calls/1099511627776", 1), b.dentist, "")
		if foreign != http.StatusNotFound || missing != foreign || cmp.Diff(nobodys, theirs) != "" {
			t.Errorf("%s was answered another tenant %d %v and for nobody's %d %v", path, foreign, theirs, missing, nobodys)
		}
	}
	if status, answer := b.call(http.MethodGet, "/calls", b.dentist, ""); status != http.StatusOK || len(answer["items"].([]any)) != 0 {
		t.Errorf("another tenant's calls are %d %v", status, answer)
	}
	b.refused(t, http.MethodGet, second+"/recording", "", "none")
}

func TestContacts_AreWhomTheTenantHasTalkedWith(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.finished(t, "a", customer, time.Now())
	listed := b.want(t, http.MethodGet, "/contacts?email=PAT@exampleco.test", "")["items"].([]any)
	if len(listed) != 1 {
		t.Fatalf("the contacts are %v; want one", listed)
	}
	path := fmt.Sprintf("/contacts/%.0f", listed[0].(map[string]any)["id"])
	read := b.want(t, http.MethodGet, path, "")
	if read["name"] != "Pat" || read["phone_number"] != customer.E164() || cmp.Diff(listed[0], any(read)) != "" {
		t.Errorf("the contact is %v and listed as %v", read, listed[0])
	}
	if status, _ := b.call(http.MethodGet, path, b.dentist, ""); status != http.StatusNotFound {
		t.Errorf("another tenant was answered %d", status)
	}
	if got := b.want(t, http.MethodGet, "/contacts?phone_number=%2B15555550177", "")["items"].([]any); len(got) != 0 {
		t.Errorf("of nobody there is %v", got)
	}
}
