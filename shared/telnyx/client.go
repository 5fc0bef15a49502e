package telnyx

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/chattercheatah/chattercheatah/shared/private"
)

// Client calls Telnyx's API.
type Client struct {
	base string
	http *http.Client
}

// idleLimit is shorter than any server's: a text written to a connection that its other end has just closed would be lost
// from sight.
const idleLimit = 15 * time.Second

// NewClient calls the API at base, with or without its /v2. Deadlines come with each call's context. It dials nothing.
func NewClient(base string) *Client {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.IdleConnTimeout = idleLimit
	transport.MaxIdleConnsPerHost = 32
	return &Client{
		base: strings.TrimSuffix(strings.TrimRight(base, "/"), "/v2"),
		http: &http.Client{
			Transport:     transport,
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}
}

// Outgoing is a text to send.
type Outgoing struct {
	From, To   private.Phone
	Text       private.Text
	ProfileID  string // messaging profile; may be empty
	WebhookURL string // where reports about this text go
}

// Sent is a text that Telnyx has taken. Taken is not delivered.
type Sent struct {
	ID     string
	Parts  int
	Status string
}

// Outcome is what is known of a send that did not succeed.
type Outcome int

// The outcomes. The zero Outcome is the one that promises nothing.
const (
	Unknown Outcome = iota // Telnyx may have taken it
	NotSent                // it surely did not
)

// Reason is why a text was not taken, as far as it matters for what to do.
type Reason string

// The reasons, with the error codes of the Messaging Error Code Reference.
const (
	Lost      Reason = "lost"      // no answer, or none that can be read
	BackOff   Reason = "back_off"  // try later: not reached, 10011, 40318, carrier rates
	OptedOut  Reason = "opted_out" // 40300 for a STOP
	Permanent Reason = "permanent" // this number will never take this text
	Config    Reason = "config"    // the account, its number or its campaign is not set up for it
	Content   Reason = "content"   // the text itself
)

// SendError is a send that did not succeed. Its text holds the status, the code and the reason, and nothing of the message.
type SendError struct {
	Outcome    Outcome
	Reason     Reason
	Status     int    // HTTP; 0 when there was no answer
	Code       string // Telnyx's; "" when there was none
	RetryAfter time.Duration
}

// Error is safe to log.
func (e *SendError) Error() string {
	outcome := "unknown whether sent"
	if e.Outcome == NotSent {
		outcome = "not sent"
	}
	return fmt.Sprintf("telnyx: %s (%s, status %d, code %q)", outcome, e.Reason, e.Status, e.Code)
}

// Send asks Telnyx to send a text, once. The error is a *SendError, which says whether the text may be out.
func (c *Client) Send(ctx context.Context, key private.Secret, o Outgoing) (Sent, error) {
	body, err := json.Marshal(map[string]string{
		"from": o.From.E164(), "to": o.To.E164(), "text": o.Text.Reveal(), "webhook_url": o.WebhookURL, "messaging_profile_id": o.ProfileID,
	})
	if err != nil {
		return Sent{}, &SendError{Outcome: NotSent, Reason: Content}
	}
	if o.ProfileID == "" {
		body = bytes.Replace(body, []byte(`"messaging_profile_id":"",`), nil, 1)
	}
	var connected atomic.Bool
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{GotConn: func(httptrace.GotConnInfo) { connected.Store(true) }})
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, c.base+"/v2/messages", struct{ io.Reader }{bytes.NewReader(body)})
	if err != nil {
		return Sent{}, &SendError{Outcome: NotSent, Reason: Config}
	}
	r.ContentLength = int64(len(body)) // and no GetBody: net/http must not send this a second time on a connection that broke
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Authorization", "Bearer "+key.Reveal())
	response, err := c.http.Do(r)
	if err != nil && !connected.Load() {
		return Sent{}, &SendError{Outcome: NotSent, Reason: BackOff}
	}
	if err != nil {
		return Sent{}, &SendError{Outcome: Unknown, Reason: Lost}
	}
	defer func() { _ = response.Body.Close() }()
	return readSent(response)
}

// maxAnswer is far above any answer of Telnyx.
const maxAnswer = 1 << 20

func readSent(response *http.Response) (Sent, error) {
	content, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer))
	if response.StatusCode < 200 || response.StatusCode >= 300 {
		return Sent{}, refusal(response, content)
	}
	var answer struct {
		Data struct {
			ID    string `json:"id"`
			Parts int    `json:"parts"`
			To    []struct {
				Status string `json:"status"`
			} `json:"to"`
		} `json:"data"`
	}
	if err != nil || json.Unmarshal(content, &answer) != nil || answer.Data.ID == "" {
		return Sent{}, &SendError{Outcome: Unknown, Reason: Lost, Status: response.StatusCode}
	}
	sent := Sent{ID: answer.Data.ID, Parts: answer.Data.Parts}
	if len(answer.Data.To) > 0 {
		sent.Status = answer.Data.To[0].Status
	}
	return sent, nil
}

// refusal reads an error answer. A 4xx says that the text was not taken; anything else leaves it open.
func refusal(response *http.Response, content []byte) *SendError {
	e := &SendError{Outcome: Unknown, Reason: Lost, Status: response.StatusCode}
	var answer struct {
		Errors []struct {
			Code   any    `json:"code"`
			Title  string `json:"title"`
			Detail string `json:"detail"`
		} `json:"errors"`
	}
	_ = json.Unmarshal(content, &answer)
	var words string
	if len(answer.Errors) > 0 {
		e.Code, words = plainCode(answer.Errors[0].Code), answer.Errors[0].Title+" "+answer.Errors[0].Detail
	}
	if response.StatusCode < 400 || response.StatusCode >= 500 {
		return e
	}
	e.Outcome, e.Reason = NotSent, reasonOf(response.StatusCode, e.Code, words)
	if seconds, err := strconv.Atoi(response.Header.Get("Retry-After")); err == nil && seconds > 0 {
		e.RetryAfter = min(time.Duration(seconds)*time.Second, time.Hour)
	}
	return e
}

func plainCode(code any) string {
	switch c := code.(type) {
	case string:
		if len(c) <= 10 {
			return c
		}
	case float64:
		return strconv.Itoa(int(c))
	}
	return ""
}

var reasons = map[string]Reason{
	"10011": BackOff, "40318": BackOff, "40011": BackOff, "40016": BackOff, "40018": BackOff, "10007": BackOff, "10008": BackOff, "10037": BackOff,
	"40001": Permanent, "40003": Permanent, "40012": Permanent, "40310": Permanent, "40301": Permanent, "40319": Permanent, "40322": Permanent, "40314": Permanent,
	"40302": Content, "40304": Content, "40316": Content, "40317": Content, "40328": Content,
}

// reasonOf classifies by code; 40300 is documented with three meanings, of which only its words tell the opt-out.
func reasonOf(status int, code, words string) Reason {
	words = strings.ToLower(words)
	if code == "40300" && (strings.Contains(words, "stop") || strings.Contains(words, "block rule")) {
		return OptedOut
	}
	if r, ok := reasons[code]; ok {
		return r
	}
	if status == http.StatusTooManyRequests || status == http.StatusRequestTimeout {
		return BackOff
	}
	return Config
}
