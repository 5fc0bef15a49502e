package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/chattercheatah/chattercheatah/shared/private"
	"github.com/chattercheatah/chattercheatah/shared/prompt"
	"github.com/chattercheatah/chattercheatah/shared/reply"
	"github.com/chattercheatah/chattercheatah/shared/store"
)

const (
	lockRounds  = 12
	lockRepeats = 60
)

// rowSecurity measures each statement of the hot path bound by row level security beside the same statement, with its own
// tenant condition, run by a role that row security does not bind.
func rowSecurity(r *rig, f *filled) ([]figure, error) {
	bound, free := map[string][]float64{}, map[string][]float64{}
	for round := range lockRounds {
		progress("row security, round %d of %d", round+1, lockRounds)
		for _, side := range []struct {
			role string
			into map[string][]float64
		}{{"nobypassrls", bound}, {"bypassrls", free}} {
			if _, err := f.owner.Exec(r.ctx, `alter role chattercheatah_app `+side.role); err != nil {
				return nil, err
			}
			medians, err := f.hotPath(r.ctx)
			if err != nil {
				return nil, errors.Join(err, r.sql("postgres", `alter role chattercheatah_app nobypassrls`))
			}
			for name, m := range medians {
				side.into[name] = append(side.into[name], m)
			}
		}
	}
	if _, err := f.owner.Exec(r.ctx, `alter role chattercheatah_app nobypassrls`); err != nil {
		return nil, err
	}
	reasons := map[string]string{
		"ClaimReply": "it reads nine tables, and for each of the history's messages, which have no tenant column, the policy looks the conversation up",
		"Messages":   "messages have no tenant column, so the policy looks the conversation up for each row",
		"Prompt":     "two policies look the bundle up for each section; read once for a new version",
	}
	var figures []figure
	for _, name := range slices.Sorted(maps.Keys(bound)) {
		figures = append(figures, figure{
			What: "row security: " + name, Value: dur(bound[name]), Beside: "without: " + dur(free[name]), Ratio: ratio(bound[name], free[name]), Goal: atMost(1.1),
			Reason: cmp.Or(reasons[name], "a policy is added to the plan of each table that a statement touches"),
		})
	}
	return figures, nil
}

// hotPath runs one text after another from record to report on a connection of its own and returns the median of each step.
func (f *filled) hotPath(ctx context.Context) (map[string]float64, error) {
	s, closeStore, err := f.open(ctx)
	if err != nil {
		return nil, err
	}
	defer closeStore()
	steps := map[string][]float64{}
	for i := range lockRepeats + 10 {
		err := f.oneText(ctx, s, func(name string, do func() error) error {
			d, err := timed(do)
			if i >= 10 { // the first have Postgres settle on its plans
				steps[name] = append(steps[name], float64(d))
			}
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	medians := map[string]float64{}
	for name, all := range steps {
		medians[name] = median(all)
	}
	return medians, nil
}

var errNotClaimed = errors.New("the reply was not claimed")

// oneText takes a text through its life, each step by do.
func (f *filled) oneText(ctx context.Context, s *store.Store, do func(step string, work func() error) error) error {
	f.texts++
	id := 1 + (int64(f.texts)%activeTexters)*f.conversations/activeTexters
	owner, err := f.ownerOf(ctx, id)
	if err != nil {
		return err
	}
	of, sent := s.For(owner.Scope()), fmt.Sprintf("bench-%d", f.texts)
	var rec store.Recorded
	var r *store.Reply
	for _, step := range []struct {
		name string
		work func() error
	}{
		{"SMSRoute", func() error { _, err := s.SMSRoute(ctx, tenantPhone(int(owner.Scope().ID()))); return err }},
		{"RecordInbound", func() (err error) { rec, err = of.RecordInbound(ctx, f.inbound(id, of)); return err }},
		{"ClaimReply", func() (err error) {
			r, _, err = of.ClaimReply(ctx, prompt.SMS, rec.ReplyID, time.Minute, 40)
			if err == nil && r == nil {
				err = errNotClaimed
			}
			return err
		}},
		{"Prompt", func() error { _, err := of.Prompt(ctx, prompt.SMS); return err }},
		{"BeginSend", func() error {
			return of.BeginSend(ctx, r, store.Composed{Text: private.NewText("A lesson costs 35 dollars.")}, time.Minute)
		}},
		{"AcceptReply", func() error { return of.AcceptReply(ctx, r.ID, sent) }},
		{"NextReply", func() error { _, err := of.NextReply(ctx, prompt.SMS, reply.TenantShare); return err }},
		{"RecordDelivery", func() error {
			_, _, err := of.RecordDelivery(ctx, store.DeliveryReport{ProviderMessageID: sent, To: customerPhone(int(id)), State: store.Delivered})
			return err
		}},
		{"Conversations", func() error {
			_, err := of.Conversations(ctx, store.ConversationFilter{}, store.Place{}, listLimit)
			return err
		}},
		{"Messages", func() error { _, err := of.Messages(ctx, id, store.Place{}, pageLimit); return err }},
	} {
		if err := do(step.name, step.work); err != nil {
			return fmt.Errorf("%s: %w", step.name, err)
		}
	}
	return nil
}
