package reply_test

import (
	"errors"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/chattercheatah/chattercheatah/shared/private"
	"github.com/chattercheatah/chattercheatah/shared/prompt"
	"github.com/chattercheatah/chattercheatah/shared/reply"
	"github.com/chattercheatah/chattercheatah/shared/telnyx"
)

const ownWords = `Website: https://swim.exampleco.test
Register at https://swim.exampleco.test/register?level=2 or write to desk@exampleco.test.
Phone: +15555550123. Prices: https://swim.exampleco.test/prices/`

func TestCheck_WhatIsSentIsPlainAndOnlyOurs(t *testing.T) {
	t.Parallel()
	allowed := reply.AllowedFrom(ownWords)
	for _, tt := range []struct{ name, answer, want string }{
		{"plain text", "We open at 8 am.", "We open at 8 am."},
		{"emphasis", "We open at **8 am** on *Saturday*.", "We open at 8 am on Saturday."},
		{"headings and lists", "# Hours\n- Monday: 9 to 5\n- Tuesday: 9 to 5", "Hours\nMonday: 9 to 5\nTuesday: 9 to 5"},
		{"code fences", "```\nWe open at 8.\n```", "We open at 8."},
		{"a markdown link of ours", "Go to [register](https://swim.exampleco.test/register?level=2).", "Go to register: https://swim.exampleco.test/register?level=2."},
		{"our link", "Register at https://swim.exampleco.test/register?level=2.", "Register at https://swim.exampleco.test/register?level=2."},
		{"our link without a scheme", "See swim.exampleco.test/prices", "See swim.exampleco.test/prices"},
		{"our address", "Write to desk@exampleco.test!", "Write to desk@exampleco.test!"},
		{"our number, written otherwise", "Call (555) 555-0123.", "Call (555) 555-0123."},
		{"a foreign link", "We are open. See https://evil.test/now for more. Come by!", "We are open. Come by!"},
		{"our link with another path", "We are open. Use https://swim.exampleco.test/pay now.", "We are open."},
		{"our link with another query", "We are open. Use https://swim.exampleco.test/register?level=3 now.", "We are open."},
		{"our host as somebody's user", "We are open. Use https://swim.exampleco.test@evil.test/ now.", "We are open."},
		{"a lookalike host", "We are open. Use https://swim.exampleco.test.evil.test now.", "We are open."},
		{"a foreign address", "We are open. Write to me@elsewhere.test today.", "We are open."},
		{"a foreign number", "We are open. Call +1 555 555 0199 now.", "We are open."},
		{"a foreign domain of any registry", "We are open. See evil.ninja or evil.co.uk today.", "We are open."},
		{"a foreign domain in another script", "We are open. See пример.рф today.", "We are open."},
		{"a foreign domain of a company's", "We are open. See evil.github.io today.", "We are open."},
		{"a foreign domain with a path that cannot be read", "We are open. See evil.com/%zz today.", "We are open."},
		{"a foreign domain that may not be registered", "We are open. See ev--il.com today.", "We are open."},
		{"a foreign domain with more after it", "We are open. See evil.com- or evil.com.Come today.", "We are open."},
		{"a foreign domain in other letters", "We are open. See ｅｖｉｌ．ｃｏｍ and evil\u00ad.com today.", "We are open."},
		{"a foreign IP address", "We are open. See 192.0.2.7:8080/x today.", "We are open."},
		{"another scheme", "We are open. Use ftp://swim.exampleco.test or evilapp://pay now.", "We are open."},
		{"our link with a fragment", "We are open. Use https://swim.exampleco.test/prices#evil now.", "We are open."},
		{"another mailbox that ends in ours", "We are open. Write to хdesk@exampleco.test today.", "We are open."},
		{"a foreign number in other digits", "We are open. Call ５５５５５５０１９９ now.", "We are open."},
		{"a foreign number with other dashes and spaces", "We are open. Call 555–555\u00a00199 now.", "We are open."},
		{"a foreign number within a word", "We are open. Call5555550199now.", "We are open."},
		{"two foreign numbers in a row", "We are open. Call 15555550199 15555550188 now.", "We are open."},
		{"our number in another country", "We are open. Call +44 555 555 0123 now.", "We are open."},
		{"our number twice", "Call 555-555-0123 / +1 555 555 0123.", "Call 555-555-0123 / +1 555 555 0123."},
		{"hours and a season", "In the 2026–2027 season: 9–5 on Saturday, 10:30–11:30 on Sunday.", "In the 2026–2027 season: 9–5 on Saturday, 10:30–11:30 on Sunday."},
		{"abbreviations are no links", "We open at 8 a.m. and close at 5 p.m., e.g. on Monday.", "We open at 8 a.m. and close at 5 p.m., e.g. on Monday."},
		{"a date and a time are no numbers", "The lesson is on 2026-11-28 at 10:30.", "The lesson is on 2026-11-28 at 10:30."},
		{"a price", "It costs $1,250.00 a year.", "It costs $1,250.00 a year."},
		{"invisible marks", "We \u200bopen\u202e at 8.", "We open at 8."},
		{"a role at the front", "Assistant: We open at 8.", "We open at 8."},
	} {
		got, err := reply.Check(prompt.SMS, private.NewText(tt.answer), allowed)
		if err != nil || got.Reveal() != tt.want {
			t.Errorf("%s: Check = %q, %v; want %q", tt.name, got.Reveal(), err, tt.want)
		}
	}
}

func TestCheck_NothingLeftIsAnError(t *testing.T) {
	t.Parallel()
	for _, answer := range []string{"", "   ", "\n\n", "***", "...", "https://evil.test", "Call +15555550199", "\u200b", "- \n- "} {
		if got, err := reply.Check(prompt.SMS, private.NewText(answer), reply.AllowedFrom(ownWords)); !errors.Is(err, reply.ErrNothingLeft) {
			t.Errorf("Check(%q) = %q, %v; want ErrNothingLeft", answer, got.Reveal(), err)
		}
	}
}

func TestCheck_ALongAnswerEndsWithASentenceAndCutsNoLink(t *testing.T) {
	t.Parallel()
	allowed := reply.AllowedFrom(ownWords)
	link := "https://swim.exampleco.test/register?level=2"
	for n := range 60 {
		answer := strings.Repeat("We have lessons every day. ", 20+n) + "Register at " + link + ". " + strings.Repeat("See you soon. ", n)
		got, err := reply.Check(prompt.SMS, private.NewText(answer), allowed)
		if err != nil {
			t.Fatal(err)
		}
		text := got.Reveal()
		if segments := telnyx.Segments(text); segments > 5 {
			t.Errorf("%d segments; want 5 at most", segments)
		}
		if strings.Contains(text, "https") && !strings.Contains(text, link) || !strings.HasSuffix(text, ".") {
			t.Errorf("the answer was cut within a link or a sentence: ...%q", text[len(text)-60:])
		}
	}
}

func TestCheck_OneEndlessSentenceIsCutBetweenWords(t *testing.T) {
	t.Parallel()
	got, err := reply.Check(prompt.SMS, private.NewText(strings.Repeat("swimming and ", 200)), reply.AllowedFrom(ownWords))
	if err != nil || telnyx.Segments(got.Reveal()) > 5 {
		t.Fatalf("Check = %d segments, %v", telnyx.Segments(got.Reveal()), err)
	}
	for word := range strings.FieldsSeq(got.Reveal()) {
		if word != "swimming" && word != "and" {
			t.Errorf("a word was cut: %q", word)
		}
	}
}

func FuzzCheck(f *testing.F) {
	for _, seed := range []string{"We open at 8.", "See https://evil.test/x", "**bold** [a](https://evil.test)", "a.\nb@c.test", "+1 555 555 0199", "h\u200bttps://evil.test", "www.evil.test", "evil.com/x", "ht*tp*s://evil.test"} {
		f.Add(seed)
	}
	allowed := reply.AllowedFrom(ownWords)
	f.Fuzz(func(t *testing.T, answer string) {
		got, err := reply.Check(prompt.SMS, private.NewText(answer), allowed)
		if err != nil {
			return
		}
		text := got.Reveal()
		if !utf8.ValidString(text) || strings.TrimSpace(text) == "" || telnyx.Segments(text) > 5 {
			t.Errorf("Check(%q) lets %q through", answer, text)
		}
		if again, err := reply.Check(prompt.SMS, got, allowed); err != nil || strings.Contains(again.Reveal(), "evil.test") {
			t.Errorf("what Check let through, it refuses: %q, %v", text, err)
		}
	})
}
