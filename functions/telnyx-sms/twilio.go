package telnyxsms

import (
	"net/http"

	"github.com/chattercheatah/chattercheatah/shared/httpx"
	"github.com/chattercheatah/chattercheatah/shared/reply"
	"github.com/chattercheatah/chattercheatah/shared/twilio"
	"github.com/chattercheatah/chattercheatah/shared/webhook"
)

// twilioText takes a text to a legacy number. The answer to it goes out through the tenant's Telnyx number, later; Twilio is
// told that there is none now.
func (d Deps) twilioText(w http.ResponseWriter, r *http.Request, delivery webhook.TwilioDelivery) error {
	m := delivery.Message
	taken, err := d.Intake.Take(r.Context(), delivery.Tenant, reply.Inbound{
		From: m.From, To: m.To, Text: m.Body, Media: m.NumMedia,
		ProviderMessageID: m.MessageSid,
		OccurredAt:        d.Intake.Now(),
		Answered:          m.OptOutType != "",
		Requests:          requested(m.OptOutType),
	})
	if err != nil {
		return err
	}
	httpx.Note(r.Context(), taken.LogAttrs()...)
	w.Header().Set("Content-Type", "text/xml")
	_, err = w.Write([]byte(twilio.EmptyTwiML))
	return err
}
