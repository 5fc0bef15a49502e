package store

import (
	"github.com/jackc/pgx/v5"

	"github.com/chattercheatah/chattercheatah/shared/private"
)

// Envelope is where a reply by mail goes, and the mailbox that it comes from.
type Envelope struct {
	To         string
	Subject    string   // of the mail that it answers
	InReplyTo  string   // that mail's Message-ID, with <>; "" when it had none
	References []string // those that the mail named
	ThreadID   string   // Gmail's
	Draft      bool     // it is kept as a draft, as the tenant wants of answers
	Box        Mailbox
}

const envelopeSQL = `
select e.reply_to, e.subject, e.message_id, e.message_refs, e.thread_id, r.kind = 'answer', coalesce(s.timezone, 'America/Chicago'), coalesce(s.business_hours, '{}')
  from replies r
  join emails e on e.tenant_id = $1 and e.id = r.email_id
  left join tenant_sms_configs s on s.tenant_id = $1
 where r.tenant_id = $1 and r.id = $2`

// queueEnvelope reads what of a tenant sends mail. Its hours are those of its texts.
func (t *Tenant) queueEnvelope(b *pgx.Batch, id int64, r *Reply) *mailboxScan {
	r.Mail = &Envelope{}
	m := r.Mail
	b.Queue(envelopeSQL, t.id(), id).QueryRow(func(row pgx.Row) error {
		return row.Scan(&m.To, &m.Subject, &m.InReplyTo, &m.References, &m.ThreadID, &m.Draft, &r.Zone, &r.Hours)
	})
	scan := &mailboxScan{mailbox: &m.Box}
	b.Queue(mailboxSQL, t.id()).Query(scan.maybe)
	return scan
}

// address completes a reply by mail with the rules of its mailbox.
func (t *Tenant) address(r *Reply, scan *mailboxScan) error {
	if err := t.open(scan); err != nil {
		return err
	}
	box := &r.Mail.Box
	r.Mail.Draft = r.Mail.Draft && box.AnswerMode == AnswerByDraft
	r.HoursEnabled, r.SilentClosed = box.HoursEnabled, !box.AutoReplyOutsideHours
	if box.AutoReplyOutsideHours {
		r.AfterHours = private.NewText(box.AutoReplyMessage)
	}
	if n := len(r.History) - box.MaxThreadDepth; n > 0 {
		r.History = r.History[n:]
	}
	return nil
}
