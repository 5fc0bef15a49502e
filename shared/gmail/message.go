package gmail

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"

	"google.golang.org/api/googleapi"

	"github.com/chattercheatah/chattercheatah/shared/fault"
	"github.com/chattercheatah/chattercheatah/shared/google"
)

// Message is a message with the mail itself, which nobody else's eyes may see.
type Message struct {
	ID, ThreadID string
	Labels       []string
	Received     time.Time // when Gmail took it in, not what the mail claims
	Size         int64     // of the whole mail, in bytes, as Gmail estimates it
	Raw          []byte    // the mail as it was sent (RFC 5322), or its beginning
	Truncated    bool      // it is only the beginning
}

// Message gets a message, and of its mail at most most bytes: however large it is, no more is held. ErrNoMessage when it is not there.
func (c *Client) Message(ctx context.Context, g google.Grant, id string, most int64) (m Message, err error) {
	const doing = "getting a message"
	err = c.read(ctx, g, doing, func(header string) error {
		m, err = c.get(ctx, header, id, most)
		return err
	})
	switch {
	case status(err) == http.StatusNotFound:
		return Message{}, fault.Wrap(fault.Unavailable, fmt.Errorf("%s: %w", doing, ErrNoMessage), "")
	case err != nil:
		return Message{}, err
	case m.ID != id:
		return Message{}, incomplete(doing)
	default:
		return m, nil
	}
}

// maxRefusal is far above any answer of Gmail that is an error.
const maxRefusal = 64 << 10

// get asks without the library, which would read the whole of the answer.
func (c *Client) get(ctx context.Context, header, id string, most int64) (Message, error) {
	at := c.base + "gmail/v1/users/" + me + "/messages/" + url.PathEscape(id) + "?format=raw&prettyPrint=false"
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, at, nil)
	if err != nil {
		return Message{}, err
	}
	r.Header.Set("Authorization", header)
	response, err := c.http.Do(r)
	if err != nil {
		return Message{}, err
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode != http.StatusOK {
		response.Body = io.NopCloser(io.LimitReader(response.Body, maxRefusal))
		if err := googleapi.CheckResponse(response); err != nil {
			return Message{}, err
		}
		return Message{}, fmt.Errorf("status %d", response.StatusCode)
	}
	return scan(response.Body, most)
}
