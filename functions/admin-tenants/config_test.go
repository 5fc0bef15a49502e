package admintenants_test

import (
	"encoding/base64"
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/chattercheatah/chattercheatah/shared/private"
	"github.com/chattercheatah/chattercheatah/shared/prompt"
	"github.com/chattercheatah/chattercheatah/shared/store"
)

// Paths of tenant 1042's configurations.
const (
	sms             = "/admin/tenants/1042/sms-config"
	voice           = "/admin/tenants/1042/voice-config"
	customerService = "/admin/tenants/1042/customer-service-config"
)

var publicKey = base64.StdEncoding.EncodeToString([]byte(strings.Repeat("p", 32)))

// full is everything that can be assigned, and what is told of it.
var full = []struct{ path, sent, told string }{
	{sms, `{"is_enabled":true,"telnyx_phone_number":"+15555550160","telnyx_api_key":"KEY-of-the-school-ab12","telnyx_messaging_profile_id":"profile-1",
		"telnyx_public_key":"` + publicKey + `","twilio_phone_number":"+15555550161","twilio_account_sid":"AC0123456789abcdef0123456789abcdef","twilio_auth_token":"twilio-token-cd34"}`,
		`{"is_enabled":true,"telnyx_phone_number":"+15555550160","telnyx_api_key":{"is_set":true,"last_four":"ab12"},"telnyx_messaging_profile_id":"profile-1",
		"telnyx_public_key":"` + publicKey + `","twilio_phone_number":"+15555550161","twilio_account_sid":"AC0123456789abcdef0123456789abcdef","twilio_auth_token":{"is_set":true,"last_four":"cd34"}}`},
	{voice, `{"is_enabled":true,"telnyx_phone_number":"+15555550162","telnyx_assistant_id":"assistant-1042","tool_secret":"a-tool-secret-ef56","transfer_phone_number":"+15555550163","notify_phone_number":"+15555550164"}`,
		`{"is_enabled":true,"telnyx_phone_number":"+15555550162","telnyx_assistant_id":"assistant-1042","tool_secret":{"is_set":true,"last_four":"ef56"},"transfer_phone_number":"+15555550163","notify_phone_number":"+15555550164"}`},
	{customerService, `{"jackrabbit_org_id":"545911","jackrabbit_location_codes":["LAFCypress","24Spring"],"registration_franchise":"cypress-spring","booking_url":"https://exampleco.test/book?x=1"}`,
		`{"jackrabbit_org_id":"545911","jackrabbit_location_codes":["LAFCypress","24Spring"],"registration_franchise":"cypress-spring","booking_url":"https://exampleco.test/book?x=1"}`},
}

// secrets are those of full and fullCalendar.
var secrets = []string{"KEY-of-the-school-ab12", "twilio-token-cd34", "a-tool-secret-ef56", "1//a-grant-of-theirs-gh78"}

// assign gives tenant 1042 all of full, and a calendar.
func (b *bench) assign(t *testing.T) {
	t.Helper()
	for _, c := range full {
		b.must(t, "PUT", c.path, c.sent)
	}
	b.must(t, "PUT", calendar, fullCalendar)
}

func TestConfigs_EveryFieldIsKeptAndOfSecretsOnlyTheEndIsTold(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	for _, c := range full {
		want := decoded(t, c.told)
		for _, method := range []string{"PUT", "PUT", "GET"} { // a repeat changes nothing more
			if diff := cmp.Diff(want, b.must(t, method, c.path, map[string]string{"PUT": c.sent}[method])); diff != "" {
				t.Errorf("%s %s (-want +got):\n%s", method, c.path, diff)
			}
		}
	}
}

func TestConfigs_FieldsThatAreNotSentStayAndNullClears(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.assign(t)
	for _, c := range full {
		want := decoded(t, c.told)
		if diff := cmp.Diff(want, b.must(t, "PUT", c.path, `{}`)); diff != "" {
			t.Errorf("%s, nothing sent (-want +got):\n%s", c.path, diff)
		}
		if _, ok := want["is_enabled"]; ok {
			want["is_enabled"] = false
			b.must(t, "PUT", c.path, `{"is_enabled":false}`)
		}
		for _, field := range slices.Sorted(maps.Keys(want)) {
			switch want[field].(type) {
			case bool:
				continue
			case map[string]any:
				want[field] = map[string]any{"is_set": false, "last_four": nil}
			case []any:
				want[field] = []any{}
			default:
				want[field] = nil
			}
			if diff := cmp.Diff(want, b.must(t, "PUT", c.path, `{"`+field+`":null}`)); diff != "" {
				t.Errorf("%s, %s cleared (-want +got):\n%s", c.path, field, diff)
			}
		}
	}
}

func TestConfigs_ATenantWithoutOneAnswersDefaultsAndReadingWritesNothing(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.must(t, "POST", "/admin/tenants", `{"name":"New","subdomain":"new"}`)
	before := b.Snapshot(t, 2049)
	for _, c := range full {
		want := decoded(t, c.told)
		for field, value := range want {
			switch value.(type) {
			case bool:
				want[field] = false
			case map[string]any:
				want[field] = map[string]any{"is_set": false, "last_four": nil}
			case []any:
				want[field] = []any{}
			default:
				want[field] = nil
			}
		}
		if diff := cmp.Diff(want, b.must(t, "GET", strings.Replace(c.path, "1042", "2049", 1), "")); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.path, diff)
		}
	}
	if diff := cmp.Diff(before, b.Snapshot(t, 2049)); diff != "" {
		t.Errorf("reading wrote (-before +after):\n%s", diff)
	}
}

func TestConfigs_AClosedTenantCanBeConfigured(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.closing(t)
	b.assign(t)
}

func TestConfigs_AreTheTenantsInThePathAlone(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	before := b.Snapshot(t, 2048)
	b.assign(t)
	if diff := cmp.Diff(before, b.Snapshot(t, 2048)); diff != "" {
		t.Errorf("another tenant's rows changed (-before +after):\n%s", diff)
	}
	if other := b.must(t, "GET", "/admin/tenants/2048/sms-config", ""); other["telnyx_phone_number"] != b.DentistPhone.E164() {
		t.Errorf("the other tenant's number is %v", other["telnyx_phone_number"])
	}
}

func TestConfigs_WhatAnotherTenantHasIsAConflictAndNothingChanges(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.assign(t)
	before := b.Snapshot(t, 2048)
	for _, number := range []string{"+15555550160", "+15555550161", "+15555550162"} {
		for _, c := range []struct{ config, field string }{{"sms-config", "telnyx_phone_number"}, {"sms-config", "twilio_phone_number"}, {"voice-config", "telnyx_phone_number"}} {
			b.refused(t, "PUT", "/admin/tenants/2048/"+c.config, `{"`+c.field+`":"`+number+`"}`, http.StatusConflict, "belongs to another tenant")
		}
	}
	b.refused(t, "PUT", "/admin/tenants/2048/voice-config", `{"telnyx_assistant_id":"assistant-1042"}`, http.StatusConflict, "belongs to another tenant")
	if diff := cmp.Diff(before, b.Snapshot(t, 2048)); diff != "" {
		t.Errorf("refused changes changed something (-before +after):\n%s", diff)
	}
	b.must(t, "PUT", voice, `{"telnyx_phone_number":"+15555550160"}`) // one number for texts and calls of one tenant
	b.must(t, "PUT", sms, `{"twilio_phone_number":null}`)
	b.must(t, "PUT", "/admin/tenants/2048/voice-config", `{"telnyx_phone_number":"+15555550161"}`) // given back
}

func TestConfigs_WhatIsOnKeepsItsNumber(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.assign(t)
	for _, path := range []string{sms, voice} {
		before := b.must(t, "GET", path, "")
		b.refused(t, "PUT", path, `{"telnyx_phone_number":null}`, http.StatusBadRequest, "send one, or is_enabled false with this change")
		if diff := cmp.Diff(before, b.must(t, "GET", path, "")); diff != "" {
			t.Errorf("a refused change changed something (-before +after):\n%s", diff)
		}
		b.must(t, "PUT", path, `{"telnyx_phone_number":null,"is_enabled":false}`)
		b.refused(t, "PUT", path, `{"is_enabled":true}`, http.StatusBadRequest, "needs a telnyx_phone_number")
		b.must(t, "PUT", path, `{"telnyx_phone_number":"+15555550164","is_enabled":true}`)
	}
}

func TestConfigs_BadInputIsNamedNotRepeatedAndChangesNothing(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	before := b.Snapshot(t, 1042)
	for _, c := range []struct{ path, field, value string }{
		{sms, "telnyx_phone_number", `"5555550177"`},
		{sms, "telnyx_phone_number", `""`},
		{sms, "telnyx_phone_number", `15555550177`},
		{sms, "twilio_phone_number", `"+1 555 555 0177"`},
		{sms, "telnyx_api_key", `"the wrong key"`},
		{sms, "telnyx_api_key", `""`},
		{sms, "telnyx_api_key", `"wrong\u0000key"`},
		{sms, "telnyx_api_key", `{"is_set":true,"last_four":"wrong"}`},
		{sms, "telnyx_messaging_profile_id", `"wrong id"`},
		{sms, "telnyx_public_key", `"wrong"`},
		{sms, "telnyx_public_key", `"` + base64.StdEncoding.EncodeToString([]byte("wrong")) + `"`},
		{sms, "twilio_account_sid", `"AC0177"`},
		{sms, "twilio_account_sid", `"SK0123456789abcdef0123456789abcdef"`},
		{sms, "twilio_auth_token", `7`},
		{sms, "is_enabled", `"yes"`},
		{sms, "api_key", `"wrong"`},
		{voice, "telnyx_phone_number", `"0177"`},
		{voice, "transfer_phone_number", `"0177"`},
		{voice, "notify_phone_number", `"0177"`},
		{voice, "telnyx_assistant_id", `"wrong one"`},
		{voice, "telnyx_assistant_id", `""`},
		{voice, "tool_secret", `"wrong one"`},
		{customerService, "jackrabbit_org_id", `"wrong"`},
		{customerService, "jackrabbit_org_id", `545911`},
		{customerService, "booking_url", `"http://wrong.test"`},
		{customerService, "booking_url", `"https://user:wrong@exampleco.test"`},
		{customerService, "booking_url", `"https://"`},
		{customerService, "booking_url", `"https://exampleco.test/` + strings.Repeat("x", 500) + `"`},
	} {
		status, problem := b.call("PUT", c.path, `{"`+c.field+`":`+c.value+`}`)
		said, _ := json.Marshal(problem)
		if status < 400 || status > 422 || !strings.Contains(string(said), c.field) {
			t.Errorf("%s %s %s was answered %d %s; want 4xx that names the field", c.path, c.field, c.value, status, said)
		}
	}
	if diff := cmp.Diff(before, b.Snapshot(t, 1042)); diff != "" {
		t.Errorf("refused changes changed something (-before +after):\n%s", diff)
	}
	for _, sent := range []string{"wrong", "0177"} {
		if strings.Contains(b.answers.String(), sent) || strings.Contains(b.log.String(), sent) {
			t.Errorf("%q came out again:\n%s\n%s", sent, &b.answers, &b.log)
		}
	}
}

func TestConfigs_NoAnswerNoLogAndNoRowHoldsASecret(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.assign(t)
	for _, r := range routes {
		_, _ = b.call(r.method, r.path, r.body)
	}
	b.refused(t, "PUT", "/admin/tenants/777/sms-config", full[0].sent, http.StatusNotFound, "not_found")
	b.refused(t, "PUT", "/admin/tenants/2048/sms-config", full[0].sent, http.StatusConflict, "belongs to another tenant")
	kept := strings.Join(append(b.Snapshot(t, 1042), b.Snapshot(t, 2048)...), "\n")
	for _, secret := range secrets {
		for where, text := range map[string]string{"an answer": b.answers.String(), "the log": b.log.String(), "a row": kept} {
			if strings.Contains(text, secret) || strings.Contains(text, secret[:len(secret)-4]) {
				t.Errorf("%s holds %s", where, secret)
			}
		}
	}
	for _, number := range []string{"5555550160", "5555550161", "5555550162", "5555550163"} {
		if strings.Contains(b.log.String(), number) {
			t.Errorf("the log holds the number %s", number)
		}
	}
}

func TestConfigs_TheLastFourAreNotTold(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	state := func() any { return b.must(t, "GET", sms, "")["telnyx_api_key"] }
	want := map[string]any{"is_set": true, "last_four": nil}
	b.must(t, "PUT", sms, `{"telnyx_api_key":"eleven-abcd"}`)
	if diff := cmp.Diff(any(want), state()); diff != "" {
		t.Errorf("of a short secret (-want +got):\n%s", diff)
	}
	b.must(t, "PUT", sms, `{"telnyx_api_key":"twelve--abcd"}`)
	if diff := cmp.Diff(any(map[string]any{"is_set": true, "last_four": "abcd"}), state()); diff != "" {
		t.Errorf("of one that is just long enough (-want +got):\n%s", diff)
	}
	b.serve(b.Keyless(t)) // as when FIELD_ENCRYPTION_KEY was replaced
	if diff := cmp.Diff(any(want), state()); diff != "" {
		t.Errorf("of a secret whose key is gone (-want +got):\n%s", diff)
	}
	if status, answer := b.call("PUT", sms, `{"telnyx_api_key":"another-key-abcd"}`); status != http.StatusInternalServerError {
		t.Errorf("without a key a secret was taken: %d %v", status, answer)
	}
}

func TestConfigs_WhatIsAssignedIsWhatTheTenantWorksWith(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.assign(t)
	school := b.SwimSchool.Scope().ID()
	route, err := b.Store.SMSRoute(t.Context(), private.MustPhone("+15555550160"))
	if err != nil || route.Scope.ID() != school || route.TelnyxPublicKey != publicKey {
		t.Errorf("SMSRoute = %v, %v", route, err)
	}
	legacy, err := b.Store.TwilioRoute(t.Context(), private.MustPhone("+15555550161"), "")
	if err != nil || legacy.Scope.ID() != school || legacy.TwilioAuthToken.Reveal() != "twilio-token-cd34" {
		t.Errorf("TwilioRoute = %v, %v", legacy, err)
	}
	if _, err := b.Store.SMSRoute(t.Context(), b.SwimSchoolPhone); err == nil {
		t.Error("the number of before still leads here")
	}
	b.SetWait(t, b.SwimSchool, 0)
	rec, err := b.SwimSchool.RecordInbound(t.Context(), store.Inbound{From: private.MustPhone("+15555550101"), To: private.MustPhone("+15555550160"), Text: private.NewText("hello"), ProviderMessageID: "m1"})
	if err != nil {
		t.Fatal(err)
	}
	r, err := b.SwimSchool.Reply(t.Context(), prompt.SMS, rec.ReplyID)
	if err != nil || r == nil || r.APIKey.Reveal() != "KEY-of-the-school-ab12" || r.ProfileID != "profile-1" || r.From.E164() != "+15555550160" {
		t.Errorf("Reply = %+v, %v", r, err)
	}
}
