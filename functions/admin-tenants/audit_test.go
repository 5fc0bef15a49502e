package admintenants_test

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/chattercheatah/chattercheatah/shared/store/demo"
)

// done are the entries of the log that the operator's calls have made, the newest first, without what differs at each run.
func (b *bench) done(t *testing.T) []map[string]any {
	t.Helper()
	var all []map[string]any
	for _, e := range items(b.must(t, "GET", "/admin/audit-log?limit=100", "")) {
		if at, err := time.Parse(time.RFC3339, fmt.Sprint(e["at"])); err != nil || time.Since(at) > time.Hour {
			t.Errorf("at is %v", e["at"])
		}
		if e["actor"] == operatorEmail {
			delete(e, "at")
			delete(e, "id")
			all = append(all, e)
		}
	}
	return all
}

func TestAudit_EveryChangeIsPutDownToWhoMadeItAndFromWhere(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	operator, err := strconv.ParseFloat(b.Query(t, `select id::text from users where email = $1`, operatorEmail)[0], 64)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		method, path, body, action string
		tenant                     float64
		fields                     []any
	}{
		{"POST", "/admin/tenants", `{"name":"New","subdomain":"new"}`, "tenants.insert", 2049, []any{"is_active", "name", "subdomain"}},
		{"PATCH", "/admin/tenants/1042", `{"is_active":false}`, "tenants.update", 1042, []any{"is_active"}},
		{"PUT", "/admin/tenants/1042", `{"is_active":true,"name":"Renamed"}`, "tenants.update", 1042, []any{"is_active", "name"}},
		{"PUT", sms, `{"telnyx_api_key":"KEY-of-the-school-ab12","telnyx_messaging_profile_id":"p"}`, "tenant_sms_configs.update", 1042, []any{"telnyx_api_key", "telnyx_messaging_profile_id"}},
		{"PUT", voice, `{"telnyx_assistant_id":"assistant-1042"}`, "tenant_voice_configs.update", 1042, []any{"telnyx_assistant_id"}},
		{"PUT", customerService, `{"jackrabbit_org_id":"545911"}`, "tenant_customer_service_configs.update", 1042, []any{"jackrabbit_org_id"}},
	} {
		b.must(t, c.method, c.path, c.body)
		log := b.done(t)
		if len(log) == 0 {
			t.Fatalf("%s %s is not in the log", c.method, c.path)
		}
		want := map[string]any{
			"tenant_id": c.tenant, "actor_id": operator, "actor": operatorEmail, "is_impersonating": !strings.HasPrefix(c.action, "tenants."), "address": "198.51.100.7",
			"action": c.action, "object": fmt.Sprint(c.tenant), "fields": c.fields,
		}
		if diff := cmp.Diff(want, log[0]); diff != "" {
			t.Errorf("%s %s (-want +got):\n%s", c.method, c.path, diff)
		}
	}
}

func TestAudit_WhatChangesNothingIsNotPutDown(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.must(t, "PUT", voice, `{}`) // makes the row
	b.must(t, "PUT", customerService, `{}`)
	b.must(t, "PUT", calendar, `{}`)
	before := len(b.done(t))
	for _, r := range routes {
		if r.method != "POST" {
			b.must(t, r.method, r.path, r.body)
		}
	}
	b.must(t, "PUT", "/admin/tenants/1042", `{"name":"`+demo.SwimSchool().Name+`"}`)
	_, _ = b.call("PATCH", "/admin/tenants/2048", `{"subdomain":"`+demo.SwimSchool().Subdomain+`"}`) // refused
	if after := b.done(t); len(after) != before {
		t.Errorf("%d entries for nothing: %v", len(after)-before, after)
	}
}

func TestAudit_PagesFromTheNewestToTheOldest(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	for i := range 7 {
		b.must(t, "PATCH", "/admin/tenants/1042", fmt.Sprintf(`{"name":"N%d"}`, i))
	}
	whole := b.ids(t, "/admin/audit-log?limit=100")
	if len(whole) < 7 || !slices.IsSortedFunc(whole, func(x, y float64) int { return int(y - x) }) {
		t.Fatalf("the log is %v; want 7 entries at least, the newest first", whole)
	}
	for _, limit := range []int{1, 3} {
		if paged := b.ids(t, fmt.Sprintf("/admin/audit-log?limit=%d", limit)); !slices.Equal(paged, whole) {
			t.Errorf("in pages of %d: %v; want %v", limit, paged, whole)
		}
	}
}
