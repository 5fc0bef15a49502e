package telnyxtest

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/chattercheatah/chattercheatah/shared/private"
	"github.com/chattercheatah/chattercheatah/shared/telnyx"
)

// Delivery is how a webhook was taken.
type Delivery struct {
	Status   int // of the last attempt
	Attempts int
	Took     time.Duration // of the last attempt
}

// attempts is how often Telnyx delivers to one address.
const attempts = 3

// keywords are what Telnyx answers by itself; see Message.ByTelnyx.
var keywords = map[string]string{
	"STOP": "STOP", "STOPALL": "STOP", "STOP ALL": "STOP", "UNSUBSCRIBE": "STOP", "CANCEL": "STOP", "END": "STOP", "QUIT": "STOP",
	"START": "START", "UNSTOP": "START", "HELP": "HELP",
}

// Text has a phone text one of our numbers: the fake makes the event, answers a keyword as Telnyx would, and delivers.
func (s *Server) Text(ctx context.Context, from, to private.Phone, text string) (Delivery, error) {
	return s.Deliver(ctx, s.options.InboundURL, s.Received(from, to, text))
}

// Received makes the body of a message.received event, as Telnyx would deliver it, and does what Telnyx does on a keyword.
func (s *Server) Received(from, to private.Phone, text string) []byte {
	auto := keywords[strings.ToUpper(strings.TrimSpace(text))]
	s.mu.Lock()
	switch auto {
	case "STOP":
		s.blocked[[2]private.Phone{to, from}] = true
	case "START":
		delete(s.blocked, [2]private.Phone{to, from})
	}
	if auto != "" {
		s.take(Message{ID: newID(), From: to, To: from, Text: private.NewText("Telnyx's own answer to " + auto), At: time.Now(), ByTelnyx: true})
	}
	s.mu.Unlock()
	payload := map[string]any{
		"record_type": "message", "direction": "inbound", "id": newID(), "type": "SMS",
		"messaging_profile_id": "40010000-0000-4000-8000-000000000003", "organization_id": "b448f9cc-0000-4000-8000-000000000004",
		"from": map[string]string{"phone_number": from.E164(), "carrier": "EXAMPLE WIRELESS", "line_type": "Wireless"},
		"to":   []map[string]string{{"phone_number": to.E164(), "status": "webhook_delivered", "carrier": "Telnyx", "line_type": "Wireless"}},
		"cc":   []string{}, "text": text, "media": []string{}, "encoding": "GSM-7", "parts": 1, "tags": []string{}, "cost": nil, "errors": []string{},
		"received_at": stamp(time.Now()), "sent_at": nil, "completed_at": nil, "valid_until": nil, "autoresponse_type": nil, "is_spam": false,
	}
	if auto != "" {
		payload["autoresponse_type"] = auto
	}
	return Event("message.received", payload)
}

// Event puts a payload into Telnyx's envelope.
func Event(eventType string, payload map[string]any) []byte {
	body, err := json.Marshal(map[string]any{
		"data": map[string]any{"record_type": "event", "id": newID(), "event_type": eventType, "occurred_at": stamp(time.Now()), "payload": payload},
		"meta": map[string]any{"attempt": 1, "delivered_to": "https://fn.example.test/api/v1/telnyx/sms/inbound"},
	})
	if err != nil {
		panic("telnyxtest: the payload cannot be written as JSON")
	}
	return body
}

// Sign makes the headers of a webhook with body, signed at a time.
func (s *Server) Sign(body []byte, at time.Time) http.Header {
	timestamp := strconv.FormatInt(at.Unix(), 10)
	signature := ed25519.Sign(s.options.PrivateKey, append([]byte(timestamp+"|"), body...))
	h := http.Header{"Content-Type": {"application/json"}, "User-Agent": {"telnyx-webhooks"}}
	h.Set(telnyx.TimestampHeader, timestamp)
	h.Set(telnyx.SignatureHeader, base64.StdEncoding.EncodeToString(signature))
	return h
}

// Deliver posts a signed webhook, again while it is not answered 2xx, three times at most. The error is that of the last
// attempt, for one that was not acknowledged.
func (s *Server) Deliver(ctx context.Context, url string, body []byte) (d Delivery, err error) {
	for d.Attempts < attempts {
		d.Attempts++
		began := time.Now()
		d.Status, err = s.post(ctx, url, body)
		d.Took = time.Since(began)
		if err == nil && d.Status >= 200 && d.Status < 300 {
			return d, nil
		}
		select {
		case <-time.After(time.Duration(d.Attempts) * 50 * time.Millisecond):
		case <-ctx.Done():
			return d, ctx.Err()
		}
	}
	if err == nil {
		err = fmt.Errorf("the webhook was answered %d", d.Status)
	}
	return d, err
}

// webhookLimit is how long Telnyx waits for an answer.
const webhookLimit = 2 * time.Second

func (s *Server) post(ctx context.Context, url string, body []byte) (int, error) {
	ctx, cancel := context.WithTimeout(ctx, webhookLimit)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return 0, err
	}
	r.Header = s.Sign(body, time.Now())
	began := time.Now()
	response, err := s.client.Do(r)
	s.timed(time.Since(began), errors.Is(err, context.DeadlineExceeded))
	if err != nil {
		return 0, err
	}
	defer func() { _ = response.Body.Close() }()
	_, err = io.Copy(io.Discard, response.Body)
	return response.StatusCode, err
}

// report delivers message.sent and message.finalized for a text, in the background, in either order as Telnyx does.
func (s *Server) report(m Message, status, code string) {
	if s.options.Silent || m.WebhookURL == "" {
		return
	}
	s.reports.Go(func() {
		sent, finalized := s.Report(m, "message.sent", "sent", ""), s.Report(m, "message.finalized", status, code)
		if m.ID[0]%2 == 0 {
			sent, finalized = finalized, sent
		}
		for _, body := range [][]byte{sent, finalized} {
			_, _ = s.Deliver(context.Background(), m.WebhookURL, body)
		}
	})
}

// Report makes the body of a delivery report; code is an error code, "" for none.
func (s *Server) Report(m Message, eventType, status, code string) []byte {
	var errors []map[string]any
	if code != "" {
		errors = []map[string]any{{"code": code, "title": "Undeliverable", "detail": "invented by the fake"}}
	}
	return Event(eventType, s.payload(m, status, errors))
}
