package aicallcomplete

import (
	"context"
	"log/slog"
	"net/http"
	"time"

	"github.com/chattercheatah/chattercheatah/shared/httpx"
	"github.com/chattercheatah/chattercheatah/shared/prompt"
	"github.com/chattercheatah/chattercheatah/shared/telnyx"
	"github.com/chattercheatah/chattercheatah/shared/webhook"
)

// patience is how long an assistant waits for its words; Telnyx gives a second by default.
const patience = 500 * time.Millisecond

// answer is what Telnyx reads of an answer; anything outside of it is ignored there.
type answer struct {
	Variables    map[string]string `json:"dynamic_variables"`
	Conversation struct {
		Metadata map[string]string `json:"metadata"`
	} `json:"conversation"`
}

// variables tells an assistant that begins to talk the tenant's words: {{business_prompt}} is the whole composed prompt of the voice
// channel, {{business_name}} the name. The call is recorded on the way: no other event comes as early with everything that a tool needs
// to find it. A call that cannot be recorded now is told its words all the same; a later event records it.
func (d Deps) variables(w http.ResponseWriter, r *http.Request, delivery webhook.CallDelivery) error {
	out := answer{Variables: map[string]string{}}
	if delivery.Tenant == nil || delivery.Event.Kind != telnyx.CallInitialize {
		httpx.Note(r.Context(), slog.String("outcome", "nothing_to_tell"))
		return httpx.Write(w, http.StatusOK, out)
	}
	ctx, cancel := context.WithTimeout(r.Context(), patience)
	defer cancel()
	recorded := make(chan struct{})
	go func() {
		defer close(recorded)
		d.record(ctx, r, delivery)
	}()
	composed, err := delivery.Tenant.Composition(ctx, prompt.Voice, 0)
	<-recorded // within the same patience
	if err != nil {
		return err
	}
	out.Variables["business_name"] = composed.Business.BusinessName
	out.Variables["business_prompt"] = composed.Recipe(d.Now()).Compose(prompt.Write(composed.Merged()))
	out.Conversation.Metadata = map[string]string{"tenant_id": delivery.Tenant.Scope().ID().String()}
	return httpx.Write(w, http.StatusOK, out)
}

func (d Deps) record(ctx context.Context, r *http.Request, delivery webhook.CallDelivery) {
	record := recordOf(delivery.Event)
	if len(record.Names) == 0 {
		return
	}
	record.StartedAt = delivery.Event.OccurredAt
	rec, err := delivery.Tenant.RecordCall(ctx, record)
	if err != nil {
		d.Log.ErrorContext(ctx, "call not recorded before its first word", "tenant_id", delivery.Tenant.Scope().ID(), "error", err)
		return
	}
	httpx.Note(r.Context(), slog.Int64("call_id", rec.ID))
}
