package webhook

import (
	"encoding/json"
	"log/slog"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/chattercheatah/chattercheatah/shared/fault"
	"github.com/chattercheatah/chattercheatah/shared/httpx"
	"github.com/chattercheatah/chattercheatah/shared/private"
	"github.com/chattercheatah/chattercheatah/shared/store"
	"github.com/chattercheatah/chattercheatah/shared/telnyx"
	"github.com/chattercheatah/chattercheatah/shared/tenant"
)

// The headers of a tool call. The call's is Telnyx's, and absent when the conversation is no call; the secret's an operator sets up.
const (
	CallHeader   = "x-telnyx-call-control-id"
	SecretHeader = "X-Tool-Secret"
)

// ToolCall is a tool call of a tenant's assistant that has been proven.
type ToolCall struct {
	Tenant    *store.Tenant
	ControlID string // the call's; "" for a chat
	Args      Args
}

// Args are what a model calls a tool with: every value as text, whatever its type was. What stands for nothing is left out.
type Args map[string]string

// First is the first of the named arguments that there is.
func (a Args) First(names ...string) string {
	for _, name := range names {
		if a[name] != "" {
			return a[name]
		}
	}
	return ""
}

// Tools admits calls of an assistant's tools: signed by Telnyx, or with the tenant's tool secret. Neither the address nor the call's header
// is signed, so a tenant that has a secret is proven by it, unless the signed body names its number or its assistant.
type Tools struct {
	Store    *store.Store
	Keys     telnyx.PublicKeys // the platform's
	Fallback tenant.ID         // whose a call is that names neither tenant nor call; 0 for nobody's
	Now      func() time.Time
	Log      *slog.Logger
}

// Admit resolves and proves one call. Errors: Unauthenticated and Forbidden.
func (v *Tools) Admit(r *http.Request) (ToolCall, error) {
	body, err := httpx.Body(r, maxBody)
	if err != nil {
		return ToolCall{}, err
	}
	query, claimed, err := address(r)
	if err != nil {
		return ToolCall{}, err
	}
	signed := Args{}
	signed.addBody(body)
	control, namesCall := strings.TrimSpace(r.Header.Get(CallHeader)), len(r.Header.Values(CallHeader)) > 0
	route, err := v.Store.CallRoute(r.Context(), v.evidence(claimed, control, signed))
	if err != nil {
		return ToolCall{}, err
	}
	if err := v.prove(r, body, route); err != nil {
		return ToolCall{}, err
	}
	scope, err := tenant.ByTool(claimed, namesCall, route.Known)
	if err != nil {
		return ToolCall{}, err
	}
	httpx.Note(r.Context(), slog.String("tenant_id", scope.ID().String()), slog.String("via", scope.Via()))
	if scope.Via() == "fallback" {
		v.Log.WarnContext(r.Context(), "tool call without tenant or call", "tenant_id", scope.ID(), "path", r.URL.Path)
	}
	args := Args{}
	args.addForm(query)
	maps.Copy(args, signed)
	return ToolCall{v.Store.For(scope), control, args}, nil
}

// address reads a call's. What stands for a tenant there and is none is never taken for nothing.
func address(r *http.Request) (url.Values, tenant.ID, error) {
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return nil, 0, fault.New(fault.Forbidden, "the address cannot be read")
	}
	claimed, err := tenant.ToolID(query.Get("tenant_id"))
	if err == nil && query.Has("tenant_id") && (claimed == 0 || len(query["tenant_id"]) > 1) {
		err = fault.New(fault.Forbidden, "the address has no tenant_id or several")
	}
	return query, claimed, err
}

func (v *Tools) evidence(claimed tenant.ID, control string, signed Args) store.CallEvidence {
	e := store.CallEvidence{Claimed: claimed, Assistant: signed["assistant_id"], Fallback: v.Fallback}
	e.Called, _ = private.ParsePhone(signed["telnyx_agent_target"])
	if control != "" && len(control) <= maxControl && utf8.ValidString(control) {
		e.Names = []string{"control:" + control}
	}
	return e
}

func (v *Tools) prove(r *http.Request, body []byte, route store.CallRoute) error {
	secret, err := v.Store.ToolSecret(route)
	if err != nil {
		return err
	}
	if sent := private.NewSecret(r.Header.Get(SecretHeader)); !secret.IsZero() && secret.Equal(sent) {
		return nil
	}
	keys, err := keysOf(route.TelnyxPublicKey, v.Keys)
	if err != nil {
		return err
	}
	if err := telnyx.Verify(keys, r.Header, body, v.Now()); err != nil {
		return err
	}
	if route.Known.Number == 0 && route.Known.Assistant == 0 && !secret.IsZero() {
		return fault.New(fault.Unauthenticated, "this tenant's tool calls carry its secret")
	}
	return nil
}

// maxArg bounds one argument; a model that says more has lost its way.
const maxArg = 2000

// maxControl bounds a call's id.
const maxControl = 500

// addBody reads the arguments of a body, which is JSON or a form.
func (a Args) addBody(body []byte) {
	var sent map[string]any
	decoder := json.NewDecoder(strings.NewReader(string(body)))
	decoder.UseNumber()
	if decoder.Decode(&sent) == nil {
		for name, value := range sent {
			a.add(name, value)
		}
	} else if form, err := url.ParseQuery(string(body)); err == nil {
		a.addForm(form)
	}
}

func (a Args) addForm(form url.Values) {
	for name := range form {
		a.add(name, form.Get(name))
	}
}

func (a Args) add(name string, value any) {
	text, isText := value.(string)
	if !isText && value != nil {
		written, _ := json.Marshal(value)
		text = string(written)
	}
	text = strings.TrimSpace(strings.ToValidUTF8(strings.ReplaceAll(text, "\x00", ""), ""))
	switch strings.ToLower(text) {
	case "", "null", "none", "undefined", "n/a", "unknown":
		return
	}
	if len(text) <= maxArg {
		a[name] = text
	}
}
