package aftercall

import (
	"errors"
	"strings"
	"time"

	"github.com/chattercheatah/chattercheatah/shared/hours"
	"github.com/chattercheatah/chattercheatah/shared/private"
	"github.com/chattercheatah/chattercheatah/shared/prompt"
	"github.com/chattercheatah/chattercheatah/shared/reply"
	"github.com/chattercheatah/chattercheatah/shared/store"
)

// made decides what is kept of a call. That a link was sent or a meeting booked is told by our own records alone, never by a summary.
func (w *Worker) made(work *store.CallWork, h heard, r reading) store.CallMade {
	call := work.Call
	m := store.CallMade{
		CallSummary: store.CallSummary{
			Summary: r.Summary, Intent: r.Intent, Language: r.Language, Name: r.Name, Email: r.Email,
			FromTranscript: h.fromCustomer(), Transcript: h.transcript(call.ConversationID),
		},
		RecordingID: h.recordingID,
		Spent:       r.Spent,
		NoTextsAt:   h.noTexts(call.Channel),
		Label:       "Call of " + hours.In(call.StartedAt, work.Zone).Format("2006-01-02 15:04"),
	}
	talked := h.fromCustomer() || r.Name != "" || r.Email != ""
	reachable := !call.Customer.IsZero() || r.Email != "" || r.Name != ""
	m.IsLead = talked && reachable && r.Intent != wrongNumber
	m.Outcome = outcome(work, m, talked)
	if talked && !work.Notify.IsZero() {
		m.Notice, m.NoticeAt = notice(work, m), afterQuiet(w.Now(), work.Zone)
	}
	return m
}

func outcome(work *store.CallWork, m store.CallMade, talked bool) string {
	switch {
	case work.Booked:
		return "booked"
	case work.LinkSent:
		return "link_sent"
	case m.IsLead && (m.Name != "" || m.Email != ""):
		return "lead_created"
	case talked && m.Summary != "":
		return "info_provided"
	default:
		return "incomplete"
	}
}

// notice is what the owner is texted: who it was, what about, what came of it. The summary is made of a stranger's words, so a sentence of
// it with an address in it is left out.
func notice(work *store.CallWork, m store.CallMade) private.Text {
	what := map[string]string{"sms_chat": "Chat", "web_call": "Web call"}[work.Call.Channel]
	if what == "" {
		what = "Call"
	}
	var who []string
	for _, known := range []string{m.Name, work.Call.Customer.E164()} {
		if known != "" {
			who = append(who, known)
		}
	}
	if len(who) == 0 {
		who = []string{"an unknown number"}
	}
	parts := []string{what + " with " + strings.Join(who, ", ") + "."}
	if summary, err := reply.Check(prompt.SMS, private.NewText(m.Summary), reply.Allowed{}); !errors.Is(err, reply.ErrNothingLeft) {
		parts = append(parts, cut(summary.Reveal(), 320))
	}
	switch m.Outcome {
	case "booked":
		parts = append(parts, "A meeting was booked.")
	case "link_sent":
		parts = append(parts, "The link was texted to them.")
	}
	return private.NewText(strings.Join(parts, " "))
}

// The hours in which an owner is texted, on a clock in the tenant's zone.
const wakeHour, sleepHour = 8, 21

// afterQuiet is at, or the next morning when it is night there.
func afterQuiet(at time.Time, zone string) time.Time {
	local := hours.In(at, zone)
	morning := time.Date(local.Year(), local.Month(), local.Day(), wakeHour, 0, 0, 0, local.Location())
	switch {
	case local.Hour() < wakeHour:
		return morning
	case local.Hour() >= sleepHour:
		return morning.AddDate(0, 0, 1)
	default:
		return at
	}
}
