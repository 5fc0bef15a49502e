package telnyx

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/chattercheatah/chattercheatah/shared/fault"
	"github.com/chattercheatah/chattercheatah/shared/private"
)

// Utterance is what one side of a conversation with an assistant said.
type Utterance struct {
	FromCustomer bool
	Text         private.Text
	At           time.Time
}

var errUnread = errors.New("telnyx: what was asked for could not be read")

// maxConversationPages bounds one conversation, at a hundred messages a page.
const maxConversationPages = 10

// Conversation reads what was said in a conversation (GET /v2/ai/conversations/{id}/messages), the oldest first. What a tool was called with
// and what it answered is left out, and so are the error documents that some conversations hold. Telnyx writes a conversation down a
// moment after it was held: nothing said yet is no error. fault.NotFound when Telnyx has no such conversation, fault.Unavailable when it
// could not be asked.
func (c *Client) Conversation(ctx context.Context, key private.Secret, id string) ([]Utterance, error) {
	var said []Utterance
	for page := 1; page <= maxConversationPages; page++ {
		var answer struct {
			Data []conversationMessage `json:"data"`
			Meta struct {
				TotalPages int `json:"total_pages"`
			} `json:"meta"`
		}
		query := url.Values{"page[number]": {strconv.Itoa(page)}, "page[size]": {"100"}}
		if err := c.get(ctx, key, "/v2/ai/conversations/"+url.PathEscape(id)+"/messages?"+query.Encode(), &answer); err != nil {
			return nil, err
		}
		for _, m := range answer.Data {
			if u, ok := m.utterance(); ok {
				said = append(said, u)
			}
		}
		if page >= answer.Meta.TotalPages {
			break
		}
	}
	slices.Reverse(said) // they come newest first, and those of one moment stay in their order
	slices.SortStableFunc(said, func(a, b Utterance) int { return a.At.Compare(b.At) })
	return said, nil
}

type conversationMessage struct {
	Role      string    `json:"role"`
	Text      *string   `json:"text"`
	SentAt    time.Time `json:"sent_at"`
	CreatedAt time.Time `json:"created_at"`
}

func (m conversationMessage) utterance() (Utterance, bool) {
	if m.Text == nil || m.Role != "user" && m.Role != "assistant" || isErrorDocument(*m.Text) {
		return Utterance{}, false
	}
	text := strings.TrimSpace(clean(*m.Text))
	at := m.SentAt
	if at.IsZero() {
		at = m.CreatedAt
	}
	return Utterance{m.Role == "user", private.NewText(text), at}, text != ""
}

// isErrorDocument tells the JSON that a failed request of the assistant leaves among the messages from what somebody said.
func isErrorDocument(text string) bool {
	var document map[string]json.RawMessage
	if json.Unmarshal([]byte(text), &document) != nil {
		return false
	}
	return slices.ContainsFunc([]string{"http_status", "errors", "error", "http_body"}, func(name string) bool { return document[name] != nil })
}

// FindConversation finds the conversation of a call (GET /v2/ai/conversations, by the call's control id). fault.NotFound when there is
// none, fault.Unavailable when Telnyx could not be asked.
func (c *Client) FindConversation(ctx context.Context, key private.Secret, controlID string) (id string, err error) {
	var answer struct {
		Data []struct {
			ID string `json:"id"`
		} `json:"data"`
	}
	query := url.Values{"metadata->call_control_id": {"eq." + controlID}, "limit": {"1"}, "order": {"created_at.desc"}}
	if err := c.get(ctx, key, "/v2/ai/conversations?"+query.Encode(), &answer); err != nil {
		return "", err
	}
	if len(answer.Data) == 0 || answer.Data[0].ID == "" {
		return "", fault.New(fault.NotFound, "Telnyx has no conversation of this call")
	}
	return answer.Data[0].ID, nil
}

// FindRecording finds the newest recording of a call (GET /v2/recordings); "" when there is none. fault.Unavailable when Telnyx could not be
// asked.
func (c *Client) FindRecording(ctx context.Context, key private.Secret, controlID string) (id string, err error) {
	var answer struct {
		Data []struct {
			ID        string `json:"id"`
			ControlID string `json:"call_control_id"`
		} `json:"data"`
	}
	query := url.Values{"filter[call_control_id]": {controlID}, "page[size]": {"20"}}
	if err := c.get(ctx, key, "/v2/recordings?"+query.Encode(), &answer); err != nil {
		return "", err
	}
	for _, r := range answer.Data {
		if r.ControlID == controlID { // a filter that is not understood would let through those of other calls
			return r.ID, nil
		}
	}
	return "", nil
}

// RecordingURL is a link to a recording (GET /v2/recordings/{id}), good for about ten minutes. fault.NotFound when Telnyx has no such
// recording any more, fault.Unavailable when it could not be asked.
func (c *Client) RecordingURL(ctx context.Context, key private.Secret, id string) (string, error) {
	var answer struct {
		Data struct {
			URLs struct {
				MP3 string `json:"mp3"`
				WAV string `json:"wav"`
			} `json:"download_urls"`
		} `json:"data"`
	}
	if err := c.get(ctx, key, "/v2/recordings/"+url.PathEscape(id), &answer); err != nil {
		return "", err
	}
	for _, link := range []string{answer.Data.URLs.MP3, answer.Data.URLs.WAV} {
		if strings.HasPrefix(link, "https://") {
			return link, nil
		}
	}
	return "", fault.New(fault.NotFound, "Telnyx has no link to this recording")
}

// get reads one answer of the API.
func (c *Client) get(ctx context.Context, key private.Secret, path string, into any) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, c.base+path, nil)
	if err != nil {
		return fault.Wrap(fault.Unavailable, errUnread, "")
	}
	r.Header.Set("Authorization", "Bearer "+key.Reveal())
	response, err := c.http.Do(r)
	if err != nil {
		return fault.Wrap(fault.Unavailable, errUnread, "")
	}
	defer func() { _ = response.Body.Close() }()
	err = json.NewDecoder(io.LimitReader(response.Body, maxAnswer)).Decode(into)
	switch {
	case response.StatusCode == http.StatusNotFound:
		return fault.Wrap(fault.NotFound, errUnread, "Telnyx has none")
	case response.StatusCode != http.StatusOK || err != nil:
		return fault.Wrap(fault.Unavailable, fmt.Errorf("%w: status %d", errUnread, response.StatusCode), "")
	}
	return nil
}
