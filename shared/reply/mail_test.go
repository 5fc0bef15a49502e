package reply_test

import (
	"errors"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/chattercheatah/chattercheatah/shared/private"
	"github.com/chattercheatah/chattercheatah/shared/prompt"
	"github.com/chattercheatah/chattercheatah/shared/reply"
	"github.com/chattercheatah/chattercheatah/shared/store"
)

func TestMailKeyword_WhatEndsABookingEndsNoMail(t *testing.T) {
	t.Parallel()
	for want, texts := range map[store.Keyword][]string{
		store.Stop: {
			"STOP", "stop", "Stop.", "\"STOP\"", "Unsubscribe", "UNSUBSCRIBE!", "please unsubscribe", "opt out", "Opt-out", "stop all", "revoke", "parar",
			"Stop writing to me.", "please stop emailing me", "Stop sending me e-mails!", "Stop the emails", "Don't email me again.", "Do not e-mail me, I am not interested", "don't mail us anymore", "Do not write to me", "No more emails please",
			"Please remove my email address from your list", "No quiero recibir más correos", "Hello,\nI have moved away. Stop your newsletter.\nPat",
			"Please remove me from your list.", "Do not contact me.", "I want to unsubscribe", "Hello,\n\nplease stop sending me messages.\n\nPat", "Leave me alone",
		},
		store.Start: {"START", "start", "Unstop", "opt in", "Opt-in!"},
		store.NoKeyword: {
			"cancel", "Cancel.", "CANCEL!", "Please cancel", "cancel please", "Please cancel.", "cancelar", "end", "END", "quit", "Quit please", "baja", "dar de baja", "yes", "Yes!", "yes please",
			"Please, yes", "si", "Sí", "help", "info", "", " ", "?", "I want to cancel my lesson", "When does the lesson stop?", "Start on Monday?", "Can we stop by on Saturday?",
			"Please don't stop writing to me", "Don't stop emailing me", "If you stop emailing me, how do I know?", "I did not get your emails", "Don't email me the bill, send it by post",
			"When do you stop mailing the forms?", "Stop by and e-mail me the form", "Don't mail me the form before Monday?", "My daughter should stop writing, her wrist hurts",
			"If I unsubscribe, do I lose my place?",
		},
	} {
		for _, text := range texts {
			if got := reply.MailKeyword(private.NewText(text)); got != want {
				t.Errorf("%q means %q; want %q", text, got, want)
			}
		}
	}
}

func checkMail(t *testing.T, answer string) string {
	t.Helper()
	got, err := reply.Check(prompt.Email, private.NewText(answer), reply.AllowedFrom(ownWords))
	if err != nil {
		t.Fatalf("Check(%q): %v", answer, err)
	}
	return got.Reveal()
}

func TestCheck_OfAMailKeepsParagraphsAndDropsWhatATextDrops(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, answer, want string }{
		{"paragraphs", "Hello Pat,\n\nwe open at 8.\n\nSee you!", "Hello Pat,\n\nwe open at 8.\n\nSee you!"},
		{"many empty lines", "Hello,\n\n\n \n\t\nwe open at 8.", "Hello,\n\nwe open at 8."},
		{"lines within a paragraph", "Monday: 9 to 5  \n  Tuesday: 9 to 5", "Monday: 9 to 5\nTuesday: 9 to 5"},
		{"lines of another system", "Hello,\r\n\r\nwe open at 8.\r\nSee you!", "Hello,\n\nwe open at 8.\nSee you!"},
		{"markdown", "## Hours\n\n- **Monday**: 9 to 5\n- Tuesday: 9 to 5", "Hours\n\nMonday: 9 to 5\nTuesday: 9 to 5"},
		{"white space around", "\n\n  We open at 8.  \n\n", "We open at 8."},
		{"our link", "Hello,\n\nregister at https://swim.exampleco.test/register?level=2.\n\nBye", "Hello,\n\nregister at https://swim.exampleco.test/register?level=2.\n\nBye"},
		{"a foreign link", "Hello.\n\nPay at https://evil.test/now. We open at 8.\n\nBye", "Hello.\n\nWe open at 8.\n\nBye"},
		{"a foreign link in markdown", "Hello.\n\nPay [here](https://evil.test/now) please. We open at 8.", "Hello.\n\nWe open at 8."},
		{"a foreign address", "Hello.\nWrite to me@elsewhere.test now.\nBye", "Hello.\nBye"},
		{"a foreign number", "Hello.\nCall +1 555 555 0199 now.\nBye", "Hello.\nBye"},
		{"a foreign link over two lines", "We open at 8.\n\nSee https://\nevil.test now.", "We open at 8.\n\nSee https://"},
	} {
		if got := checkMail(t, tt.answer); got != tt.want {
			t.Errorf("%s: %q; want %q", tt.name, got, tt.want)
		}
	}
	if got, err := reply.Check(prompt.Email, private.NewText("https://evil.test\n\n"), reply.AllowedFrom(ownWords)); !errors.Is(err, reply.ErrNothingLeft) {
		t.Errorf("of a foreign link alone is left %q, %v", got.Reveal(), err)
	}
}

func TestCheck_AMailHasSixThousandCharactersAndCutsNoSentenceOrLink(t *testing.T) {
	t.Parallel()
	exact := strings.Repeat("ñ", 5_999) + "."
	if got := checkMail(t, exact); got != exact {
		t.Errorf("one of 6,000 characters became one of %d", utf8.RuneCountInString(got))
	}
	link := "https://swim.exampleco.test/register?level=2"
	for n := range 40 {
		got := checkMail(t, strings.Repeat("We have lessons every day.\n\n", 205+n)+"Register at "+link+". "+strings.Repeat("See you soon. ", 30))
		if length := utf8.RuneCountInString(got); length > 6_000 || length < 5_000 {
			t.Errorf("%d characters", length)
		}
		if !strings.HasSuffix(got, ".") || strings.Contains(got, "https") && !strings.Contains(got, link) {
			t.Errorf("it was cut within a sentence or a link: ...%q", got[len(got)-60:])
		}
	}
	got := checkMail(t, strings.Repeat("swimming and ", 1_000))
	if length := utf8.RuneCountInString(got); length > 6_000 || strings.Trim(got, "swimngad ") != "" || !strings.HasSuffix(got, "swimming") && !strings.HasSuffix(got, "and") {
		t.Errorf("an endless sentence became %d characters that end %q", length, got[len(got)-20:])
	}
}
