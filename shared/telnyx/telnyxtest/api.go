package telnyxtest

import (
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/chattercheatah/chattercheatah/shared/private"
	"github.com/chattercheatah/chattercheatah/shared/telnyx"
)

// sendRequest is the API's body; a field that is not the API's is refused.
type sendRequest struct {
	From               string  `json:"from"`
	To                 string  `json:"to"`
	Text               string  `json:"text"`
	MessagingProfileID *string `json:"messaging_profile_id"`
	WebhookURL         string  `json:"webhook_url"`
	WebhookFailoverURL string  `json:"webhook_failover_url"`
	UseProfileWebhooks *bool   `json:"use_profile_webhooks"`
	Type               string  `json:"type"`
	Encoding           string  `json:"encoding"`
}

func (s *Server) takeMessage(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	failure := s.nextFailure()
	s.mu.Unlock()
	if failure == Dropped {
		panic(http.ErrAbortHandler)
	}
	in, code, title := s.read(r)
	if code != "" {
		refuse(w, statusOf(code), code, title)
		return
	}
	if s.refuseOnCommand(w, r, failure) {
		return
	}
	m := Message{ID: newID(), From: private.MustPhone(in.From), To: private.MustPhone(in.To), Text: private.NewText(in.Text), At: time.Now(), WebhookURL: in.WebhookURL}
	s.mu.Lock()
	if s.blocked[[2]private.Phone{m.From, m.To}] {
		s.mu.Unlock()
		refuse(w, http.StatusForbidden, "40300", "Blocked due to STOP message")
		return
	}
	s.take(m)
	s.mu.Unlock()
	s.report(m, "delivered", "")
	s.answer(w, m, failure)
}

// read checks a send as the API does; code is that of what is wrong, "" for nothing.
func (s *Server) read(r *http.Request) (in sendRequest, code, title string) {
	profile, ok := s.profileOf(r)
	if !ok {
		return in, "10009", "Authentication failed"
	}
	if !strings.HasPrefix(r.Header.Get("Content-Type"), "application/json") {
		return in, "10015", "Bad Request: content type"
	}
	decoder := json.NewDecoder(io.LimitReader(r.Body, 1<<20))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&in); err != nil {
		return in, "10015", "Bad Request: body"
	}
	_, fromErr := private.ParsePhone(in.From)
	_, toErr := private.ParsePhone(in.To)
	report, urlErr := url.Parse(in.WebhookURL)
	switch {
	case fromErr != nil:
		return in, "40305", "Invalid 'from' address"
	case toErr != nil:
		return in, "40310", "Invalid 'to' address"
	case in.Text == "":
		return in, "40316", "Message cannot be empty"
	case telnyx.Segments(in.Text) > 10:
		return in, "40302", "Message too large"
	case urlErr != nil || !report.IsAbs() || report.Host == "":
		return in, "10015", "Bad Request: webhook_url"
	case profile != "" && (in.MessagingProfileID == nil || *in.MessagingProfileID != profile):
		return in, "40313", "Invalid messaging profile"
	case in.MessagingProfileID != nil && *in.MessagingProfileID == "":
		return in, "10015", "Bad Request: messaging_profile_id"
	}
	return in, "", ""
}

func statusOf(code string) int {
	if code == "10009" {
		return http.StatusUnauthorized
	}
	return http.StatusUnprocessableEntity
}

// refuseOnCommand answers with a failure that takes nothing.
func (s *Server) refuseOnCommand(w http.ResponseWriter, r *http.Request, failure Failure) bool {
	switch failure {
	case Hangs:
		<-r.Context().Done()
		panic(http.ErrAbortHandler)
	case Refused500:
		refuse(w, http.StatusInternalServerError, "10007", "Unexpected error")
	case Refused429:
		w.Header().Set("Retry-After", "1")
		refuse(w, http.StatusTooManyRequests, "10011", "Too many requests")
	case Refused40001:
		refuse(w, http.StatusUnprocessableEntity, "40001", "Not routable")
	case Refused40300:
		refuse(w, http.StatusForbidden, "40300", "Blocked due to STOP message")
	case Refused40010:
		refuse(w, http.StatusUnprocessableEntity, "40010", "Not 10DLC registered")
	default:
		return false
	}
	return true
}

func refuse(w http.ResponseWriter, status int, code, title string) {
	writeJSON(w, status, map[string]any{"errors": []map[string]any{{"code": code, "title": title, "detail": "invented by the fake", "meta": map[string]string{}}}})
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v)
}

// answer tells the caller that the text was taken, unless the answer is to be lost.
func (s *Server) answer(w http.ResponseWriter, m Message, failure Failure) {
	switch failure {
	case TakenLost:
		panic(http.ErrAbortHandler)
	case Taken500:
		refuse(w, http.StatusInternalServerError, "10007", "Unexpected error")
	case TakenGarbage:
		w.WriteHeader(http.StatusOK)
		_, _ = w.Write([]byte("<html>"))
	default:
		writeJSON(w, http.StatusOK, map[string]any{"data": s.payload(m, "queued", nil)})
	}
}

// payload is a message as the API and the delivery reports show it.
func (s *Server) payload(m Message, status string, errors []map[string]any) map[string]any {
	if errors == nil {
		errors = []map[string]any{}
	}
	return map[string]any{
		"record_type": "message", "direction": "outbound", "id": m.ID, "type": "SMS",
		"from": map[string]string{"phone_number": m.From.E164(), "carrier": "Telnyx", "line_type": "Wireless"},
		"to":   []map[string]string{{"phone_number": m.To.E164(), "status": status, "carrier": "EXAMPLE WIRELESS", "line_type": "Wireless"}},
		"cc":   []string{}, "text": m.Text.Reveal(), "media": []string{}, "encoding": "GSM-7", "parts": telnyx.Segments(m.Text.Reveal()), "tags": []string{},
		"cost": map[string]string{"amount": "0.0051", "currency": "USD"}, "errors": errors,
		"received_at": stamp(m.At), "sent_at": nil, "completed_at": nil, "valid_until": nil,
		"webhook_url": m.WebhookURL, "webhook_failover_url": nil,
	}
}

func stamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000-07:00") }

// listRecords serves the messaging detail records of the caller's account, newest first.
func (s *Server) listRecords(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	up := s.records
	s.mu.Unlock()
	if _, ok := s.profileOf(r); !ok {
		refuse(w, http.StatusUnauthorized, "10009", "Authentication failed")
		return
	}
	q := r.URL.Query()
	size, err := strconv.Atoi(q.Get("page[size]"))
	number, numberErr := strconv.Atoi(q.Get("page[number]"))
	if !up || q.Get("filter[record_type]") != "messaging" || err != nil || numberErr != nil || size < 1 || size > 50 || number < 1 {
		refuse(w, map[bool]int{true: http.StatusBadRequest, false: http.StatusServiceUnavailable}[up], "10015", "Bad Request")
		return
	}
	var rows []map[string]string
	for _, m := range s.Sent() {
		if from, to := q.Get("filter[cli]"), q.Get("filter[cld]"); (from == "" || from == m.From.E164()) && (to == "" || to == m.To.E164()) {
			rows = append([]map[string]string{{
				"record_type": "message_detail_record", "uuid": m.ID, "direction": "outbound", "cli": m.From.E164(), "cld": m.To.E164(),
				"created_at": stamp(m.At), "status": "DELIVERED", "delivery_status_webhook_url": m.WebhookURL,
			}}, rows...)
		}
	}
	pages := max((len(rows)+size-1)/size, 1)
	page := rows[min((number-1)*size, len(rows)):min(number*size, len(rows))]
	writeJSON(w, http.StatusOK, map[string]any{
		"data": append([]map[string]string{}, page...),
		"meta": map[string]int{"page_number": number, "page_size": size, "total_pages": pages, "total_results": len(rows)},
	})
}
