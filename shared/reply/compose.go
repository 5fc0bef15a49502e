package reply

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/chattercheatah/chattercheatah/shared/hours"
	"github.com/chattercheatah/chattercheatah/shared/private"
	"github.com/chattercheatah/chattercheatah/shared/prompt"
	"github.com/chattercheatah/chattercheatah/shared/store"
)

// errNothingToSay ends an answer that would only repeat the after-hours text.
var errNothingToSay = errors.New("the after-hours text was said lately")

// compose decides what a reply says. The fixed texts are the law's and the carriers'; an answer is the tenant's after-hours
// text outside its hours, else the model's. What an earlier attempt composed is kept, so that every attempt says the same.
func (w *Worker) compose(ctx context.Context, t *store.Tenant, r *store.Reply) (text private.Text, afterHours bool, err error) {
	if !r.Body.IsZero() {
		return r.Body, false, nil
	}
	name := r.Business.BusinessName
	switch r.Kind {
	case store.HelpText:
		return helpText(r.Business), false, nil
	case store.OptOutConfirmation:
		return private.NewText(named(name) + "You are unsubscribed and will get no more texts from us. Reply START to get texts again."), false, nil
	case store.OptInConfirmation:
		return private.NewText(named(name) + "You will get texts from us again. Reply HELP for help or STOP to end them."), false, nil
	}
	if w.closed(r) {
		if r.ToldHours {
			return private.Text{}, false, errNothingToSay
		}
		return r.AfterHours, true, nil
	}
	own, err := w.prompts.of(ctx, t, r.Prompt)
	if err != nil {
		return private.Text{}, false, err
	}
	text, err = w.ask(ctx, r, own)
	if err == nil {
		return text, false, nil
	}
	w.Log.ErrorContext(ctx, "no answer from the model", "tenant_id", t.Scope().ID(), "reply_id", r.ID, "error", err)
	if err := t.FlagConversation(context.WithoutCancel(ctx), r.ConversationID, "model_failed"); err != nil {
		return private.Text{}, false, err
	}
	return apology, false, nil
}

// apology is what a customer reads when there is no answer to give: true whatever the reason.
var apology = private.NewText("Sorry, I can't answer that right now. I've let our team know, and someone will get back to you.")

func named(business string) string {
	if business == "" {
		return ""
	}
	return business + ": "
}

// helpText names the business and how to reach it, as the carriers require of HELP.
func helpText(p prompt.Profile) private.Text {
	var contact []string
	for _, c := range []string{p.Phone, p.Email, p.WebsiteURL} {
		if c != "" {
			contact = append(contact, c)
		}
	}
	text := named(p.BusinessName) + "You are texting with our assistant."
	if len(contact) > 0 {
		text += " Contact us at " + strings.Join(contact, " or ") + "."
	}
	return private.NewText(text + " Reply STOP to end these texts.")
}

// closed reports whether the after-hours text is to be said now. A time zone that cannot be read closes nothing.
func (w *Worker) closed(r *store.Reply) bool {
	if !r.HoursEnabled || r.AfterHours.IsZero() {
		return false
	}
	zone, err := hours.Zone(r.Zone)
	return err == nil && !r.Hours.Open(w.Now(), zone)
}

// ask has the model answer and checks what it wrote.
func (w *Worker) ask(ctx context.Context, r *store.Reply, own keptPrompt) (private.Text, error) {
	ctx, cancel := context.WithTimeout(ctx, composeTimeout)
	defer cancel()
	now := w.Now()
	if zone, err := hours.Zone(r.Zone); err == nil {
		now = now.In(zone)
	}
	system := prompt.Compose(r.Business, own.text, prompt.SMS, now)
	answer, err := w.Model.Answer(ctx, private.NewText(system), turns(r.History))
	if err != nil {
		return private.Text{}, err
	}
	return Check(answer, own.allowed.And(r.Business.WebsiteURL, r.Business.Phone, r.Business.Email, r.Business.BusinessName))
}

// turns is the conversation so far, ending with what the customer wrote last: an answer that crossed it on the way goes
// before it.
func turns(history []store.Message) []Turn {
	all := make([]Turn, 0, len(history))
	last := -1
	for _, m := range history {
		text := m.Text
		if m.Media > 0 {
			text = private.NewText(strings.TrimSpace(fmt.Sprintf("%s [%d picture(s) that cannot be seen]", text.Reveal(), m.Media)))
		}
		if text.IsZero() {
			continue
		}
		if m.FromCustomer {
			last = len(all)
		}
		all = append(all, Turn{m.FromCustomer, text})
	}
	if last < 0 {
		return nil
	}
	latest := all[last]
	return append(slices.Delete(all, last, last+1), latest)
}
