// Package aicallcomplete is the function that hears of calls: that one has begun, what its assistant needs to know, that it has ended, and
// what Telnyx has made of it.
//
// Telnyx calls /telnyx/call-progress, /telnyx/ai-call-complete and /telnyx/dynamic-variables, proven by its Ed25519 signature under the
// tenant's key or the platform's; either of the first two takes every event, as JSON in Telnyx's envelope or without it, or as a form.
// The number, else the assistant, else the call in the signed bytes says whose data it is; all that are there have to agree. 200 means
// recorded, or nothing to record; 400 and 401 mean that a repeat cannot help; 5xx means deliver again, which changes nothing that is
// here already. Without an answer of /telnyx/dynamic-variables in time the assistant talks on with what its portal says.
//
// What is made of a call that is over is the worker's, which a task calls.
//
// Settings: DATABASE_URL, FIELD_ENCRYPTION_KEY, TELNYX_PUBLIC_KEY, CLOUD_TASKS_*.
package aicallcomplete

import (
	"log/slog"
	"net/http"
	"time"

	"github.com/chattercheatah/chattercheatah/shared/httpx"
	"github.com/chattercheatah/chattercheatah/shared/task"
	"github.com/chattercheatah/chattercheatah/shared/webhook"
)

// Deps is what the function works with.
type Deps struct {
	Log   *slog.Logger
	Calls *webhook.Calls
	Queue *task.Queue
	Now   func() time.Time
}

// New builds the handler.
func New(d Deps) http.Handler { return httpx.New(d.Log, Routes(d)...) }

// Routes is the route table: what may be called, by whom.
func Routes(d Deps) []httpx.Route {
	telnyx := httpx.Access[webhook.CallDelivery]{Name: "Telnyx, by signature", Caller: httpx.Provider, Proof: httpx.TelnyxSignature, Within: webhook.TelnyxWaits, Admit: d.Calls.Admit}
	return []httpx.Route{
		httpx.Handle("POST", "/telnyx/call-progress", telnyx, d.event),
		httpx.Handle("POST", "/telnyx/ai-call-complete", telnyx, d.event),
		httpx.Handle("POST", "/telnyx/dynamic-variables", telnyx, d.variables),
	}
}
