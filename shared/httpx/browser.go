package httpx

import (
	"bytes"
	_ "embed"
	"fmt"
	"html/template"
	"net/http"
)

// WebPage is what a person's browser shows: a title, and what has happened or what to do next, a paragraph each. None of it is HTML.
type WebPage struct {
	Title     string
	Lines     []string
	RequestID string // to quote when something is reported; "" to show none
}

// Say adds a paragraph.
func (p *WebPage) Say(format string, args ...any) {
	p.Lines = append(p.Lines, fmt.Sprintf(format, args...))
}

//go:embed browser.html
var pageText string

var pageTemplate = template.Must(template.New("page").Parse(pageText))

// ShowPage answers with a page that runs nothing, loads nothing, is kept nowhere, and tells no other site the address that led to it.
func ShowPage(w http.ResponseWriter, status int, p WebPage) error {
	var body bytes.Buffer
	if err := pageTemplate.Execute(&body, p); err != nil {
		return fmt.Errorf("writing a page: %w", err)
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, err := w.Write(body.Bytes())
	return err
}

// problemPage tells a person of an error: a request id for what only we can mend.
func problemPage(p *Problem) WebPage {
	page := WebPage{Title: "This did not work", Lines: []string{p.Detail}}
	if p.Status >= http.StatusInternalServerError {
		page.RequestID = p.RequestID
	}
	return page
}
