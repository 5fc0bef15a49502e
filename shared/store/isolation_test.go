package store_test

import (
	"context"
	"fmt"
	"reflect"
	"strconv"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/chattercheatah/chattercheatah/shared/fault"
	"github.com/chattercheatah/chattercheatah/shared/private"
	"github.com/chattercheatah/chattercheatah/shared/prompt"
	"github.com/chattercheatah/chattercheatah/shared/store"
	"github.com/chattercheatah/chattercheatah/shared/store/storetest"
	"github.com/chattercheatah/chattercheatah/shared/tenant"
)

// target is what one tenant tries to reach: rows of another, or rows that nobody has.
type target struct {
	conversation int64
	message      int64
	reply        int64
	phone        private.Phone
	number       private.Phone
	bundle       int64
	lead         int64
	person       int64
	call         int64
	contact      int64
	callName     string
	booking      int64     // held
	confirmed    int64     // a booking too
	slot         time.Time // of the one that is held
	calendar     store.Calendar
	mailbox      store.Mailbox
	email        int64 // noticed
	mailReply    int64
	dead         int64 // a rejected reply
	sealed       store.Sealed
}

// reaches holds, for each exported method of *store.Tenant, a call that uses every way it has to name a row.
var reaches = map[string]func(ctx context.Context, t *store.Tenant, at target) (any, error){
	"RecordInbound": func(ctx context.Context, t *store.Tenant, at target) (any, error) {
		return t.RecordInbound(ctx, text(at.phone, at.number, "hello", "intruder"))
	},
	"ClaimReply": func(ctx context.Context, t *store.Tenant, at target) (any, error) {
		r, standing, err := t.ClaimReply(ctx, prompt.SMS, at.reply, time.Minute, 40)
		return []any{r, standing}, err
	},
	"Reply": func(ctx context.Context, t *store.Tenant, at target) (any, error) {
		return t.Reply(ctx, prompt.Email, at.mailReply)
	},
	"NextReply": func(ctx context.Context, t *store.Tenant, _ target) (any, error) {
		return t.NextReply(ctx, prompt.SMS, 40)
	},
	"BeginSend": func(ctx context.Context, t *store.Tenant, at target) (any, error) {
		return nil, t.BeginSend(ctx, at.asReply(), store.Composed{Text: private.NewText("x")}, time.Minute)
	},
	"AcceptReply": func(ctx context.Context, t *store.Tenant, at target) (any, error) {
		return nil, t.AcceptReply(ctx, at.reply, "stolen")
	},
	"DraftReply": func(ctx context.Context, t *store.Tenant, at target) (any, error) {
		return nil, t.DraftReply(ctx, at.asReply(), "stolen")
	},
	"PostponeReply": func(ctx context.Context, t *store.Tenant, at target) (any, error) {
		return nil, t.PostponeReply(ctx, at.asReply(), 0)
	},
	"SuppressReply": func(ctx context.Context, t *store.Tenant, at target) (any, error) {
		return nil, t.SuppressReply(ctx, at.asReply(), "x")
	},
	"OptedOutAtProvider": func(ctx context.Context, t *store.Tenant, at target) (any, error) {
		return nil, t.OptedOutAtProvider(ctx, at.asReply())
	},
	"RejectReply": func(ctx context.Context, t *store.Tenant, at target) (any, error) {
		return nil, t.RejectReply(ctx, at.asReply(), "x")
	},
	"FlagConversation": func(ctx context.Context, t *store.Tenant, at target) (any, error) {
		return nil, t.FlagConversation(ctx, at.conversation, "x")
	},
	"LoseTrack": func(ctx context.Context, t *store.Tenant, at target) (any, error) {
		return nil, t.LoseTrack(ctx, at.asReply(), 0)
	},
	"LookAgain": func(ctx context.Context, t *store.Tenant, at target) (any, error) {
		return nil, t.LookAgain(ctx, at.asReply(), 0)
	},
	"StopLooking": func(ctx context.Context, t *store.Tenant, at target) (any, error) {
		return nil, t.StopLooking(ctx, at.asReply())
	},
	"SendAgain": func(ctx context.Context, t *store.Tenant, at target) (any, error) {
		return nil, t.SendAgain(ctx, at.asReply())
	},
	"RecordDelivery": func(ctx context.Context, t *store.Tenant, at target) (any, error) {
		known, failed, err := t.RecordDelivery(ctx, store.DeliveryReport{ProviderMessageID: "accepted-1042", To: at.phone, Text: private.NewText("answer"), State: store.Undelivered})
		return []any{known, failed}, err
	},
	"ConversationWith": func(ctx context.Context, t *store.Tenant, at target) (any, error) {
		return t.ConversationWith(ctx, at.phone)
	},
	"Conversations": func(ctx context.Context, t *store.Tenant, at target) (any, error) {
		return t.Conversations(ctx, store.ConversationFilter{}, store.Place{At: time.Now().Add(time.Hour), ID: at.conversation}, 100)
	},
	"Conversation": func(ctx context.Context, t *store.Tenant, at target) (any, error) {
		return t.Conversation(ctx, at.conversation)
	},
	"Messages": func(ctx context.Context, t *store.Tenant, at target) (any, error) {
		return t.Messages(ctx, at.conversation, store.Place{}, 100)
	},
	"PlanStaffText": func(ctx context.Context, t *store.Tenant, at target) (any, error) {
		return t.PlanStaffText(ctx, store.StaffText{ConversationID: at.conversation, Text: private.NewText("hello"), Key: "theirs"})
	},
	"DeadLetters": func(ctx context.Context, t *store.Tenant, _ target) (any, error) {
		return t.DeadLetters(ctx, "", store.DeadLetterPlace{}, 100)
	},
	"ReplayDeadLetter": func(ctx context.Context, t *store.Tenant, at target) (any, error) {
		return t.ReplayDeadLetter(ctx, store.DeadText, at.dead)
	},
	"CreateLead": func(ctx context.Context, t *store.Tenant, at target) (any, error) {
		return t.CreateLead(ctx, store.Lead{Name: "Mine", ConversationID: at.conversation, Status: "new", Source: "manual"})
	},
	"Lead": func(ctx context.Context, t *store.Tenant, at target) (any, error) { return t.Lead(ctx, at.lead) },
	"Leads": func(ctx context.Context, t *store.Tenant, at target) (any, error) {
		return t.Leads(ctx, store.LeadFilter{Phone: at.phone}, store.Place{At: time.Now().Add(time.Hour), ID: at.lead}, 100)
	},
	"ChangeLead": func(ctx context.Context, t *store.Tenant, at target) (any, error) {
		return t.ChangeLead(ctx, at.lead, store.LeadChange{Name: new("Stolen")})
	},
	"DeleteLead": func(ctx context.Context, t *store.Tenant, at target) (any, error) {
		return nil, t.DeleteLead(ctx, at.lead)
	},
	"CreatePerson": func(ctx context.Context, t *store.Tenant, _ target) (any, error) {
		made, err := t.CreatePerson(ctx, fmt.Sprintf("person-%d@sampledental.test", time.Now().UnixNano()), tenant.Member, private.NewSecret("hash"))
		return made.Role, err
	},
	"Person": func(ctx context.Context, t *store.Tenant, at target) (any, error) { return t.Person(ctx, at.person) },
	"People": func(ctx context.Context, t *store.Tenant, at target) (any, error) {
		return t.People(ctx, at.person-1, 100)
	},
	"ChangePerson": func(ctx context.Context, t *store.Tenant, at target) (any, error) {
		return t.ChangePerson(ctx, at.person, store.PersonChange{Role: new(tenant.Admin), Active: new(false), PasswordHash: new(private.NewSecret("stolen"))})
	},
	"TakeOver": func(ctx context.Context, t *store.Tenant, at target) (any, error) {
		return t.TakeOver(ctx, at.conversation)
	},
	"HandBack": func(ctx context.Context, t *store.Tenant, at target) (any, error) {
		return t.HandBack(ctx, at.conversation)
	},
	"SMSSettings": func(ctx context.Context, t *store.Tenant, _ target) (any, error) { return t.SMSSettings(ctx) },
	"ChangeSMSSettings": func(ctx context.Context, t *store.Tenant, _ target) (any, error) {
		wait := 7 * time.Second
		return t.ChangeSMSSettings(ctx, store.SMSSettingsChange{ReplyWait: &wait})
	},
	"ConfigureSMS": func(ctx context.Context, t *store.Tenant, _ target) (any, error) {
		return t.ConfigureSMS(ctx, store.SMSConfigChange{TelnyxProfileID: new("profile")})
	},
	"SMSConfig": func(ctx context.Context, t *store.Tenant, _ target) (any, error) { return t.SMSConfig(ctx) },
	"SpentOnTrial": func(ctx context.Context, t *store.Tenant, _ target) (any, error) {
		return nil, t.SpentOnTrial(ctx, store.Spent{Model: "m", PromptTokens: 1})
	},
	"CountUsage": func(ctx context.Context, t *store.Tenant, _ target) (any, error) { return t.CountUsage(ctx) },
	"Usage": func(ctx context.Context, t *store.Tenant, _ target) (any, error) {
		return t.Usage(ctx, time.Now().AddDate(0, -1, 0), time.Now().AddDate(0, 1, 0))
	},
	"ExportPerson": func(ctx context.Context, t *store.Tenant, at target) (any, error) {
		document, err := t.ExportPerson(ctx, store.Customer{Phone: at.phone})
		return string(document), err
	},
	"ErasePerson": func(ctx context.Context, t *store.Tenant, at target) (any, error) {
		e, err := t.ErasePerson(ctx, store.Customer{Phone: at.phone})
		return e.Erased, err
	},
	"Erasures": func(ctx context.Context, t *store.Tenant, _ target) (any, error) {
		found, err := t.Erasures(ctx, 0, 10)
		return len(found) > 1, err
	},
	"Retention": func(ctx context.Context, t *store.Tenant, _ target) (any, error) { return t.Retention(ctx) },
	"KeepFor": func(ctx context.Context, t *store.Tenant, _ target) (any, error) {
		return nil, t.KeepFor(ctx, store.Retention{LeadsDays: new(400)})
	},
	"EraseOld": func(ctx context.Context, t *store.Tenant, _ target) (any, error) {
		erased, more, err := t.EraseOld(ctx, 10)
		return []any{erased, more}, err
	},
	"SealedBefore": func(ctx context.Context, t *store.Tenant, _ target) (any, error) { return t.SealedBefore(ctx) },
	"Reseal": func(ctx context.Context, t *store.Tenant, at target) (any, error) {
		return nil, t.Reseal(ctx, at.sealed)
	},
	"ConfigureVoice": func(ctx context.Context, t *store.Tenant, _ target) (any, error) {
		return t.ConfigureVoice(ctx, store.VoiceConfigChange{TransferPhone: new(private.MustPhone("+15555550196"))})
	},
	"VoiceConfig": func(ctx context.Context, t *store.Tenant, _ target) (any, error) { return t.VoiceConfig(ctx) },
	"ConfigureCustomerService": func(ctx context.Context, t *store.Tenant, _ target) (any, error) {
		return t.ConfigureCustomerService(ctx, store.CustomerServiceConfigChange{JackrabbitOrgID: new("545911")})
	},
	"CustomerServiceConfig": func(ctx context.Context, t *store.Tenant, _ target) (any, error) { return t.CustomerServiceConfig(ctx) },
	"ConfigureCalendar": func(ctx context.Context, t *store.Tenant, _ target) (any, error) {
		return t.ConfigureCalendar(ctx, store.CalendarConfigChange{GoogleEmail: new("mine@sampledental.test")})
	},
	"CalendarConfig": func(ctx context.Context, t *store.Tenant, _ target) (any, error) { return t.CalendarConfig(ctx) },
	"Calendar":       func(ctx context.Context, t *store.Tenant, _ target) (any, error) { return t.Calendar(ctx) },
	"CalendarGrantFailed": func(ctx context.Context, t *store.Tenant, at target) (any, error) {
		return t.CalendarGrantFailed(ctx, at.calendar)
	},
	"NoticeMails": func(ctx context.Context, t *store.Tenant, at target) (any, error) {
		return nil, t.NoticeMails(ctx, at.mailbox.Address, []store.Listed{{ID: "by-hand", ThreadID: "thread", ByHand: true}, {ID: "mine", ThreadID: "mine"}})
	},
	"Email": func(ctx context.Context, t *store.Tenant, at target) (any, error) {
		e, m, err := t.Email(ctx, at.email)
		return []any{e, m.Address}, err
	},
	"RecordMail": func(ctx context.Context, t *store.Tenant, at target) (any, error) {
		return t.RecordMail(ctx, at.email, written("somebody@exampleco.test", "stolen"), store.MailLimits{InThread: 5, ToOne: 10})
	},
	"PostponeMail": func(ctx context.Context, t *store.Tenant, at target) (any, error) {
		return t.PostponeMail(ctx, at.email, time.Hour, true, 1, "stolen")
	},
	"MailboxRead": func(ctx context.Context, t *store.Tenant, at target) (any, error) {
		again, _, err := t.MailboxRead(ctx, at.mailbox, 1<<40, false, private.NewSecret("stolen"), time.Time{})
		return again, err
	},
	"EmailSettings": func(ctx context.Context, t *store.Tenant, _ target) (any, error) { return t.EmailSettings(ctx) },
	"ChangeEmailSettings": func(ctx context.Context, t *store.Tenant, _ target) (any, error) {
		return t.ChangeEmailSettings(ctx, store.EmailSettingsChange{Signature: new("Mine")})
	},
	"ConnectMailbox": func(ctx context.Context, t *store.Tenant, _ target) (any, error) {
		c, err := t.ConnectMailbox(ctx, store.MailboxGrant{Address: mailboxOf(t.Scope().ID()), RefreshToken: private.NewSecret("a grant of mine")})
		c.Again = false // the first time or another makes no difference here
		return c, err
	},
	"WatchStarted": func(ctx context.Context, t *store.Tenant, at target) (any, error) {
		return nil, t.WatchStarted(ctx, at.mailbox.Address, time.Now().Add(time.Hour))
	},
	"Mailbox": func(ctx context.Context, t *store.Tenant, _ target) (any, error) { return t.Mailbox(ctx) },
	"MailboxGrantFailed": func(ctx context.Context, t *store.Tenant, at target) (any, error) {
		return t.MailboxGrantFailed(ctx, at.mailbox, private.NewText("x"))
	},
	"DisconnectMailbox": func(ctx context.Context, t *store.Tenant, at target) (any, error) {
		return nil, t.DisconnectMailbox(ctx, at.mailbox.Address)
	},
	"HoldBooking": func(ctx context.Context, t *store.Tenant, at target) (any, error) {
		k, hold, texting, err := t.HoldBooking(ctx, store.BookingRequest{
			Start: at.slot, End: at.slot.Add(time.Hour), Customer: at.phone, Name: "Mine", Topic: "Mine", Language: "en", Lease: time.Minute, Most: 1,
		})
		return []any{k.State, hold, texting}, err
	},
	"Booking": func(ctx context.Context, t *store.Tenant, at target) (any, error) { return t.Booking(ctx, at.booking) },
	"TakeBooking": func(ctx context.Context, t *store.Tenant, at target) (any, error) {
		return t.TakeBooking(ctx, at.booking, 0)
	},
	"BeginInsert": func(ctx context.Context, t *store.Tenant, at target) (any, error) {
		return nil, t.BeginInsert(ctx, store.Booking{ID: at.booking}, 0)
	},
	"ConfirmBooking": func(ctx context.Context, t *store.Tenant, at target) (any, error) {
		p, refused, err := t.ConfirmBooking(ctx, at.booking, private.NewText("x"))
		return []any{p.ReplyID > 0, refused}, err
	},
	"ReleaseBooking": func(ctx context.Context, t *store.Tenant, at target) (any, error) {
		return nil, t.ReleaseBooking(ctx, store.Booking{ID: at.booking}, "stolen", private.NewText("x"))
	},
	"ForgetBooking": func(ctx context.Context, t *store.Tenant, at target) (any, error) {
		return nil, t.ForgetBooking(ctx, at.confirmed)
	},
	"Onboarding": func(ctx context.Context, t *store.Tenant, _ target) (any, error) { return t.Onboarding(ctx) },
	"Prompt": func(ctx context.Context, t *store.Tenant, _ target) (any, error) {
		return t.Prompt(ctx, prompt.SMS)
	},
	"PublishPrompt": func(ctx context.Context, t *store.Tenant, _ target) (any, error) {
		made, err := t.PublishPrompt(ctx, prompt.Any, "mine", []prompt.Section{{Key: "k", Content: "mine"}})
		return made.Status, err
	},
	"Composed": func(ctx context.Context, t *store.Tenant, at target) (any, error) {
		r, p, err := t.Composed(ctx, at.message)
		return []any{r, p}, err
	},
	"Audit": func(ctx context.Context, t *store.Tenant, _ target) (any, error) { return t.Audit(ctx, 0, 100) },
	"By": func(_ context.Context, t *store.Tenant, _ target) (any, error) {
		return t.By(store.ByCommand("x")).Actor(), nil
	},
	"Actor": func(_ context.Context, t *store.Tenant, _ target) (any, error) { return t.Actor(), nil },
	"SaveProfile": func(ctx context.Context, t *store.Tenant, _ target) (any, error) {
		return t.SaveProfile(ctx, store.WholeProfile(prompt.Profile{BusinessName: "mine"}))
	},
	"Profile": func(ctx context.Context, t *store.Tenant, _ target) (any, error) { return t.Profile(ctx) },
	"Bundles": func(ctx context.Context, t *store.Tenant, at target) (any, error) {
		return t.Bundles(ctx, store.BundleFilter{}, at.bundle+1, 100)
	},
	"Bundle": func(ctx context.Context, t *store.Tenant, at target) (any, error) { return t.Bundle(ctx, at.bundle) },
	"BundlePair": func(ctx context.Context, t *store.Tenant, at target) (any, error) {
		u, other, err := t.BundlePair(ctx, at.bundle, at.bundle)
		return []any{u, other}, err
	},
	"MakeBundle": func(ctx context.Context, t *store.Tenant, _ target) (any, error) {
		made, err := t.MakeBundle(ctx, prompt.Any, "mine", []prompt.Section{{Key: "k", Content: "mine"}})
		return made.Status, err
	},
	"ChangeBundle": func(ctx context.Context, t *store.Tenant, at target) (any, error) {
		name, status := "stolen", store.Testing
		return t.ChangeBundle(ctx, at.bundle, store.BundleChange{Name: &name, Status: &status, Sections: []prompt.Section{{Key: "k", Content: "stolen"}}})
	},
	"PublishBundle": func(ctx context.Context, t *store.Tenant, at target) (any, error) {
		return t.PublishBundle(ctx, at.bundle)
	},
	"PlanToolText": func(ctx context.Context, t *store.Tenant, at target) (any, error) {
		p, refused, err := t.PlanToolText(ctx, store.ToolText{To: at.phone, Text: private.NewText("x"), Key: "k", Within: time.Hour})
		return []any{p.ReplyID > 0, p.State, refused}, err
	},
	"ReplyState": func(ctx context.Context, t *store.Tenant, at target) (any, error) { return t.ReplyState(ctx, at.reply) },
	"CallCustomer": func(ctx context.Context, t *store.Tenant, at target) (any, error) {
		return t.CallCustomer(ctx, at.callName)
	},
	"RecentTexter": func(ctx context.Context, t *store.Tenant, at target) (any, error) {
		return t.RecentTexter(ctx, at.phone)
	},
	"RecordCall": func(ctx context.Context, t *store.Tenant, at target) (any, error) {
		_, err := t.RecordCall(ctx, store.CallEvent{Names: []string{at.callName}, Channel: "phone_call", Ended: true, RecordingID: "stolen", Insights: []store.CallInsight{{ID: "i", Result: private.NewText("x")}}})
		return nil, err
	},
	"Call": func(ctx context.Context, t *store.Tenant, at target) (any, error) { return t.Call(ctx, at.call) },
	"Calls": func(ctx context.Context, t *store.Tenant, at target) (any, error) {
		return t.Calls(ctx, store.CallFilter{Customer: at.phone}, store.Place{}, 10)
	},
	"Recording": func(ctx context.Context, t *store.Tenant, at target) (any, error) {
		id, key, err := t.Recording(ctx, at.call)
		return []any{id, key.IsZero()}, err
	},
	"ClaimCall": func(ctx context.Context, t *store.Tenant, at target) (any, error) {
		w, due, err := t.ClaimCall(ctx, at.call, time.Minute)
		return []any{w, due}, err
	},
	"PostponeCall": func(ctx context.Context, t *store.Tenant, at target) (any, error) {
		return nil, t.PostponeCall(ctx, at.asCall(), time.Minute)
	},
	"FinishCall": func(ctx context.Context, t *store.Tenant, at target) (any, error) {
		return t.FinishCall(ctx, at.asCall(), store.CallMade{CallSummary: store.CallSummary{Intent: "general_inquiry", Outcome: "incomplete", Name: "Stolen"}, IsLead: true})
	},
	"Contacts": func(ctx context.Context, t *store.Tenant, at target) (any, error) {
		return t.Contacts(ctx, store.ContactFilter{Phone: at.phone}, store.Place{At: time.Now().Add(time.Hour), ID: at.contact}, 100)
	},
	"Contact": func(ctx context.Context, t *store.Tenant, at target) (any, error) { return t.Contact(ctx, at.contact) },
	"RollBack": func(ctx context.Context, t *store.Tenant, _ target) (any, error) {
		return t.RollBack(ctx, prompt.Any, 0)
	},
	"Composition": func(ctx context.Context, t *store.Tenant, at target) (any, error) {
		return t.Composition(ctx, prompt.SMS, at.bundle)
	},
	"LogAttrs": func(_ context.Context, t *store.Tenant, _ target) (any, error) { return fmt.Sprint(t.LogAttrs()), nil },
	"Scope":    func(_ context.Context, t *store.Tenant, _ target) (any, error) { return t.Scope().Via(), nil },
}

// touchesNothing are the methods that ask the database nothing.
var touchesNothing = map[string]bool{"LogAttrs": true, "Scope": true, "By": true, "Actor": true}

// missing is what nobody has.
var missing = target{
	dead: 1 << 40, bundle: 1 << 40, message: 1 << 40, lead: 1 << 40, person: 1 << 40, conversation: 1 << 40, reply: 1 << 40, call: 1 << 40, contact: 1 << 40, callName: "control:missing",
	sealed: store.Sealed{Column: column}, email: 1 << 40, mailReply: 1 << 40, booking: 1 << 40, confirmed: 1 << 40, slot: time.Date(2099, 1, 1, 9, 0, 0, 0, time.UTC),
	phone: private.MustPhone("+15555550197"), number: private.MustPhone("+15555550198"),
}

func (at target) asCall() *store.CallWork {
	return &store.CallWork{Call: store.Call{ID: at.call}, Fence: 1}
}

func (at target) asReply() *store.Reply {
	return &store.Reply{ID: at.reply, ConversationID: at.conversation, To: at.phone, Fence: 1}
}

func text(from, to private.Phone, words, id string) store.Inbound {
	return store.Inbound{VerifiedWith: new(string), From: from, To: to, Text: private.NewText(words), ProviderMessageID: id, OccurredAt: time.Now()}
}

func TestTenant_EveryMethodIsInTheIsolationTable(t *testing.T) {
	t.Parallel()
	handle := reflect.TypeFor[*store.Tenant]()
	for m := range handle.Methods() {
		if reaches[m.Name] == nil {
			t.Errorf("%s has no row in the isolation table", m.Name)
		}
	}
	if len(reaches) != handle.NumMethod() {
		t.Errorf("%d rows for %d methods", len(reaches), handle.NumMethod())
	}
}

func TestTenant_AnothersRowAnswersAsAMissingOneAndIsUntouched(t *testing.T) {
	t.Parallel()
	for name, reach := range reaches {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			db := storetest.New(t)
			ctx := t.Context()
			theirs := someoneElses(t, db)
			before := db.Snapshot(t, 1042)

			got, gotErr := reach(ctx, db.Dentist, theirs)
			want, wantErr := reach(ctx, db.Dentist, missing)

			if diff := cmp.Diff(answer(want, wantErr), answer(got, gotErr)); diff != "" {
				t.Errorf("another tenant's row answers unlike a missing one (-missing +theirs):\n%s", diff)
			}
			if diff := cmp.Diff(before, db.Snapshot(t, 1042)); diff != "" {
				t.Errorf("tenant 1042's rows changed:\n%s", diff)
			}
			if !touchesNothing[name] {
				oneRoundTrip(t, db, theirs, reach)
			}
		})
	}
}

// answer is everything that a caller can see, as text.
func answer(value any, err error) string {
	return fmt.Sprintf("%#v | %v | %v | %s", value, err, fault.KindOf(err), fault.PublicText(err))
}

// someoneElses makes tenant 1042 a conversation with an accepted reply and one that is claimed.
func someoneElses(t *testing.T, db *storetest.DB) target {
	t.Helper()
	ctx, customer := t.Context(), private.MustPhone("+15555550101")
	db.SetWait(t, db.SwimSchool, 0)
	if _, err := db.SwimSchool.ConfigureVoice(ctx, store.VoiceConfigChange{AssistantID: new("theirs"), ToolSecret: new(private.NewSecret("a secret of theirs"))}); err != nil {
		t.Fatal(err)
	}
	if _, err := db.SwimSchool.By(store.ByCommand("theirs")).ConfigureCustomerService(ctx, store.CustomerServiceConfigChange{JackrabbitOrgID: new("1042")}); err != nil {
		t.Fatal(err)
	}
	first := db.Receive(t, db.SwimSchool, customer, "first", "m1")
	r, _, err := db.SwimSchool.ClaimReply(ctx, prompt.SMS, first.ReplyID, time.Minute, 40)
	if err != nil || r == nil {
		t.Fatalf("ClaimReply = %v, %v", r, err)
	}
	recipe := prompt.NewRecipe(prompt.SMS, r.Prompt.Bundles(), r.Business, time.Now())
	if err := db.SwimSchool.BeginSend(ctx, r, store.Composed{Text: private.NewText("answer"), Recipe: &recipe}, time.Minute); err != nil {
		t.Fatal(err)
	}
	if err := db.SwimSchool.AcceptReply(ctx, r.ID, "accepted-1042"); err != nil {
		t.Fatal(err)
	}
	draft, err := db.SwimSchool.MakeBundle(ctx, prompt.Any, "draft", []prompt.Section{{Key: "k", Content: "theirs"}})
	if err != nil {
		t.Fatal(err)
	}
	second := db.Receive(t, db.SwimSchool, customer, "second", "m2")
	if r, _, err := db.SwimSchool.ClaimReply(ctx, prompt.SMS, second.ReplyID, time.Minute, 40); err != nil || r == nil {
		t.Fatalf("ClaimReply = %v, %v", r, err)
	}
	overdue := db.Receive(t, db.SwimSchool, private.MustPhone("+15555550102"), "third", "m3")
	db.Exec(t, `update replies set act_at = act_at - interval '1 minute' where id = $1`, overdue.ReplyID)
	if err := db.SwimSchool.FlagConversation(ctx, r.ConversationID, "theirs"); err != nil {
		t.Fatal(err)
	}
	lead, err := db.SwimSchool.CreateLead(ctx, store.Lead{Name: "Theirs", Phone: customer, ConversationID: r.ConversationID, Status: "new", Source: "sms"})
	if err != nil {
		t.Fatal(err)
	}
	person, err := db.SwimSchool.CreatePerson(ctx, "theirs@exampleco.test", tenant.Member, private.NewSecret("hash"))
	if err != nil {
		t.Fatal(err)
	}
	call, err := db.SwimSchool.RecordCall(ctx, store.CallEvent{Names: []string{"control:theirs"}, Channel: "phone_call", Ended: true, Customer: customer, Insights: []store.CallInsight{{ID: "i", Result: private.NewText("theirs")}}})
	if err != nil {
		t.Fatal(err)
	}
	contact := finishTheirs(t, db, call.ID)
	message, err := strconv.ParseInt(db.Query(t, `select id::text from messages where provider_message_id = 'accepted-1042'`)[0], 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	slot := time.Date(2099, 1, 2, 9, 0, 0, 0, time.UTC)
	held, confirmed := hold(t, db.SwimSchool, customer, slot), hold(t, db.SwimSchool, customer, slot.AddDate(0, 0, 1))
	if _, _, err := db.SwimSchool.ConfirmBooking(ctx, confirmed, private.NewText("theirs")); err != nil {
		t.Fatal(err)
	}
	if _, err := db.SwimSchool.ConfigureCalendar(ctx, store.CalendarConfigChange{Enabled: new(true), GoogleEmail: new(mailboxOf(2048)), RefreshToken: new(private.NewSecret("a grant of theirs"))}); err != nil {
		t.Fatal(err)
	}
	calendar, err := db.SwimSchool.Calendar(ctx)
	if err != nil {
		t.Fatal(err)
	}
	box := theirMailbox(t, db)
	noticed, mailReply := theirMail(t, db, box)
	return target{dead: theirDeadText(t, db), sealed: theirSealed(t, db), mailbox: box, email: noticed, mailReply: mailReply, booking: held, confirmed: confirmed, slot: slot, calendar: calendar, call: call.ID, contact: contact, callName: "control:theirs", bundle: draft.ID, message: message, lead: lead.ID, person: person.ID, conversation: r.ConversationID, reply: second.ReplyID, phone: customer, number: db.SwimSchoolPhone}
}

// mailboxOf is the address that a tenant connects. Tenant 1042 has a calendar under that of 2048, which is nothing to 2048.
func mailboxOf(id tenant.ID) string { return id.String() + "@sampledental.test" }

// written is a mail that somebody wrote.
func written(from, words string) store.MailMade {
	return store.MailMade{Kind: store.MailWritten, From: from, Subject: "A question", MessageID: "<1@exampleco.test>", Text: private.NewText(words), Received: time.Now().Add(time.Minute)}
}

// theirMail is a mail that nothing has been made of, and the reply to another one, whose thread is "thread".
func theirMail(t *testing.T, db *storetest.DB, box store.Mailbox) (noticed, mailReply int64) {
	t.Helper()
	if err := db.SwimSchool.NoticeMails(t.Context(), box.Address, []store.Listed{{ID: "done", ThreadID: "thread"}, {ID: "noticed", ThreadID: "other"}}); err != nil {
		t.Fatal(err)
	}
	_, ids, err := db.SwimSchool.MailboxRead(t.Context(), box, 7, false, private.NewSecret("an access token of theirs"), time.Now().Add(time.Hour))
	if err != nil || len(ids) != 2 {
		t.Fatalf("MailboxRead = %v, %v", ids, err)
	}
	o, err := db.SwimSchool.RecordMail(t.Context(), ids[0], written("parent@exampleco.test", "theirs"), store.MailLimits{InThread: 5, ToOne: 10, Wait: time.Hour})
	if err != nil || o.ReplyID == 0 {
		t.Fatalf("RecordMail = %+v, %v", o, err)
	}
	return ids[1], o.ReplyID
}

// theirSealed is a credential of tenant 1042's that another key has sealed than the one that is to.
func theirSealed(t *testing.T, db *storetest.DB) store.Sealed {
	t.Helper()
	pool, err := pgxpool.New(t.Context(), db.App)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	found, err := store.New(pool, keyring(t, sealingKey("n")+","+storetest.FieldKey.Reveal())).For(db.SwimSchool.Scope()).SealedBefore(t.Context())
	for _, s := range found {
		if s.Column == column {
			return s
		}
	}
	t.Fatalf("SealedBefore = %v, %v", found, err)
	return store.Sealed{}
}

// theirDeadText is a text that was refused for good.
func theirDeadText(t *testing.T, db *storetest.DB) int64 {
	t.Helper()
	rec := db.Receive(t, db.SwimSchool, private.MustPhone("+15555550103"), "fourth", "m4")
	r, _, err := db.SwimSchool.ClaimReply(t.Context(), prompt.SMS, rec.ReplyID, time.Minute, 40)
	if err != nil || r == nil {
		t.Fatalf("ClaimReply = %v, %v", r, err)
	}
	if err := db.SwimSchool.RejectReply(t.Context(), r, "theirs"); err != nil {
		t.Fatal(err)
	}
	return r.ID
}

// theirMailbox connects one of tenant 1042.
func theirMailbox(t *testing.T, db *storetest.DB) store.Mailbox {
	t.Helper()
	_, err := db.SwimSchool.ConnectMailbox(t.Context(), store.MailboxGrant{Address: "theirs@exampleco.test", RefreshToken: private.NewSecret("a grant of theirs")})
	if err != nil {
		t.Fatal(err)
	}
	m, err := db.SwimSchool.Mailbox(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// finishTheirs makes something of a call of tenant 1042, claims it once more, and returns the contact.
func finishTheirs(t *testing.T, db *storetest.DB, call int64) (contact int64) {
	t.Helper()
	ctx := t.Context()
	claim := func() *store.CallWork {
		db.Exec(t, `update calls set finish_at = now() where id = $1`, call)
		w, _, err := db.SwimSchool.ClaimCall(ctx, call, time.Minute)
		if err != nil || w == nil {
			t.Fatalf("ClaimCall = %v, %v", w, err)
		}
		return w
	}
	made := store.CallMade{CallSummary: store.CallSummary{Intent: "general_inquiry", Outcome: "lead_created", Name: "Theirs", Summary: "theirs"}, IsLead: true, Label: "Call"}
	if _, err := db.SwimSchool.FinishCall(ctx, claim(), made); err != nil {
		t.Fatal(err)
	}
	claim()
	db.Exec(t, `update calls set finish_fence = 1 where id = $1`, call)
	contact, err := strconv.ParseInt(db.Query(t, `select id::text from contacts`)[0], 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return contact
}

// hold takes a time for a customer of the tenant's.
func hold(t *testing.T, of *store.Tenant, customer private.Phone, at time.Time) (id int64) {
	t.Helper()
	k, _, _, err := of.HoldBooking(t.Context(), store.BookingRequest{Start: at, End: at.Add(time.Hour), Customer: customer, Name: "Theirs", Topic: "Theirs", Language: "en", Most: 3})
	if err != nil {
		t.Fatal(err)
	}
	return k.ID
}

func TestTenant_TheZeroScopeReachesNothing(t *testing.T) {
	t.Parallel()
	db := storetest.New(t)
	theirs := someoneElses(t, db)
	nobody := db.Store.For(tenant.Scope{})
	for name, reach := range reaches {
		if touchesNothing[name] {
			continue
		}
		if got, err := reach(t.Context(), nobody, theirs); err == nil {
			t.Errorf("%s without a tenant answered %v", name, got)
		}
	}
}
