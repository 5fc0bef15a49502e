package main

import (
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/chattercheatah/chattercheatah/shared/boot"
	"github.com/chattercheatah/chattercheatah/shared/telnyx"
)

const secret = "an-invented-secret-of-32-bytes-1"

var env = boot.Environment{"KEY": "KEY-secret", "TOOL": secret, "SHORT": "KEY-secret", "EXAMPLESWIM_TELNYX_API_KEY": "KEY-secret", "EXAMPLESWIM_TOOL_SECRET": secret}

func TestRead_WhatIsWrongIsNamedAndNoSecretRepeated(t *testing.T) {
	t.Parallel()
	const head = "functions: https://api.example.test/api/v1\ntenants:\n"
	const good = "  - {subdomain: a, phone_number: \"+15555550142\"}\n"
	for content, want := range map[string]string{
		"functions: http://api.example.test/api/v1\ntenants:\n" + good:                                                        "functions",
		"functions: https://api.example.test\ntenants:\n" + good:                                                              "functions",
		"functions: https://api.example.test/api/v1?tenant_id=3\ntenants:\n" + good:                                           "functions",
		"functions: https://api.example.test/api/v1\n":                                                                        "tenants",
		head + "  - {phone_number: \"+15555550142\"}\n":                                                                       "id or subdomain",
		head + "  - {subdomain: a}\n":                                                                                         "phone_number",
		head + "  - {subdomain: a, phone_number: \"5555550149\"}\n":                                                           "E.164",
		head + "  - {subdomain: a, phone_number: \"+15555550142\", tenant_id: 4}\n":                                           "tenant_id",
		head + "  - {subdomain: a, phone_number: \"+15555550142\", tools: [{url: \"https://x.test\"}]}\n":                     "tools",
		head + "  - {subdomain: a, phone_number: \"+15555550142\", telnyx_api_key: KEY-secret}\n":                             "telnyx_api_key must be written env:NAME",
		head + "  - {subdomain: a, phone_number: \"+15555550142\", tool_secret: \"env:NOT_SET\"}\n":                           "NOT_SET",
		head + "  - {subdomain: a, phone_number: \"+15555550142\", tool_secret: \"env:SHORT\"}\n":                             "24 characters",
		head + "  - {subdomain: a, phone_number: \"+15555550142\", telnyx_api_key: \"env:KEY\", model: m, name: n}\n":         "tool_secret is missing",
		head + "  - {subdomain: a, phone_number: \"+15555550142\", telnyx_api_key: \"env:KEY\", tool_secret: \"env:TOOL\"}\n": "name is missing",
		head + good + "  - {subdomain: b, phone_number: \"+15555550142\"}\n":                                                  "tenants[1].phone_number",
		head + good + good: "tenants[1].subdomain",
		head + "  - {id: 4, phone_number: \"+15555550142\", assistant_id: x}\n  - {id: 5, phone_number: \"+15555550143\", assistant_id: x}\n": "tenants[1].assistant_id",
	} {
		file := filepath.Join(t.TempDir(), "voice.yaml")
		if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := read(file, env)
		if err == nil {
			t.Errorf("taken:\n%s", content)
			continue
		}
		if !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "KEY-secret") || strings.Contains(err.Error(), "5555550149") {
			t.Errorf("the error does not name %q, or repeats what it should not: %v", want, err)
		}
	}
}

func TestAssistant_EveryToolOfEveryTenantNamesItInItsAddress(t *testing.T) {
	t.Parallel()
	file, err := read("example.yaml", env)
	if err != nil {
		t.Fatal(err)
	}
	for id, suffix := range map[int64]string{1: "?tenant_id=1", 3: "?tenant_id=3", 4: "?tenant_id=4", 1042: "?tenant_id=1042"} {
		a := file.Tenants[0].assistant(file.Functions, id, words{"Example", "Be kind."})
		got := map[string]string{}
		if n := len(a.Tools); n != 5 || a.Tools[4].Transfer == nil || a.Tools[4].Transfer.Targets[0].To != "+15555550123" {
			t.Errorf("tenant %d has %d tools, and the call is handed to %+v", id, n, a.Tools[n-1].Transfer)
		}
		for _, tool := range a.Tools[:4] {
			got[tool.Webhook.Name] = tool.Webhook.URL
			header := []telnyx.ToolHeader{{Name: "X-Tool-Secret", Value: telnyx.Reference(file.Tenants[0].secretName(id))}}
			if !reflect.DeepEqual(tool.Webhook.Headers, header) || tool.Webhook.Async || tool.Webhook.Method != "POST" || tool.Webhook.TimeoutMS != 5000 {
				t.Errorf("tenant %d's tool is %+v", id, tool.Webhook)
			}
		}
		const base = "https://api.example.test/api/v1/telnyx/tools/"
		if diff := cmp.Diff(map[string]string{
			"send_registration_link": base + "send-link" + suffix, "get_classes": base + "get-classes" + suffix,
			"book_meeting": base + "book-meeting" + suffix, "get_available_slots": base + "get-available-slots" + suffix,
		}, got); diff != "" {
			t.Errorf("tenant %d (-want +got):\n%s", id, diff)
		}
	}
}

func TestSecretName_IsTheTenantsAndAnotherForAnotherSecret(t *testing.T) {
	t.Parallel()
	a, b := Tenant{ToolSecret: secret}, Tenant{ToolSecret: secret + "x"}
	if a.secretName(3) == b.secretName(3) || a.secretName(3) == a.secretName(4) || strings.Contains(a.secretName(3), secret[:8]) {
		t.Errorf("the names are %s, %s and %s", a.secretName(3), a.secretName(4), b.secretName(3))
	}
}

func TestLay_WhatIsNotOursStaysAndASecondTimeNothingDiffers(t *testing.T) {
	t.Parallel()
	ours, err := objectOf(Tenant{Name: "N", Model: "m", ToolSecret: secret, Voice: "v"}.assistant("https://api.example.test/api/v1", 4, words{"B", "P"}))
	if err != nil {
		t.Fatal(err)
	}
	ours["tools"] = append(ours["tools"].([]any), telnyx.Object{"type": "transfer", "transfer": telnyx.Object{
		"from": "+15555550142", "targets": []any{telnyx.Object{"name": "the team", "to": "+15555550123"}},
	}})
	transfer := telnyx.Object{"type": "transfer", "transfer": telnyx.Object{
		"from": "+15555550142", "targets": []any{telnyx.Object{"name": "the team", "to": "+15555550123", "filled_in": "by Telnyx"}},
	}}
	hangup := telnyx.Object{"type": "hangup", "hangup": telnyx.Object{"description": "End."}}
	elsewhere := telnyx.Object{"type": "webhook", "webhook": telnyx.Object{"name": "weather", "url": "https://weather.example.test/?tenant_id=9"}}
	stale := telnyx.Object{"type": "webhook", "webhook": telnyx.Object{
		"name": "get_classes", "url": "https://old.example.test/api/v1/telnyx/tools/get-classes?tenant_id=3", "store_fields_as_variables": []any{"kept"},
		"body_parameters":  telnyx.Object{"type": "object", "properties": telnyx.Object{"org_id": telnyx.Object{"type": "string"}}},
		"query_parameters": telnyx.Object{"type": "object", "properties": telnyx.Object{"tenant_id": telnyx.Object{"type": "string"}}},
	}}
	live := telnyx.Object{
		"id": "assistant-1", "voice_settings": telnyx.Object{"voice": "other", "voice_speed": 1.2}, "enabled_features": []any{"messaging"},
		"dynamic_variables": telnyx.Object{"theirs": "kept"}, "tools": []any{hangup, elsewhere, stale, transfer},
	}
	result, differ := layAssistant(live, ours, 4)
	if len(differ) == 0 {
		t.Fatal("nothing differs")
	}
	if _, again := layAssistant(result, ours, 4); len(again) != 0 {
		t.Errorf("a second time there differ %v", again)
	}
	tools := result["tools"].([]any)
	mended := webhookOf(tools[2])
	if diff := cmp.Diff([]any{hangup, elsewhere, transfer}, slices.Concat(tools[:2], tools[3:4])); diff != "" || len(tools) != 7 {
		t.Errorf("of %d tools those that are not ours changed:\n%s", len(tools), diff)
	}
	parameters := mended["body_parameters"].(telnyx.Object)["properties"].(telnyx.Object)
	if mended["query_parameters"] != nil || parameters["org_id"] != nil || parameters["day"] == nil || !reflect.DeepEqual(mended["store_fields_as_variables"], []any{"kept"}) {
		t.Errorf("the tool is %v", mended)
	}
	if diff := cmp.Diff(telnyx.Object{"voice": "v", "voice_speed": 1.2}, result["voice_settings"]); diff != "" {
		t.Errorf("the voice is (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]any{"messaging", "telephony"}, result["enabled_features"]); diff != "" {
		t.Errorf("the features are (-want +got):\n%s", diff)
	}
	change := changedFields(result, differ)
	if change["id"] != nil || change["dynamic_variables"].(telnyx.Object)["theirs"] != "kept" {
		t.Errorf("what is sent is %v", change)
	}
}

func TestDifference_IsOneLineThatTellsNoSecretAndNoPrompt(t *testing.T) {
	t.Parallel()
	header := []any{telnyx.Object{"name": "X-Tool-Secret", "value": "KEY-secret"}}
	for want, d := range map[string]difference{
		"tools.a.url: https://x.test -> https://y.test": {"tools.a.url", "https://x.test", "https://y.test"},
		"tools.a.headers: none -> set":                  {"tools.a.headers", nil, header},
		"tools.a.headers: set -> changed":               {"tools.a.headers", header, header},
		"prompt: 11 characters -> 200 characters":       {"prompt", "two\nlines!!", strings.Repeat("x", 200)},
		"timeout: 1000 -> none":                         {"timeout", 1000.0, nil},
	} {
		if got := d.String(); got != want {
			t.Errorf("the line is %q; want %q", got, want)
		}
	}
}

func TestWithoutTime_TakesTheTimeOutAndNothingElse(t *testing.T) {
	t.Parallel()
	const composed = "# Business\nBusiness name: B\nNow: Monday, 2 January 2006, 15:04 UTC\n\n# role\nNow: stays.\n"
	if got, want := withoutTime(composed), "# Business\nBusiness name: B\n\n# role\nNow: stays.\n"; got != want {
		t.Errorf("the prompt is %q; want %q", got, want)
	}
}
