// Package tenant says whose a request is: the tenant's ID, the Scope that proves it was resolved from evidence, and the
// rules of resolution. It does no I/O and knows neither HTTP nor SQL.
//
// A Scope can be made in this package alone, by one function for each kind of evidence. store.For accepts nothing else,
// so that a query without a resolved tenant does not compile.
package tenant

import (
	"strconv"
	"strings"

	"github.com/chattercheatah/chattercheatah/shared/fault"
)

// ID is tenants.id.
type ID int64

// String gives the decimal form.
func (id ID) String() string { return strconv.FormatInt(int64(id), 10) }

// Scope is one tenant together with how it was found. The zero Scope is nobody's.
type Scope struct {
	id  ID
	via string
}

// ID returns the tenant; 0 for the zero Scope.
func (s Scope) ID() ID { return s.id }

// Via names the evidence, for the log.
func (s Scope) Via() string { return s.via }

// IsZero reports whether no tenant was resolved.
func (s Scope) IsZero() bool { return s.id <= 0 }

// Role is what a person may do.
type Role string

// The roles. A global admin belongs to no tenant; the others belong to one.
const (
	GlobalAdmin Role = "admin"
	Admin       Role = "tenant_admin"
	Member      Role = "user"
)

// User is what the resolution rules need of a person's row.
type User struct {
	Tenant ID // 0 for a global admin
	Role   Role
}

// ByUser resolves the tenant of a logged-in person. header is the X-Tenant-Id header, "" when absent: a global admin acts
// in the tenant that it names, anybody else may only repeat their own. active reports whether a tenant exists and is active.
//
// Errors: Invalid when the header is not a number or a global admin sent none; Forbidden when a global admin names a tenant that
// is unknown or inactive, when anybody else names a tenant that is not theirs (whether it exists or not), and when theirs is
// inactive.
func ByUser(u User, header string, active func(ID) bool) (Scope, error) {
	wanted, err := parseHeader(header)
	if err != nil {
		return Scope{}, err
	}
	if u.Role == GlobalAdmin {
		if wanted == 0 {
			return Scope{}, fault.New(fault.Invalid, "you are a global admin: say which tenant you act in with the header X-Tenant-Id")
		}
		if !active(wanted) {
			return Scope{}, fault.New(fault.Forbidden, "there is no active tenant with the id in the header X-Tenant-Id")
		}
		return Scope{wanted, "impersonation"}, nil
	}
	if wanted != 0 && wanted != u.Tenant {
		return Scope{}, fault.New(fault.Forbidden, "this tenant is not yours; leave out the header X-Tenant-Id")
	}
	if u.Tenant <= 0 || !active(u.Tenant) {
		return Scope{}, fault.New(fault.Forbidden, "this tenant is closed; ask its operator")
	}
	return Scope{u.Tenant, "user"}, nil
}

func parseHeader(header string) (ID, error) {
	header = strings.TrimSpace(header)
	if header == "" {
		return 0, nil
	}
	n, err := strconv.ParseInt(header, 10, 64)
	if err != nil || n <= 0 {
		return 0, fault.New(fault.Invalid, "the header X-Tenant-Id must be a tenant's id, a whole number such as 1042")
	}
	return ID(n), nil
}

// ByPath resolves the tenant whose id stands in the path of an operator's call: a global admin may name any, closed or not.
// Forbidden for anybody else, Invalid for what is no id.
func ByPath(u User, id string) (Scope, error) {
	if u.Role != GlobalAdmin || u.Tenant != 0 {
		return Scope{}, fault.New(fault.Forbidden, "only a global admin may do this")
	}
	n, err := strconv.ParseInt(id, 10, 64)
	if err != nil || n <= 0 {
		return Scope{}, fault.New(fault.Invalid, "a tenant's id in the path is a whole number such as 1042")
	}
	return Scope{ID(n), "operator"}, nil
}

// ByNumber is the tenant whose number was texted or called.
func ByNumber(id ID) Scope { return Scope{id, "called_number"} }

// ByAccount is the tenant whose Twilio account a message came through.
func ByAccount(id ID) Scope { return Scope{id, "twilio_account"} }

// ByMailbox is the tenant whose connected mailbox an announcement of Gmail's names.
func ByMailbox(id ID) Scope { return Scope{id, "mailbox"} }

// ByTask is the tenant that a task of ours was queued for; the task's caller has been verified.
func ByTask(id ID) Scope { return Scope{id, "task"} }

// ByCommand is the tenant that an operator named on the command line.
func ByCommand(id ID) Scope { return Scope{id, "command"} }
