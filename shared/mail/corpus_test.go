package mail_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/chattercheatah/chattercheatah/shared/mail"
)

// prefixes are those of a tenant's forms.
var prefixes = []string{"Email Capture from Booking Page", "Get In Touch Form Submission"}

// summary is what a golden file has of a mail.
type summary struct {
	From            mail.Address
	Answer          string `json:",omitempty"` // where it differs from From
	To, Cc          []string
	Subject         string
	MessageID       string
	References      []string          `json:",omitempty"`
	Said            string            `json:",omitempty"`
	Whole           string            `json:",omitempty"` // where it differs from Said
	Automatic       string            `json:",omitempty"`
	Unauthenticated bool              `json:",omitempty"`
	Attachments     []mail.Attachment `json:",omitempty"`
	Form            *formSummary      `json:",omitempty"`
	Error           string            `json:",omitempty"`
}

type formSummary struct {
	Name, Email, Phone string
	Fields             map[string]string
}

func summarise(raw []byte) summary {
	m, err := mail.Parse(raw)
	if err != nil {
		return summary{Error: err.Error()}
	}
	s := summary{
		From: m.From, To: m.To, Cc: m.Cc, Subject: m.Subject, MessageID: m.MessageID, References: m.References, Said: m.Said.Reveal(),
		Automatic: m.Automatic, Unauthenticated: m.Unauthenticated, Attachments: m.Attachments,
	}
	if to := m.ReplyAddress(); to != m.From {
		s.Answer = to.Email
	}
	if whole := m.Whole.Reveal(); whole != s.Said {
		s.Whole = whole
	}
	if f, ok := m.Form(prefixes); ok {
		s.Form = &formSummary{f.Name, f.Email, f.Phone.E164(), f.Fields}
	}
	return s
}

// corpus is every mail of testdata/nasty by its name.
func corpus(t testing.TB) map[string][]byte {
	t.Helper()
	files, err := filepath.Glob("testdata/nasty/*.eml")
	if err != nil || len(files) < 60 {
		t.Fatalf("%d mails in testdata/nasty: %v", len(files), err)
	}
	all := map[string][]byte{}
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		all[strings.TrimSuffix(filepath.Base(file), ".eml")] = raw
	}
	return all
}

func TestParse_NastyMailsAreReadAsTheirGoldenFilesSay(t *testing.T) {
	t.Parallel()
	for name, raw := range corpus(t) {
		got, err := json.MarshalIndent(summarise(raw), "", "  ")
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, '\n')
		file := "testdata/nasty/" + name + ".json"
		if *update {
			if err := os.WriteFile(file, got, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(want), string(got)); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
		if automatic := strings.HasPrefix(name, "auto_"); strings.HasPrefix(name, "person_") || automatic {
			if m, _ := mail.Parse(raw); (m.Automatic != "") != automatic {
				t.Errorf("%s: Automatic = %q", name, m.Automatic)
			}
		}
	}
}

// What a mail is cut off to must never be read as more than it is, nor fail.
func TestParse_AMailThatEndsAnywhereIsStillRead(t *testing.T) {
	t.Parallel()
	for name, raw := range corpus(t) {
		for n := 1; n < len(raw); n += 1 + len(raw)/50 {
			if m, err := mail.Parse(raw[:n]); err == nil {
				checkClean(t, m)
			} else if strings.TrimSpace(string(raw[:n])) != "" {
				t.Errorf("%s cut at %d: %v", name, n, err)
			}
		}
	}
}
