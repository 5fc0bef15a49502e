package main

import (
	"bytes"
	"cmp"
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
	"testing"
	"time"

	diff "github.com/google/go-cmp/cmp"

	"github.com/chattercheatah/chattercheatah/shared/api"
	"github.com/chattercheatah/chattercheatah/shared/private"
	"github.com/chattercheatah/chattercheatah/shared/store/demo"
	"github.com/chattercheatah/chattercheatah/shared/store/storetest"
	"github.com/chattercheatah/chattercheatah/shared/telnyx/telnyxtest"
)

// described is an operation of the API as its OpenAPI description tells it.
type described struct {
	method, path string

	OperationID string                `json:"operationId"`
	Description string                `json:"description"`
	Security    []map[string][]string `json:"security"`
	Parameters  []parameter           `json:"parameters"`
	RequestBody *struct {
		Content map[string]struct {
			Schema schema `json:"schema"`
		} `json:"content"`
	} `json:"requestBody"`
}

type parameter struct {
	Name     string `json:"name"`
	In       string `json:"in"`
	Required bool   `json:"required"`
	Schema   schema `json:"schema"`
}

type schema struct {
	Ref        string            `json:"$ref"`
	Type       any               `json:"type"`
	Properties map[string]schema `json:"properties"`
	Required   []string          `json:"required"`
	Items      *schema           `json:"items"`
	Examples   []any             `json:"examples"`
	Enum       []any             `json:"enum"`
	MinLength  int               `json:"minLength"`
}

type description struct {
	Paths      map[string]map[string]described `json:"paths"`
	Components struct {
		Schemas map[string]schema `json:"schemas"`
	} `json:"components"`
}

func readDescription(t *testing.T) description {
	t.Helper()
	var d description
	if err := json.Unmarshal(describe(t), &d); err != nil {
		t.Fatal(err)
	}
	return d
}

// operations are all of the API, in order: deletions last, so that what they delete has served.
func operations(t *testing.T) []described {
	t.Helper()
	var all []described
	for path, item := range readDescription(t).Paths {
		for method, op := range item {
			op.method, op.path = strings.ToUpper(method), path
			all = append(all, op)
		}
	}
	slices.SortFunc(all, func(a, b described) int {
		return cmp.Or(cmp.Compare(deletes(a), deletes(b)), cmp.Compare(a.path, b.path), cmp.Compare(a.method, b.method))
	})
	return all
}

func deletes(op described) int {
	if op.method == http.MethodDelete {
		return 1
	}
	return 0
}

// ids are one row of each kind, by the name that the API's parameters and fields have for it.
type ids map[string]int64

// secretWord is in everything that tenant 1042 has in the matrix; nobody else may ever read it.
const secretWord = "heliotrope"

// matrix is the live system with people of both tenants in it and rows of tenant 1042 to reach for.
type matrix struct {
	*live
	api    description
	tokens map[string]string // by role
	theirs ids
}

var missing = ids{}

func newMatrix(t *testing.T) *matrix {
	t.Helper()
	m := &matrix{live: startLive(t, nil), api: readDescription(t), tokens: map[string]string{}, theirs: ids{}}
	m.tokens["global admin"] = m.logIn(t, "admin@chattercheatah.com", "admin123")
	for _, b := range demo.Businesses() {
		for _, role := range []string{"tenant_admin", "user"} {
			email := fmt.Sprintf("%s@t%v.test", role, b.ID)
			m.ask(t, "POST", "/users", m.admin(b.ID.String()), map[string]any{"email": email, "password": "a good password", "role": role})
			m.tokens[role+" of "+b.ID.String()] = m.logIn(t, email, "a good password")
		}
	}
	m.theirs["user_id"] = number(m.ask(t, "POST", "/users", m.admin("1042"), map[string]any{"email": "reached@t1042.test", "password": "a good password", "role": "user"})["id"])
	m.theirs["tenant_id"] = 1042
	m.fill(t)
	for name := range m.theirs {
		missing[name] = 1 << 40
	}
	return m
}

// fill gives tenant 1042 one row of each kind, each with the secret word in it.
func (m *matrix) fill(t *testing.T) {
	t.Helper()
	as := m.as("tenant_admin of 1042", "")
	phone := private.MustPhone("+15555550101")
	if _, err := m.telnyx.Text(t.Context(), phone, demo.SwimSchool().Phone, "Is "+secretWord+" open on Saturday?"); err != nil {
		t.Fatal(err)
	}
	received(t, m.telnyx, phone, 1)
	m.theirs["lead_id"] = number(m.ask(t, "POST", "/leads", as, map[string]any{"name": secretWord, "email": "someone@" + secretWord + ".test"})["id"])
	m.theirs["bundle_id"] = number(m.ask(t, "POST", "/prompts/bundles", as, map[string]any{"name": secretWord, "channel": "any", "sections": []map[string]any{{"section_key": "k", "content": secretWord}}})["id"])
	conversation := m.first(t, "/conversations", as)
	m.theirs["conversation_id"] = number(conversation["id"])
	m.theirs["message_id"] = number(m.answered(t, fmt.Sprintf("/conversations/%v/messages", m.theirs["conversation_id"]), as)["id"])
	m.theirs["letter_id"] = m.deadText(t, m.theirs["conversation_id"])
	m.ask(t, "PUT", "/tenant/profile", as, map[string]any{"business_name": secretWord})
	m.connectMailbox(t, as)
	m.theirs["letter_id"] = m.rejected(t)
	m.theirs["call_id"], m.theirs["contact_id"] = m.callMade(t), number(m.first(t, "/contacts", as)["id"])
}

// deadText leaves a text in a conversation that failed for good, and returns its id.
func (m *matrix) deadText(t *testing.T, conversation int64) int64 {
	t.Helper()
	id, err := strconv.ParseInt(m.rows().Query(t, `insert into replies (tenant_id, conversation_id, kind, state, body, act_at, settled_at, reason)
		values (1042, $1, 'staff', 'rejected', $2, now(), now(), 'config') returning id::text`, conversation, secretWord)[0], 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// connectMailbox goes through the fake Google's consent as the owner of the swim school's mailbox, and waits until it was read, as its watch calls
// for when it begins.
func (m *matrix) connectMailbox(t *testing.T, as http.Header) {
	t.Helper()
	page, _ := m.ask(t, "POST", "/email/oauth/start", as, nil)["authorization_url"].(string)
	response, err := http.Get(page + "&login_hint=" + url.QueryEscape(demo.SwimSchool().Profile.Email))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	if said, _ := io.ReadAll(response.Body); !bytes.Contains(said, []byte("The mailbox is connected")) {
		t.Fatalf("connecting a mailbox was answered %d %s", response.StatusCode, said)
	}
	m.ask(t, "PUT", "/email/settings", as, map[string]any{"response_signature": secretWord})
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		if m.ask(t, "GET", "/email/settings", as, nil)["last_read_at"] != nil {
			return
		}
	}
	t.Fatal("the mailbox was not read")
}

// callMade has tenant 1042 called, waits until something is made of the call, and returns its id.
func (m *matrix) callMade(t *testing.T) int64 {
	t.Helper()
	began, school := time.Now(), demo.SwimSchool()
	call := telnyxtest.Call{From: private.MustPhone(caller), To: school.Phone, Assistant: school.Assistant, Turns: []telnyxtest.Turn{{Customer: "Is " + secretWord + " open?"}}}
	if _, err := m.telnyx.Place(t.Context(), m.base+"/api/v1", call); err != nil {
		t.Fatal(err)
	}
	admin, err := api.Operator{Base: m.base + "/api/v1", Email: "admin@chattercheatah.com", Password: private.NewSecret("admin123")}.LogIn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	kept, err := keptOf(t.Context(), admin.In(1042), began)
	if err != nil {
		t.Fatal(err)
	}
	return kept.ID
}

func (m *matrix) first(t *testing.T, path string, h http.Header) map[string]any {
	t.Helper()
	items, _ := m.ask(t, "GET", path, h, nil)["items"].([]any)
	if len(items) == 0 {
		t.Fatalf("%s is empty", path)
	}
	return items[0].(map[string]any)
}

// answered waits for the assistant's message, which is there once its acceptance is written down.
func (m *matrix) answered(t *testing.T, path string, h http.Header) map[string]any {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); {
		items, _ := m.ask(t, "GET", path, h, nil)["items"].([]any)
		for _, item := range items {
			if message := item.(map[string]any); message["role"] == "assistant" {
				return message
			}
		}
		time.Sleep(20 * time.Millisecond)
	}
	t.Fatal("the assistant's answer is in no message")
	return nil
}

func number(v any) int64 {
	n, _ := v.(float64)
	return int64(n)
}

func (m *matrix) admin(tenant string) http.Header { return m.as("global admin", tenant) }

func (m *matrix) as(role, tenant string) http.Header {
	h := http.Header{}
	if token := m.tokens[role]; token != "" {
		h.Set("Authorization", "Bearer "+token)
	}
	if tenant != "" {
		h.Set("X-Tenant-Id", tenant)
	}
	return h
}

// rejected is a reply in their conversation that Telnyx would not take.
func (m *matrix) rejected(t *testing.T) int64 {
	t.Helper()
	id, err := strconv.ParseInt(m.rows().Query(t, `insert into replies (tenant_id, conversation_id, kind, state, act_at, body, reason, settled_at)
		values (1042, $1, 'staff', 'rejected', now(), $2, 'config', now()) returning id::text`, m.theirs["conversation_id"], secretWord)[0], 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func (m *matrix) logIn(t *testing.T, email, password string) string {
	t.Helper()
	token, _ := m.ask(t, "POST", "/auth/login", http.Header{}, map[string]any{"email": email, "password": password})["access_token"].(string)
	return token
}

// ask makes a call that has to succeed.
func (m *matrix) ask(t *testing.T, method, path string, h http.Header, body any) map[string]any {
	t.Helper()
	text, _ := json.Marshal(body)
	status, answer := m.send(t, method, path, h, text)
	var object map[string]any
	if err := json.Unmarshal([]byte(answer), &object); status >= 300 || err != nil && answer != "" {
		t.Fatalf("%s %s was answered %d %s", method, path, status, answer)
	}
	return object
}

func (m *matrix) send(t *testing.T, method, path string, h http.Header, body []byte) (int, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, m.server.URL+"/api/v1"+path, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header = h.Clone()
	if method != http.MethodGet {
		r.Header.Set("Content-Type", "application/json")
	}
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	answer, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(answer)
}

var requestIDs = regexp.MustCompile(`"request_id": ?"[0-9a-f]+"`)

// reach makes a valid call of op that names rows wherever it can, and returns the answer without its request id.
func (m *matrix) reach(t *testing.T, op described, h http.Header, rows ids) (status int, answer string) {
	t.Helper()
	path := op.path
	query := url.Values{}
	for _, p := range op.Parameters {
		switch {
		case p.In == "path" && len(p.Schema.Enum) > 0:
			path = strings.ReplaceAll(path, "{"+p.Name+"}", fmt.Sprint(p.Schema.Enum[0]))
		case p.In == "path":
			path = strings.ReplaceAll(path, "{"+p.Name+"}", strconv.FormatInt(m.row(t, rows, p.Name), 10))
		case p.In == "query" && p.Required:
			query.Set(p.Name, fmt.Sprint(m.value(t, p.Name, p.Schema, rows)))
		}
	}
	var body []byte
	if op.RequestBody != nil {
		body, _ = json.Marshal(m.value(t, "", op.RequestBody.Content["application/json"].Schema, rows))
	}
	if len(query) > 0 {
		path += "?" + query.Encode()
	}
	status, answer = m.send(t, op.method, path, h, body)
	return status, requestIDs.ReplaceAllString(answer, "")
}

// names reports whether a call of op names a row.
func (m *matrix) names(t *testing.T, op described) bool {
	t.Helper()
	if strings.Contains(op.path, "{") {
		return true
	}
	if op.RequestBody == nil {
		return false
	}
	body, _ := json.Marshal(m.value(t, "", op.RequestBody.Content["application/json"].Schema, ids{"conversation_id": 1 << 41, "bundle_id": 1 << 41, "lead_id": 1 << 41, "user_id": 1 << 41, "message_id": 1 << 41}))
	return bytes.Contains(body, []byte(strconv.Itoa(1<<41)))
}

func (m *matrix) row(t *testing.T, rows ids, name string) int64 {
	t.Helper()
	id, known := rows[name]
	if !known {
		t.Fatalf("no row is made for {%s}: give fill one", name)
	}
	return id
}

// value is a valid one for a schema: rows for what names them, else its example, else the least there is.
func (m *matrix) value(t *testing.T, name string, s schema, rows ids) any {
	t.Helper()
	if id, isRow := rows[name]; isRow {
		return id
	}
	if other, isRow := map[string]string{"with": "bundle_id"}[name]; isRow {
		return rows[other]
	}
	if ref, found := strings.CutPrefix(s.Ref, "#/components/schemas/"); found {
		return m.value(t, name, m.api.Components.Schemas[ref], rows)
	}
	if s.Properties != nil {
		object := map[string]any{}
		for _, key := range slices.Sorted(maps.Keys(s.Properties)) {
			_, isRow := rows[key]
			if property := s.Properties[key]; slices.Contains(s.Required, key) || isRow || len(property.Examples) > 0 {
				object[key] = m.value(t, key, property, rows)
			}
		}
		return object
	}
	switch {
	case len(s.Examples) > 0:
		return s.Examples[0]
	case len(s.Enum) > 0:
		return s.Enum[0]
	case s.Items != nil:
		return []any{m.value(t, "", *s.Items, rows)}
	case s.Type == "string":
		return strings.Repeat("x", max(1, s.MinLength))
	case s.Type == "boolean":
		return true
	default:
		return 1
	}
}

// strangers are all callers who may not touch tenant 1042.
func (m *matrix) strangers() map[string]http.Header {
	return map[string]http.Header{
		"nobody":                             {},
		"a user of 2048":                     m.as("user of 2048", ""),
		"an admin of 2048":                   m.as("tenant_admin of 2048", ""),
		"an admin of 2048 who names 1042":    m.as("tenant_admin of 2048", "1042"),
		"a user of 2048 who names 1042":      m.as("user of 2048", "1042"),
		"a global admin who acts in 2048":    m.admin("2048"),
		"a global admin who acts in nothing": m.as("global admin", ""),
	}
}

// isOperators reports whether a route is for global admins, whichever tenant they act in.
func isOperators(op described) bool {
	return strings.Contains(op.Description, "May be called by: global admin")
}

// TestMatrix_NoRouteLetsAnybodyIntoAnotherTenant walks every route of the API's description with every caller and tenant 1042's rows.
func TestMatrix_NoRouteLetsAnybodyIntoAnotherTenant(t *testing.T) {
	t.Parallel()
	m := newMatrix(t)
	before := m.rowsOf(t, 1042)
	for _, op := range operations(t) {
		for who, h := range m.strangers() {
			if isOperators(op) && strings.HasPrefix(who, "a global admin") {
				continue // whose work it is
			}
			status, got := m.reach(t, op, h, m.theirs)
			wanted, want := m.reach(t, op, h, missing)
			if delta := diff.Diff(want, got); m.names(t, op) && (delta != "" || status != wanted || status < 300) {
				t.Errorf("%s %s, %s: another tenant's row is answered %d, a missing one %d (-missing +theirs):\n%s", op.method, op.path, who, status, wanted, delta)
			}
			if strings.Contains(got+want, secretWord) {
				t.Errorf("%s %s shows %s what is tenant 1042's: %s", op.method, op.path, who, got)
			}
			if _, forPeople := op.Security[0]["access_token"]; who == "nobody" && forPeople && status != http.StatusUnauthorized {
				t.Errorf("%s %s was answered %d without any proof; want 401", op.method, op.path, status)
			}
		}
	}
	if delta := diff.Diff(before, m.rowsOf(t, 1042)); delta != "" {
		t.Errorf("tenant 1042's rows changed:\n%s", delta)
	}
}

// rowsOf is every row that belongs to a tenant.
func (m *matrix) rowsOf(t *testing.T, tenant int64) []string {
	t.Helper()
	return (&storetest.DB{URLs: storetest.URLs{Owner: m.env["DATABASE_URL"]}}).Snapshot(t, tenant)
}

// TestMatrix_EveryRouteServesWhomItIsFor keeps the matrix honest: the same calls, made by those who may make them, are valid; and made
// by those of the same tenant who may not, they are refused.
func TestMatrix_EveryRouteServesWhomItIsFor(t *testing.T) {
	t.Parallel()
	m := newMatrix(t)
	if status, served := m.send(t, http.MethodGet, "/openapi.json", http.Header{}, nil); status != http.StatusOK || served != string(describe(t)) {
		t.Errorf("/openapi.json is answered %d, and is not the description", status)
	}
	for _, op := range operations(t) {
		_, forPeople := op.Security[0]["access_token"]
		if !forPeople || op.OperationID == "post-auth-change-password" {
			continue // machines prove themselves in their functions' tests; the password of an example is nobody's
		}
		h := m.as("tenant_admin of 1042", "")
		if isOperators(op) {
			if status, _ := m.reach(t, op, h, m.theirs); status != http.StatusForbidden {
				t.Errorf("%s %s answers a tenant's admin %d; want 403", op.method, op.path, status)
			}
			h = m.as("global admin", "")
		}
		if strings.Contains(op.Description, "admin of the tenant") {
			if status, _ := m.reach(t, op, m.as("user of 1042", ""), m.theirs); status != http.StatusForbidden {
				t.Errorf("%s %s answers a user who is no admin %d; want 403", op.method, op.path, status)
			}
		}
		if status, answer := m.reach(t, op, h, m.theirs); status >= 300 && status != http.StatusConflict {
			t.Errorf("%s %s answers those it is for %d %s", op.method, op.path, status, answer)
		}
	}
}
