package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/chattercheatah/chattercheatah/shared/private"
	"github.com/chattercheatah/chattercheatah/shared/store/demo"
	"github.com/chattercheatah/chattercheatah/shared/telnyx"
)

const (
	voiceExample = "../setup-voice-configs/example.yaml"
	toolSecret   = "an-invented-secret-of-32-bytes-1"
)

// setUpVoice runs the command with the credentials of the demo tenants' accounts.
func (l *live) setUpVoice(t *testing.T, args ...string) (out string, code int) {
	t.Helper()
	env := []string{
		"TELNYX_API_BASE=" + l.server.URL + telnyxPrefix, "EXAMPLESWIM_TELNYX_API_KEY=" + demo.SwimSchool().APIKey.Reveal(), "EXAMPLESWIM_TOOL_SECRET=" + toolSecret,
		"SAMPLEDENTAL_TELNYX_API_KEY=" + demo.Dentist().APIKey.Reveal(), "SAMPLEDENTAL_TOOL_SECRET=another-invented-secret-of-32-bytes",
	}
	out, code = l.command(t, env, "setup-voice-configs", args...)
	for _, secret := range []string{toolSecret, "another-invented-secret", demo.SwimSchool().APIKey.Reveal(), demo.Dentist().APIKey.Reveal()} {
		if strings.Contains(out, secret) {
			t.Errorf("%v printed a secret:\n%s", args, out)
		}
	}
	return out, code
}

// written is a file of these lines' tenants.
func written(t *testing.T, tenants string) (file string) {
	t.Helper()
	file = filepath.Join(t.TempDir(), "voice.yaml")
	if err := os.WriteFile(file, []byte("functions: https://api.example.test/api/v1\ntenants:\n"+tenants), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

const dentistVoice = `  - subdomain: sampledental
    phone_number: "+15555550148"
    telnyx_api_key: env:SAMPLEDENTAL_TELNYX_API_KEY
    tool_secret: env:SAMPLEDENTAL_TOOL_SECRET
    name: Sample Dental Clinic
    model: google/gemini-2.5-flash
`

func (l *live) telnyxAPI() *telnyx.Client { return telnyx.NewClient(l.server.URL + telnyxPrefix) }

func (l *live) assistant(t *testing.T, of demo.Business, id string) telnyx.Object {
	t.Helper()
	found, err := l.telnyxAPI().Assistant(t.Context(), of.APIKey, id)
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// toolURLs are the addresses of an assistant's tools.
func toolURLs(assistant telnyx.Object) []string {
	var all []string
	for _, tool := range assistant["tools"].([]any) {
		if webhook, ok := tool.(telnyx.Object)["webhook"].(telnyx.Object); ok {
			all = append(all, webhook["url"].(string))
		}
	}
	slices.Sort(all)
	return all
}

var swimSchoolURLs = []string{
	"https://api.example.test/api/v1/telnyx/tools/book-meeting?tenant_id=1042",
	"https://api.example.test/api/v1/telnyx/tools/get-available-slots?tenant_id=1042",
	"https://api.example.test/api/v1/telnyx/tools/get-classes?tenant_id=1042",
	"https://api.example.test/api/v1/telnyx/tools/send-link?tenant_id=1042",
}

func TestVoice_TheFileIsShownThenAppliedAndThenNothingDiffers(t *testing.T) {
	t.Parallel()
	l := startLive(t, nil)
	before := l.rows().Snapshot(t, 1042)
	shown, code := l.setUpVoice(t, voiceExample)
	if code != 0 || !strings.Contains(shown, "tenant 1042 assistant.tools.get_classes: none -> "+swimSchoolURLs[2]+"\n") ||
		!strings.Contains(shown, "tenant 1042 voice_config.tool_secret: none -> set\n") {
		t.Fatalf("without a flag it ended with %d:\n%s", code, shown)
	}
	if diff := cmp.Diff(before, l.rows().Snapshot(t, 1042)); diff != "" {
		t.Errorf("what is only shown was changed:\n%s", diff)
	}
	if out, code := l.setUpVoice(t, "-check", voiceExample); code != 1 || !strings.HasPrefix(out, shown) {
		t.Errorf("-check ended with %d:\n%s", code, out)
	}
	if out, code := l.setUpVoice(t, "-apply", voiceExample); code != 0 || out != shown {
		t.Errorf("-apply ended with %d, and what it shows is not what was shown:\n%s", code, cmp.Diff(shown, out))
	}
	for _, args := range [][]string{{"-apply", voiceExample}, {"-check", voiceExample}} {
		if out, code := l.setUpVoice(t, args...); code != 0 || !strings.HasSuffix(out, "everything is as the file says\n") || strings.Contains(out, "->") {
			t.Errorf("afterwards %v ended with %d:\n%s", args, code, out)
		}
	}
	assistant := l.assistant(t, demo.SwimSchool(), "assistant-demo-1042")
	if diff := cmp.Diff(swimSchoolURLs, toolURLs(assistant)); diff != "" {
		t.Errorf("the tools call (-want +got):\n%s", diff)
	}
	if kept := assistant["tools"].([]any)[0].(telnyx.Object)["type"]; kept != "hangup" || assistant["instructions"] != "{{business_prompt}}" {
		t.Errorf("the first tool is %v, the instructions are %v", kept, assistant["instructions"])
	}
	prompt := assistant["dynamic_variables"].(telnyx.Object)["business_prompt"].(string)
	if !strings.Contains(prompt, "Saturday we are open from 8 am") || !strings.Contains(prompt, "You speak on the telephone") || strings.Contains(prompt, "Now: ") {
		t.Errorf("without the webhook the assistant would be told:\n%s", prompt)
	}
	l.checkNumber(t, demo.SwimSchool(), assistant)
}

// checkNumber holds that a tenant's number rings at its assistant, which reports to us.
func (l *live) checkNumber(t *testing.T, of demo.Business, assistant telnyx.Object) {
	t.Helper()
	id, _ := assistant["telephony_settings"].(telnyx.Object)["default_texml_app_id"].(string)
	number, there, err := l.telnyxAPI().OwnedNumber(t.Context(), of.APIKey, of.Phone)
	if err != nil || !there || number.ConnectionID != id || id == "" {
		t.Errorf("the number is %+v, %v, %v; want it to ring at %s", number, there, err, id)
	}
	app, err := l.telnyxAPI().TeXMLApplication(t.Context(), of.APIKey, id)
	if err != nil || app.StatusCallback != "https://api.example.test/api/v1/telnyx/ai-call-complete" || app.StatusMethod != "post" {
		t.Errorf("the application is %+v, %v", app, err)
	}
}

func TestVoice_AToolURLThatLostItsTenantIsFoundAndMended(t *testing.T) {
	t.Parallel()
	l := startLive(t, nil)
	school := demo.SwimSchool()
	if out, code := l.setUpVoice(t, "-apply", voiceExample); code != 0 {
		t.Fatalf("-apply ended with %d:\n%s", code, out)
	}
	assistant := l.assistant(t, school, school.Assistant)
	tools := assistant["tools"].([]any)
	for _, tool := range tools {
		if webhook, ok := tool.(telnyx.Object)["webhook"].(telnyx.Object); ok && webhook["name"] == "get_classes" {
			webhook["url"] = "https://api.example.test/api/v1/telnyx/tools/get-classes"
		}
	}
	tools = append(tools, telnyx.Object{"type": "webhook", "webhook": telnyx.Object{
		"name": "send_link_as_it_was", "description": "Older.", "url": "https://api.example.test/api/v1/telnyx/tools/send-registration-link?tenant_id=2048",
	}})
	change := telnyx.Object{"tools": tools, "dynamic_variables": telnyx.Object{"theirs": "kept"}}
	if err := l.telnyxAPI().UpdateAssistant(t.Context(), school.APIKey, school.Assistant, change); err != nil {
		t.Fatal(err)
	}
	out, code := l.setUpVoice(t, "-check", voiceExample)
	for _, line := range []string{
		"tenant 1042 assistant.tools.get_classes.url: https://api.example.test/api/v1/telnyx/tools/get-classes -> " + swimSchoolURLs[2] + "\n",
		"tenant 1042 assistant.tools.send_link_as_it_was.url: https://api.example.test/api/v1/telnyx/tools/send-registration-link?tenant_id=2048 -> " +
			"https://api.example.test/api/v1/telnyx/tools/send-registration-link?tenant_id=1042\n",
		"tenant 1042 assistant.dynamic_variables.business_name: none -> Example Swim School\n",
	} {
		if code != 1 || !strings.Contains(out, line) {
			t.Errorf("-check ended with %d and does not tell %s:\n%s", code, line, out)
		}
	}
	if out, code := l.setUpVoice(t, "-apply", voiceExample); code != 0 {
		t.Errorf("-apply ended with %d:\n%s", code, out)
	}
	if out, code := l.setUpVoice(t, "-check", voiceExample); code != 0 {
		t.Errorf("mended, -check ended with %d:\n%s", code, out)
	}
	assistant = l.assistant(t, school, school.Assistant)
	if got := toolURLs(assistant); len(got) != 5 || slices.ContainsFunc(got, func(u string) bool { return !strings.HasSuffix(u, "?tenant_id=1042") }) {
		t.Errorf("the tools call %q", got)
	}
	if assistant["dynamic_variables"].(telnyx.Object)["theirs"] != "kept" {
		t.Errorf("somebody else's variable is gone: %v", assistant["dynamic_variables"])
	}
}

func TestVoice_AnAssistantIsMadeOnceAndKeptInTheRow(t *testing.T) {
	t.Parallel()
	l := startLive(t, nil)
	dentist := demo.Dentist()
	l.rows().Exec(t, `update tenant_voice_configs set telnyx_assistant_id = null where tenant_id = 2048`)
	group := l.telnyx.AddInsightGroup(dentist.APIKey.Reveal())
	file := written(t, dentistVoice+"    insight_group_id: "+group+"\n")
	out, code := l.setUpVoice(t, "-apply", file)
	_, id, made := strings.Cut(out, "has the new assistant ")
	id, _, _ = strings.Cut(id, ":")
	if code != 0 || !made {
		t.Fatalf("-apply ended with %d:\n%s", code, out)
	}
	if got := l.rows().Query(t, `select telnyx_assistant_id from tenant_voice_configs where tenant_id = 2048`); !slices.Equal(got, []string{id}) {
		t.Errorf("the row has the assistant %q; want %s", got, id)
	}
	for _, args := range [][]string{{"-check", file}, {"-apply", file}} {
		if out, code := l.setUpVoice(t, args...); code != 0 || out != "everything is as the file says\n" {
			t.Errorf("afterwards %v ended with %d:\n%s", args, code, out)
		}
	}
	l.checkNumber(t, dentist, l.assistant(t, dentist, id))
	if g, err := l.telnyxAPI().InsightGroup(t.Context(), dentist.APIKey, group); err != nil || g.Webhook != "https://api.example.test/api/v1/telnyx/ai-call-complete" {
		t.Errorf("the insight group is %+v, %v", g, err)
	}
	l.rows().Exec(t, `update tenant_voice_configs set telnyx_assistant_id = null where tenant_id = 2048`)
	if out, code := l.setUpVoice(t, "-apply", file); code != 1 || !strings.Contains(out, id) || !strings.Contains(out, "assistant_id") {
		t.Errorf("with an assistant that the row has lost, -apply ended with %d:\n%s", code, out)
	}
}

func TestVoice_ANumberThatRingsElsewhereIsBroughtBack(t *testing.T) {
	t.Parallel()
	l := startLive(t, nil)
	school := demo.SwimSchool()
	if out, code := l.setUpVoice(t, "-apply", voiceExample); code != 0 {
		t.Fatalf("-apply ended with %d:\n%s", code, out)
	}
	l.telnyx.AddAssistant(school.APIKey.Reveal(), "assistant-elsewhere")
	elsewhere, _ := l.assistant(t, school, "assistant-elsewhere")["telephony_settings"].(telnyx.Object)["default_texml_app_id"].(string)
	number, _, err := l.telnyxAPI().OwnedNumber(t.Context(), school.APIKey, school.Phone)
	if err != nil {
		t.Fatal(err)
	}
	if err := l.telnyxAPI().ConnectNumber(t.Context(), school.APIKey, number.ID, elsewhere); err != nil {
		t.Fatal(err)
	}
	out, code := l.setUpVoice(t, "-check", voiceExample)
	if code != 1 || strings.Count(out, "->") != 1 || !strings.Contains(out, "tenant 1042 phone_number.connection_id: "+elsewhere+" -> ") {
		t.Errorf("-check ended with %d:\n%s", code, out)
	}
	if out, code := l.setUpVoice(t, "-apply", voiceExample); code != 0 {
		t.Errorf("-apply ended with %d:\n%s", code, out)
	}
	l.checkNumber(t, school, l.assistant(t, school, school.Assistant))
}

func TestVoice_WhatIsAnothersIsRefusedAndUntouched(t *testing.T) {
	t.Parallel()
	l := startLive(t, nil)
	school, key := demo.SwimSchool(), demo.Dentist().APIKey.Reveal()
	l.telnyx.AddAssistant(key, school.Assistant) // one account for both, as franchises may have
	l.telnyx.AddNumber(key, private.MustPhone("+15555550142"))
	before := l.assistant(t, demo.Dentist(), school.Assistant)
	for name, c := range map[string]struct{ file, want string }{
		"an assistant":                  {dentistVoice + "    assistant_id: " + school.Assistant + "\n", "409"},
		"a number":                      {strings.Replace(dentistVoice, "0148", "0142", 1), "409"},
		"a number of no account":        {strings.Replace(dentistVoice, "0148", "0199", 1), "not one of the Telnyx account"},
		"an id":                         {strings.Replace(dentistVoice, "- subdomain", "- id: 1042\n    subdomain", 1), "the id 1042 is that of exampleswim"},
		"an id that there is not":       {"  - {id: 7, phone_number: \"+15555550199\"}\n", "404"},
		"an assistant that there isn't": {dentistVoice + "    assistant_id: assistant-nobodys\n", "404"},
	} {
		if out, code := l.setUpVoice(t, "-apply", written(t, c.file)); code != 1 || !strings.Contains(out, c.want) {
			t.Errorf("%s: -apply ended with %d:\n%s", name, code, out)
		}
	}
	if diff := cmp.Diff(before, l.assistant(t, demo.Dentist(), school.Assistant)); diff != "" {
		t.Errorf("the other tenant's assistant was changed:\n%s", diff)
	}
}

func TestVoice_WithoutAKeyTheRowAloneIsMade(t *testing.T) {
	t.Parallel()
	l := startLive(t, nil)
	l.rows().Exec(t, `delete from tenant_voice_configs where tenant_id = 2048`)
	file := written(t, "  - id: 2048\n    phone_number: \"+15555550148\"\n    transfer_number: \"+15555550124\"\n    assistant_id: assistant-of-the-portal\n")
	out, code := l.setUpVoice(t, "-apply", file)
	want := "tenant 2048 voice_config.telnyx_phone_number: none -> +15555550148\ntenant 2048 voice_config.transfer_phone_number: none -> +15555550124\n" +
		"tenant 2048 voice_config.telnyx_assistant_id: none -> assistant-of-the-portal\ntenant 2048 voice_config.is_enabled: none -> true\n"
	if code != 0 || out != want {
		t.Errorf("-apply ended with %d:\n%s", code, cmp.Diff(want, out))
	}
	got := l.rows().Query(t, `select concat_ws(' ', is_enabled, telnyx_phone_number, telnyx_assistant_id, transfer_phone_number) from tenant_voice_configs where tenant_id = 2048`)
	if !slices.Equal(got, []string{"t +15555550148 assistant-of-the-portal +15555550124"}) {
		t.Errorf("the row is %q", got)
	}
	if out, code := l.setUpVoice(t, "-check", file); code != 0 {
		t.Errorf("afterwards -check ended with %d:\n%s", code, out)
	}
}
