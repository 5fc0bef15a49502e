package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chattercheatah/chattercheatah/shared/boot"
)

func write(t *testing.T, content string) (file string) {
	t.Helper()
	file = filepath.Join(t.TempDir(), "tenant.yaml")
	if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

func TestRead_WhatIsWrongIsNamedAndNoSecretRepeated(t *testing.T) {
	t.Parallel()
	const tenant = "tenant: {name: Example, subdomain: example}\n"
	for content, want := range map[string]string{
		tenant + "sms:\n  telnyx_api_key: KEY-secret\n  telnyx_phone: \"+15555550142\"\n":    "telnyx_phone",
		tenant + "admin: {email: a@b.test, password: KEY-secret, role: admin}\n":             "role",
		tenant + "admin: {email: a@b.test, password: \"env:NOT_SET\"}\n":                     "NOT_SET",
		tenant + "admin: {password: KEY-secret}\n":                                           "admin.email",
		"sms: {telnyx_api_key: KEY-secret}\n":                                                "tenant.subdomain",
		tenant + "sms: {telnyx_api_key: KEY-secret}\nsms: {telnyx_phone_number: \"+1\"}\n":   "sms",
		tenant + "prompt: {business_prompt: x, additional_sections: {key: KEY-secret}}\n":    "",
		tenant + "voice: {is_enabled: KEY-secret}\n":                                         "",
		"tenant: {name: KEY-secret, subdomain: example, id: 7}\n":                            "id",
		tenant + "admin: {email: a@b.test, password: {from: KEY-secret}}\nprofile: [1, 2]\n": "",
	} {
		_, err := read(write(t, content), boot.Environment{})
		if err == nil {
			t.Errorf("taken:\n%s", content)
			continue
		}
		if !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "KEY-secret") {
			t.Errorf("the error does not name %q, or repeats a secret: %v", want, err)
		}
	}
}

func TestRead_CredentialsComeFromTheEnvironment(t *testing.T) {
	t.Parallel()
	env := boot.Environment{"EXAMPLEWIDGETS_TELNYX_API_KEY": "KEY-invented-widgets", "EXAMPLEWIDGETS_GOOGLE_REFRESH_TOKEN": "1//invented", "PASSWORD": "a good password"}
	f, err := read("example.yaml", env)
	if err != nil || f.SMS.TelnyxAPIKey != "KEY-invented-widgets" || f.Calendar.GoogleRefreshToken != "1//invented" {
		t.Errorf("the example's key is %q, %v", f.SMS.TelnyxAPIKey, err)
	}
	f, err = read(write(t, "tenant: {name: Example, subdomain: example}\nadmin: {email: a@b.test, password: \"env:PASSWORD\"}\n"), env)
	if err != nil || f.Admin.Password != "a good password" {
		t.Errorf("the password is %q, %v", f.Admin.Password, err)
	}
}

func TestRead_TheVoicePromptIsThatOfTheMarkdownFile(t *testing.T) {
	t.Parallel()
	for _, file := range []string{"bss-cypress-spring.yaml", "bss-franchise.yaml"} {
		f, err := read(file, boot.Environment{"BSS_EXAMPLE_TELNYX_API_KEY": "KEY-invented"})
		if err != nil || f.VoicePrompt == nil || f.VoicePrompt.From != "../../docs/BSS_VOICE_AGENT_PROMPT_COMBINED.md" {
			t.Errorf("%s is read as %+v, %v", file, f.VoicePrompt, err)
		}
	}
	const tenant = "tenant: {name: Example, subdomain: example}\n"
	for content, want := range map[string]string{
		tenant + "voice_prompt: {name: x}\n":              "voice_prompt.from",
		tenant + "voice_prompt: {from: nowhere.md}\n":     "nowhere.md",
		tenant + "voice_prompt: {from: tenant.yaml}\n":    "no heading",
		tenant + "voice_prompt: {sections: [{a: b}]}\n":   "sections",
		tenant + "voice_prompt: {from: a.md, to: b.md}\n": "to",
	} {
		if _, err := read(write(t, content), boot.Environment{}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("the error is %v; want one that names %q", err, want)
		}
	}
}
