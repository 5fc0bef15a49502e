// Package trial is the function with which a tenant tries a prompt out before it goes live. It is apart from setup-prompt because
// it links the model's client.
//
// Callers are admins of the tenant, and global admins who name it in X-Tenant-Id, each with a bearer token. Nothing is stored and
// nothing is sent to anybody. 2xx is the answer; 400 and 422 name what is wrong; 404 is a bundle that is not the tenant's; 429 means wait; 503 means
// that the model gave no answer that may be sent, and may be tried again.
//
// Settings: DATABASE_URL, JWT_SECRET_KEY, GEMINI_MODEL, GEMINI_API_KEY, AI_INTEGRATIONS_GEMINI_API_KEY, GOOGLE_GEMINI_BASE_URL,
// GOOGLE_CLOUD_PROJECT, FIRESTORE_EMULATOR_HOST.
package trial

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/chattercheatah/chattercheatah/shared/auth"
	"github.com/chattercheatah/chattercheatah/shared/ephemeral"
	"github.com/chattercheatah/chattercheatah/shared/fault"
	"github.com/chattercheatah/chattercheatah/shared/httpx"
	"github.com/chattercheatah/chattercheatah/shared/private"
	"github.com/chattercheatah/chattercheatah/shared/prompt"
	"github.com/chattercheatah/chattercheatah/shared/reply"
	"github.com/chattercheatah/chattercheatah/shared/store"
)

// Deps is what the function works with.
type Deps struct {
	Log   *slog.Logger
	Guard *auth.Guard
	Model reply.Model
	Limit *ephemeral.Throttle // trials of one tenant: each costs what the model's words cost
	Now   func() time.Time
}

// New builds the handler.
func New(d Deps) http.Handler { return httpx.New(d.Log, Routes(d)...) }

// Routes is the route table: what may be called, by whom.
func Routes(d Deps) []httpx.Route {
	admin := httpx.Access[*store.Tenant]{Name: "admin of the tenant", Caller: httpx.Person, Admit: d.Guard.TenantAdmin}
	return []httpx.Route{httpx.JSON("POST", "/prompts/test", admin, d.try)}
}

// trialTurn is what one side said before.
type trialTurn struct {
	Role    string `json:"role" enum:"user,assistant"`
	Content string `json:"content" maxLength:"4000"`
}

type tryInput struct {
	Body struct {
		Message  string         `json:"message" maxLength:"4000" example:"Are you open on Saturday?" doc:"what a customer writes"`
		BundleID *int64         `json:"bundle_id,omitempty" doc:"a bundle of the tenant's to lay in the place of the live one of its channel"`
		Channel  prompt.Channel `json:"channel,omitempty" enum:"sms,voice,email" default:"sms"`
		History  []trialTurn    `json:"history,omitempty" maxItems:"40" doc:"the conversation before, oldest first"`
	}
}

type tryOutput struct {
	Body struct {
		Prompt string `json:"prompt" doc:"what the model was told"`
		Answer string `json:"answer" doc:"what it wrote, as far as that may be sent as a text message"`
	}
}

// try has the model answer a message with the live prompt or with a draft, as it would answer a customer's.
func (d Deps) try(ctx context.Context, t *store.Tenant, in *tryInput) (*tryOutput, error) {
	if strings.TrimSpace(in.Body.Message) == "" {
		return nil, fault.New(fault.Invalid, "message must not be blank")
	}
	var bundle int64
	if in.Body.BundleID != nil {
		if bundle = *in.Body.BundleID; bundle <= 0 {
			return nil, fault.New(fault.NotFound, "")
		}
	}
	if err := d.Limit.Take(ctx, t.Scope().ID().String()); err != nil {
		return nil, err
	}
	tried, err := t.Composition(ctx, in.Body.Channel, bundle)
	if err != nil {
		return nil, err
	}
	recipe, sections := tried.Recipe(d.Now()), prompt.Write(tried.Merged())
	answer, spent, err := reply.Ask(ctx, d.Model, recipe, sections, reply.AllowedFrom(string(sections)), turns(in))
	if err := t.SpentOnTrial(ctx, spent); err != nil {
		return nil, err
	}
	if err != nil {
		return nil, noAnswer(err)
	}
	out := &tryOutput{}
	out.Body.Prompt, out.Body.Answer = recipe.Compose(sections), answer.Reveal()
	return out, nil
}

func turns(in *tryInput) []reply.Turn {
	var all []reply.Turn
	for _, said := range append(in.Body.History, trialTurn{"user", in.Body.Message}) {
		if words := strings.TrimSpace(said.Content); words != "" {
			all = append(all, reply.Turn{FromCustomer: said.Role == "user", Text: private.NewText(words)})
		}
	}
	return all
}

// noAnswer says why there is nothing to show.
func noAnswer(err error) error {
	if errors.Is(err, reply.ErrNothingLeft) {
		return fault.Wrap(fault.Unavailable, err, "nothing of what the model wrote may be sent, because it names a link, number or address that the prompt does not; try again, or put that into the prompt")
	}
	return fault.Wrap(fault.Unavailable, err, "the model gave no answer; try again in a moment, and tell your operator if it stays so")
}
