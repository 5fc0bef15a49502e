package telnyxtest

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/chattercheatah/chattercheatah/shared/private"
	"github.com/chattercheatah/chattercheatah/shared/telnyx"
)

// accounts are the assistants and what they stand on, by API key.
type accounts struct {
	mu    sync.Mutex
	byKey map[string]*account
	last  int // of the ids that are counted
}

// account is what one API key sees.
type account struct {
	assistants map[string]telnyx.Object
	groups     map[string]telnyx.Object
	apps       map[string]telnyx.Object
	numbers    map[string]telnyx.Object
	secrets    map[string]telnyx.Object
	values     map[string]string // of the secrets, which the API never shows
}

func (s *Server) routeAssistants() {
	s.accounts.byKey = map[string]*account{}
	for pattern, handle := range map[string]func(*account, *http.Request) (any, *refused){
		"GET /v2/ai/assistants":                        listAssistants,
		"POST /v2/ai/assistants":                       s.makeAssistant,
		"GET /v2/ai/assistants/{id}":                   one(func(a *account) map[string]telnyx.Object { return a.assistants }, bare),
		"POST /v2/ai/assistants/{id}":                  s.changeAssistant,
		"GET /v2/ai/conversations/insight-groups/{id}": one(func(a *account) map[string]telnyx.Object { return a.groups }, wrapped),
		"PUT /v2/ai/conversations/insight-groups/{id}": changeGroup,
		"GET /v2/texml_applications/{id}":              one(func(a *account) map[string]telnyx.Object { return a.apps }, wrapped),
		"PATCH /v2/texml_applications/{id}":            changeApp,
		"GET /v2/phone_numbers":                        listNumbers,
		"PATCH /v2/phone_numbers/{id}":                 changeNumber,
		"GET /v2/integration_secrets":                  listSecrets,
		"POST /v2/integration_secrets":                 makeSecret,
	} {
		s.mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
			if _, ok := s.profileOf(r); !ok {
				refuse(w, http.StatusUnauthorized, "10009", "Authentication failed")
				return
			}
			s.accounts.mu.Lock()
			defer s.accounts.mu.Unlock()
			answer, no := handle(s.accounts.of(strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")), r)
			if no != nil {
				refuse(w, no.status, no.code, no.title)
				return
			}
			writeJSON(w, http.StatusOK, answer)
		})
	}
}

func (a *accounts) of(key string) *account {
	if a.byKey[key] == nil {
		a.byKey[key] = &account{
			assistants: map[string]telnyx.Object{}, groups: map[string]telnyx.Object{}, apps: map[string]telnyx.Object{},
			numbers: map[string]telnyx.Object{}, secrets: map[string]telnyx.Object{}, values: map[string]string{},
		}
	}
	return a.byKey[key]
}

// nextID counts as Telnyx's ids of connections and numbers do.
func (a *accounts) nextID() string {
	a.last++
	return strconv.Itoa(1293384261075730000 + a.last)
}

// AddNumber gives the account of an API key a number whose calls go nowhere yet.
func (s *Server) AddNumber(key string, phone private.Phone) {
	s.accounts.mu.Lock()
	defer s.accounts.mu.Unlock()
	id := s.accounts.nextID()
	s.accounts.of(key).numbers[id] = telnyx.Object{"record_type": "phone_number", "id": id, "phone_number": phone.E164(), "status": "active", "connection_id": nil}
}

// AddAssistant gives the account an assistant as somebody has made it in the portal, who says nothing of this system yet.
func (s *Server) AddAssistant(key, id string) {
	s.accounts.mu.Lock()
	defer s.accounts.mu.Unlock()
	of := s.accounts.of(key)
	of.assistants[id] = telnyx.Object{
		"id": id, "created_at": stamp(time.Now()), "version_id": newID(), "name": "From the portal", "model": "openai/gpt-4o", "instructions": "Be kind.",
		"description": "", "greeting": "Hello.", "enabled_features": []any{"telephony"}, "dynamic_variables": telnyx.Object{},
		"tools":            []any{telnyx.Object{"type": "hangup", "hangup": telnyx.Object{"description": "End the call."}}},
		"privacy_settings": telnyx.Object{"data_retention": true}, "messaging_settings": telnyx.Object{}, "telephony_settings": telnyx.Object{},
	}
	s.giveApp(of, of.assistants[id])
}

// AddInsightGroup gives the account an insight group whose results go nowhere yet.
func (s *Server) AddInsightGroup(key string) (id string) {
	s.accounts.mu.Lock()
	defer s.accounts.mu.Unlock()
	id = newID()
	s.accounts.of(key).groups[id] = telnyx.Object{"id": id, "name": "Default", "description": "", "webhook": "", "insights": []any{}, "created_at": stamp(time.Now())}
	return id
}

// IntegrationSecrets are the account's secrets by name, which the API does not tell.
func (s *Server) IntegrationSecrets(key string) map[string]string {
	s.accounts.mu.Lock()
	defer s.accounts.mu.Unlock()
	return maps.Clone(s.accounts.of(key).values)
}

// refused is an answer that says no.
type refused struct {
	status      int
	code, title string
}

func invalid(format string, args ...any) *refused {
	return &refused{http.StatusUnprocessableEntity, "10015", "Invalid value: " + fmt.Sprintf(format, args...)}
}

var missing = &refused{http.StatusNotFound, "10005", "Resource not found"}

func bare(o telnyx.Object) any    { return o }
func wrapped(o telnyx.Object) any { return telnyx.Object{"data": o} }

// one answers a resource by the id in its path.
func one(of func(*account) map[string]telnyx.Object, shape func(telnyx.Object) any) func(*account, *http.Request) (any, *refused) {
	return func(a *account, r *http.Request) (any, *refused) {
		found, ok := of(a)[r.PathValue("id")]
		if !ok {
			return nil, missing
		}
		return shape(found), nil
	}
}

func sorted(of map[string]telnyx.Object) []telnyx.Object {
	all := []telnyx.Object{}
	for _, id := range slices.Sorted(maps.Keys(of)) {
		all = append(all, of[id])
	}
	return all
}

func listAssistants(a *account, _ *http.Request) (any, *refused) {
	return telnyx.Object{"data": sorted(a.assistants)}, nil
}

// makeAssistant makes an assistant, and with telephony the application that its calls come through.
func (s *Server) makeAssistant(a *account, r *http.Request) (any, *refused) {
	in, no := bodyOf(r, assistantFields)
	if no == nil {
		no = a.wrongWith(in)
	}
	for _, name := range []string{"name", "model", "instructions"} {
		if no == nil && in[name] == nil {
			no = invalid("%s is required", name)
		}
	}
	if no != nil {
		return nil, no
	}
	made := telnyx.Object{
		"id": "assistant-" + newID(), "created_at": stamp(time.Now()), "version_id": newID(), "description": "", "greeting": "", "tools": []any{},
		"enabled_features": []any{}, "dynamic_variables": telnyx.Object{}, "privacy_settings": telnyx.Object{"data_retention": true},
		"telephony_settings": telnyx.Object{}, "messaging_settings": telnyx.Object{},
	}
	maps.Copy(made, in)
	defaultTools(made)
	s.giveApp(a, made)
	a.assistants[made["id"].(string)] = made
	return made, nil
}

// giveApp makes the application of an assistant that has telephony and none yet.
func (s *Server) giveApp(a *account, assistant telnyx.Object) {
	features, _ := assistant["enabled_features"].([]any)
	settings, _ := assistant["telephony_settings"].(telnyx.Object)
	if !slices.Contains(features, any("telephony")) || settings["default_texml_app_id"] != nil {
		return
	}
	id, name := s.accounts.nextID(), assistant["id"].(string)
	a.apps[id] = telnyx.Object{
		"id": id, "record_type": "texml_application", "friendly_name": "ai-assistant-" + name, "active": true, "voice_method": "post",
		"voice_url": "https://api.telnyx.com/v2/ai/assistants/" + name + "/texml", "status_callback": nil, "status_callback_method": "get",
	}
	assistant["telephony_settings"] = telnyx.Object{"default_texml_app_id": id, "time_limit_secs": 1800.0, "supports_unauthenticated_web_calls": false}
}

// changeAssistant replaces the fields that are sent, each as a whole, in a next version.
func (s *Server) changeAssistant(a *account, r *http.Request) (any, *refused) {
	found, ok := a.assistants[r.PathValue("id")]
	if !ok {
		return nil, missing
	}
	in, no := bodyOf(r, append([]string{"promote_to_main"}, assistantFields...))
	if no == nil {
		no = a.wrongWith(in)
	}
	if no != nil {
		return nil, no
	}
	delete(in, "promote_to_main")
	maps.Copy(found, in)
	defaultTools(found)
	s.giveApp(a, found)
	found["version_id"] = newID()
	return found, nil
}

// defaultTools fills in what Telnyx says of a tool that was not said.
func defaultTools(assistant telnyx.Object) {
	tools, _ := assistant["tools"].([]any)
	for _, t := range tools {
		webhook, ok := t.(telnyx.Object)["webhook"].(telnyx.Object)
		for _, name := range []string{"path_parameters", "query_parameters", "store_fields_as_variables"} {
			if _, said := webhook[name]; ok && !said {
				webhook[name] = nil
			}
		}
	}
}

// assistantFields are what may be said of an assistant.
var assistantFields = []string{
	"name", "model", "instructions", "description", "greeting", "tools", "tool_ids", "enabled_features", "dynamic_variables", "dynamic_variables_webhook_url",
	"dynamic_variables_webhook_timeout_ms", "voice_settings", "transcription", "insight_settings", "telephony_settings", "messaging_settings",
	"privacy_settings", "llm_api_key_ref", "widget_settings",
}

// bodyOf reads a JSON object that holds no other fields than those that are known.
func bodyOf(r *http.Request, known []string) (in telnyx.Object, no *refused) {
	if !strings.HasPrefix(r.Header.Get("Content-Type"), "application/json") {
		return nil, invalid("content type")
	}
	if err := json.NewDecoder(io.LimitReader(r.Body, 1<<20)).Decode(&in); err != nil || len(in) == 0 {
		return nil, invalid("body")
	}
	for name := range in {
		if !slices.Contains(known, name) {
			return nil, invalid("%s is no field", name)
		}
	}
	return in, nil
}

// wrongWith checks the types of what is said of an assistant, and that what it refers to is there.
func (a *account) wrongWith(in telnyx.Object) *refused {
	for _, name := range []string{"name", "model", "instructions", "greeting", "dynamic_variables_webhook_url"} {
		if value, said := in[name]; said && !isText(value) {
			return invalid("%s", name)
		}
	}
	for _, name := range []string{"dynamic_variables", "voice_settings", "transcription", "insight_settings", "telephony_settings", "messaging_settings", "privacy_settings"} {
		if value, said := in[name]; said && !isObject(value) {
			return invalid("%s", name)
		}
	}
	if timeout, said := in["dynamic_variables_webhook_timeout_ms"]; said && !isBetween(timeout, 1, 10000) {
		return invalid("dynamic_variables_webhook_timeout_ms")
	}
	if voice, _ := in["voice_settings"].(telnyx.Object); voice != nil && !isText(voice["voice"]) {
		return invalid("voice_settings.voice")
	}
	if insights, _ := in["insight_settings"].(telnyx.Object); insights != nil && insights["insight_group_id"] != nil {
		if id, _ := insights["insight_group_id"].(string); a.groups[id] == nil {
			return invalid("insight_settings.insight_group_id")
		}
	}
	if settings, _ := in["telephony_settings"].(telnyx.Object); settings != nil && settings["default_texml_app_id"] != nil {
		if id, _ := settings["default_texml_app_id"].(string); a.apps[id] == nil {
			return invalid("telephony_settings.default_texml_app_id")
		}
	}
	if no := wrongFeatures(in); no != nil {
		return no
	}
	return a.wrongTools(in)
}

func wrongFeatures(in telnyx.Object) *refused {
	features, said := in["enabled_features"]
	list, isList := features.([]any)
	if said && !isList {
		return invalid("enabled_features")
	}
	for _, f := range list {
		if f != "telephony" && f != "messaging" {
			return invalid("enabled_features")
		}
	}
	return nil
}

func (a *account) wrongTools(in telnyx.Object) *refused {
	tools, said := in["tools"]
	list, isList := tools.([]any)
	if said && !isList {
		return invalid("tools")
	}
	for i, t := range list {
		tool, _ := t.(telnyx.Object)
		kind, _ := tool["type"].(string)
		if !slices.Contains([]string{"webhook", "hangup", "transfer", "handoff", "retrieval", "send_dtmf", "send_message"}, kind) || !isObject(tool[kind]) {
			return invalid("tools.%d", i)
		}
		if kind == "webhook" {
			if wrong := a.wrongWebhook(tool[kind].(telnyx.Object)); wrong != "" {
				return invalid("tools.%d.webhook.%s", i, wrong)
			}
		}
	}
	return nil
}

var reference = regexp.MustCompile(`^\{\{#integration_secret\}\}(.+)\{\{/integration_secret\}\}$`)

// wrongWebhook names the field of a webhook tool that is wrong, "" for none.
func (a *account) wrongWebhook(w telnyx.Object) string {
	address, _ := w["url"].(string)
	u, err := url.Parse(address)
	switch {
	case !isText(w["name"]) || w["name"] == "":
		return "name"
	case !isText(w["description"]) || w["description"] == "":
		return "description"
	case err != nil || u.Host == "":
		return "url"
	case w["method"] != nil && !slices.Contains([]any{"GET", "POST", "PUT", "DELETE", "PATCH"}, w["method"]):
		return "method"
	case w["timeout_ms"] != nil && !isBetween(w["timeout_ms"], 500, 120000):
		return "timeout_ms"
	}
	for _, name := range []string{"body_parameters", "query_parameters", "path_parameters"} {
		if schema, ok := w[name].(telnyx.Object); w[name] != nil && (!ok || schema["type"] != "object" || !isObject(schema["properties"])) {
			return name
		}
	}
	headers, _ := w["headers"].([]any)
	for _, h := range headers {
		header, _ := h.(telnyx.Object)
		value, ok := header["value"].(string)
		named := reference.FindStringSubmatch(value)
		if !ok || !isText(header["name"]) || named != nil && a.secrets[named[1]] == nil {
			return "headers"
		}
	}
	return ""
}

func isText(v any) bool   { _, ok := v.(string); return ok }
func isObject(v any) bool { _, ok := v.(telnyx.Object); return ok }

func isBetween(v any, least, most float64) bool {
	n, ok := v.(float64)
	return ok && n >= least && n <= most
}

func isAddress(v any) bool {
	text, _ := v.(string)
	u, err := url.Parse(text)
	return err == nil && u.IsAbs() && u.Host != ""
}

func changeGroup(a *account, r *http.Request) (any, *refused) {
	found, ok := a.groups[r.PathValue("id")]
	if !ok {
		return nil, missing
	}
	in, no := bodyOf(r, []string{"name", "description", "webhook"})
	if no == nil && in["webhook"] != nil && !isAddress(in["webhook"]) {
		no = invalid("webhook")
	}
	if no != nil {
		return nil, no
	}
	maps.Copy(found, in)
	return wrapped(found), nil
}

// changeApp wants the name and the voice address with every change, as the API does.
func changeApp(a *account, r *http.Request) (any, *refused) {
	found, ok := a.apps[r.PathValue("id")]
	if !ok {
		return nil, missing
	}
	in, no := bodyOf(r, []string{"friendly_name", "voice_url", "voice_method", "voice_fallback_url", "status_callback", "status_callback_method", "active"})
	switch {
	case no != nil:
	case !isText(in["friendly_name"]) || in["friendly_name"] == "":
		no = invalid("friendly_name")
	case !isAddress(in["voice_url"]):
		no = invalid("voice_url")
	case in["status_callback"] != nil && !isAddress(in["status_callback"]):
		no = invalid("status_callback")
	case in["status_callback_method"] != nil && in["status_callback_method"] != "get" && in["status_callback_method"] != "post":
		no = invalid("status_callback_method")
	}
	if no != nil {
		return nil, no
	}
	maps.Copy(found, in)
	return wrapped(found), nil
}

// listNumbers finds numbers by any part of them.
func listNumbers(a *account, r *http.Request) (any, *refused) {
	found := []telnyx.Object{}
	for _, n := range sorted(a.numbers) {
		if strings.Contains(n["phone_number"].(string), r.URL.Query().Get("filter[phone_number]")) {
			found = append(found, n)
		}
	}
	return page(found), nil
}

func changeNumber(a *account, r *http.Request) (any, *refused) {
	found, ok := a.numbers[r.PathValue("id")]
	if !ok {
		return nil, missing
	}
	in, no := bodyOf(r, []string{"connection_id", "tags", "customer_reference"})
	if no != nil {
		return nil, no
	}
	if id, _ := in["connection_id"].(string); a.apps[id] == nil {
		return nil, invalid("connection_id")
	}
	maps.Copy(found, in)
	return wrapped(found), nil
}

func page(rows []telnyx.Object) telnyx.Object {
	return telnyx.Object{"data": rows, "meta": telnyx.Object{"page_number": 1, "page_size": 100, "total_pages": 1, "total_results": len(rows)}}
}

func listSecrets(a *account, _ *http.Request) (any, *refused) { return page(sorted(a.secrets)), nil }

func makeSecret(a *account, r *http.Request) (any, *refused) {
	in, no := bodyOf(r, []string{"identifier", "type", "token"})
	if no != nil {
		return nil, no
	}
	name, _ := in["identifier"].(string)
	value, _ := in["token"].(string)
	if name == "" || in["type"] != "bearer" || value == "" || a.secrets[name] != nil {
		return nil, invalid("identifier, type or token")
	}
	a.secrets[name] = telnyx.Object{"record_type": "integration_secret", "id": newID(), "identifier": name, "created_at": stamp(time.Now())}
	a.values[name] = value
	return wrapped(a.secrets[name]), nil
}
