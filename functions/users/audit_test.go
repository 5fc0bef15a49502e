package users_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// audit reads the audit log whole, entry by entry.
func (b *bench) audit(t *testing.T, token, query string) (all []map[string]any) {
	t.Helper()
	path := "/audit-log?" + query
	for range 50 {
		status, page := b.call(http.MethodGet, path, token, "")
		if status != http.StatusOK {
			t.Fatalf("%s was answered %d %v; the log: %s", path, status, page, &b.log)
		}
		for _, e := range page["items"].([]any) {
			all = append(all, e.(map[string]any))
		}
		next, more := page["next_cursor"].(string)
		if !more {
			return all
		}
		path = "/audit-log?" + query + "&cursor=" + next
	}
	t.Fatal("the audit log has no end")
	return nil
}

func TestAuditLog_TellsATenantsAdminsWhoDidWhatFromWhere(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	lead, token := b.member(t, "1042", "lead@exampleco.test", "tenant_admin")
	desk, _ := b.member(t, "1042", "desk@exampleco.test", "user")
	b.member(t, "2048", "lead@sampledental.test", "tenant_admin")
	if status, answer := b.call(http.MethodPatch, fmt.Sprintf("/users/%.0f", desk), token, `{"role":"tenant_admin"}`); status != http.StatusOK {
		t.Fatalf("answered %d %v", status, answer)
	}
	all := b.audit(t, token, "limit=2")
	var got []string
	for i, e := range all {
		if len(e) != 10 || e["tenant_id"] != 1042.0 || e["at"] == nil || i > 0 && e["id"].(float64) >= all[i-1]["id"].(float64) {
			t.Errorf("an entry is %v", e)
		}
		got = append(got, fmt.Sprintf("%v %v %v %v", e["action"], e["actor"], e["is_impersonating"], e["address"]))
	}
	if diff := cmp.Diff([]string{
		"users.update lead@exampleco.test false 192.0.2.1", "log_in desk@exampleco.test false 192.0.2.1", "users.insert " + email + " true 192.0.2.1",
		"log_in lead@exampleco.test false 192.0.2.1", "users.insert " + email + " true 192.0.2.1",
	}, got); diff != "" {
		t.Errorf("the log (-want +got):\n%s", diff)
	}
	if latest := all[0]; latest["actor_id"] != lead || latest["object"] != fmt.Sprintf("%.0f", desk) || fmt.Sprint(latest["fields"]) != "[role]" {
		t.Errorf("the latest entry is %v", latest)
	}
}

func TestAuditLog_EveryLogInIsInItAndNoUnknownAddress(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	_, token := b.member(t, "1042", "lead@exampleco.test", "tenant_admin")
	b.logIn("lead@exampleco.test", "a wrong password")
	b.logIn("my-password-typed-as-address@p.test", password)
	b.Exec(t, `update users set is_active = false where email = $1`, email)
	b.logIn(email, password)
	var own []string
	for _, e := range b.audit(t, token, "") {
		own = append(own, fmt.Sprintf("%v %v", e["action"], e["actor"]))
	}
	if want := []string{"log_in_failed lead@exampleco.test", "log_in lead@exampleco.test", "users.insert " + email}; !slices.Equal(own, want) {
		t.Errorf("the tenant's log has %q; want %q", own, want)
	}
	others := b.Query(t, `select action || ' ' || actor || ' ' || coalesce(actor_id::text, 'nobody') from audit_log where tenant_id is null order by id`)
	admin := b.Query(t, `select id::text from users where email = $1`, email)[0]
	if want := []string{"log_in " + email + " " + admin, "log_in_failed unknown nobody", "log_in_failed " + email + " " + admin}; !slices.Equal(others, want) {
		t.Errorf("the log of no tenant has %q; want %q", others, want)
	}
	if all := strings.Join(b.Query(t, `select to_jsonb(a)::text from audit_log a`), "\n"); strings.Contains(all, "typed-as-address") || strings.Contains(all, password) {
		t.Errorf("the audit log holds an unknown address or a password:\n%s", all)
	}
}
