package httpx

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"
)

// Proof is how a caller proves who they are, as the API's description names it.
type Proof string

// The proofs. The zero Proof is a person's access token.
const (
	Bearer          Proof = ""
	Nothing         Proof = "nothing"
	TelnyxSignature Proof = "telnyx_signature"
	TwilioSignature Proof = "twilio_signature"
	GoogleToken     Proof = "google_token"
)

var securitySchemes = map[string]*huma.SecurityScheme{
	"access_token":          {Type: "http", Scheme: "bearer", BearerFormat: "JWT", Description: "access_token of POST /auth/login"},
	string(TelnyxSignature): {Type: "apiKey", In: "header", Name: "telnyx-signature-ed25519", Description: "Ed25519 signature of the body and telnyx-timestamp"},
	string(TwilioSignature): {Type: "apiKey", In: "header", Name: "X-Twilio-Signature", Description: "HMAC-SHA1 of the address and the form"},
	string(GoogleToken):     {Type: "http", Scheme: "bearer", BearerFormat: "JWT", Description: "OIDC token of Cloud Tasks, Cloud Scheduler or Pub/Sub"},
}

func (p Proof) security() []map[string][]string {
	switch p {
	case Bearer:
		return []map[string][]string{{"access_token": {}}}
	case Nothing:
		return []map[string][]string{{}}
	default:
		return []map[string][]string{{string(p): {}}}
	}
}

// described is the description of the whole API, written from all route tables; a test holds it to them.
//
//go:embed openapi.json
var described []byte

// ServeDescription answers with the description of the whole API, whichever function is asked.
func ServeDescription(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(described)
}

// Describe writes the OpenAPI description of routes.
func Describe(routes ...Route) ([]byte, error) {
	config := apiConfig()
	config.Info.Description = "Every path answers with and without the prefix /api/v1. Errors are problems (RFC 9457) with a stable code; " +
		"lists page by next_cursor; times are RFC 3339 with zone."
	config.Servers = []*huma.Server{{URL: "/api/v1"}}
	config.Components.SecuritySchemes = securitySchemes
	api := humago.New(http.NewServeMux(), config)
	for _, r := range routes {
		r.describe(api)
	}
	for path, item := range api.OpenAPI().Paths {
		for _, op := range []*huma.Operation{item.Get, item.Post, item.Put, item.Patch, item.Delete} {
			if op != nil {
				addPathParameters(path, op)
			}
		}
	}
	text, err := json.MarshalIndent(api.OpenAPI(), "", " ")
	if err != nil {
		return nil, fmt.Errorf("describing the API: %w", err)
	}
	return append(text, '\n'), nil
}

var pathParameter = regexp.MustCompile(`\{([a-z_]+)\}`)

// addPathParameters names those that an Access reads and the handler's input does not.
func addPathParameters(path string, op *huma.Operation) {
	for _, match := range pathParameter.FindAllStringSubmatch(path, -1) {
		if !slices.ContainsFunc(op.Parameters, func(p *huma.Param) bool { return p.In == "path" && p.Name == match[1] }) {
			op.Parameters = append(op.Parameters, &huma.Param{Name: match[1], In: "path", Required: true, Schema: &huma.Schema{Type: huma.TypeInteger, Format: "int64"}})
		}
	}
}

// actInTenant is the header of a global admin who acts in a tenant.
var actInTenant = &huma.Param{
	Name: "X-Tenant-Id", In: "header", Schema: &huma.Schema{Type: huma.TypeInteger, Format: "int64"},
	Description: "a global admin: the tenant to act in; anybody else: their own, or nothing",
}

func operation(method, path, who string, p Proof) huma.Operation {
	op := huma.Operation{
		OperationID: operationID(method, path), Method: method, Path: path, Security: p.security(),
		Summary: huma.GenerateSummary(method, path, struct{}{}), Description: "May be called by: " + who + ".",
	}
	if p == Bearer && !strings.HasPrefix(path, "/admin/") {
		op.Parameters = []*huma.Param{actInTenant}
	}
	return op
}
