package mail_test

import (
	"errors"
	"flag"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/chattercheatah/chattercheatah/shared/mail"
	"github.com/chattercheatah/chattercheatah/shared/private"
)

var update = flag.Bool("update", false, "write testdata anew")

// answer is a mail that may be sent.
func answer() mail.Outgoing {
	return mail.Outgoing{
		From: mail.Address{Name: `Swim "Fast" School`, Email: "hello@school.test"}, To: mail.Address{Name: "Zoë Müller", Email: "zoe@customer.test"},
		Subject: "Re: Swim lessons", MessageID: "<0123@school.test>", InReplyTo: "<two@customer.test>", References: []string{"<one@customer.test>"},
		Text: private.NewText("Hello Zoë,\n\nTuesday at 5 works. = . From here on:\n.\nFrom the team \n"),
		Date: time.Date(2026, 11, 25, 14, 0, 0, 0, time.UTC), Automatic: true,
	}
}

func TestOutgoing_IsWrittenAsTheGoldenFileHasIt(t *testing.T) {
	t.Parallel()
	plain, long := answer(), answer()
	plain.Automatic, plain.InReplyTo, plain.References, plain.From.Name = false, "", nil, ""
	long.Subject = "Re: " + strings.Repeat("Schwimmkurse für Änderungswünsche 🏊 und ", 8)
	for n := range 40 {
		long.References = append(long.References, "<"+strconv.Itoa(n)+"@customer.test>")
	}
	for name, o := range map[string]mail.Outgoing{"automatic": answer(), "plain": plain, "long": long} {
		got, err := o.Bytes()
		if err != nil {
			t.Fatal(err)
		}
		file := "testdata/outgoing/" + name + ".eml"
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
		for part := range strings.SplitSeq(string(got), "\r\n") {
			if len(part) > 78 || strings.ContainsAny(part, "\r\n") || strings.ContainsFunc(part, func(r rune) bool { return r > '~' }) {
				t.Errorf("%s: the line %q is too long or not ASCII", name, part)
			}
		}
	}
}

func TestOutgoing_ComesOutOfParseAsItWentIn(t *testing.T) {
	t.Parallel()
	o := answer()
	o.Subject = "Re: " + strings.Repeat("Änderung 日本語のレッスン 🏊 ", 12)
	raw, err := o.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	m, err := mail.Parse(raw)
	if err != nil {
		t.Fatal(err)
	}
	if m.From != o.From || m.Subject != strings.TrimSpace(o.Subject) || m.MessageID != o.MessageID || m.InReplyTo != o.InReplyTo || !m.Date.Equal(o.Date) {
		t.Errorf("came back as %+v", m)
	}
	if diff := cmp.Diff([]string{"<one@customer.test>", "<two@customer.test>"}, m.References); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"zoe@customer.test"}, m.To); diff != "" {
		t.Error(diff)
	}
	if got, want := m.Whole.Reveal(), "Hello Zoë,\n\nTuesday at 5 works. = . From here on:\n.\nFrom the team"; got != want {
		t.Errorf("the text came back as %q, want %q", got, want)
	}
	if m.Automatic != mail.AutoSubmitted {
		t.Errorf("Automatic = %q, want %q", m.Automatic, mail.AutoSubmitted)
	}
}

func TestOutgoing_WhatMustNotBeSentIsRefused(t *testing.T) {
	t.Parallel()
	const injected = "x\r\nBcc: everyone@evil.test"
	for name, test := range map[string]struct {
		change func(*mail.Outgoing)
		want   error
	}{
		"line break in the subject":      {func(o *mail.Outgoing) { o.Subject = injected }, mail.ErrLineBreak},
		"lone line feed":                 {func(o *mail.Outgoing) { o.Subject = "x\nBcc: everyone@evil.test" }, mail.ErrLineBreak},
		"lone carriage return":           {func(o *mail.Outgoing) { o.Subject = "x\rBcc: everyone@evil.test" }, mail.ErrLineBreak},
		"a null byte":                    {func(o *mail.Outgoing) { o.Subject = "x\x00" }, mail.ErrLineBreak},
		"bytes that are no UTF-8":        {func(o *mail.Outgoing) { o.Subject = "x\xff" }, mail.ErrLineBreak},
		"line break in the sender":       {func(o *mail.Outgoing) { o.From.Name = injected }, mail.ErrLineBreak},
		"line break in the recipient":    {func(o *mail.Outgoing) { o.To.Name = injected }, mail.ErrLineBreak},
		"line break in an address":       {func(o *mail.Outgoing) { o.To.Email = "a@b.test\r\nBcc: everyone@evil.test" }, mail.ErrLineBreak},
		"line break in the id":           {func(o *mail.Outgoing) { o.MessageID = "<a@b.test>\r\nBcc: everyone@evil.test" }, mail.ErrLineBreak},
		"line break in what is answered": {func(o *mail.Outgoing) { o.InReplyTo = "<a@b.test>\r\n<c@d.test>" }, mail.ErrLineBreak},
		"line break in the thread":       {func(o *mail.Outgoing) { o.References = []string{"<a@b.test>\n"} }, mail.ErrLineBreak},
		"no sender":                      {func(o *mail.Outgoing) { o.From.Email = "" }, mail.ErrAddress},
		"no recipient":                   {func(o *mail.Outgoing) { o.To.Email = "" }, mail.ErrAddress},
		"two recipients":                 {func(o *mail.Outgoing) { o.To.Email = "a@b.test, c@d.test" }, mail.ErrAddress},
		"a recipient with a name":        {func(o *mail.Outgoing) { o.To.Email = "A <a@b.test>" }, mail.ErrAddress},
		"an address without a domain":    {func(o *mail.Outgoing) { o.To.Email = "a@localhost" }, mail.ErrAddress},
		"no id":                          {func(o *mail.Outgoing) { o.MessageID = "" }, mail.ErrID},
		"an id without its brackets":     {func(o *mail.Outgoing) { o.InReplyTo = "a@b.test" }, mail.ErrID},
		"two ids in one":                 {func(o *mail.Outgoing) { o.References = []string{"<a@b.test> <c@d.test>"} }, mail.ErrID},
		"no text":                        {func(o *mail.Outgoing) { o.Text = private.NewText(" \r\n ") }, mail.ErrNoText},
		"no date":                        {func(o *mail.Outgoing) { o.Date = time.Time{} }, mail.ErrNoDate},
	} {
		o := answer()
		test.change(&o)
		if got, err := o.Bytes(); !errors.Is(err, test.want) || got != nil {
			t.Errorf("%s: %d bytes and error %v; want error %v", name, len(got), err, test.want)
		} else if strings.Contains(err.Error(), "evil") {
			t.Errorf("%s: the error repeats the mail", name)
		}
	}
}

func TestReplySubject_HasOneRe(t *testing.T) {
	t.Parallel()
	for given, want := range map[string]string{
		"Swim lessons": "Re: Swim lessons", "Re: Swim lessons": "Re: Swim lessons", "RE: re: Swim lessons": "Re: Swim lessons",
		"Fwd: Swim lessons": "Re: Swim lessons", "FW: RE: Fwd: Swim lessons": "Re: Swim lessons", "AW: WG: Kurse": "Re: Kurse", "re[2]: Kurse": "Re: Kurse",
		"Re (3): Kurse": "Re: Kurse", "Re:Kurse": "Re: Kurse", "Re : Kurse": "Re: Kurse", "SV: VS: Kurs": "Re: Kurs", "RE：课程": "Re: 课程", "": "Re:", "Re:": "Re:",
		"Regarding: the pool": "Re: Regarding: the pool", "Rebecca: a question": "Re: Rebecca: a question", "a\r\nBcc: b@c.test": "Re: a Bcc: b@c.test",
		"Reply: Re: x": "Re: Reply: Re: x",
	} {
		got := mail.ReplySubject(given)
		if got != want {
			t.Errorf("ReplySubject(%q) = %q, want %q", given, got, want)
		}
		if again := mail.ReplySubject(got); again != got {
			t.Errorf("the answer to %q is %q", got, again)
		}
	}
	if got := mail.ReplySubject(strings.Repeat("é", 5000)); utf8.RuneCountInString(got) > 504 || !utf8.ValidString(got) {
		t.Errorf("the subject of an answer has %d characters", utf8.RuneCountInString(got))
	}
}

func TestMessageIDOf_IsTheSameForTheSameReplyAndAlwaysValid(t *testing.T) {
	t.Parallel()
	id := mail.MessageIDOf("reply-7", "School.test")
	if id != mail.MessageIDOf("reply-7", "school.test") || !strings.HasSuffix(id, "@school.test>") || strings.Contains(id, "reply") {
		t.Errorf("the id is %s", id)
	}
	if id == mail.MessageIDOf("reply-8", "school.test") {
		t.Error("two replies have one id")
	}
	for _, domain := range []string{"", "a\r\nb.test", "a b.test", "a@b.test", "grüße.test", "<b.test>"} {
		if got := mail.MessageIDOf("reply-7", domain); !strings.HasSuffix(got, "@mail.invalid>") {
			t.Errorf("in the domain %q the id is %q", domain, got)
		}
	}
}

func TestTokenOf_ReadsBackWhatMessageIDOfWasGiven(t *testing.T) {
	t.Parallel()
	for _, token := range []string{"reply-7", "0", "7f9c24e8-3b12-4e8e-9f0a-5d1c2b3a4f55", "é 🏊", "a@b>\r\n", strings.Repeat("x", 60)} {
		for _, domain := range []string{"school.test", "Sub.School.TEST", "", "a b"} {
			if got := mail.TokenOf(mail.MessageIDOf(token, domain)); got != token {
				t.Errorf("%q in %q came back as %q", token, domain, got)
			}
		}
	}
}

func TestTokenOf_IsEmptyForAnyOtherID(t *testing.T) {
	t.Parallel()
	for _, id := range []string{
		"", "<", "<>", "<@>", "cc-61@x.test>", "<61@x.test>", "<xx-61@x.test>", "<CC-61@x.test>", " <cc-61@x.test>", "<cc-@x.test>", "<cc-6@x.test>",
		"<cc-zz@x.test>", "<cc-61 @x.test>", "<cc-61.62@x.test>", "<cc-61>", "<CAF+x=abc@mail.gmail.com>", "<a@b.test>", "\xff", strings.Repeat("<cc-", 1000),
	} {
		if got := mail.TokenOf(id); got != "" {
			t.Errorf("the token of %q is %q", id, got)
		}
	}
}
