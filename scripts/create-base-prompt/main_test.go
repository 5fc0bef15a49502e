package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chattercheatah/chattercheatah/shared/prompt"
	"github.com/chattercheatah/chattercheatah/shared/store"
	"github.com/chattercheatah/chattercheatah/shared/store/storetest"
)

func write(t *testing.T, text string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "prompt.yaml")
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

const second = `name: Second
sections:
  - {section_key: role, order: 10, content: You answer for a business.}
`

func TestPublishFile_ASecondTimeChangesNothingAndARollBackBringsTheFormerOneBack(t *testing.T) {
	db := storetest.New(t)
	o := db.Operator.Operator().By(store.ByCommand("create-base-prompt"))
	file := write(t, second)
	told := func() string {
		p, err := db.SwimSchool.Prompt(t.Context(), prompt.SMS)
		if err != nil {
			t.Fatal(err)
		}
		return string(prompt.Write(p.Merged()))
	}
	before := told()
	for range 2 {
		if err := publishFile(t.Context(), o, file); err != nil {
			t.Fatal(err)
		}
	}
	versions, err := o.GlobalPrompts(t.Context())
	if err != nil || len(versions) != 2 || versions[0].Name != "Second" || versions[0].Status != store.Production {
		t.Errorf("the versions are %+v, %v; want the second live, made once", versions, err)
	}
	if !strings.Contains(told(), "You answer for a business.") {
		t.Error("a tenant does not inherit what is live")
	}
	if err := takeBack(t.Context(), o, prompt.Any); err != nil || told() != before {
		t.Errorf("rolling back: %v; want the former prompt", err)
	}
	if err := takeBack(t.Context(), o, prompt.Any); err == nil {
		t.Error("a roll-back beyond the first version is no error")
	}
}

func TestRead_RefusesAFileThatIsNoPrompt(t *testing.T) {
	for text, want := range map[string]string{
		"name: x\nsections: []\n":                                                 "section",
		"name: ' '\nsections:\n  - {section_key: role, content: x}\n":             "name",
		"name: x\nsections:\n  - {section_key: Role!, content: x}\n":              "Role!",
		"name: x\nchannel: fax\nsections:\n  - {section_key: role, content: x}\n": "channel",
		"name: x\nsection:\n  - {section_key: role, content: x}\n":                "section",
	} {
		if _, _, err := read(write(t, text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v; want an error that names %s", text, err, want)
		}
	}
}
