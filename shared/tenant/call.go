package tenant

import (
	"strconv"
	"strings"

	"github.com/chattercheatah/chattercheatah/shared/fault"
)

// CallEvidence are the active tenants that the evidence of a call names; 0 for evidence that names none.
type CallEvidence struct {
	Claimed   ID // by the address of a tool
	Number    ID // whose number was called, or called
	Assistant ID // whose assistant talks
	Call      ID // as whose the call is known by its ids; below 0 when it is known as more than one tenant's
	Fallback  ID // of the setting
}

// ByCallEvent resolves an event of a call: by the number, else by the assistant, else by the call. The zero Scope when none names a
// tenant. Forbidden when they name different ones: then none is believed.
func ByCallEvent(e CallEvidence) (Scope, error) {
	if e.Call < 0 {
		return Scope{}, fault.New(fault.Forbidden, "the call is known as two tenants'")
	}
	var s Scope
	for _, found := range []Scope{{e.Number, "called_number"}, {e.Assistant, "assistant"}, {e.Call, "call"}} {
		switch {
		case found.IsZero():
		case s.IsZero():
			s = found
		case found.id != s.id:
			return Scope{}, fault.New(fault.Forbidden, "the number, the assistant and the call are not all of one tenant")
		}
	}
	return s, nil
}

// ToolID reads the tenant_id of a tool's address; 0 when there is none. Forbidden for what is no id: a wrong id is never none.
func ToolID(param string) (ID, error) {
	param = strings.TrimSpace(param)
	if param == "" {
		return 0, nil
	}
	n, err := strconv.ParseInt(param, 10, 64)
	if err != nil || n <= 0 {
		return 0, fault.New(fault.Forbidden, "the tenant_id in the address is no id")
	}
	return ID(n), nil
}

// ByTool resolves a call of a voice tool: by the tenant_id of its address, else by the call that it names in a header, else the
// fallback. claimed is ToolID's, and namesCall says that there is a header, whether the call is known or not: a present but wrong id or
// call is an error, never a reason to fall back. Nothing in an address is signed, so what is known of the call, its number and its
// assistant has to agree.
// Everything else is Forbidden.
func ByTool(claimed ID, namesCall bool, e CallEvidence) (Scope, error) {
	known, err := ByCallEvent(e)
	refused := fault.New(fault.Forbidden, "the address, the call and its assistant do not name one active tenant")
	switch {
	case err != nil:
		return Scope{}, refused
	case claimed != 0 && (e.Claimed != claimed || !known.IsZero() && known.id != claimed):
		return Scope{}, refused
	case claimed != 0:
		return Scope{claimed, "tool_url"}, nil
	case namesCall && e.Call == 0:
		return Scope{}, refused
	case namesCall:
		return Scope{e.Call, "call"}, nil
	case e.Fallback != 0 && (known.IsZero() || known.id == e.Fallback):
		return Scope{e.Fallback, "fallback"}, nil
	default:
		return Scope{}, refused
	}
}
