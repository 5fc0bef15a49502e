package telnyx

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"

	"github.com/chattercheatah/chattercheatah/shared/private"
)

// Assistant is what we own of an assistant at Telnyx: whatever it does not name is somebody else's, and stays as it is there. Its shape
// is that of POST /v2/ai/assistants. An empty optional field is not ours either.
type Assistant struct {
	Name               string            `json:"name"`
	Model              string            `json:"model"`
	Instructions       string            `json:"instructions"`
	Greeting           string            `json:"greeting,omitempty"`
	EnabledFeatures    []string          `json:"enabled_features"`
	Tools              []Tool            `json:"tools"`
	DynamicVariables   map[string]string `json:"dynamic_variables"` // what a variable is when the webhook does not say
	VariablesURL       string            `json:"dynamic_variables_webhook_url"`
	VariablesTimeoutMS int               `json:"dynamic_variables_webhook_timeout_ms"` // 1 to 10000
	Voice              VoiceSettings     `json:"voice_settings,omitzero"`
	Transcription      Transcription     `json:"transcription,omitzero"`
	Insights           InsightSettings   `json:"insight_settings,omitzero"`
}

// VoiceSettings are the voice that the assistant speaks with, such as Telnyx.NaturalHD.astra.
type VoiceSettings struct {
	Voice string `json:"voice"`
}

// Transcription is the language that the assistant listens for; auto for whichever is spoken.
type Transcription struct {
	Language string `json:"language"`
}

// InsightSettings name the insights that are drawn from every conversation.
type InsightSettings struct {
	GroupID string `json:"insight_group_id"`
}

// Tool is a tool of an assistant: one of the type webhook, which calls an address, or one of the type transfer, which hands the call on.
type Tool struct {
	Type     string       `json:"type"`
	Webhook  *WebhookTool `json:"webhook,omitempty"`
	Transfer *Transfer    `json:"transfer,omitempty"`
}

// Transfer is whom an assistant may hand a call to, and the number that this is shown to come from.
type Transfer struct {
	From    string           `json:"from"`
	Targets []TransferTarget `json:"targets"`
}

// TransferTarget is one of them, by the name that the model knows it by.
type TransferTarget struct {
	Name string `json:"name"`
	To   string `json:"to"`
}

// WebhookTool is what the model is told of a tool, and where the call goes. Arguments travel as a flat JSON object in the body.
type WebhookTool struct {
	Name        string       `json:"name"`
	Description string       `json:"description"`
	URL         string       `json:"url"`
	Method      string       `json:"method"`
	Async       bool         `json:"async"` // the assistant talks on without waiting for the answer
	TimeoutMS   int          `json:"timeout_ms"`
	Headers     []ToolHeader `json:"headers"`
	Body        Schema       `json:"body_parameters"`
}

// ToolHeader is a header that a tool call carries.
type ToolHeader struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// Schema is the JSON schema of a parameter.
type Schema struct {
	Type        string            `json:"type"`
	Description string            `json:"description,omitempty"`
	Enum        []string          `json:"enum,omitempty"`
	Properties  map[string]Schema `json:"properties,omitempty"`
	Items       *Schema           `json:"items,omitempty"`
	Required    []string          `json:"required,omitempty"`
}

// Object is a JSON object as Telnyx shows it, with the fields that are not ours.
type Object = map[string]any

// Reference is how a header names an integration secret, whose value Telnyx puts in its place.
func Reference(identifier string) string {
	return "{{#integration_secret}}" + identifier + "{{/integration_secret}}"
}

// SetUpError is a call about an assistant, its number or its webhooks that did not succeed. Its text names the call and Telnyx's code and
// nothing that was sent.
type SetUpError struct {
	Call   string // method and path, without the ids in it
	Status int    // HTTP; 0 when there was no answer
	Code   string // Telnyx's; "" when there was none
}

// Error is safe to log.
func (e *SetUpError) Error() string {
	switch {
	case e.Status == 0:
		return fmt.Sprintf("telnyx: %s was not answered", e.Call)
	case e.Status >= 200 && e.Status < 300:
		return fmt.Sprintf("telnyx: %s was answered %d with what cannot be read", e.Call, e.Status)
	}
	return fmt.Sprintf("telnyx: %s was answered %d (code %q)", e.Call, e.Status, e.Code)
}

// Assistant reads an assistant, its tools among it. A *SetUpError with status 404 is one that the account does not have.
func (c *Client) Assistant(ctx context.Context, key private.Secret, id string) (found Object, err error) {
	err = c.setUp(ctx, key, setUpCall{"GET", "/ai/assistants/", id, nil, nil}, &found)
	return found, err
}

// Assistants lists the account's assistants.
func (c *Client) Assistants(ctx context.Context, key private.Secret) ([]Object, error) {
	var answer struct {
		Data []Object `json:"data"`
	}
	err := c.setUp(ctx, key, setUpCall{"GET", "/ai/assistants", "", nil, nil}, &answer)
	return answer.Data, err
}

// CreateAssistant makes an assistant and tells it as it is then. It is not tried again: Telnyx has no key that would keep a second one from
// being made.
func (c *Client) CreateAssistant(ctx context.Context, key private.Secret, a Object) (made Object, err error) {
	err = c.setUp(ctx, key, setUpCall{"POST", "/ai/assistants", "", nil, a}, &made)
	return made, err
}

// UpdateAssistant changes the fields that are sent, in a next version that is used from then on. A field is replaced as a whole: an object
// or list has to hold what is to stay of it.
func (c *Client) UpdateAssistant(ctx context.Context, key private.Secret, id string, change Object) error {
	return c.setUp(ctx, key, setUpCall{"POST", "/ai/assistants/", id, nil, change}, nil)
}

// InsightGroup is a set of insights, and where their results go.
type InsightGroup struct {
	ID      string `json:"id"`
	Webhook string `json:"webhook"`
}

// InsightGroup reads an insight group.
func (c *Client) InsightGroup(ctx context.Context, key private.Secret, id string) (InsightGroup, error) {
	var answer struct {
		Data InsightGroup `json:"data"`
	}
	err := c.setUp(ctx, key, setUpCall{"GET", "/ai/conversations/insight-groups/", id, nil, nil}, &answer)
	return answer.Data, err
}

// SendInsights has the results of an insight group sent to an address.
func (c *Client) SendInsights(ctx context.Context, key private.Secret, id, webhook string) error {
	return c.setUp(ctx, key, setUpCall{"PUT", "/ai/conversations/insight-groups/", id, nil, Object{"webhook": webhook}}, nil)
}

// TeXMLApplication is what connects a number to an assistant.
type TeXMLApplication struct {
	ID             string `json:"id"`
	Name           string `json:"friendly_name"`
	VoiceURL       string `json:"voice_url"`
	StatusCallback string `json:"status_callback"`
	StatusMethod   string `json:"status_callback_method"` // get or post
}

// TeXMLApplication reads an application.
func (c *Client) TeXMLApplication(ctx context.Context, key private.Secret, id string) (TeXMLApplication, error) {
	var answer struct {
		Data TeXMLApplication `json:"data"`
	}
	err := c.setUp(ctx, key, setUpCall{"GET", "/texml_applications/", id, nil, nil}, &answer)
	return answer.Data, err
}

// UpdateTeXMLApplication changes where an application reports its calls. Telnyx wants its name and voice address along.
func (c *Client) UpdateTeXMLApplication(ctx context.Context, key private.Secret, a TeXMLApplication) error {
	change := Object{"friendly_name": a.Name, "voice_url": a.VoiceURL, "status_callback": a.StatusCallback, "status_callback_method": a.StatusMethod}
	return c.setUp(ctx, key, setUpCall{"PATCH", "/texml_applications/", a.ID, nil, change}, nil)
}

// OwnedNumber is a number of the account, and the application that its calls go to.
type OwnedNumber struct {
	ID           string `json:"id"`
	Phone        string `json:"phone_number"`
	ConnectionID string `json:"connection_id"`
}

// OwnedNumber looks a number of the account up; ok is false when it has none such.
func (c *Client) OwnedNumber(ctx context.Context, key private.Secret, phone private.Phone) (n OwnedNumber, ok bool, err error) {
	var answer struct {
		Data []OwnedNumber `json:"data"`
	}
	if err := c.setUp(ctx, key, setUpCall{"GET", "/phone_numbers", "", url.Values{"filter[phone_number]": {phone.E164()}}, nil}, &answer); err != nil {
		return n, false, err
	}
	for _, n := range answer.Data { // the filter finds parts of a number too
		if n.Phone == phone.E164() {
			return n, true, nil
		}
	}
	return n, false, nil
}

// ConnectNumber has the calls of a number go to an application.
func (c *Client) ConnectNumber(ctx context.Context, key private.Secret, id, application string) error {
	return c.setUp(ctx, key, setUpCall{"PATCH", "/phone_numbers/", id, nil, Object{"connection_id": application}}, nil)
}

// HasIntegrationSecret reports whether the account keeps a secret of that name. The value cannot be read.
func (c *Client) HasIntegrationSecret(ctx context.Context, key private.Secret, identifier string) (bool, error) {
	for page := 1; page <= maxPages; page++ {
		var answer struct {
			Data []struct {
				Identifier string `json:"identifier"`
			} `json:"data"`
			Meta struct {
				TotalPages int `json:"total_pages"`
			} `json:"meta"`
		}
		query := url.Values{"page[number]": {strconv.Itoa(page)}, "page[size]": {"100"}}
		if err := c.setUp(ctx, key, setUpCall{"GET", "/integration_secrets", "", query, nil}, &answer); err != nil {
			return false, err
		}
		for _, s := range answer.Data {
			if s.Identifier == identifier {
				return true, nil
			}
		}
		if page >= answer.Meta.TotalPages {
			return false, nil
		}
	}
	return false, fmt.Errorf("telnyx: the account has more than %d pages of integration secrets", maxPages)
}

// CreateIntegrationSecret keeps a secret at Telnyx, for headers to refer to.
func (c *Client) CreateIntegrationSecret(ctx context.Context, key private.Secret, identifier string, value private.Secret) error {
	return c.setUp(ctx, key, setUpCall{"POST", "/integration_secrets", "", nil, Object{"identifier": identifier, "type": "bearer", "token": value.Reveal()}}, nil)
}

// setUpCall is one call of the API: path stands below /v2, and id after it.
type setUpCall struct {
	method, path, id string
	query            url.Values
	body             Object
}

// setUp makes one call and reads its answer into out, unless that is nil. The error is a *SetUpError. Nothing is tried again.
func (c *Client) setUp(ctx context.Context, key private.Secret, do setUpCall, out any) error {
	failed := &SetUpError{Call: do.method + " " + do.path}
	var body io.Reader
	if do.body != nil {
		text, err := json.Marshal(do.body)
		if err != nil {
			return failed
		}
		body = bytes.NewReader(text)
	}
	address := c.base + "/v2" + do.path + url.PathEscape(do.id)
	if do.query != nil {
		address += "?" + do.query.Encode()
	}
	r, err := http.NewRequestWithContext(ctx, do.method, address, body)
	if err != nil {
		return failed
	}
	r.Header.Set("Authorization", "Bearer "+key.Reveal())
	if body != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	response, err := c.http.Do(r)
	if err != nil {
		return failed
	}
	defer func() { _ = response.Body.Close() }()
	return failed.read(response, out)
}

// read reads an answer into out; e tells why it cannot be.
func (e *SetUpError) read(response *http.Response, out any) error {
	e.Status = response.StatusCode
	content, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer))
	if response.StatusCode < 200 || response.StatusCode > 299 {
		e.Code = refusal(response, content).Code
		return e
	}
	if out != nil && (err != nil || json.Unmarshal(content, out) != nil) {
		return e
	}
	return nil
}
