package admintenants_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/chattercheatah/chattercheatah/shared/auth"
	"github.com/chattercheatah/chattercheatah/shared/fault"
	"github.com/chattercheatah/chattercheatah/shared/private"
	"github.com/chattercheatah/chattercheatah/shared/prompt"
	"github.com/chattercheatah/chattercheatah/shared/store"
	"github.com/chattercheatah/chattercheatah/shared/store/demo"
)

func TestTenants_OneIsMadeAsTheRunbookSays(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	made := b.must(t, "POST", "/admin/tenants", `{"name":"Example Customer","subdomain":"examplecustomer","is_active":true}`)
	if at, err := time.Parse(time.RFC3339, fmt.Sprint(made["created_at"])); err != nil || time.Since(at) > time.Hour {
		t.Errorf("created_at is %v", made["created_at"])
	}
	want := map[string]any{"id": 2049.0, "name": "Example Customer", "subdomain": "examplecustomer", "is_active": true, "created_at": made["created_at"]}
	if diff := cmp.Diff(want, made); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(made, b.must(t, "GET", "/admin/tenants/2049", "")); diff != "" {
		t.Errorf("what is read is not what was made (-made +read):\n%s", diff)
	}
}

func TestTenants_IsActiveUnlessSaidOtherwise(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	for body, want := range map[string]bool{`{"name":"A","subdomain":"a"}`: true, `{"name":"B","subdomain":"b","is_active":true}`: true, `{"name":"C","subdomain":"c","is_active":false}`: false} {
		if made := b.must(t, "POST", "/admin/tenants", body); made["is_active"] != want {
			t.Errorf("%s made %v", body, made)
		}
	}
}

func TestTenants_ATakenSubdomainIsAConflict(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	taken := `"subdomain":"` + demo.SwimSchool().Subdomain + `"`
	b.refused(t, "POST", "/admin/tenants", `{"name":"Another",`+taken+`}`, http.StatusConflict, "this subdomain is taken")
	b.refused(t, "PATCH", "/admin/tenants/2048", `{"name":"Renamed",`+taken+`}`, http.StatusConflict, "this subdomain is taken")
	if after := b.must(t, "GET", "/admin/tenants/2048", ""); after["name"] != demo.Dentist().Name {
		t.Errorf("a refused change changed the name to %v", after["name"])
	}
	b.must(t, "PUT", "/admin/tenants/1042", `{`+taken+`}`) // its own
}

func TestTenants_ASubdomainIsADNSLabel(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	for _, bad := range []string{"", "-a", "a-", "A", "ex ample", "exa.mple", "exämple", "ex_ample", strings.Repeat("a", 64), "a\n", "a\u0000"} {
		body, _ := json.Marshal(map[string]string{"name": "N", "subdomain": bad})
		b.refused(t, "POST", "/admin/tenants", string(body), http.StatusUnprocessableEntity, "lower-case letters, digits and hyphens")
		change, _ := json.Marshal(map[string]string{"subdomain": bad})
		b.refused(t, "PATCH", "/admin/tenants/1042", string(change), http.StatusUnprocessableEntity, "body.subdomain")
	}
	for _, good := range []string{"a", "7", "a-b", "xn--exmple-cua", strings.Repeat("a", 63)} {
		b.must(t, "POST", "/admin/tenants", `{"name":"N","subdomain":"`+good+`"}`)
	}
}

func TestTenants_BadInputIsNamed(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	for body, saying := range map[string]string{
		`{"subdomain":"a"}`:                                                      "name",
		`{"name":"","subdomain":"a"}`:                                            "body.name",
		`{"name":"  ","subdomain":"a"}`:                                          "body.name",
		`{"name":"a\u0000b","subdomain":"a"}`:                                    "body.name",
		`{"name":"a\nb","subdomain":"a"}`:                                        "body.name",
		`{"name":"` + strings.Repeat("x", 201) + `","subdomain":"a"}`:            "body.name",
		`{"name":"N"}`:                                                           "subdomain",
		`{"name":"N","subdomain":"a","is_active":"yes"}`:                         "body.is_active",
		`{"name":"N","subdomain":"a","id":7}`:                                    "body.id",
		`{"name":"N","subdomain":"a"} {"name":"N","subdomain":"b"}`:              "",
		`{"name":"N","subdomain":"a","x":"` + strings.Repeat("x", 64<<10) + `"}`: "bytes",
	} {
		status, problem := b.call("POST", "/admin/tenants", body)
		said, _ := json.Marshal(problem)
		if status < 400 || status > 422 || !strings.Contains(string(said), saying) {
			t.Errorf("%.60s was answered %d %s; want 4xx about %q", body, status, said, saying)
		}
	}
	if n := len(items(b.must(t, "GET", "/admin/tenants", ""))); n != 2 {
		t.Errorf("there are %d tenants; want the 2 from before", n)
	}
}

func TestTenants_FieldsThatAreNotSentStay(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	for _, method := range []string{"PATCH", "PUT"} {
		want := b.must(t, "GET", "/admin/tenants/1042", "")
		for _, change := range []map[string]any{{}, {"name": "Renamed by " + method}, {"subdomain": strings.ToLower("by-" + method)}, {"is_active": false}, {"is_active": true}} {
			body, _ := json.Marshal(change)
			for field, value := range change {
				want[field] = value
			}
			for range 2 { // a repeat changes nothing more
				if diff := cmp.Diff(want, b.must(t, method, "/admin/tenants/1042", string(body))); diff != "" {
					t.Errorf("%s %s (-want +got):\n%s", method, body, diff)
				}
			}
		}
	}
	if other := b.must(t, "GET", "/admin/tenants/2048", ""); other["name"] != demo.Dentist().Name || other["subdomain"] != demo.Dentist().Subdomain {
		t.Errorf("the other tenant is now %v", other)
	}
}

func TestTenants_AreListedByIDPageByPage(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	for i := range 5 {
		b.must(t, "POST", "/admin/tenants", fmt.Sprintf(`{"name":"N","subdomain":"n%d","is_active":%v}`, i, i%2 == 0))
	}
	for query, want := range map[string][]float64{
		"":                        {1042, 2048, 2049, 2051, 2053},
		"&include_inactive=false": {1042, 2048, 2049, 2051, 2053},
		"&include_inactive=true":  {1042, 2048, 2049, 2050, 2051, 2052, 2053},
	} {
		for _, limit := range []int{1, 2, 7, 100} {
			if got := b.ids(t, fmt.Sprintf("/admin/tenants?limit=%d%s", limit, query)); !slices.Equal(got, want) {
				t.Errorf("%s in pages of %d: %v; want %v", query, limit, got, want)
			}
		}
	}
	b.refused(t, "GET", "/admin/tenants?cursor=x", "", http.StatusBadRequest, "cursor")
	b.refused(t, "GET", "/admin/tenants?inactive=true", "", http.StatusUnprocessableEntity, "inactive")
}

// ids follows a list's pages to the end.
func (b *bench) ids(t *testing.T, path string) []float64 {
	t.Helper()
	var all []float64
	for next := path; ; {
		page := b.must(t, "GET", next, "")
		for _, i := range items(page) {
			all = append(all, i["id"].(float64))
		}
		cursor, more := page["next_cursor"].(string)
		if !more {
			return all
		}
		next = path + "&cursor=" + cursor
	}
}

// closing closes tenant 1042 and opens it again in a moment.
func (b *bench) closing(t *testing.T) (open func()) {
	t.Helper()
	b.must(t, "PATCH", "/admin/tenants/1042", `{"is_active":false}`)
	return func() { b.must(t, "PATCH", "/admin/tenants/1042", `{"is_active":true}`) }
}

func TestClosing_NobodyOfTheTenantLogsInAndTokensAreWorthless(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	password := private.NewSecret("a good password")
	hash, err := auth.HashPassword(t.Context(), password)
	if err != nil {
		t.Fatal(err)
	}
	b.person(t, "lead@exampleco.test", "tenant_admin", 1042)
	b.Exec(t, `update users set password_hash = $1 where email = 'lead@exampleco.test'`, hash)
	token, _, err := b.guard.LogIn(t.Context(), "lead@exampleco.test", password, "198.51.100.7")
	if err != nil {
		t.Fatal(err)
	}
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	r.Header.Set("Authorization", "Bearer "+token.Reveal())
	comesIn := func() bool {
		_, _, logInErr := b.guard.LogIn(t.Context(), "lead@exampleco.test", password, "198.51.100.7")
		_, admitErr := b.guard.Tenant(r)
		if (logInErr == nil) != (admitErr == nil) {
			t.Errorf("the password: %v, the token: %v", logInErr, admitErr)
		}
		return logInErr == nil
	}
	if !comesIn() {
		t.Fatal("before, nobody comes in")
	}
	open := b.closing(t)
	if comesIn() {
		t.Error("somebody of a closed tenant comes in")
	}
	open()
	if !comesIn() {
		t.Error("opened again, nobody comes in")
	}
}

func TestClosing_NothingIsRoutedToTheTenant(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	customer := private.MustPhone("+15555550101")
	text := func(id string) error {
		_, err := b.SwimSchool.RecordInbound(t.Context(), store.Inbound{VerifiedWith: new(string), From: customer, To: b.SwimSchoolPhone, Text: private.NewText("hello"), ProviderMessageID: id, OccurredAt: time.Now()})
		return err
	}
	open := b.closing(t)
	if _, err := b.Store.SMSRoute(t.Context(), b.SwimSchoolPhone); fault.KindOf(err) != fault.NotFound || err == nil {
		t.Errorf("its number leads to it: %v", err)
	}
	if err := text("m1"); !errors.Is(err, store.ErrRouteChanged) {
		t.Errorf("a text on its way was recorded: %v", err)
	}
	open()
	if _, err := b.Store.SMSRoute(t.Context(), b.SwimSchoolPhone); err != nil {
		t.Errorf("opened again, its number leads nowhere: %v", err)
	}
	if err := text("m1"); err != nil {
		t.Errorf("opened again, the text delivered again is not recorded: %v", err)
	}
}

func TestClosing_QueuedWorkWaitsAndNothingIsLost(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.SetWait(t, b.SwimSchool, 0)
	owed := b.Receive(t, b.SwimSchool, private.MustPhone("+15555550101"), "Are you open on Saturday?", "m1").ReplyID
	claim := func() *store.Reply {
		r, _, err := b.SwimSchool.ClaimReply(t.Context(), prompt.SMS, owed, time.Minute, 40)
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	before := b.withoutAudit(t)
	open := b.closing(t)
	if r := claim(); r != nil {
		t.Error("a closed tenant's reply is worked on")
	}
	overdue, err := b.Store.OverdueReplies(t.Context(), prompt.SMS, 0, 100, 100)
	if err != nil || len(overdue) != 0 {
		t.Errorf("the sweeper finds %v of a closed tenant, %v", overdue, err)
	}
	if diff := cmp.Diff(before, b.withoutAudit(t)); diff != "" {
		t.Errorf("closing changed what the tenant has (-before +after):\n%s", diff)
	}
	open()
	if r := claim(); r == nil || len(r.History) != 1 {
		t.Errorf("opened again, its reply is %v; want it claimed with its conversation", r)
	}
}

// withoutAudit is what tenant 1042 has besides its log.
func (b *bench) withoutAudit(t *testing.T) []string {
	return slices.DeleteFunc(b.Snapshot(t, 1042), func(row string) bool { return strings.HasPrefix(row, "audit_log ") })
}
