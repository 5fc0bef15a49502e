package store

import (
	"context"

	"github.com/jackc/pgx/v5"

	"github.com/chattercheatah/chattercheatah/shared/private"
)

// DeliveryReport is what the provider says of a text that it took.
type DeliveryReport struct {
	ProviderMessageID string
	Token             string // from the report address that the signed report names; "" when it names none
	To                private.Phone
	Text              private.Text // with To, the last resort for finding a reply whose answer was lost
	State             ReplyState   // Accepted, Delivered or Undelivered
	Reason            string       // the provider's error code for Undelivered
}

// recordDeliverySQL calls the function of migrations/00007_record_delivery.sql, which does all of it.
const recordDeliverySQL = `select record_delivery($1, $2, $3, $4, $5, $6, $7)`

// failedNowSQL names the reply that this transaction has settled as one that could not be delivered.
const failedNowSQL = `select id from replies where tenant_id = $1 and provider_message_id = $2 and state = 'undelivered' and settled_at = now()`

// RecordDelivery updates the reply that a delivery report is about and, when it could not be delivered, marks the
// conversation. known is false for a text that was not one of our replies; failed is the reply that this report, and none before it,
// says could not be delivered, 0 for none. One round trip.
func (t *Tenant) RecordDelivery(ctx context.Context, d DeliveryReport) (known bool, failed int64, err error) {
	err = t.run(ctx, "recording a delivery report", func(b *pgx.Batch) {
		b.Queue(recordDeliverySQL, t.id(), d.ProviderMessageID, d.Token, d.To.E164(), d.Text.Reveal(), string(d.State), d.Reason).
			QueryRow(func(row pgx.Row) error { return row.Scan(&known) })
		if d.State == Undelivered {
			b.Queue(failedNowSQL, t.id(), d.ProviderMessageID).Query(func(rows pgx.Rows) error {
				_, err := pgx.ForEachRow(rows, []any{&failed}, func() error { return nil })
				return err
			})
		}
	})
	return known, failed, err
}
