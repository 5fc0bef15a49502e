package mailbox

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/chattercheatah/chattercheatah/shared/crash"
	"github.com/chattercheatah/chattercheatah/shared/fault"
	"github.com/chattercheatah/chattercheatah/shared/gmail"
	"github.com/chattercheatah/chattercheatah/shared/google"
	"github.com/chattercheatah/chattercheatah/shared/mail"
	"github.com/chattercheatah/chattercheatah/shared/private"
	"github.com/chattercheatah/chattercheatah/shared/reply"
	"github.com/chattercheatah/chattercheatah/shared/store"
)

const mostAttempts = 12 // to make something of a mail, over about a day

// In the crash test's build the times are shorter.
var (
	// What writes more than that is no person.
	limits    = store.MailLimits{InThread: 5, ToOne: 10, Wait: crash.Quick(2 * time.Second)}
	handWait  = crash.Quick(5 * time.Second) // for what people have written in its thread to be looked at
	fetchWait = crash.Quick(time.Minute)     // before the second attempt to make something of a mail; twice as long before each one after
)

// What can come of a mail, besides the outcomes of store.MailOutcome.
const (
	DoneNone      Done = "no_such_mail"
	DoneAlready   Done = "already_done"
	DoneNotDue    Done = "not_due"
	DonePostponed Done = "postponed"
	DoneFailed    Done = "failed" // given up; its row says why
)

// Work makes of one mail what it calls for. An error means that the same task should come again.
func (w *Worker) Work(ctx context.Context, t *store.Tenant, emailID int64) (Done, error) {
	crash.Point("mail.received")
	e, m, err := t.Email(ctx, emailID)
	switch {
	case notFound(err):
		return DoneNone, nil
	case err != nil:
		return "", err
	case !e.Open:
		return DoneAlready, nil
	case !e.Due:
		return DoneNotDue, nil // the sweeper's turn
	}
	made, err := w.take(ctx, t, e, m)
	if err != nil {
		return w.postpone(ctx, t, e, m, "not_fetched", err)
	}
	crash.Point("mail.taken")
	o, err := t.RecordMail(ctx, e.ID, made, limits)
	switch {
	case err != nil && fault.KindOf(err) == fault.Unavailable:
		return "", err
	case err != nil: // this mail is not one that can be kept
		return w.postpone(ctx, t, e, m, "not_kept", err)
	case o.Outcome == "wait":
		_, err := t.PostponeMail(ctx, e.ID, handWait, false, mostAttempts, "answered_by_hand")
		return DonePostponed, errors.Join(err, w.Queue.PutMail(ctx, t.Scope().ID(), e.ID, w.Now().Add(handWait+time.Second)))
	case o.ReplyID == 0:
		return doneOf(o), nil
	}
	crash.Point("mail.recorded")
	return Done(o.Outcome), w.Queue.PutReply(ctx, t.Scope().ID(), o.ReplyID, o.ActAt)
}

// doneOf tells the reason too, such as "ignored: list".
func doneOf(o store.MailOutcome) Done {
	if o.Why == "" {
		return Done(o.Outcome)
	}
	return Done(o.Outcome + ": " + o.Why)
}

// postpone has a mail that could not be fetched, or not be kept, looked at again, ever later. While Google refuses the grant nothing is tried.
func (w *Worker) postpone(ctx context.Context, t *store.Tenant, e store.Email, m store.Mailbox, reason string, cause error) (Done, error) {
	is, err := refused(ctx, w.Log, t, m, cause)
	if err != nil {
		return "", err
	}
	wait := min(fetchWait<<e.Attempts, 4*time.Hour)
	failed, err := t.PostponeMail(context.WithoutCancel(ctx), e.ID, wait, !is, mostAttempts, reason)
	if err != nil {
		return "", err
	}
	if failed {
		w.Log.ErrorContext(ctx, "a mail is given up", "tenant_id", t.Scope().ID(), "email_id", e.ID, "error", cause)
		return DoneFailed, nil
	}
	w.Log.WarnContext(ctx, "nothing could be made of a mail", "tenant_id", t.Scope().ID(), "email_id", e.ID, "error", cause)
	return DonePostponed, nil
}

// take fetches a mail and says what it is.
func (w *Worker) take(ctx context.Context, t *store.Tenant, e store.Email, m store.Mailbox) (store.MailMade, error) {
	if e.Mailbox != m.Address {
		return ignored("not_connected"), nil
	}
	if !m.GrantFailed.IsZero() {
		return store.MailMade{}, google.ErrGrant
	}
	got, err := w.Gmail.Message(ctx, grantOf(t, m), e.GmailID, mail.MaxRaw)
	if errors.Is(err, gmail.ErrNoMessage) {
		return ignored("deleted"), nil
	}
	if err != nil {
		return store.MailMade{}, err
	}
	return classify(e, m, got), nil
}

func ignored(why string) store.MailMade {
	return store.MailMade{Kind: store.MailIgnored, Why: why}
}

// classify takes a mail for what it is. A form is one whoever sent it; all that a machine wrote, or one of us, is left alone.
func classify(e store.Email, m store.Mailbox, got gmail.Message) store.MailMade {
	parsed, err := mail.Parse(got.Raw)
	if err != nil {
		return at(got, ignored("unreadable"))
	}
	if e.ByHand {
		return at(got, byHand(parsed))
	}
	for _, label := range []string{"SPAM", "TRASH", "DRAFT", "CHAT"} {
		if slices.Contains(got.Labels, label) {
			return at(got, ignored(strings.ToLower(label)))
		}
	}
	if form, is := parsed.Form(m.LeadSubjectPrefixes); is {
		return at(got, formOf(parsed, form))
	}
	if why := leaveAlone(m, parsed); why != "" {
		return at(got, ignored(why))
	}
	return at(got, written(m, parsed))
}

// at gives a mail the time at which Gmail received it.
func at(got gmail.Message, made store.MailMade) store.MailMade {
	made.Received = got.Received
	return made
}

// leaveAlone says why a mail is not one that somebody waits for an answer to; "" when it is.
func leaveAlone(m store.Mailbox, parsed *mail.Message) string {
	switch {
	case parsed.From.Email == "" || parsed.ReplyAddress().Email == "":
		return "no_sender"
	case parsed.From.Email == m.Address || parsed.ReplyAddress().Email == m.Address:
		return "our_own"
	case parsed.Automatic != "":
		return parsed.Automatic
	case parsed.Unauthenticated:
		return "unauthenticated"
	}
	return ""
}

func common(kind store.MailKind, parsed *mail.Message, text private.Text) store.MailMade {
	return store.MailMade{
		Kind: kind, From: parsed.From.Email, Name: parsed.From.Name, ReplyTo: parsed.ReplyAddress().Email, Subject: parsed.Subject,
		MessageID: parsed.MessageID, References: parsed.References, Text: text, Attachments: len(parsed.Attachments), Via: parsed.Via,
	}
}

// byHand is what somebody of the tenant wrote, or one of our own that was not known to be yet. What another program sends from the mailbox is
// neither.
func byHand(parsed *mail.Message) store.MailMade {
	made := common(store.MailByHand, parsed, parsed.Said)
	if made.Token = mail.TokenOf(parsed.MessageID); made.Token == "" && parsed.Automatic != "" {
		return ignored(parsed.Automatic)
	}
	return made
}

func formOf(parsed *mail.Message, form mail.Form) store.MailMade {
	made := common(store.MailForm, parsed, parsed.Whole)
	if made.From == "" {
		made.From = "unknown@mail.invalid" // the form says who it is about, and nothing goes to its sender
	}
	made.Lead = store.MailLead{Name: form.Name, Email: form.Email, Phone: form.Phone, Details: form.Fields}
	return made
}

func written(m store.Mailbox, parsed *mail.Message) store.MailMade {
	made := common(store.MailWritten, parsed, withSubject(parsed))
	wish := parsed.Said
	if wish.IsZero() {
		wish = private.NewText(parsed.Subject)
	}
	made.Keyword = reply.MailKeyword(wish)
	if k := mentioned(made.Text, m.EscalationKeywords); k != "" {
		made.Flag = "mentions: " + k
	}
	return made
}

// withSubject is what somebody wrote, under the subject of a mail that begins a thread.
func withSubject(parsed *mail.Message) private.Text {
	if parsed.Subject == "" || strings.EqualFold(mail.ReplySubject(parsed.Subject), parsed.Subject) {
		return parsed.Said
	}
	return private.NewText(strings.TrimSpace(fmt.Sprintf("Subject: %s\n\n%s", parsed.Subject, parsed.Said.Reveal())))
}

// mentioned is the first of keywords that stands in text as words, in any case; "" when none does.
func mentioned(text private.Text, keywords []string) string {
	words := " " + wordsOf(text.Reveal()) + " "
	for _, k := range keywords {
		if w := wordsOf(k); w != "" && strings.Contains(words, " "+w+" ") {
			return k
		}
	}
	return ""
}

func wordsOf(s string) string {
	return strings.Join(strings.FieldsFunc(strings.ToLower(s), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsNumber(r) }), " ")
}
