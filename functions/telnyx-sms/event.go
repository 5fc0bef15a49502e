package telnyxsms

import (
	"errors"
	"log/slog"
	"net/http"
	"net/url"

	"github.com/chattercheatah/chattercheatah/shared/crash"
	"github.com/chattercheatah/chattercheatah/shared/fault"
	"github.com/chattercheatah/chattercheatah/shared/httpx"
	"github.com/chattercheatah/chattercheatah/shared/reply"
	"github.com/chattercheatah/chattercheatah/shared/store"
	"github.com/chattercheatah/chattercheatah/shared/telnyx"
	"github.com/chattercheatah/chattercheatah/shared/webhook"
)

// telnyxEvent takes any messaging event. Those that are not for us to act on are acknowledged, so that Telnyx lets them rest.
func (d Deps) telnyxEvent(w http.ResponseWriter, r *http.Request, delivery webhook.TelnyxDelivery) error {
	noted, err := d.takeEvent(r, delivery)
	if err != nil {
		return err
	}
	httpx.Note(r.Context(), noted...)
	return acknowledge(w)
}

func (d Deps) takeEvent(r *http.Request, delivery webhook.TelnyxDelivery) (noted []slog.Attr, err error) {
	switch e := delivery.Event; {
	case delivery.Number.IsZero():
		return outcome("ignored"), nil
	case delivery.Tenant == nil:
		return outcome("unknown_number"), nil
	case e.Type == "message.received" && e.Message.From.IsZero():
		return outcome("ignored_sender"), nil // a short code or a name: nobody that could be answered
	case e.Type == "message.received":
		return d.takeText(r, delivery)
	default:
		return d.takeReport(r, delivery)
	}
}

func (d Deps) takeText(r *http.Request, delivery webhook.TelnyxDelivery) ([]slog.Attr, error) {
	m := delivery.Event.Message
	taken, err := d.Intake.Take(r.Context(), delivery.Tenant, reply.Inbound{
		From: m.From, To: m.To, Text: m.Text, Media: m.Media,
		ProviderMessageID: m.ID,
		OccurredAt:        delivery.Event.OccurredAt,
		Answered:          m.AutoresponseType != "",
		Requests:          requested(m.AutoresponseType),
		VerifiedWith:      &delivery.VerifiedWith,
	})
	if errors.Is(err, store.ErrRouteChanged) {
		d.Telnyx.Routes.Forget(delivery.Number)
		return nil, fault.Wrap(fault.Unavailable, err, "the number has moved; deliver again")
	}
	if err != nil {
		return nil, err
	}
	return taken.LogAttrs(), nil
}

func outcome(name string) []slog.Attr { return []slog.Attr{slog.String("outcome", name)} }

// requested reads what a provider's own keyword handling has found.
func requested(autoresponse string) reply.Keyword {
	switch autoresponse {
	case "STOP":
		return reply.Stop
	case "START":
		return reply.Start
	case "HELP":
		return reply.Help
	default:
		return reply.NoKeyword
	}
}

// takeReport takes what became of a text that we sent. Only to[].status of the signed bytes counts.
func (d Deps) takeReport(r *http.Request, delivery webhook.TelnyxDelivery) ([]slog.Attr, error) {
	m := delivery.Event.Message
	crash.Point("status.received")
	report := store.DeliveryReport{ProviderMessageID: m.ID, Token: replyToken(m.WebhookURL), To: m.To, Text: m.Text, State: store.Accepted}
	if status, terminal := delivery.Event.Delivery(); terminal {
		report.State = store.Undelivered
		if status == "delivered" {
			report.State = store.Delivered
		} else {
			report.Reason = reasonOf(m, status)
		}
	}
	known, failed, err := delivery.Tenant.RecordDelivery(r.Context(), report)
	crash.Point("status.recorded")
	if err != nil {
		return nil, err
	}
	if !known {
		return outcome("not_our_text"), nil
	}
	if failed != 0 {
		d.Log.ErrorContext(r.Context(), "a text could not be delivered", "tenant_id", delivery.Tenant.Scope().ID(), "reply_id", failed, "reason", report.Reason)
	}
	return outcome(string(report.State)), nil
}

func replyToken(reportURL string) string {
	u, err := url.Parse(reportURL)
	if err != nil {
		return ""
	}
	return u.Query().Get("reply")
}

func reasonOf(m telnyx.Message, status string) string {
	if len(m.Errors) > 0 && m.Errors[0].Code != "" {
		return m.Errors[0].Code
	}
	return status
}

func acknowledge(w http.ResponseWriter) error {
	if err := httpx.Write(w, http.StatusOK, map[string]string{"status": "ok"}); err != nil {
		return err
	}
	if crash.Enabled {
		_ = http.NewResponseController(w).Flush()
	}
	crash.Point("inbound.acknowledged")
	return nil
}
