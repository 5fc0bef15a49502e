// Package jackrabbit reads the list of classes that a school publishes from Jackrabbit Class. There is no official description of
// that list: it is read leniently.
package jackrabbit

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/chattercheatah/chattercheatah/shared/fault"
)

// address is where Jackrabbit serves every school's list.
const address = "https://app.jackrabbitclass.com"

// waitLimit bounds one question: somebody is on the telephone, and a voice tool has five seconds.
const waitLimit = 4 * time.Second

// maxAnswer is far above any school's list.
const maxAnswer = 5 << 20

// Client asks Jackrabbit.
type Client struct {
	base string
	host string // of base: a link to it is as good as one to Jackrabbit
	http *http.Client
}

// NewClient asks at base, which is Jackrabbit's own address when empty. It dials nothing.
func NewClient(base string) *Client {
	c := &Client{base: strings.TrimRight(base, "/")}
	if c.base == "" {
		c.base = address
	}
	if u, err := url.Parse(c.base); err == nil {
		c.host = u.Host
	}
	c.http = &http.Client{Timeout: waitLimit, CheckRedirect: c.redirect}
	return c
}

// maxRedirects is how often Jackrabbit may send us on, to another of its own hosts.
const maxRedirects = 3

func (c *Client) redirect(r *http.Request, via []*http.Request) error {
	if len(via) > maxRedirects || !c.trusts(r.URL) {
		return http.ErrUseLastResponse
	}
	return nil
}

// trusts reports whether a link leads to Jackrabbit.
func (c *Client) trusts(u *url.URL) bool {
	switch {
	case u.User != nil || u.Host == "":
		return false
	case u.Host == c.host && strings.HasPrefix(c.base, u.Scheme+"://"):
		return true
	}
	host := strings.ToLower(u.Host)
	return u.Scheme == "https" && (host == "jackrabbitclass.com" || strings.HasSuffix(host, ".jackrabbitclass.com"))
}

// Openings lists the classes of an organisation, full ones among them, in Jackrabbit's order and each once. It asks once and waits
// for 4 seconds at most. fault.Unavailable when there is no answer in time or it is not such a list; the error holds nothing of it.
func (c *Client) Openings(ctx context.Context, org string) ([]Class, error) {
	content, err := c.get(ctx, "/jr3.0/Openings/OpeningsJson?"+url.Values{"OrgID": {org}}.Encode())
	if err == nil {
		var classes []Class
		if classes, err = c.read(content); err == nil {
			return classes, nil
		}
	}
	return nil, fault.Wrap(fault.Unavailable, fmt.Errorf("asking Jackrabbit for the classes of organisation %q: %w", org, err), "")
}

func (c *Client) get(ctx context.Context, path string) ([]byte, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, c.base+path, nil)
	if err != nil {
		return nil, errors.New("the address is none")
	}
	r.Header.Set("Accept", "application/json")
	response, err := c.http.Do(r)
	if err != nil {
		return nil, withoutAddress(err)
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("status %d", response.StatusCode)
	}
	content, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer+1))
	if err != nil {
		return nil, withoutAddress(err)
	}
	if len(content) > maxAnswer {
		return nil, fmt.Errorf("more than %d bytes", maxAnswer)
	}
	return content, nil
}

// withoutAddress takes the address off an error of net/http: where Jackrabbit sent us on is Jackrabbit's text.
func withoutAddress(err error) error {
	if e, ok := errors.AsType[*url.Error](err); ok {
		return e.Err
	}
	return err
}

// The ways in which an answer is not a list of classes.
var (
	errNoJSON    = errors.New("the answer is not the JSON of a list")
	errNoSuccess = errors.New("the answer does not say that it succeeded")
	errNoRows    = errors.New("the answer has no rows")
	errNoClass   = errors.New("none of the rows is a class")
)

func (c *Client) read(content []byte) ([]Class, error) {
	var answer struct {
		Success any                `json:"success"`
		Rows    *[]json.RawMessage `json:"rows"`
	}
	err := json.Unmarshal(content, &answer)
	switch {
	case err != nil:
		return nil, errNoJSON
	case answer.Success != true:
		return nil, errNoSuccess
	case answer.Rows == nil:
		return nil, errNoRows
	}
	classes := make([]Class, 0, len(*answer.Rows))
	seen := map[string]bool{}
	for _, content := range *answer.Rows {
		class := c.class(newRow(content))
		if class.ID == "" || class.Name == "" || seen[class.ID] {
			continue
		}
		seen[class.ID] = true
		classes = append(classes, class)
	}
	if len(classes) == 0 && len(*answer.Rows) > 0 {
		return nil, errNoClass
	}
	return classes, nil
}
