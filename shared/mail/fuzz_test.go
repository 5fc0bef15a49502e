package mail_test

import (
	"bytes"
	netmail "net/mail"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/chattercheatah/chattercheatah/shared/mail"
	"github.com/chattercheatah/chattercheatah/shared/private"
)

// Nothing makes Parse panic, and what it keeps is bounded and clean.
func FuzzParse(f *testing.F) {
	for _, raw := range corpus(f) {
		f.Add(raw)
	}
	for _, raw := range hostile(2000) {
		f.Add([]byte(raw))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		m, err := mail.Parse(raw)
		if err != nil {
			if len(bytes.TrimSpace(bytes.TrimPrefix(raw, []byte("\xEF\xBB\xBF")))) > 0 {
				t.Fatalf("%v", err)
			}
			return
		}
		checkClean(t, m)
		if form, ok := m.Form([]string{m.Subject}); ok {
			checkForm(t, form)
		}
		for _, id := range append(m.References, m.MessageID, m.InReplyTo) {
			if id != "" && (!strings.HasPrefix(id, "<") || !strings.HasSuffix(id, ">") || !strings.Contains(id, "@")) {
				t.Errorf("the id %q is malformed", id)
			}
		}
		checkAnswerable(t, m)
	})
}

// checkAnswerable holds that whoever may be answered can be, and that no machine is by our own answer.
func checkAnswerable(t *testing.T, m *mail.Message) {
	t.Helper()
	o := answer()
	o.To, o.Subject, o.InReplyTo, o.References = m.ReplyAddress(), mail.ReplySubject(m.Subject), m.MessageID, m.References
	raw, err := o.Bytes()
	if (err == nil) != (o.To.Email != "") {
		t.Fatalf("the answer to %q: %v", o.To.Email, err)
	}
	if err != nil {
		return
	}
	if back, err := mail.Parse(raw); err != nil || back.Automatic == "" || back.Subject != o.Subject && utf8.RuneCountInString(o.Subject) <= 500 {
		t.Errorf("our answer came back as %+v, %v", back, err)
	}
}

// checkForm holds the bounds of a form.
func checkForm(t *testing.T, form mail.Form) {
	t.Helper()
	if n := utf8.RuneCountInString(form.Name); n == 1 || n > 60 || strings.Contains(form.Name, "@") {
		t.Errorf("the name is %q", form.Name)
	}
	if email, err := private.ParseEmail(form.Email); form.Email != "" && (err != nil || email != strings.ToLower(email)) {
		t.Errorf("the e-mail is %q", form.Email)
	}
	if len(form.Fields) > 40 {
		t.Errorf("%d fields", len(form.Fields))
	}
	for label, value := range form.Fields {
		if label == "" || value == "" || utf8.RuneCountInString(label) > 60 || utf8.RuneCountInString(value) > 500 || strings.Contains(label+value, "\n") {
			t.Errorf("the field %q is %q", label, value)
		}
	}
}

// A form is bounded whatever it says, and never says what only the sender's header says.
func FuzzForm(f *testing.F) {
	for _, raw := range corpus(f) {
		if m, err := mail.Parse(raw); err == nil {
			f.Add(m.Subject, m.Whole.Reveal(), false)
		}
	}
	f.Add("Form - pat@customer.test - Turtle 1 - 5555550142", "<table><tr><td>Name<td>Pat<tr><td>Phone<td>555</table>", true)
	f.Fuzz(func(t *testing.T, subject, body string, html bool) {
		kind := "plain"
		if html {
			kind = "html"
		}
		raw := "From: Sender Only <sender-only@website.test>\r\nReply-To: reply-only@website.test\r\nSubject: Form " + mail.OneLine(subject) +
			"\r\nContent-Type: text/" + kind + "; charset=utf-8\r\n\r\n" + body
		m, err := mail.Parse([]byte(raw))
		if err != nil {
			t.Fatal(err)
		}
		form, ok := m.Form([]string{"", "form"})
		if !ok {
			t.Fatalf("the subject %q does not match", m.Subject)
		}
		checkForm(t, form)
		if form.Name == "Sender Only" || strings.HasSuffix(form.Email, "-only@website.test") && !strings.Contains(strings.ToLower(body+subject), "only@website") {
			t.Errorf("the form has the sender's name or address: %+v", form)
		}
	})
}

// What goes in comes out, as far as a mail can hold it, and what must not go out is refused: no text ever becomes a field of the header.
func FuzzOutgoing(f *testing.F) {
	f.Add("Pat Doe", "pat@customer.test", "Re: Swim lessons", "Hello\n\nBye", "<a@b.test>")
	f.Add("Zoë \"Z\" \\ Müller", "zoë@customer.test", "日本語 =?utf-8?q?x?= 🏊", "> quoted\r\n.\rFrom \n-- \nPat", "")
	f.Add("x\r\nBcc: a@b.test", "a@b.test,c@d.test", "a\nb", " ", "<a b>")
	f.Fuzz(func(t *testing.T, name, email, subject, text, id string) {
		o := answer()
		o.To, o.Subject, o.Text, o.InReplyTo, o.References = mail.Address{Name: name, Email: email}, subject, private.NewText(text), id, nil
		raw, err := o.Bytes()
		if err != nil {
			return
		}
		std, err := netmail.ReadMessage(bytes.NewReader(raw))
		if err != nil {
			t.Fatalf("the standard library cannot read it: %v", err)
		}
		for field, values := range std.Header {
			if len(values) != 1 || !strings.Contains("Date From To Message-Id In-Reply-To References Subject Auto-Submitted X-Auto-Response-Suppress "+
				"Mime-Version Content-Type Content-Transfer-Encoding", field) {
				t.Errorf("the header has the field %q %d times", field, len(values))
			}
		}
		if list, err := std.Header.AddressList("To"); err != nil || len(list) != 1 || list[0].Address != email {
			t.Errorf("To is %v, %v; want %q", list, err, email)
		}
		m, err := mail.Parse(raw)
		if err != nil {
			t.Fatal(err)
		}
		if len(m.To) != 1 || m.To[0] != strings.ToLower(email) || m.InReplyTo != id || m.Automatic == "" {
			t.Errorf("came back as %+v", m)
		}
		if want := mail.OneLine(subject); utf8.RuneCountInString(want) <= 500 && len(subject) < 8000 && m.Subject != want {
			t.Errorf("the subject came back as %q, want %q", m.Subject, want)
		}
		if start := strings.ToLower(mail.Whole(text)); !strings.HasPrefix(start, "<html") && !strings.HasPrefix(start, "<!doctype") && m.Whole.Reveal() != mail.Whole(strings.ToValidUTF8(text, "\uFFFD")) {
			t.Errorf("the text came back as %q, want %q", m.Whole.Reveal(), mail.Whole(text))
		}
	})
}

func BenchmarkParse(b *testing.B) {
	all, size := corpus(b), 0
	for _, raw := range all {
		size += len(raw)
	}
	b.SetBytes(int64(size))
	b.ReportAllocs()
	for b.Loop() {
		for _, raw := range all {
			m, err := mail.Parse(raw)
			if err != nil {
				b.Fatal(err)
			}
			m.Form(prefixes)
		}
	}
	b.ReportMetric(float64(len(all)), "mails/op")
}
