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

// What ends an answer that is not to be given: it would only repeat the after-hours text, or the tenant says nothing outside its hours.
var (
	errNothingToSay = errors.New("the after-hours text was said lately")
	errSilentNow    = errors.New("nothing is said outside the hours")
)

// compose decides what a reply says. The fixed texts are the law's and the carriers'; an answer is the tenant's after-hours
// text outside its hours, else the model's. What a person wrote, and what an earlier attempt composed, is said as it is, so
// that every attempt says the same.
func (w *Worker) compose(ctx context.Context, t *store.Tenant, r *store.Reply) (store.Composed, error) {
	name := r.Business.BusinessName
	switch {
	case !r.Body.IsZero():
		return store.Composed{Text: r.Body}, nil
	case r.Kind == store.HelpText:
		return store.Composed{Text: helpText(r.Business)}, nil
	case r.Kind == store.OptOutConfirmation:
		return store.Composed{Text: private.NewText(named(name) + "You are unsubscribed and will get no more texts from us. Reply START to get texts again.")}, nil
	case r.Kind == store.OptInConfirmation:
		return store.Composed{Text: private.NewText(named(name) + "You will get texts from us again. Reply HELP for help or STOP to end them.")}, nil
	case w.closed(r) && r.SilentClosed:
		return store.Composed{}, errSilentNow
	case w.closed(r) && r.ToldHours:
		return store.Composed{}, errNothingToSay
	case w.closed(r):
		return store.Composed{Text: signed(r, r.AfterHours), AfterHours: true}, nil
	}
	own, err := w.prompts.of(ctx, t, w.Channel, r.Prompt)
	if err != nil {
		return store.Composed{}, err
	}
	said, err := w.ask(ctx, r, own)
	if err == nil {
		return said, nil
	}
	spent := said.Spent
	w.Log.ErrorContext(ctx, "no answer from the model", "tenant_id", t.Scope().ID(), "reply_id", r.ID, "error", err)
	if err := t.FlagConversation(context.WithoutCancel(ctx), r.ConversationID, "model_failed"); err != nil {
		return store.Composed{}, err
	}
	return store.Composed{Text: signed(r, apology), Spent: spent}, nil
}

// signed is what the assistant says by mail under the tenant's signature.
func signed(r *store.Reply, text private.Text) private.Text {
	if r.Mail == nil || r.Mail.Box.Signature == "" {
		return text
	}
	return private.NewText(text.Reveal() + "\n\n" + r.Mail.Box.Signature)
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

// closed reports whether the tenant is, so that the after-hours text is to be said now, or nothing. A time zone that cannot be read closes nothing.
func (w *Worker) closed(r *store.Reply) bool {
	if !r.HoursEnabled || r.AfterHours.IsZero() && !r.SilentClosed {
		return false
	}
	zone, err := hours.Zone(r.Zone)
	return err == nil && !r.Hours.Open(w.Now(), zone)
}

// ask has the model answer the customer, and keeps what it was told.
func (w *Worker) ask(ctx context.Context, r *store.Reply, own keptPrompt) (store.Composed, error) {
	recipe := prompt.NewRecipe(w.Channel, own.bundles, r.Business, hours.In(w.Now(), r.Zone))
	said, spent, err := Ask(ctx, w.Model, recipe, own.text, own.allowed, turns(r.History))
	if err != nil {
		return store.Composed{Spent: spent}, err
	}
	return store.Composed{Text: signed(r, said), Recipe: &recipe, Spent: spent}, nil
}

// Ask has the model answer the last of turns as the recipe's channel is answered, and checks what it wrote. sections are those of the
// recipe's bundles, and allowed the addresses in them. Besides the model's errors there is ErrNothingLeft. What it took is told with an error too.
func Ask(ctx context.Context, m Model, recipe prompt.Recipe, sections prompt.Text, allowed Allowed, turns []Turn) (private.Text, store.Spent, error) {
	ctx, cancel := context.WithTimeout(ctx, composeTimeout)
	defer cancel()
	answer, spent, err := m.Answer(ctx, private.NewText(recipe.Compose(sections)), turns)
	if err != nil {
		return private.Text{}, spent, err
	}
	p := recipe.Profile
	checked, err := Check(recipe.Channel, answer, allowed.And(p.WebsiteURL, p.Phone, p.Email, p.BusinessName))
	return checked, spent, err
}

// turns is the conversation so far, ending with what the customer wrote last: an answer that crossed it on the way goes
// before it.
func turns(history []store.Message) []Turn {
	all := make([]Turn, 0, len(history))
	last := -1
	for _, m := range history {
		text := m.Text
		if m.Media > 0 {
			text = private.NewText(strings.TrimSpace(fmt.Sprintf("%s [%d attachment(s) that cannot be seen]", text.Reveal(), m.Media)))
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
