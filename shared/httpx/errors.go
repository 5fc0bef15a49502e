package httpx

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/chattercheatah/chattercheatah/shared/fault"
)

// Caller is who reads an answer; it decides how an error is told.
type Caller int

// The callers. What each is told of an error:
//
//	Person    4xx with the message and its fix; 500 and 503 with the request id only
//	Provider  401, 400, and 200 for whatever a repeat cannot change; 5xx asks to deliver again
//	Voice     200 with a sentence that an assistant can say
//	Browser   a page that says what to do next
const (
	Person Caller = iota
	Provider
	Voice
	Browser
)

// Problem is every error's body (RFC 9457, application/problem+json).
type Problem struct {
	Type      string       `json:"type"`
	Title     string       `json:"title"`
	Status    int          `json:"status"`
	Code      string       `json:"code"`             // a fault.Kind: stable, for programs
	Detail    string       `json:"detail,omitempty"` // what is wrong and what to do, for people
	RequestID string       `json:"request_id,omitempty"`
	Errors    []FieldError `json:"errors,omitempty"`
}

// FieldError says which part of a request is wrong.
type FieldError struct {
	Location string `json:"location"` // such as body.reply_wait_seconds
	Message  string `json:"message"`
}

// Error is the title and the detail.
func (p *Problem) Error() string { return p.Title + ": " + p.Detail }

// GetStatus is the HTTP status.
func (p *Problem) GetStatus() int { return p.Status }

// ContentType is that of a problem, whatever the JSON flavour asked for.
func (p *Problem) ContentType(string) string { return "application/problem+json" }

func init() { huma.NewError = requestProblem }

// requestProblem is how huma tells that a request is malformed. What was sent is never repeated, only where it is wrong.
func requestProblem(status int, detail string, errs ...error) huma.StatusError {
	p := problem(status, context.Background())
	p.Detail = detail
	for _, err := range errs {
		var d *huma.ErrorDetail
		if errors.As(err, &d) {
			p.Errors = append(p.Errors, FieldError{d.Location, d.Message})
		} else if err != nil {
			p.Errors = append(p.Errors, FieldError{"body", err.Error()})
		}
	}
	if status == http.StatusRequestEntityTooLarge {
		p.Detail = fmt.Sprintf("the body is larger than %d bytes; send less", maxJSON)
	}
	return p
}

var codes = map[int]fault.Kind{
	http.StatusUnauthorized: fault.Unauthenticated, http.StatusForbidden: fault.Forbidden, http.StatusNotFound: fault.NotFound,
	http.StatusConflict: fault.Conflict, http.StatusTooManyRequests: fault.TooMany, http.StatusServiceUnavailable: fault.Unavailable,
}

func problem(status int, ctx context.Context) *Problem {
	code, ok := codes[status]
	if !ok && status < 500 {
		code = fault.Invalid
	}
	p := &Problem{Type: "about:blank", Title: http.StatusText(status), Status: status, Code: code.String(), RequestID: RequestID(ctx)}
	switch status {
	case http.StatusNotFound:
		p.Detail = "there is no such path; see the README for what there is"
	case http.StatusMethodNotAllowed:
		p.Detail = "this path does not take that method; see the header Allow"
	}
	return p
}

// problemOf tells a caller of an error.
func problemOf(c Caller, err error) *Problem {
	p := problem(statusOf(c, fault.KindOf(err)), context.Background())
	p.Code, p.Detail = fault.KindOf(err).String(), fault.PublicText(err)
	return p
}

func statusOf(c Caller, k fault.Kind) int {
	if c == Voice {
		return http.StatusOK
	}
	switch k {
	case fault.Unauthenticated:
		return http.StatusUnauthorized
	case fault.Invalid:
		return http.StatusBadRequest
	case fault.Unavailable:
		return http.StatusServiceUnavailable
	case fault.Internal:
		return http.StatusInternalServerError
	}
	if c == Provider && k == fault.TooMany {
		return http.StatusServiceUnavailable
	}
	if c == Provider {
		return http.StatusOK
	}
	return map[fault.Kind]int{
		fault.Forbidden: http.StatusForbidden, fault.NotFound: http.StatusNotFound,
		fault.Conflict: http.StatusConflict, fault.TooMany: http.StatusTooManyRequests,
	}[k]
}

// withRequestID completes a problem on its way out of huma.
func withRequestID(ctx huma.Context, _ string, v any) (any, error) {
	p, ok := v.(*Problem)
	if !ok {
		return v, nil
	}
	complete := *p
	complete.RequestID = RequestID(ctx.Context())
	for name, value := range headersOf(complete.Status) {
		ctx.SetHeader(name, value)
	}
	return &complete, nil
}

func headersOf(status int) map[string]string {
	switch status {
	case http.StatusUnauthorized:
		return map[string]string{"WWW-Authenticate": "Bearer"}
	case http.StatusServiceUnavailable:
		return map[string]string{"Retry-After": "1"}
	default:
		return nil
	}
}

// fail tells the caller of an error, unless an answer is on its way already, and keeps it for the log.
func fail(w http.ResponseWriter, r *http.Request, c Caller, err error) {
	remember(r.Context(), err)
	if began(r.Context()) {
		return
	}
	p := problemOf(c, err)
	p.RequestID = RequestID(r.Context())
	switch c {
	case Voice:
		_ = Write(w, http.StatusOK, map[string]string{"result": spoken(err)})
	case Browser:
		_ = ShowPage(w, p.Status, problemPage(p))
	case Provider:
		_ = Write(w, p.Status, map[string]string{"status": "rejected", "code": p.Code})
	default:
		writeProblem(w, p)
	}
}

// spoken is what an assistant says of an error: what a handler has to say of what the caller can change, or that it does not work now.
func spoken(err error) string {
	e, told := errors.AsType[*fault.Error](err)
	switch fault.KindOf(err) {
	case fault.Invalid, fault.NotFound, fault.Conflict, fault.TooMany:
		if told && e.Public != "" {
			return e.Public
		}
	}
	return cannot
}

// cannot is what an assistant says when there is nothing better to say.
const cannot = "I can't do that right now. Someone from our team can help with it."

// refuse tells a caller who was not admitted. An assistant says nothing of why: it is not for whoever listens.
func refuse(w http.ResponseWriter, r *http.Request, c Caller, err error) {
	if c != Voice {
		fail(w, r, c, err)
		return
	}
	remember(r.Context(), err)
	_ = Write(w, http.StatusOK, map[string]string{"result": cannot})
}

func writeProblem(w http.ResponseWriter, p *Problem) {
	for name, value := range headersOf(p.Status) {
		w.Header().Set(name, value)
	}
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(p.Status)
	_ = json.NewEncoder(w).Encode(p)
}

// Write answers with v as JSON.
func Write(w http.ResponseWriter, status int, v any) error {
	body, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("writing the answer: %w", err)
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, err = w.Write(append(body, '\n'))
	return err
}

// Body reads a request's body whole. fault.Invalid when it is larger than limit bytes or ends too soon.
func Body(r *http.Request, limit int64) ([]byte, error) {
	body, err := io.ReadAll(http.MaxBytesReader(nil, r.Body, limit))
	if err != nil {
		return nil, fault.Wrap(fault.Invalid, errors.New(strings.TrimPrefix(err.Error(), "http: ")), "the body could not be read; it may hold %d bytes at most", limit)
	}
	return body, nil
}
