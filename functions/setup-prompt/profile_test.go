package setupprompt_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestProfile_FieldsThatAreNotSentStayAndNullClears(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	want := object{
		"tenant_id": 1042.0, "business_name": "Example Swim School", "website_url": "https://swim.exampleco.test",
		"phone_number": "+15555550123", "email": "support@exampleco.test",
	}
	check := func(doing string, got object) {
		t.Helper()
		delete(got, "$schema")
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", doing, diff)
		}
	}
	check("as seeded", b.call(t, b.admin, "GET", "/tenant/profile", ""))
	check("nothing sent", b.call(t, b.admin, "PUT", "/tenant/profile", `{}`))
	want["email"] = "desk@exampleco.test"
	check("one field sent", b.call(t, b.admin, "PUT", "/tenant/profile", `{"email":"desk@exampleco.test"}`))
	want["phone_number"], want["website_url"] = nil, nil
	check("two cleared", b.call(t, b.admin, "PUT", "/tenant/profile", `{"phone_number":null,"website_url":" "}`))
	check("read again", b.call(t, b.admin, "GET", "/tenant/profile", ""))
}

func TestProfile_OfATenantWithoutOneIsEmptyAndCanBeMade(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.Exec(t, `insert into tenants (id, name, subdomain) values (3000, 'New', 'new')`)
	admin := b.person(t, "lead@new.test", "tenant_admin", 3000)
	if got := b.call(t, admin, "GET", "/tenant/profile", ""); got["business_name"] != nil || got["phone_number"] != nil {
		t.Errorf("it is %v", got)
	}
	const runbook = `{"business_name":"Example Customer","website_url":"https://exampleco.test","phone_number":"+15555550123","email":"support@exampleco.test"}`
	if got := b.call(t, admin, "PUT", "/tenant/profile", runbook); got["business_name"] != "Example Customer" || got["website_url"] != "https://exampleco.test" {
		t.Errorf("it is %v", got)
	}
}

func TestProfile_IsWrittenInOneForm(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	for _, c := range []struct{ field, sent, want string }{
		{"phone_number", "(555) 555-0123", "+15555550123"}, {"phone_number", "1-555-555-0123", "+15555550123"},
		{"phone_number", " +1 555.555.0123 ", "+15555550123"}, {"phone_number", "0049 30 5550123", "+49305550123"},
		{"email", " Support@ExampleCo.TEST ", "Support@exampleco.test"},
		{"website_url", " HTTPS://ExampleCo.test/Shop ", "https://exampleco.test/Shop"}, {"website_url", "http://exampleco.test:8080", "http://exampleco.test:8080"},
		{"business_name", "  Example\\n\\tCustomer ", "Example Customer"},
	} {
		if got := b.call(t, b.admin, "PUT", "/tenant/profile", `{"`+c.field+`":"`+c.sent+`"}`); got[c.field] != c.want {
			t.Errorf("%s %q became %q; want %q", c.field, c.sent, got[c.field], c.want)
		}
	}
}

func TestProfile_BadInputIsNamedNotRepeatedAndChangesNothing(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	before := b.call(t, b.admin, "GET", "/tenant/profile", "")
	for _, c := range []struct{ field, sent string }{
		{"phone_number", "5550199"}, {"phone_number", "+1555555012x"}, {"phone_number", "05555550123"}, {"phone_number", "+15555550123 or +15555550124"},
		{"email", "support"}, {"email", "Support <support@exampleco.test>"}, {"email", "a@b.test, c@d.test"},
		{"website_url", "exampleco.test"}, {"website_url", "javascript:alert(1)"}, {"website_url", "ftp://exampleco.test"}, {"website_url", "https://"},
		{"website_url", "https://user:secret@exampleco.test"}, {"website_url", "https://" + strings.Repeat("x", 2000)},
		{"business_name", strings.Repeat("x", 201)}, {"business_name", `a\u0007b`}, {"owner_phone", "+15555550199"},
	} {
		status, said := b.send(b.admin, "PUT", "/tenant/profile", `{"business_name":"Changed","`+c.field+`":"`+c.sent+`"}`)
		if status != http.StatusBadRequest && status != http.StatusUnprocessableEntity || !strings.Contains(said, c.field) || c.field == "phone_number" && strings.Contains(said, c.sent) {
			t.Errorf("%s %.40q was answered %d %s", c.field, c.sent, status, said)
		}
	}
	b.refused(t, b.admin, "PUT", "/tenant/profile", `{"email":7}`, 422, "email")
	if after := b.call(t, b.admin, "GET", "/tenant/profile", ""); !cmp.Equal(before, after) {
		t.Errorf("refused changes changed something:\n%s", cmp.Diff(before, after))
	}
}
