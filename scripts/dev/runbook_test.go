package main

import (
	"fmt"
	"maps"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/chattercheatah/chattercheatah/shared/store/demo"
)

// bashBlock is a call in testdata/runbook.md.
var bashBlock = regexp.MustCompile("(?s)```bash\n(.*?)```")

// shellWord is a word of a shell command: in single quotes, in double quotes, or bare.
var shellWord = regexp.MustCompile(`'([^']*)'|"([^"]*)"|([^\s'"]+)`)

// curl makes a printed curl call, with variables in it replaced, and returns the answer of a call that succeeds.
func (l *live) curl(t *testing.T, command string, variables map[string]string) map[string]any {
	t.Helper()
	var method, address, body string
	h := http.Header{}
	words := shellWords(command, variables)
	for i := 1; i < len(words); i++ {
		switch words[i] {
		case "-sS":
		case "-X":
			i++
			method = words[i]
		case "-H":
			i++
			name, value, _ := strings.Cut(words[i], ": ")
			h.Set(name, value)
		case "-d":
			i++
			body = words[i]
		default:
			address = words[i]
		}
	}
	status, answer := l.call(t, method, strings.TrimPrefix(address, l.server.URL), h, body)
	if status < 200 || status > 299 {
		t.Fatalf("%s %s was answered %d %v", method, address, status, answer)
	}
	return answer
}

func shellWords(command string, variables map[string]string) []string {
	replace := []string{"\\\n", " "}
	for name, value := range variables {
		replace = append(replace, name, value)
	}
	var words []string
	for _, m := range shellWord.FindAllStringSubmatch(strings.NewReplacer(replace...).Replace(command), -1) {
		words = append(words, m[1]+m[2]+m[3])
	}
	return words
}

const chosenPassword = "an invented password"

// runbookSteps makes the calls of the runbook's section 1 at an API_BASE and returns what it leads to: variables that later calls
// may use, and the tenant's id.
func (l *live) runbookSteps(t *testing.T, base string) (variables map[string]string, id int64) {
	t.Helper()
	text, err := os.ReadFile("testdata/runbook.md")
	if err != nil {
		t.Fatal(err)
	}
	printed := bashBlock.FindAllStringSubmatch(string(text), -1)
	if len(printed) != 5 {
		t.Fatalf("the runbook's section 1 has %d calls; want 5", len(printed))
	}
	variables = map[string]string{"$API_BASE": base, "<redacted>": chosenPassword}
	logIn, makeTenant, makeAdmin, setUpPrompt, profile := printed[0][1], printed[1][1], printed[2][1], printed[3][1], printed[4][1]
	variables["$GLOBAL_ADMIN_JWT"], _ = l.curl(t, logIn, variables)["access_token"].(string)

	tenant := l.curl(t, makeTenant, variables)
	if fields := slices.Sorted(maps.Keys(tenant)); !slices.Equal(fields, []string{"created_at", "id", "is_active", "name", "subdomain"}) {
		t.Errorf("the answer of POST /admin/tenants has the fields %v", fields)
	}
	id = int64(tenant["id"].(float64))
	variables["X-Tenant-Id: 1042"] = fmt.Sprintf("X-Tenant-Id: %d", id)

	if admin := l.curl(t, makeAdmin, variables); admin["tenant_id"] != float64(id) || admin["role"] != "tenant_admin" || admin["password"] != nil {
		t.Errorf("POST /users was answered %v", admin)
	}
	forTenant := strings.NewReplacer("admin@chattercheatah.com", "admin@exampleco.test", "admin123", chosenPassword)
	variables["$TENANT_ADMIN_JWT"], _ = l.curl(t, forTenant.Replace(logIn), variables)["access_token"].(string)
	l.curl(t, setUpPrompt, variables)
	l.curl(t, profile, variables)
	return variables, id
}

func TestRunbook_Section1ProvisionsATenantWordForWord(t *testing.T) {
	t.Parallel()
	for name, suffix := range map[string]string{"with /api/v1": "/api/v1", "without": ""} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := startLive(t, nil)
			variables, id := l.runbookSteps(t, l.server.URL+suffix)
			told := l.curl(t, `curl -X GET "$API_BASE/prompts/compose?channel=sms" -H "Authorization: Bearer $TENANT_ADMIN_JWT"`, variables)
			for _, want := range []string{"ExampleCo sells widgets. Hours are Mon-Fri 9-5 CT.", "Do you ship?", "credit card", "Example Customer", "https://exampleco.test", "+15555550123"} {
				if prompt, _ := told["prompt"].(string); !strings.Contains(prompt, want) {
					t.Errorf("the model is not told %q", want)
				}
			}
			again := l.curl(t, `curl -X GET "$API_BASE/admin/tenants/`+strconv.FormatInt(id, 10)+`" -H "Authorization: Bearer $GLOBAL_ADMIN_JWT"`, variables)
			if again["subdomain"] != "exampleco" || again["is_active"] != true {
				t.Errorf("the tenant is %v", again)
			}
		})
	}
}

// todo lists what a tenant's checklist has left.
func (l *live) todo(t *testing.T, id int64, variables map[string]string) []string {
	t.Helper()
	list := l.curl(t, fmt.Sprintf(`curl -X GET "$API_BASE/admin/tenants/%d/onboarding" -H "Authorization: Bearer $GLOBAL_ADMIN_JWT"`, id), variables)
	left := []string{}
	for _, i := range list["items"].([]any) {
		if item := i.(map[string]any); item["done"] == false {
			left = append(left, item["key"].(string))
			if item["next"] == "" {
				t.Errorf("the checklist does not say what to do about %v", item["title"])
			}
		}
	}
	return left
}

func TestRunbook_Section6IsCheckedOffStepByStep(t *testing.T) {
	t.Parallel()
	l := startLive(t, nil)
	variables, id := l.runbookSteps(t, l.server.URL+"/api/v1")
	if diff := cmp.Diff([]string{"sms", "voice", "email"}, l.todo(t, id, variables)); diff != "" {
		t.Errorf("after section 1 is left (-want +got):\n%s", diff)
	}
	config := func(which, body string) {
		l.curl(t, fmt.Sprintf(`curl -X PUT "$API_BASE/admin/tenants/%d/%s" -H "Authorization: Bearer $GLOBAL_ADMIN_JWT" -d '%s'`, id, which, body), variables)
	}
	config("sms-config", `{"telnyx_phone_number":"+15555550151","telnyx_api_key":"KEY-invented-0001","telnyx_messaging_profile_id":"profile"}`)
	l.curl(t, `curl -X PUT "$API_BASE/sms/settings" -H "Authorization: Bearer $TENANT_ADMIN_JWT" -d '{"is_enabled":true}'`, variables)
	config("voice-config", `{"telnyx_phone_number":"+15555550151","telnyx_assistant_id":"assistant-1"}`)
	if diff := cmp.Diff([]string{"email"}, l.todo(t, id, variables)); diff != "" {
		t.Errorf("after section 6 is left (-want +got):\n%s", diff)
	}
}

// between are people of the two tenants that the runbook's section 7 names.
type between struct {
	*live
	global, swimmer, dentist http.Header
}

func (b *between) in(tenant string) http.Header {
	h := b.global.Clone()
	h.Set("X-Tenant-Id", tenant)
	return h
}

func (b *between) must(t *testing.T, method, path string, h http.Header, body string) map[string]any {
	t.Helper()
	status, answer := b.call(t, method, "/api/v1"+path, h.Clone(), body)
	if status < 200 || status > 299 {
		t.Fatalf("%s %s was answered %d %v", method, path, status, answer)
	}
	return answer
}

func (b *between) person(t *testing.T, email, password string) http.Header {
	t.Helper()
	who := b.must(t, http.MethodPost, "/auth/login", http.Header{}, fmt.Sprintf(`{"email":%q,"password":%q}`, email, password))
	token, _ := who["access_token"].(string)
	return http.Header{"Authorization": {"Bearer " + token}}
}

func startBetween(t *testing.T) *between {
	t.Helper()
	b := &between{live: startLive(t, nil)}
	b.global = b.person(t, "admin@chattercheatah.com", "admin123")
	for tenant, h := range map[string]*http.Header{"1042": &b.swimmer, "2048": &b.dentist} {
		email := "admin@t" + tenant + ".test"
		b.must(t, http.MethodPost, "/users", b.in(tenant), fmt.Sprintf(`{"email":%q,"password":%q,"role":"tenant_admin"}`, email, chosenPassword))
		*h = b.person(t, email, chosenPassword)
	}
	return b
}

func TestRunbook_Section7FindsTenants1042And2048Apart(t *testing.T) {
	t.Parallel()
	b := startBetween(t)
	t.Run("tenant context", func(t *testing.T) {
		for tenant, name := range map[string]string{"1042": "Example Swim School", "2048": "Sample Dental Clinic"} {
			if seen := b.must(t, http.MethodGet, "/tenant/profile", b.in(tenant), ""); seen["business_name"] != name {
				t.Errorf("in tenant %s the global admin sees the profile of %v", tenant, seen["business_name"])
			}
		}
	})
	t.Run("prompt isolation", func(t *testing.T) {
		b.must(t, http.MethodPost, "/tenant-setup/setup-prompt", b.swimmer, `{"business_prompt":"The pool is painted vermilion."}`)
		own := fmt.Sprint(b.must(t, http.MethodGet, "/prompts/compose?channel=sms", b.swimmer, ""))
		other := fmt.Sprint(b.must(t, http.MethodGet, "/prompts/compose?channel=sms", b.dentist, ""))
		if !strings.Contains(own, "vermilion") || strings.Contains(other, "vermilion") {
			t.Error("the section is not where it belongs, and only there")
		}
	})
	t.Run("lead isolation", func(t *testing.T) {
		made := b.must(t, http.MethodPost, "/leads", b.swimmer, `{"name":"Pat Doe","email":"pat@example.test","phone_number":"+15555550177"}`)
		path := fmt.Sprintf("/api/v1/leads/%.0f", made["id"])
		if status, answer := b.call(t, http.MethodGet, path, b.dentist.Clone(), ""); status != http.StatusNotFound {
			t.Errorf("tenant 2048 was answered %d %v; want 404", status, answer)
		}
		if status, _ := b.call(t, http.MethodGet, path, b.swimmer.Clone(), ""); status != http.StatusOK {
			t.Errorf("tenant 1042 was answered %d; want 200", status)
		}
	})
	t.Run("channel routing", func(t *testing.T) {
		if _, err := b.telnyx.Text(t.Context(), asker, demo.SwimSchool().Phone, "Are you open on Saturday?"); err != nil {
			t.Fatal(err)
		}
		own, other := b.must(t, http.MethodGet, "/conversations", b.swimmer, ""), b.must(t, http.MethodGet, "/conversations", b.dentist, "")
		if len(own["items"].([]any)) != 1 || len(other["items"].([]any)) != 0 {
			t.Errorf("a text to tenant 1042 made %v there and %v at tenant 2048", own, other)
		}
		taken := fmt.Sprintf(`{"telnyx_phone_number":%q}`, demo.SwimSchool().Phone.E164())
		for _, config := range []string{"sms-config", "voice-config"} {
			if status, _ := b.call(t, http.MethodPut, "/api/v1/admin/tenants/2048/"+config, b.global.Clone(), taken); status != http.StatusConflict {
				t.Errorf("tenant 1042's number was assigned to tenant 2048 as well, in %s: %d; want 409", config, status)
			}
		}
	})
}
