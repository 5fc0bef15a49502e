package store

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/chattercheatah/chattercheatah/shared/private"
)

// Keyword is what a text asks for by its wording, apart from any answer.
type Keyword string

// The keywords of 47 CFR 64.1200(a)(10) and of the carriers. Yes means Start for somebody who has opted out and nothing to
// anybody else.
const (
	NoKeyword Keyword = ""
	Stop      Keyword = "stop"
	Start     Keyword = "start"
	Yes       Keyword = "yes"
	Help      Keyword = "help"
)

// Inbound is one text as the provider delivered it.
type Inbound struct {
	From, To           private.Phone
	Text               private.Text
	Media              int // attachments
	ProviderMessageID  string
	OccurredAt         time.Time
	Keyword            Keyword
	AnsweredByProvider bool    // Telnyx has sent its own automatic answer
	Crowd              int     // from how many overdue replies on a tenant is Crowded; 0 for never
	VerifiedWith       *string // the tenant's Telnyx key setting that the signature was checked under; nil when the proof was another, freshly looked up
}

// Recorded is what came of an Inbound.
type Recorded struct {
	Duplicate bool // this message was here already; nothing has changed
	ReplyID   int64
	ActAt     time.Time // when the reply is due; zero ReplyID when none is owed
	Crowded   bool      // the tenant has many before this one, and NextReply will name it
}

// ErrRouteChanged says that the number is no longer this tenant's, or is verified with another key now: resolve it again.
var ErrRouteChanged = errors.New("the number's route has changed")

// recordTextSQL calls the function of migrations/00005_record_text.sql, which does all of it.
const recordTextSQL = `select routed, recorded, coalesce(reply_id, 0), coalesce(due, 'epoch'), crowded
	from record_text($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`

// RecordInbound records a text and the reply that it calls for, in one transaction and one round trip. A repeated delivery
// finds the first one. A reply is owed unless texting is off, the sender has opted out, a person has taken the conversation
// over, or somebody else has answered.
//
// Errors: ErrRouteChanged, and those of the package.
func (t *Tenant) RecordInbound(ctx context.Context, in Inbound) (Recorded, error) {
	var rec Recorded
	var routed, recorded bool
	err := t.run(ctx, "recording a text", func(b *pgx.Batch) {
		b.Queue(recordTextSQL, t.id(), in.From.E164(), in.To.E164(), in.VerifiedWith, in.Text.Reveal(), in.Media, in.ProviderMessageID,
			in.OccurredAt, string(in.Keyword), in.AnsweredByProvider, in.Crowd).QueryRow(func(row pgx.Row) error {
			return row.Scan(&routed, &recorded, &rec.ReplyID, &rec.ActAt, &rec.Crowded)
		})
	})
	if errors.Is(err, errErased) {
		return Recorded{Duplicate: true}, nil // it was taken, and erased since
	}
	if err == nil && !routed {
		err = ErrRouteChanged
	}
	rec.Duplicate = !recorded
	return rec, err
}
