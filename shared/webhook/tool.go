package webhook

import (
	"encoding/json"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"

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

// Tools admits calls of an assistant's tools: signed by Telnyx, or with the tenant's tool secret. The address is not signed, so a tenant
// that has a secret is proven by it alone, unless the call is known to be its own.
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
	args := argsOf(r, body)
	control := strings.TrimSpace(r.Header.Get(CallHeader))
	claimed, err := tenant.ToolID(r.URL.Query().Get("tenant_id"))
	if err != nil {
		return ToolCall{}, err
	}
	route, err := v.Store.CallRoute(r.Context(), v.evidence(claimed, control, args))
	if err != nil {
		return ToolCall{}, err
	}
	if err := v.prove(r, body, route); err != nil {
		return ToolCall{}, err
	}
	scope, err := tenant.ByTool(claimed, control != "", route.Known)
	if err != nil {
		return ToolCall{}, err
	}
	httpx.Note(r.Context(), slog.String("tenant_id", scope.ID().String()), slog.String("via", scope.Via()))
	if scope.Via() == "fallback" {
		v.Log.WarnContext(r.Context(), "tool call without tenant or call", "tenant_id", scope.ID(), "path", r.URL.Path)
	}
	return ToolCall{v.Store.For(scope), control, args}, nil
}

func (v *Tools) evidence(claimed tenant.ID, control string, args Args) store.CallEvidence {
	e := store.CallEvidence{Claimed: claimed, Assistant: args["assistant_id"], Fallback: v.Fallback}
	e.Called, _ = private.ParsePhone(args["telnyx_agent_target"])
	if control != "" {
		e.Names = []string{"control:" + control}
	}
	return e
}

func (v *Tools) prove(r *http.Request, body []byte, route store.CallRoute) error {
	secret := private.NewSecret(r.Header.Get(SecretHeader))
	if !secret.IsZero() && !route.ToolSecret.IsZero() && secret.Equal(route.ToolSecret) {
		return nil
	}
	keys, err := keysOf(route.TelnyxPublicKey, v.Keys)
	if err != nil {
		return err
	}
	if err := telnyx.Verify(keys, r.Header, body, v.Now()); err != nil {
		return err
	}
	known, err := tenant.ByCallEvent(route.Known)
	if err == nil && known.IsZero() && !route.ToolSecret.IsZero() {
		return fault.New(fault.Unauthenticated, "this tenant's tool calls carry its secret")
	}
	return err
}

// maxArg bounds one argument; a model that says more has lost its way.
const maxArg = 2000

// argsOf reads the arguments from the body, as JSON or a form, and from the address; the body's win.
func argsOf(r *http.Request, body []byte) Args {
	args := Args{}
	args.addForm(r.URL.Query())
	var sent map[string]any
	decoder := json.NewDecoder(strings.NewReader(string(body)))
	decoder.UseNumber()
	if decoder.Decode(&sent) == nil {
		for name, value := range sent {
			args.add(name, value)
		}
	} else if form, err := url.ParseQuery(string(body)); err == nil {
		args.addForm(form)
	}
	return args
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
	if len(text) <= maxArg && len(a) < 60 {
		a[name] = text
	}
}
