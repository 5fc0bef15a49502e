package tenant_test

import (
	"testing"

	"github.com/chattercheatah/chattercheatah/shared/fault"
	"github.com/chattercheatah/chattercheatah/shared/tenant"
)

func TestByTool_EveryCombinationOfAddressCallAndFallback(t *testing.T) {
	t.Parallel()
	type evidence = tenant.CallEvidence
	for name, c := range map[string]struct {
		param     string
		namesCall bool
		evidence  evidence
		want      tenant.ID // 0: refused
		via       string
	}{
		"the address":                                  {"4", false, evidence{Claimed: 4, Fallback: 3}, 4, "tool_url"},
		"the address, and the call is its own":         {"4", true, evidence{Claimed: 4, Call: 4, Fallback: 3}, 4, "tool_url"},
		"the address, and a call that nobody knows":    {"4", true, evidence{Claimed: 4, Fallback: 3}, 4, "tool_url"},
		"the address, and its own assistant":           {"4", false, evidence{Claimed: 4, Assistant: 4, Fallback: 3}, 4, "tool_url"},
		"the address, and another's call":              {"4", true, evidence{Claimed: 4, Call: 5, Fallback: 3}, 0, ""},
		"the address, and another's assistant":         {"4", false, evidence{Claimed: 4, Assistant: 5, Fallback: 3}, 0, ""},
		"the address, and another's number":            {"4", false, evidence{Claimed: 4, Number: 5, Fallback: 3}, 0, ""},
		"an inactive or unknown tenant in the address": {"4", false, evidence{Fallback: 3}, 0, ""},
		"the same, though the call is known":           {"4", true, evidence{Call: 3, Fallback: 3}, 0, ""},
		"a word in the address":                        {"four", false, evidence{Fallback: 3}, 0, ""},
		"a negative number in the address":             {"-4", false, evidence{Fallback: 3}, 0, ""},
		"a known call":                                 {"", true, evidence{Call: 4, Fallback: 3}, 4, "call"},
		"a known call, and another's assistant":        {"", true, evidence{Call: 4, Assistant: 5, Fallback: 3}, 0, ""},
		"a call of two tenants":                        {"4", true, evidence{Claimed: 4, Call: -1, Fallback: 3}, 0, ""},
		"an unknown call is no reason to fall back":    {"", true, evidence{Fallback: 3}, 0, ""},
		"neither":                          {"", false, evidence{Fallback: 3}, 3, "fallback"},
		"neither, and another's assistant": {"", false, evidence{Assistant: 4, Fallback: 3}, 0, ""},
		"neither, and the fallback is off or is closed": {"", false, evidence{}, 0, ""},
		"blanks in the address are none":                {"  ", false, evidence{Fallback: 3}, 3, "fallback"},
	} {
		claimed, err := tenant.ToolID(c.param)
		var got tenant.Scope
		if err == nil {
			got, err = tenant.ByTool(claimed, c.namesCall, c.evidence)
		}
		if got.ID() != c.want || got.Via() != c.via || (err == nil) != (c.want != 0) {
			t.Errorf("%s: tenant %v via %q, %v; want %v via %q", name, got.ID(), got.Via(), err, c.want, c.via)
		}
	}
}

func TestByCallEvent_NumberThenAssistantThenCallAndAllOfOneTenant(t *testing.T) {
	t.Parallel()
	type evidence = tenant.CallEvidence
	for _, c := range []struct {
		evidence evidence
		want     tenant.ID
		via      string
	}{
		{evidence{Number: 4, Assistant: 4, Call: 4}, 4, "called_number"},
		{evidence{Assistant: 4, Call: 4}, 4, "assistant"},
		{evidence{Call: 4}, 4, "call"},
		{evidence{Claimed: 5, Fallback: 3}, 0, ""},
		{evidence{}, 0, ""},
	} {
		got, err := tenant.ByCallEvent(c.evidence)
		if err != nil || got.ID() != c.want || got.Via() != c.via {
			t.Errorf("%+v: tenant %v via %q, %v; want %v via %q", c.evidence, got.ID(), got.Via(), err, c.want, c.via)
		}
	}
	for _, e := range []evidence{{Call: -1}, {Number: 4, Call: -1}, {Number: 4, Assistant: 5}, {Number: 4, Call: 5}, {Assistant: 4, Call: 5}} {
		if got, err := tenant.ByCallEvent(e); fault.KindOf(err) != fault.Forbidden || !got.IsZero() {
			t.Errorf("%+v: tenant %v, %v; want that none is believed", e, got.ID(), err)
		}
	}
}
