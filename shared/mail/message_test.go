package mail_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/chattercheatah/chattercheatah/shared/mail"
)

// parse reads a mail that must be readable.
func parse(t *testing.T, raw string) *mail.Message {
	t.Helper()
	m, err := mail.Parse([]byte(raw))
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestParse_EveryFieldIsRead(t *testing.T) {
	t.Parallel()
	m := parse(t, "From: =?utf-8?q?Zo=C3=AB?= <ZOE@Customer.test>\r\nReply-To: Home <home@customer.test>\r\nTo: a@school.test, \"B, C\" <B@school.test>\r\n"+
		"Cc: d@school.test\r\nSubject: Lessons\r\nMessage-ID: <1@customer.test>\r\nIn-Reply-To: <2@school.test>\r\nReferences: <3@x.test>\r\n <2@school.test>\r\n"+
		"Date: Wed, 25 Nov 2026 08:00:00 -0600 (CST)\r\n\r\nHello\r\n")
	if m.From != (mail.Address{Name: "Zoë", Email: "zoe@customer.test"}) || m.ReplyTo != (mail.Address{Name: "Home", Email: "home@customer.test"}) {
		t.Errorf("From is %v, ReplyTo %v", m.From, m.ReplyTo)
	}
	if !slices.Equal(m.To, []string{"a@school.test", "b@school.test"}) || !slices.Equal(m.Cc, []string{"d@school.test"}) {
		t.Errorf("To is %v, Cc %v", m.To, m.Cc)
	}
	if m.MessageID != "<1@customer.test>" || m.InReplyTo != "<2@school.test>" || !slices.Equal(m.References, []string{"<3@x.test>", "<2@school.test>"}) {
		t.Errorf("the ids are %s, %s, %v", m.MessageID, m.InReplyTo, m.References)
	}
	if want := time.Date(2026, 11, 25, 14, 0, 0, 0, time.UTC); !m.Date.Equal(want) {
		t.Errorf("Date is %v, want %v", m.Date, want)
	}
}

func TestReplyAddress_IsReplyToIfThatIsOneAddress(t *testing.T) {
	t.Parallel()
	for fields, want := range map[string]string{
		"":                               "from@x.test",
		"Reply-To: a@x.test\n":           "a@x.test",
		"Reply-To: A <A@x.test>\n":       "a@x.test",
		"Reply-To: a@x.test, b@x.test\n": "from@x.test",
		"Reply-To: a@x.test\nReply-To: b@x.test\n": "from@x.test",
		"Reply-To: nobody\n":                       "from@x.test",
		"Reply-To: a@localhost\n":                  "from@x.test",
		"Reply-To: <>\n":                           "from@x.test",
		"Reply-To: a@[127.0.0.1]\n":                "from@x.test",
	} {
		if got := parse(t, "From: from@x.test\n"+fields+"\nHello").ReplyAddress().Email; got != want {
			t.Errorf("with %q the answer goes to %q, want %q", fields, got, want)
		}
	}
}

func TestAutomatic_ALocalPartThatNobodyReadsIsToldFromASurname(t *testing.T) {
	t.Parallel()
	for local, want := range map[string]string{
		"noreply": mail.NoReply, "NO-REPLY": mail.NoReply, "no_reply": mail.NoReply, "no.reply": mail.NoReply, "shop-noreply": mail.NoReply, "noreply+7": mail.NoReply,
		"noreply2": mail.NoReply, "do-not-reply": mail.NoReply, "donotreply": mail.NoReply, "do_not_reply.shop": mail.NoReply, "notifications": mail.NoReply,
		"github.notifications": mail.NoReply, "automated": mail.NoReply, "mailer-daemon": mail.Bounce, "postmaster": mail.Bounce,
		"norepl": "", "noreplinski": "", "nora.reply": "", "reply": "", "no": "", "automatedpools": "", "pat.notification-free": mail.NoReply, "casino.reply": "", "i.do.not.swim": "",
	} {
		if got := parse(t, "From: "+local+"@x.test\n\nHello").Automatic; got != want {
			t.Errorf("%s: Automatic = %q, want %q", local, got, want)
		}
	}
}

func TestAutomatic_OnlyKnownPhrasesAtTheBeginningOfASubjectCount(t *testing.T) {
	t.Parallel()
	for subject, want := range map[string]string{
		"Automatic reply: lessons": mail.OutOfOffice, "AUTOMATIC REPLY": mail.OutOfOffice, "Out of office": mail.OutOfOffice, "Out of the Office: back Monday": mail.OutOfOffice,
		"Out of Office - Pat Doe": mail.OutOfOffice, "Auto-Reply: x": mail.OutOfOffice, "Autoreply": mail.OutOfOffice, "Auto Response: x": mail.OutOfOffice,
		"Respuesta automática: x": mail.OutOfOffice, "Abwesenheitsnotiz": mail.OutOfOffice, "Automatische Antwort: x": mail.OutOfOffice, "Réponse automatique : x": mail.OutOfOffice,
		"Resposta automática: x": mail.OutOfOffice, "自动回复: x": mail.OutOfOffice, "OOO: x": mail.OutOfOffice,
		"Auto: insurance question": "", "automatic pool cover": "", "Automatic replycation": "", "Automatic reply wanted?": "", "Out of office party": "", "Out of officers": "",
		"My out of office": "", "Re: Out of office": "", "Question: automatic reply: how?": "", "Autoreplys": "", "Vacation rental": "", "OOOh nice": "", "Ooooo": "",
		"Undeliverable: x": mail.Bounce, "Mail delivery failed: returning": mail.Bounce, "Undeliverable parcels": "", "Delivery of the goggles": "", "failure notice": mail.Bounce, "Failure noticed": "",
	} {
		if got := parse(t, "From: pat@x.test\nSubject: "+subject+"\n\nHello").Automatic; got != want {
			t.Errorf("%q: Automatic = %q, want %q", subject, got, want)
		}
	}
}

func TestAutomatic_FieldsAreReadWithoutRegardToCaseCommentsAndParameters(t *testing.T) {
	t.Parallel()
	for fields, want := range map[string]string{
		"Auto-Submitted: no": "", "auto-submitted: NO": "", "Auto-Submitted: no; x=y": "", "Auto-Submitted: (x (y)) no (z)": "", "Auto-Submitted:": mail.AutoSubmitted,
		"AUTO-SUBMITTED: Auto-Generated": mail.AutoSubmitted, "Auto-Submitted: auto-notified; x": mail.AutoSubmitted, "Auto-Submitted: no\nAuto-Submitted: auto-replied": mail.AutoSubmitted,
		"Auto-Submitted:\n auto-replied": mail.AutoSubmitted, "Auto-Submitted: nope": mail.AutoSubmitted,
		"Precedence: BULK": mail.Bulk, "Precedence: list (x)": mail.List, "Precedence: junk": mail.Bulk, "Precedence: auto_reply": mail.AutoReply, "Precedence: first-class": "", "Precedence: normal": "",
		"X-Autoreply: no": "", "X-Autoreply: yes": mail.AutoReply, "X-Autorespond:": mail.AutoReply,
		"X-Auto-Response-Suppress: none": "", "X-Auto-Response-Suppress: DR, NDR, RN, NRN": "", "X-Auto-Response-Suppress: dr, autoreply": mail.AutoReply,
		"X-Auto-Response-Suppress: oof": mail.AutoReply, "X-Auto-Response-Suppress: all": mail.AutoReply,
		"Return-Path: <>": mail.Bounce, "Return-Path: < >": mail.Bounce, "Return-Path: <pat@x.test>": "",
		"List-Id:": "", "List-Id: x": mail.List, "List-Help: x": "",
		"Feedback-ID: 1:2:3:shop": mail.Bulk, "Feedback-ID: 1:user:proton": "", "Feedback-ID: rr:zu:rf\nX-ZohoMailClient: External": "",
		"X-Google-DKIM-Signature: v=1": "", "X-Google-Smtp-Source: abc": "", "X-Mailer: Outlook": "",
	} {
		if got := parse(t, "From: pat@x.test\n"+fields+"\nSubject: x\n\nHello").Automatic; got != want {
			t.Errorf("%q: Automatic = %q, want %q", fields, got, want)
		}
	}
}

func TestUnauthenticated_OnlyGmailsOwnTopmostVerdictCounts(t *testing.T) {
	t.Parallel()
	for results, want := range map[string]bool{
		"Authentication-Results: mx.google.com; spf=pass; dmarc=fail (p=REJECT) header.from=x.test":            true,
		"authentication-results: MX.Google.com;\n       dkim=fail;\n       DMARC=Fail header.from=x.test":      true,
		"Authentication-Results: mx.google.com 1; dmarc = fail":                                                true,
		"Authentication-Results: mx.google.com; dmarc=pass header.from=x.test":                                 false,
		"Authentication-Results: mx.google.com; dmarc=failure":                                                 false,
		"Authentication-Results: mx.google.com; spf=fail; dkim=fail":                                           false,
		"Authentication-Results: mx.google.com.evil.test; dmarc=fail":                                          false,
		"Authentication-Results: mx.google.com; dmarc=pass\nAuthentication-Results: mx.google.com; dmarc=fail": false,
		"Authentication-Results: mx.google.com; dmarc=fail\nAuthentication-Results: mx.google.com; dmarc=pass": true,
		"ARC-Authentication-Results: i=1; mx.google.com; dmarc=fail":                                           false,
		"Authentication-Results: mx.google.com; x=\"(dmarc=fail\"; dmarc=pass":                                 false,
		"X-A: b": false,
	} {
		if got := parse(t, "From: pat@x.test\n"+results+"\n\nHello").Unauthenticated; got != want {
			t.Errorf("%q: Unauthenticated = %v, want %v", results, got, want)
		}
	}
}

func TestSaid_NothingThatTheSenderWroteIsLost(t *testing.T) {
	t.Parallel()
	const attribution = "On Wed, Nov 25, 2026 at 2:00 PM School <hello@school.test> wrote:\n"
	for name, test := range map[string]struct{ body, want string }{
		"only an answer":                     {"Yes", "Yes"},
		"below the quote":                    {attribution + "> Which day?\n\nTuesday", "Tuesday"},
		"between two quotes":                 {"> a\none\n> b\ntwo\n> c", "one\ntwo"},
		"signature, then quote, then answer": {"-- \nPat\n\n" + attribution + "> a\nanswer", "answer"},
		"two signatures":                     {"one\n-- \nPat\n> a\ntwo\n-- \nPat", "one\ntwo"},
		"signature first":                    {"--\nPat\n\nCan we come?", "Can we come?"},
		"only a signature":                   {"-- \nPat Doe", "--\nPat Doe"},
		"telephone's signature first":        {"Sent from my iPad\nhello", "hello"},
		"Outlook's signature in the middle":  {"a\nGet Outlook for iOS\nb", "a\nb"},
		"a list with dashes":                 {"we need\n-- two places\n--\n", "we need\n-- two places"},
		"dashes without a meaning":           {"a\n-----\nb\n___\nc", "a\n-----\nb\n___\nc"},
		"a greater than":                     {"if x > 5 then", "if x > 5 then"},
		"a sentence that ends in wrote":      {"On 3 May 2026 we paid.\nMy son wrote:\nthanks", "On 3 May 2026 we paid.\nMy son wrote:\nthanks"},
		"a From line of their own":           {"From: Monday\nTo: Friday", "From: Monday\nTo: Friday"},
		"an empty quote":                     {attribution, strings.TrimSpace(attribution)},
		"Sent from a place":                  {"Sent from the office in Houston, see you", "Sent from the office in Houston, see you"},
		"Portuguese that begins with a name": {"Sim\n\nEscola <a@b.test> escreveu no dia quarta, 25/11/2026 à(s) 14:00:\n> Terça?", "Sim"},
		"an address and wrote":               {"Mine is pat@x.test\nMy son wrote:\nhello", "Mine is pat@x.test\nMy son wrote:\nhello"},
		"Dutch":                              {"Ja\n\nOp wo 25 nov 2026 om 14:00 schreef School <a@b.test>:\n> Dinsdag?", "Ja"},
		"Italian":                            {"Sì\n\nIl giorno mer 25 nov 2026 alle ore 14:00 School <a@b.test> ha scritto:\n> Martedì?", "Sì"},
		"Spanish signature":                  {"Hola\n\nEnviado desde mi iPhone\n", "Hola"},
		"German signature":                   {"Hallo\n\nVon meinem iPhone gesendet\n", "Hallo"},
		"French block":                       {"Oui\n\nDe : École <a@b.test>\nEnvoyé : mercredi 25 novembre 2026 14:00\nÀ : Pat\nObjet : Cours\n\nMardi ?", "Oui"},
		"Spanish block":                      {"Sí\n\nDe: Escuela <a@b.test>\nEnviado: miércoles, 25 de noviembre de 2026\nPara: Pat\nAsunto: Clases\n\n¿Martes?", "Sí"},
		"rule and block":                     {"Ok\n________________________________\nFrom: a\nSent: b\nTo: c\nSubject: d\n\nold", "Ok"},
	} {
		if got := parse(t, "From: pat@x.test\n\n"+test.body).Said.Reveal(); got != test.want {
			t.Errorf("%s: Said = %q, want %q", name, got, test.want)
		}
	}
}

func TestSaid_IsBoundedAndNeverCutsACharacter(t *testing.T) {
	t.Parallel()
	m := parse(t, "From: pat@x.test\nContent-Type: text/plain; charset=utf-8\n\n"+strings.Repeat("é 🏊", 50_000))
	checkClean(t, m)
	if n := len([]rune(m.Said.Reveal())); n < mail.MaxText-1 {
		t.Errorf("Said has %d characters", n)
	}
}

func TestParse_HTMLBecomesLinesWithoutWhatIsHidden(t *testing.T) {
	t.Parallel()
	for source, want := range map[string]string{
		"a<br>b<br/>c<p>d</p>e<div>f</div>":                                  "a\nb\nc\nd\ne\nf",
		"<ul><li>a<li>b</ul>":                                                "a\nb",
		"<b>bo</b>ld and<i> it</i> ":                                         "bold and it",
		"a<style>p{}</style><script>x()</script><!-- y -->b":                 "ab",
		"<p style='DISPLAY : none'>x</p>a":                                   "a",
		"<div hidden><div>x</div>y</div>a":                                   "a",
		"<div style=display:none><p>x<p>y</div>a":                            "a",
		"<span style='font-size:0'>x</span>a":                                "a",
		"<span style='font-size:0.9em'>x</span>a":                            "xa",
		"<img src=x alt=track>a":                                             "a",
		"<pre>a\n  b</pre>":                                                  "a\nb",
		"<table><tr><td>a</td><td> b </td></tr><tr><td>c</td></tr></table>":  "a | b\nc",
		"<table><tr><td><div>a</div></td><td><div>b</div></td></tr></table>": "a\nb",
		"<blockquote type=cite>q</blockquote>a":                              "> q\na",
		"<blockquote>q<blockquote>r</blockquote></blockquote>":               "> q\n>> r",
		"<title>t</title><textarea>x</textarea>a":                            "a",
		"a &amp; b &lt;c&gt; &copy; &bogus;":                                 "a & b <c> © &bogus;",
		"":                                                                   "",
	} {
		if got := parse(t, "From: pat@x.test\nContent-Type: text/html\n\n"+source).Whole.Reveal(); got != want {
			t.Errorf("%q reads as %q, want %q", source, got, want)
		}
	}
}

func TestForm_TheSubjectDecides(t *testing.T) {
	t.Parallel()
	for subject, want := range map[string]bool{
		"Get In Touch Form Submission": true, "get in touch form submission #7": true, "FWD: Re: fyi: FW: Get In Touch": true, "Re: Get In Touch": true,
		"Please Get In Touch": false, "Get In": false, "": false, "Getintouch": false,
	} {
		m := parse(t, "From: a@b.test\nSubject: "+subject+"\n\nName: Pat Doe")
		if _, ok := m.Form([]string{" ", "", " get in touch "}); ok != want {
			t.Errorf("%q is a form: %v, want %v", subject, ok, want)
		}
		for _, none := range [][]string{nil, {}, {""}, {" \t"}} {
			if _, ok := m.Form(none); ok {
				t.Errorf("%q is a form without a prefix", subject)
			}
		}
	}
}

func TestForm_ANumberIsReadAsPeopleWriteIt(t *testing.T) {
	t.Parallel()
	for given, want := range map[string]string{
		"5555550142": "+15555550142", "555-555-0142": "+15555550142", "(555) 555-0142": "+15555550142", "1 (555) 555-0142": "+15555550142", "+1 555.555.0142": "+15555550142",
		"555-555-0142 ext 7": "+15555550142", "555 555 0142 x123": "+15555550142", "tel:+15555550142": "+15555550142", "555-555-0142 (cell)": "+15555550142", "+44 20 7946 0142": "+442079460142",
		"055-555-0142": "", "555-055-0142": "", "555-0142": "", "555-555-0142 or 555-555-0143": "", "none": "", "1-800-SWIMMER": "", "25555550142": "", "5555550142@x.test": "",
	} {
		f, ok := parse(t, "From: a@b.test\nSubject: form\n\nPhone: "+given).Form([]string{"form"})
		if !ok || f.Phone.E164() != want {
			t.Errorf("%q is read as %q, want %q", given, f.Phone.E164(), want)
		}
		if kept := f.Fields["Phone"]; (want == "") != (kept == given) {
			t.Errorf("%q is kept as %q", given, kept)
		}
	}
}

func TestForm_TheCustomersNameIsChosenAndTheOthersAreKept(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]struct {
		name   string
		fields map[string]string
	}{
		"Name: Pat Doe":                                   {"Pat Doe", map[string]string{}},
		"First Name: Pat\nLast Name: Doe":                 {"Pat Doe", map[string]string{}},
		"First Name: Pat\nSurname: Doe":                   {"Pat Doe", map[string]string{}},
		"First Name: Pat":                                 {"Pat", map[string]string{}},
		"Student Name: Tim Doe\nParent Name: Pat Doe":     {"Pat Doe", map[string]string{"Student Name": "Tim Doe"}},
		"Parent/Guardian: Pat Doe\nName: Tim":             {"Pat Doe", map[string]string{"Name": "Tim"}},
		"Parent's Name: Pat Doe":                          {"Pat Doe", map[string]string{}},
		"Student Name: Tim Doe":                           {"Tim Doe", map[string]string{}},
		"Student First Name: Tim\nStudent Last Name: Doe": {"Tim Doe", map[string]string{}},
		"Name: Анна Каренина":                             {"Анна Каренина", map[string]string{}},
		"Name: أحمد":                                      {"أحمد", map[string]string{}},
		"Name: O'Neil-Smith, Jr.":                         {"O'Neil-Smith, Jr.", map[string]string{}},
		"Name: pat@x.test":                                {"", map[string]string{"Name": "pat@x.test"}},
		"Name: 555-555-0142":                              {"", map[string]string{"Name": "555-555-0142"}},
		"Name: www.win.test":                              {"", map[string]string{"Name": "www.win.test"}},
		"Name: Pat 😀":                                     {"", map[string]string{"Name": "Pat 😀"}},
		"Name: P":                                         {"", map[string]string{"Name": "P"}},
		"Name: Pat Doe\nName: Sam Roe":                    {"Pat Doe", map[string]string{"Name": "Sam Roe"}},
		"Name: " + strings.Repeat("Pat ", 20):             {"", map[string]string{"Name": strings.TrimSpace(strings.Repeat("Pat ", 20))}},
	} {
		f, _ := parse(t, "From: Sender <a@b.test>\nSubject: form\nContent-Type: text/plain; charset=utf-8\n\n"+body).Form([]string{"form"})
		if f.Name != want.name {
			t.Errorf("%q: the name is %q, want %q", body, f.Name, want.name)
		}
		if diff := cmp.Diff(want.fields, f.Fields); diff != "" {
			t.Errorf("%q: %s", body, diff)
		}
	}
}

func TestForm_NoValueIsLost(t *testing.T) {
	t.Parallel()
	f, _ := parse(t, "From: a@b.test\nSubject: form\n\nEmail: sam@x.test, kim@x.test\nE-mail: pat@x.test\nPreferred time: after 5:30 pm\nWebsite: https://x.test/a?b=c\n"+
		"Swim level (if known): Turtle 2\nAddress: 12 Main St\nHouston, TX\n¿Edad?: 4\nComments:\nfirst line\n\nsecond line: with a colon, and more\nat 10:30 sharp\n").Form([]string{"form"})
	want := map[string]string{
		"Email": "sam@x.test, kim@x.test", "Preferred time": "after 5:30 pm", "Website": "https://x.test/a?b=c", "Swim level (if known)": "Turtle 2",
		"Address": "12 Main St Houston, TX", "¿Edad?": "4", "Comments": "first line second line: with a colon, and more at 10:30 sharp",
	}
	if f.Email != "pat@x.test" {
		t.Errorf("the e-mail is %q", f.Email)
	}
	if diff := cmp.Diff(want, f.Fields); diff != "" {
		t.Error(diff)
	}
}

func TestForm_IsBounded(t *testing.T) {
	t.Parallel()
	var body strings.Builder
	for i := range 200 {
		body.WriteString("Label " + strings.Repeat("x", i%70) + ": " + strings.Repeat("é", 600) + "\n")
	}
	f, ok := parse(t, "From: a@b.test\nSubject: form\nContent-Type: text/plain; charset=utf-8\n\n"+body.String()).Form([]string{"form"})
	if !ok || len(f.Fields) != 40 {
		t.Errorf("%d fields", len(f.Fields))
	}
	checkForm(t, f)
}

func TestForm_RowsAndUnknownLabelsInTheirOwnLinesAreKept(t *testing.T) {
	t.Parallel()
	f, _ := parse(t, "From: a@b.test\nSubject: form\n\nYou have mail.\n\nName | Pat Doe | Email | pat@x.test\n\nPhone\n555-555-0142\nFavorite color\nblue\n").Form([]string{"Re: FORM"})
	if f.Name != "Pat Doe" || f.Email != "pat@x.test" || f.Phone.E164() != "+15555550142" {
		t.Errorf("the form is %+v", f)
	}
	if diff := cmp.Diff(map[string]string{"Other": "Favorite color blue"}, f.Fields); diff != "" {
		t.Error(diff)
	}
}
