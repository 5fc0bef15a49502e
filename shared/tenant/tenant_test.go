package tenant_test

import (
	"testing"

	"github.com/chattercheatah/chattercheatah/shared/fault"
	"github.com/chattercheatah/chattercheatah/shared/tenant"
)

func TestByUser_TheHeaderIsForGlobalAdminsAlone(t *testing.T) {
	t.Parallel()
	operator := tenant.User{Role: tenant.GlobalAdmin}
	member := tenant.User{Tenant: 1042, Role: tenant.Member}
	admin := tenant.User{Tenant: 1042, Role: tenant.Admin}
	closed := tenant.User{Tenant: 7, Role: tenant.Admin}
	active := func(id tenant.ID) bool { return id == 1042 || id == 2048 }

	tests := []struct {
		name   string
		user   tenant.User
		header string
		want   tenant.ID
		via    string
		kind   fault.Kind
	}{
		{name: "a member is in their tenant", user: member, want: 1042, via: "user"},
		{name: "a member may repeat it", user: member, header: "1042", want: 1042, via: "user"},
		{name: "a member may not name another", user: member, header: "2048", kind: fault.Forbidden},
		{name: "a tenant admin may not name another", user: admin, header: "2048", kind: fault.Forbidden},
		{name: "an unknown tenant looks the same", user: member, header: "999999", kind: fault.Forbidden},
		{name: "not a number", user: member, header: "exampleco", kind: fault.Invalid},
		{name: "negative", user: operator, header: "-1", kind: fault.Invalid},
		{name: "zero", user: operator, header: "0", kind: fault.Invalid},
		{name: "too large", user: operator, header: "99999999999999999999", kind: fault.Invalid},
		{name: "a global admin must name one", user: operator, kind: fault.Invalid},
		{name: "a global admin impersonates", user: operator, header: " 2048 ", want: 2048, via: "impersonation"},
		{name: "an inactive tenant is closed to operators", user: operator, header: "7", kind: fault.Forbidden},
		{name: "an inactive tenant is closed to its own", user: closed, kind: fault.Forbidden},
		{name: "nobody", user: tenant.User{Role: tenant.Member}, kind: fault.Forbidden},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			scope, err := tenant.ByUser(tt.user, tt.header, active)
			if (err != nil) != (tt.want == 0) || err != nil && fault.KindOf(err) != tt.kind {
				t.Fatalf("ByUser = %v, %v", scope, err)
			}
			if scope.ID() != tt.want || scope.Via() != tt.via || scope.IsZero() != (tt.want == 0) {
				t.Errorf("scope %v via %q", scope.ID(), scope.Via())
			}
		})
	}
}

func TestScope_RemembersItsEvidence(t *testing.T) {
	t.Parallel()
	for via, scope := range map[string]tenant.Scope{
		"called_number": tenant.ByNumber(1042), "twilio_account": tenant.ByAccount(1042),
		"task": tenant.ByTask(1042), "command": tenant.ByCommand(1042),
	} {
		if scope.Via() != via || scope.ID() != 1042 {
			t.Errorf("%+v", scope)
		}
	}
}
