package onboard

import (
	"testing"
)

func TestStored_ACredentialIsKnownByItsEnd(t *testing.T) {
	t.Parallel()
	shows := func(set bool, end any) map[string]any { return map[string]any{"is_set": set, "last_four": end} }
	for _, tt := range []struct {
		name       string
		have, want any
		stored     bool
	}{
		{"the same text", "a", "a", true},
		{"another text", "a", "b", false},
		{"nothing yet", nil, "a", false},
		{"the same switch", true, true, true},
		{"another switch", false, true, false},
		{"the same end", shows(true, "1234"), "KEY-invented-1234", true},
		{"another end", shows(true, "1234"), "KEY-invented-1235", false},
		{"no credential yet", shows(false, nil), "KEY-invented-1234", false},
		{"no credential yet, a short one", shows(false, nil), "short", false},
		{"a short one is there", shows(true, nil), "short", true},
		{"one that cannot be opened is there", shows(true, nil), "KEY-invented-1234", false},
	} {
		if got := stored(tt.have, tt.want); got != tt.stored {
			t.Errorf("%s: stored is %v; want %v", tt.name, got, tt.stored)
		}
	}
}

func TestOutcome_MadeIsWhereNothingWas(t *testing.T) {
	t.Parallel()
	want := map[string]any{"telnyx_phone_number": "+15555550142", "is_enabled": true, "telnyx_api_key": "KEY-invented-1234"}
	for name, tt := range map[string]struct {
		have map[string]any
		want Outcome
	}{
		"nothing":      {map[string]any{"telnyx_phone_number": nil, "is_enabled": false, "telnyx_api_key": map[string]any{"is_set": false}}, Made},
		"a number":     {map[string]any{"telnyx_phone_number": "+15555550148"}, Changed},
		"a credential": {map[string]any{"telnyx_api_key": map[string]any{"is_set": true, "last_four": "5678"}}, Changed},
		"other fields": {map[string]any{"twilio_account_sid": "AC"}, Made},
	} {
		if got := outcomeOf(tt.have, want); got != tt.want {
			t.Errorf("%s: %s; want %s", name, got, tt.want)
		}
	}
}
