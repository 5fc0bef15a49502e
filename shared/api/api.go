// Package api is a client of our own HTTP API, for the operators' commands and the smoke test. It knows addresses, tokens and
// problems; what is called, and what with, stands with the caller.
package api

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/chattercheatah/chattercheatah/shared/private"
)

// Client calls one system as one person, or as nobody.
type Client struct {
	base   string
	http   *http.Client
	token  private.Secret
	tenant int64
}

// patience is above a cold start with a slow answer after it.
const patience = 60 * time.Second

// maxAnswer is far above any answer of ours.
const maxAnswer = 8 << 20

// New makes a client that has not logged in. base is the API's address and ends in /api/v1. It is https, unless the system runs on
// this machine: passwords travel over it.
func New(base string) (*Client, error) {
	u, err := url.Parse(base)
	switch {
	case err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" || !strings.HasSuffix(u.Path, "/api/v1"):
		return nil, errors.New("API_BASE must be an address that ends in /api/v1, such as https://api.example.test/api/v1")
	case u.Scheme != "https" && (u.Scheme != "http" || !onThisMachine(u.Hostname())):
		return nil, errors.New("API_BASE must begin with https://, unless the system runs on this machine")
	}
	return &Client{base: base, http: &http.Client{Timeout: patience, CheckRedirect: keepRedirect}}, nil
}

func onThisMachine(host string) bool {
	return host == "localhost" || net.ParseIP(host).IsLoopback()
}

// keepRedirect hands a redirection back as the answer that it is: the API has none, and a token does not travel along one.
func keepRedirect(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

// Base is the API's address.
func (c *Client) Base() string { return c.base }

// In is the same client acting in a tenant, which it names with X-Tenant-Id.
func (c *Client) In(tenant int64) *Client {
	in := *c
	in.tenant = tenant
	return &in
}

// LogIn is the same client as the person with that address and password.
func (c *Client) LogIn(ctx context.Context, email string, password private.Secret) (*Client, error) {
	var who struct {
		AccessToken string `json:"access_token"`
	}
	credentials := map[string]string{"email": email, "password": password.Reveal()}
	if err := c.Call(ctx, http.MethodPost, "/auth/login", credentials, &who); err != nil {
		return nil, err
	}
	if who.AccessToken == "" {
		return nil, errors.New("POST /auth/login was answered without an access_token")
	}
	in := *c
	in.token = private.NewSecret(who.AccessToken)
	return &in, nil
}

// Answer is what a call was answered with, whatever its status.
type Answer struct {
	Status int
	Body   []byte
}

// Send makes one call and tells the answer. in is sent as JSON, nil as no body; path begins with / and stands below the base. The
// error is that of a system which did not answer. Nothing is tried again.
func (c *Client) Send(ctx context.Context, method, path string, in any) (Answer, error) {
	return c.send(ctx, method, c.base+path, in)
}

// SendBeside is Send to a path of the same address that stands outside of the API, as the local server's fakes do.
func (c *Client) SendBeside(ctx context.Context, method, path string, in any) (Answer, error) {
	beside := *c
	beside.token, beside.tenant = private.Secret{}, 0
	return beside.send(ctx, method, strings.TrimSuffix(c.base, "/api/v1")+path, in)
}

func (c *Client) send(ctx context.Context, method, address string, in any) (Answer, error) {
	var body io.Reader
	if in != nil {
		text, err := json.Marshal(in)
		if err != nil {
			return Answer{}, fmt.Errorf("writing the body of %s: %w", address, err)
		}
		body = bytes.NewReader(text)
	}
	request, err := http.NewRequestWithContext(ctx, method, address, body)
	if err != nil {
		return Answer{}, err
	}
	c.identify(request)
	response, err := c.http.Do(request)
	if err != nil {
		return Answer{}, fmt.Errorf("no answer: %w", err)
	}
	defer func() { _ = response.Body.Close() }()
	answer, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer))
	if err != nil {
		return Answer{}, fmt.Errorf("no whole answer from %s: %w", address, err)
	}
	return Answer{response.StatusCode, answer}, nil
}

func (c *Client) identify(r *http.Request) {
	if r.Body != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	if !c.token.IsZero() {
		r.Header.Set("Authorization", "Bearer "+c.token.Reveal())
	}
	if c.tenant != 0 {
		r.Header.Set("X-Tenant-Id", strconv.FormatInt(c.tenant, 10))
	}
}

// Call is Send for a call that is to succeed, whose answer is read into out unless that is nil. An answer other than 2xx is a
// *Problem.
func (c *Client) Call(ctx context.Context, method, path string, in, out any) error {
	answer, err := c.Send(ctx, method, path, in)
	if err != nil {
		return err
	}
	if answer.Status < 200 || answer.Status > 299 {
		return problemOf(method, path, answer)
	}
	if out == nil {
		return nil
	}
	if err := json.Unmarshal(answer.Body, out); err != nil {
		return fmt.Errorf("%s %s was answered %d with what cannot be read: %w", method, path, answer.Status, err)
	}
	return nil
}

// Problem is an answer that says no.
type Problem struct {
	Method, Path string
	Status       int
	Code         string       `json:"code"`
	Detail       string       `json:"detail"`
	RequestID    string       `json:"request_id"`
	Errors       []FieldError `json:"errors"`
}

// FieldError says which part of what was sent is wrong.
type FieldError struct {
	Location string `json:"location"`
	Message  string `json:"message"`
}

func problemOf(method, path string, a Answer) *Problem {
	p := &Problem{}
	_ = json.Unmarshal(a.Body, p) // what did not come from us is no JSON: then the status says it all
	path, _, _ = strings.Cut(path, "?")
	p.Method, p.Path, p.Status = method, path, a.Status
	return p
}

// Error tells the call, the status, what is wrong and the request id to report it with.
func (p *Problem) Error() string {
	var b strings.Builder
	_, _ = fmt.Fprintf(&b, "%s %s was answered %d", p.Method, p.Path, p.Status)
	if detail := cmp.Or(p.Detail, p.Code); detail != "" {
		b.WriteString(": " + detail)
	}
	for _, e := range p.Errors {
		b.WriteString("; " + e.Location + ": " + e.Message)
	}
	if p.RequestID != "" {
		b.WriteString(" (request " + p.RequestID + ")")
	}
	return b.String()
}

// StatusOf is the status of an answer that was a *Problem, 0 for another error.
func StatusOf(err error) int {
	if p, ok := errors.AsType[*Problem](err); ok {
		return p.Status
	}
	return 0
}

// All reads a list to its end, page after page. query may be nil. An error ends it.
func All[T any](ctx context.Context, c *Client, path string, query url.Values) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		asked := url.Values{}
		for name, values := range query {
			asked[name] = values
		}
		for {
			var page struct {
				Items      []T     `json:"items"`
				NextCursor *string `json:"next_cursor"`
			}
			if err := c.Call(ctx, http.MethodGet, path+"?"+asked.Encode(), nil, &page); err != nil {
				yield(*new(T), err)
				return
			}
			for _, item := range page.Items {
				if !yield(item, nil) {
					return
				}
			}
			if page.NextCursor == nil {
				return
			}
			asked.Set("cursor", *page.NextCursor)
		}
	}
}
