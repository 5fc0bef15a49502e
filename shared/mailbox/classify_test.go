package mailbox

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/chattercheatah/chattercheatah/shared/gmail"
	"github.com/chattercheatah/chattercheatah/shared/mail"
	"github.com/chattercheatah/chattercheatah/shared/private"
	"github.com/chattercheatah/chattercheatah/shared/store"
)

const box = "support@exampleco.test"

var received = time.Date(2026, time.February, 5, 19, 33, 12, 0, time.UTC)

// came is a mail as Gmail gives it: fields of its header in place of the usual ones, or besides them, then its text.
func came(text string, fields ...string) gmail.Message {
	usual := []string{"From: Pat Doe <Pat@Customer.test>", "To: " + box, "Subject: A lesson", "Message-ID: <m1@customer.test>"}
	var header []string
	for _, f := range usual {
		name, _, _ := strings.Cut(f, ":")
		replaced := false
		for _, given := range fields {
			replaced = replaced || strings.HasPrefix(given, name+":")
		}
		if !replaced {
			header = append(header, f)
		}
	}
	raw := strings.Join(append(header, fields...), "\r\n") + "\r\n\r\n" + text + "\r\n"
	return gmail.Message{ID: "1", ThreadID: "1", Labels: []string{"UNREAD", "INBOX"}, Received: received, Raw: []byte(raw)}
}

// labelled puts a mail under labels.
func labelled(m gmail.Message, labels ...string) gmail.Message {
	m.Labels = labels
	return m
}

// rules are those of the mailbox that the tables are about.
func rules() store.Mailbox {
	return store.Mailbox{Address: box, EmailRules: store.EmailRules{LeadSubjectPrefixes: []string{"New lead:"}, EscalationKeywords: []string{"refund", "My Lawyer"}}}
}

func TestClassify_AMailIsTakenForWhatItIs(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		in   gmail.Message
		want string // kind, why, keyword, flag
	}{
		"a question":             {came("Are you open?"), "mail"},
		"nothing but a subject":  {came(""), "mail"},
		"a keyword":              {came("Are you open? I want my REFUND!"), "mail, mentions: refund"},
		"a keyword of two words": {came("You will hear from my\nlawyer."), "mail, mentions: My Lawyer"},
		"a keyword in a word":    {came("Is it refundable?"), "mail"},
		"a keyword in the title": {came("Hello", "Subject: Refund"), "mail, mentions: refund"},
		"an end":                 {came("Stop writing to me."), "mail, stop"},
		"an end in the title":    {came("", "Subject: UNSUBSCRIBE"), "mail, stop"},
		"a cancellation":         {came("Cancel"), "mail"},
		"a return":               {came("START"), "mail, start"},
		"a form":                 {came("Name: Sam Roe\nEmail: sam@customer.test\nPhone: (555) 555-0101", "Subject: New lead: website"), "form"},
		"a form of a machine":    {came("Name: Sam Roe", "Subject: New lead: website", "Auto-Submitted: auto-generated", "From: no-reply@website.test"), "form"},
		"a form of our own":      {came("Name: Sam Roe", "Subject: New lead: website", "From: "+box), "form"},
		"a form in the spam":     {labelled(came("Name: Sam Roe", "Subject: New lead: website"), "SPAM"), "ignored, spam"},
		"spam":                   {labelled(came("Buy!"), "SPAM"), "ignored, spam"},
		"deleted":                {labelled(came("Hello"), "TRASH", "INBOX"), "ignored, trash"},
		"a draft":                {labelled(came("Hello"), "DRAFT"), "ignored, draft"},
		"a chat":                 {labelled(came("Hello"), "CHAT"), "ignored, chat"},
		"of nobody":              {came("Hello", "From: undisclosed"), "ignored, no_sender"},
		"of ourselves":           {came("Hello", "From: Us <Support@ExampleCo.test>"), "ignored, our_own"},
		"to be answered to us":   {came("Hello", "Reply-To: "+box), "ignored, our_own"},
		"of a machine":           {came("Hello", "Auto-Submitted: auto-replied"), "ignored, " + mail.AutoSubmitted},
		"Auto-Submitted: no":     {came("Hello", "Auto-Submitted: no"), "mail"},
		"a bounce":               {came("Hello", "From: Mail Delivery Subsystem <mailer-daemon@mail.test>"), "ignored, " + mail.Bounce},
		"an empty return path":   {came("Hello", "Return-Path: <>"), "ignored, " + mail.Bounce},
		"of a list":              {came("Hello", "List-Id: <news.customer.test>"), "ignored, " + mail.List},
		"in bulk":                {came("Hello", "Precedence: bulk"), "ignored, " + mail.Bulk},
		"of no-reply":            {came("Hello", "From: no-reply@customer.test"), "ignored, " + mail.NoReply},
		"out of office":          {came("Hello", "Subject: Out of office: A lesson"), "ignored, " + mail.OutOfOffice},
		"unauthenticated": {came("Hello", "Authentication-Results: mx.google.com; dmarc=fail (p=REJECT sp=REJECT dis=NONE) header.from=customer.test"),
			"ignored, unauthenticated"},
		"empty": {gmail.Message{Labels: []string{"INBOX"}, Received: received}, "ignored, unreadable"},
	} {
		made := classify(store.Email{}, rules(), c.in)
		got := string(made.Kind)
		for _, more := range []string{made.Why, map[store.Keyword]string{store.Stop: "stop", store.Start: "start"}[made.Keyword], made.Flag} {
			if more != "" {
				got += ", " + more
			}
		}
		if got != c.want || !made.Received.Equal(received) {
			t.Errorf("%s is %s of %v; want %s", name, got, made.Received, c.want)
		}
		if made.Kind == store.MailIgnored && (!made.Text.IsZero() || made.From != "" || made.Subject != "") {
			t.Errorf("%s: of what is ignored is kept %+v", name, made)
		}
	}
}

func TestClassify_WhatSomebodyWroteIsKeptWithWhereAnAnswerGoes(t *testing.T) {
	t.Parallel()
	got := classify(store.Email{}, rules(), came("Are you open?\r\n\r\nOn Mon, Feb 2, 2026 at 9:00 AM Us <support@exampleco.test> wrote:\r\n> Hello", "Reply-To: Home@Customer.test", "References: <a@x.test> <b@x.test>"))
	want := store.MailMade{
		Kind: store.MailWritten, From: "pat@customer.test", Name: "Pat Doe", ReplyTo: "home@customer.test", Subject: "A lesson", MessageID: "<m1@customer.test>",
		References: []string{"<a@x.test>", "<b@x.test>"}, Text: private.NewText("Subject: A lesson\n\nAre you open?"), Received: received, Keyword: store.NoKeyword,
	}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(private.Text{}, private.Phone{})); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestClassify_AFormIsALeadOfWhomItNames(t *testing.T) {
	t.Parallel()
	got := classify(store.Email{}, rules(), came("Name: Sam Roe\nEmail: Sam@Customer.test\nPhone: (555) 555-0101\nLevel: Starfish", "Subject: New lead: website", "From: website"))
	if got.From != "unknown@mail.invalid" || got.Lead.Name != "Sam Roe" || got.Lead.Email != "sam@customer.test" || got.Lead.Phone.E164() != "+15555550101" {
		t.Errorf("%+v, of %s with phone %s", got.Lead, got.From, got.Lead.Phone.E164())
	}
	if !strings.Contains(strings.ToLower(cmp.Diff(nil, got.Lead.Details)), "starfish") {
		t.Errorf("its fields are %v", got.Lead.Details)
	}
}

func TestClassify_WhatIsWrittenByHandIsTheTenantsWhateverItLooksLike(t *testing.T) {
	t.Parallel()
	id := mail.MessageIDOf("token-of-a-draft", "exampleco.test")
	for name, in := range map[string]gmail.Message{
		"an answer":    came("We are open.", "From: "+box, "Message-ID: "+id),
		"of a machine": came("We are open.", "From: "+box, "Message-ID: "+id, "Auto-Submitted: auto-replied"),
		"like a form":  came("We are open.", "From: "+box, "Message-ID: "+id, "Subject: New lead: x"),
	} {
		made := classify(store.Email{ByHand: true}, rules(), in)
		if made.Kind != store.MailByHand || made.Token != "token-of-a-draft" || made.Text.Reveal() != "We are open." || made.Keyword != store.NoKeyword || made.Flag != "" {
			t.Errorf("%s: %+v", name, made)
		}
	}
	if made := classify(store.Email{ByHand: true}, rules(), came("Hello", "From: "+box)); made.Kind != store.MailByHand || made.Token != "" {
		t.Errorf("with an id of Gmail's: %+v; want no token", made)
	}
}

func TestWithSubject_IsTheTextUnderTheSubjectThatBeginsAThread(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ subject, text, want string }{
		{"A lesson", "Are you open?", "Subject: A lesson\n\nAre you open?"}, {"A lesson", "", "Subject: A lesson"}, {"", "Are you open?", "Are you open?"}, {"", "", ""},
		{"Re: A lesson", "Are you open?", "Are you open?"}, {"RE: a lesson", "Are you open?", "Are you open?"}, {"Re:", "Hello", "Hello"},
		{"Fwd: A lesson", "See below", "Subject: Fwd: A lesson\n\nSee below"}, {"Regarding: A lesson", "Hello", "Subject: Regarding: A lesson\n\nHello"},
	} {
		if got := withSubject(&mail.Message{Subject: c.subject, Said: private.NewText(c.text)}).Reveal(); got != c.want {
			t.Errorf("withSubject(%q, %q) = %q; want %q", c.subject, c.text, got, c.want)
		}
	}
}

func TestMentioned_IsWordsInAnyCaseWithWhateverIsBetweenThem(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		text     string
		keywords []string
		want     string
	}{
		{"I want a refund", []string{"refund"}, "refund"}, {"REFUND!", []string{"refund"}, "refund"}, {"refund", []string{"Refund"}, "Refund"}, {"refunds", []string{"refund"}, ""},
		{"a re-fund", []string{"refund"}, ""}, {"my-lawyer", []string{"my lawyer"}, "my lawyer"}, {"my,\n\tlawyer", []string{"my lawyer"}, "my lawyer"},
		{"my good lawyer", []string{"my lawyer"}, ""}, {"QUÉJA", []string{"quéja"}, "quéja"}, {"queja", []string{"quéja"}, ""}, {"call 911 now", []string{"911"}, "911"},
		{"x 9112", []string{"911"}, ""}, {"I can't", []string{"can't"}, "can't"}, {"anything", []string{"", " ", "!"}, ""}, {"anything", nil, ""}, {"", []string{"refund"}, ""},
		{"refund, lawyer", []string{"lawyer", "refund"}, "lawyer"},
	} {
		if got := mentioned(private.NewText(c.text), c.keywords); got != c.want {
			t.Errorf("mentioned(%q, %q) = %q; want %q", c.text, c.keywords, got, c.want)
		}
	}
}
