package store_test

import (
	"context"
	"fmt"
	"reflect"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

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
	reply        int64
	phone        private.Phone
	number       private.Phone
}

// reaches holds, for each exported method of *store.Tenant, a call that uses every way it has to name a row.
var reaches = map[string]func(ctx context.Context, t *store.Tenant, at target) (any, error){
	"RecordInbound": func(ctx context.Context, t *store.Tenant, at target) (any, error) {
		return t.RecordInbound(ctx, text(at.phone, at.number, "hello", "intruder"))
	},
	"ClaimReply": func(ctx context.Context, t *store.Tenant, at target) (any, error) {
		r, standing, err := t.ClaimReply(ctx, at.reply, time.Minute, 40)
		return []any{r, standing}, err
	},
	"Reply":     func(ctx context.Context, t *store.Tenant, at target) (any, error) { return t.Reply(ctx, at.reply) },
	"NextReply": func(ctx context.Context, t *store.Tenant, _ target) (any, error) { return t.NextReply(ctx, 40) },
	"BeginSend": func(ctx context.Context, t *store.Tenant, at target) (any, error) {
		return nil, t.BeginSend(ctx, at.asReply(), private.NewText("x"), false, time.Minute)
	},
	"AcceptReply": func(ctx context.Context, t *store.Tenant, at target) (any, error) {
		return nil, t.AcceptReply(ctx, at.reply, "stolen")
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
	"SendAgain": func(ctx context.Context, t *store.Tenant, at target) (any, error) {
		return nil, t.SendAgain(ctx, at.asReply())
	},
	"RecordDelivery": func(ctx context.Context, t *store.Tenant, at target) (any, error) {
		return t.RecordDelivery(ctx, store.DeliveryReport{ProviderMessageID: "accepted-1042", To: at.phone, Text: private.NewText("answer"), State: store.Delivered})
	},
	"ConversationWith": func(ctx context.Context, t *store.Tenant, at target) (any, error) {
		return t.ConversationWith(ctx, at.phone)
	},
	"Conversations": func(ctx context.Context, t *store.Tenant, at target) (any, error) {
		return t.Conversations(ctx, store.Place{LastMessage: time.Now().Add(time.Hour), ID: at.conversation}, 100)
	},
	"Messages": func(ctx context.Context, t *store.Tenant, at target) (any, error) {
		return t.Messages(ctx, at.conversation, 100)
	},
	"TakeOver": func(ctx context.Context, t *store.Tenant, at target) (any, error) {
		return nil, t.TakeOver(ctx, at.conversation)
	},
	"HandBack": func(ctx context.Context, t *store.Tenant, at target) (any, error) {
		return nil, t.HandBack(ctx, at.conversation)
	},
	"SMSSettings": func(ctx context.Context, t *store.Tenant, _ target) (any, error) { return t.SMSSettings(ctx) },
	"ChangeSMSSettings": func(ctx context.Context, t *store.Tenant, _ target) (any, error) {
		wait := 7 * time.Second
		return t.ChangeSMSSettings(ctx, store.SMSSettingsChange{ReplyWait: &wait})
	},
	"ConfigureSMS": func(ctx context.Context, t *store.Tenant, _ target) (any, error) {
		return nil, t.ConfigureSMS(ctx, store.SMSConfig{TelnyxProfileID: "profile"})
	},
	"Prompt": func(ctx context.Context, t *store.Tenant, _ target) (any, error) {
		v, global, own, err := t.Prompt(ctx)
		return []any{v, global, own}, err
	},
	"PublishPrompt": func(ctx context.Context, t *store.Tenant, _ target) (any, error) {
		return nil, t.PublishPrompt(ctx, "mine", []prompt.Section{{Key: "k", Content: "mine"}})
	},
	"SaveProfile": func(ctx context.Context, t *store.Tenant, _ target) (any, error) {
		return nil, t.SaveProfile(ctx, prompt.Profile{BusinessName: "mine"})
	},
	"Scope": func(_ context.Context, t *store.Tenant, _ target) (any, error) { return t.Scope().Via(), nil },
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

			missing := target{conversation: 1 << 40, reply: 1 << 40, phone: private.MustPhone("+15555550197"), number: private.MustPhone("+15555550198")}
			got, gotErr := reach(ctx, db.Dentist, theirs)
			want, wantErr := reach(ctx, db.Dentist, missing)

			if diff := cmp.Diff(answer(want, wantErr), answer(got, gotErr)); diff != "" {
				t.Errorf("another tenant's row answers unlike a missing one (-missing +theirs):\n%s", diff)
			}
			if diff := cmp.Diff(before, db.Snapshot(t, 1042)); diff != "" {
				t.Errorf("tenant 1042's rows changed:\n%s", diff)
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
	first := db.Receive(t, db.SwimSchool, customer, "first", "m1")
	r, _, err := db.SwimSchool.ClaimReply(ctx, first.ReplyID, time.Minute, 40)
	if err != nil || r == nil {
		t.Fatalf("ClaimReply = %v, %v", r, err)
	}
	if err := db.SwimSchool.BeginSend(ctx, r, private.NewText("answer"), false, time.Minute); err != nil {
		t.Fatal(err)
	}
	if err := db.SwimSchool.AcceptReply(ctx, r.ID, "accepted-1042"); err != nil {
		t.Fatal(err)
	}
	second := db.Receive(t, db.SwimSchool, customer, "second", "m2")
	if r, _, err := db.SwimSchool.ClaimReply(ctx, second.ReplyID, time.Minute, 40); err != nil || r == nil {
		t.Fatalf("ClaimReply = %v, %v", r, err)
	}
	overdue := db.Receive(t, db.SwimSchool, private.MustPhone("+15555550102"), "third", "m3")
	db.Exec(t, `update replies set act_at = act_at - interval '1 minute' where id = $1`, overdue.ReplyID)
	return target{conversation: r.ConversationID, reply: second.ReplyID, phone: customer, number: db.SwimSchoolPhone}
}

func TestTenant_TheZeroScopeReachesNothing(t *testing.T) {
	t.Parallel()
	db := storetest.New(t)
	theirs := someoneElses(t, db)
	nobody := db.Store.For(tenant.Scope{})
	for name, reach := range reaches {
		if name == "Scope" {
			continue
		}
		if got, err := reach(t.Context(), nobody, theirs); err == nil {
			t.Errorf("%s without a tenant answered %v", name, got)
		}
	}
}
