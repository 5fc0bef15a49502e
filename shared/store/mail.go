package store

import (
	"context"
	"encoding/json"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/chattercheatah/chattercheatah/shared/private"
	"github.com/chattercheatah/chattercheatah/shared/tenant"
)

// Listed is a mail as a mailbox's history names it.
type Listed struct {
	ID       string `json:"id"` // Gmail's
	ThreadID string `json:"thread"`
	ByHand   bool   `json:"by_hand"` // somebody of the tenant wrote it in Gmail
}

// NoticeMails records mail that was listed, each once however often it is. What we have sent ourselves is left out, and so is what people of
// the tenant write into threads that we do not know. One round trip.
func (t *Tenant) NoticeMails(ctx context.Context, mailbox string, listed []Listed) error {
	text, err := json.Marshal(listed)
	if err != nil {
		return err
	}
	return t.run(ctx, "recording listed mail", func(b *pgx.Batch) {
		b.Queue(`select notice_mails($1, $2, $3)`, t.id(), mailbox, text)
	})
}

// Email is a mail that came into the tenant's mailbox.
type Email struct {
	ID       int64
	Mailbox  string // that it came into
	GmailID  string
	ThreadID string
	ByHand   bool
	Attempts int  // to make something of it that failed
	Open     bool // nothing has been made of it yet
	Due      bool // and it is time
}

// Email reads a mail and the mailbox that is connected, which is zero for none. fault.NotFound when there is no such mail. One round trip.
func (t *Tenant) Email(ctx context.Context, id int64) (e Email, m Mailbox, err error) {
	scan := mailboxScan{mailbox: &m}
	err = t.run(ctx, "reading a mail", func(b *pgx.Batch) {
		b.Queue(`select id, mailbox, gmail_id, thread_id, by_hand, attempts, state = 'noticed', is_due(act_at) from emails where tenant_id = $1 and id = $2`, t.id(), id).
			QueryRow(func(row pgx.Row) error {
				return row.Scan(&e.ID, &e.Mailbox, &e.GmailID, &e.ThreadID, &e.ByHand, &e.Attempts, &e.Open, &e.Due)
			})
		b.Queue(mailboxSQL, t.id()).Query(scan.maybe)
	})
	if err == nil {
		err = t.open(&scan)
	}
	return e, m, err
}

// MailKind is what a mail is taken for.
type MailKind string

// The kinds of mail.
const (
	MailWritten MailKind = "mail"    // somebody wrote it to the tenant
	MailForm    MailKind = "form"    // a form's fields: a lead, and no answer
	MailByHand  MailKind = "staff"   // somebody of the tenant wrote it, in Gmail
	MailIgnored MailKind = "ignored" // for a reason; nothing of it is kept
)

// MailMade is what a mail says, and what it is taken for.
type MailMade struct {
	Kind        MailKind
	Why         string // of MailIgnored: automatic, deleted ...
	From, Name  string
	ReplyTo     string // where an answer goes; From when ""
	Subject     string
	MessageID   string // with <>
	References  []string
	Text        private.Text
	Attachments int
	Received    time.Time
	Via         []string // whose mailboxes have passed it on
	Keyword     Keyword  // Stop, Start or NoKeyword
	Token       string   // of MailByHand: of the reply that it may be
	Flag        string   // why staff should look at it; "" when they need not
	Lead        MailLead
}

// MailLead is whom a form names.
type MailLead struct {
	Name, Email string
	Phone       private.Phone
	Details     map[string]string
}

// MailOutcome is what a mail came to.
type MailOutcome struct {
	Outcome string // answer, form, silent, opted_out, opted_in, staff or ignored; wait while it may have been answered by hand; "" when there is no such mail
	Why     string // of silent and ignored
	ReplyID int64  // that is planned; 0 for none
	ActAt   time.Time
}

// MailLimits are those of answering.
type MailLimits struct {
	InThread int           // answers a day
	ToOne    int           // answers a day to one address
	Wait     time.Duration // of an answer for more mail in its thread
}

// RecordMail makes of a mail what it calls for, in one transaction and once: of one that is done it tells what came of it. One round trip.
func (t *Tenant) RecordMail(ctx context.Context, id int64, m MailMade, l MailLimits) (o MailOutcome, err error) {
	text, err := json.Marshal(m.wire())
	if err != nil {
		return o, err
	}
	err = t.run(ctx, "recording a mail", func(b *pgx.Batch) {
		b.Queue(`select coalesce(outcome, ''), coalesce(why, ''), coalesce(reply, 0), coalesce(due, 'epoch') from record_mail($1, $2, $3, $4, $5, $6)`,
			t.id(), id, text, l.InThread, l.ToOne, l.Wait).QueryRow(func(row pgx.Row) error { return row.Scan(&o.Outcome, &o.Why, &o.ReplyID, &o.ActAt) })
	})
	return o, err
}

// wire is m as record_mail of migrations/00022_mail.sql reads it.
func (m MailMade) wire() map[string]any {
	if m.References == nil {
		m.References = []string{}
	}
	if m.Via == nil {
		m.Via = []string{}
	}
	if m.Lead.Details == nil {
		m.Lead.Details = map[string]string{}
	}
	return map[string]any{
		"as": m.Kind, "why": m.Why, "from": m.From, "name": m.Name, "reply_to": m.ReplyTo, "subject": m.Subject, "message_id": m.MessageID, "refs": m.References,
		"text": m.Text.Reveal(), "attachments": m.Attachments, "received": m.Received, "via": m.Via, "keyword": m.Keyword, "token": m.Token, "flag": m.Flag,
		"lead": map[string]any{"name": m.Lead.Name, "email": m.Lead.Email, "phone": m.Lead.Phone.E164(), "details": m.Lead.Details},
	}
}

// PostponeMail has a mail looked at again after a while; counted is whether the attempt counts, of which there are most: then the mail is
// given up, and failed is true. One round trip.
func (t *Tenant) PostponeMail(ctx context.Context, id int64, after time.Duration, counted bool, most int, reason string) (failed bool, err error) {
	err = t.run(ctx, "postponing a mail", func(b *pgx.Batch) {
		b.Queue(`update emails set attempts = attempts + $4::boolean::integer, act_at = now() + $3::interval, reason = $6,
			state = case when attempts + $4::boolean::integer >= $5 then 'failed' else state end,
			outcome = case when attempts + $4::boolean::integer >= $5 then 'failed' end,
			done_at = case when attempts + $4::boolean::integer >= $5 then now() end
			where tenant_id = $1 and id = $2 and state = 'noticed' returning state = 'failed'`, t.id(), id, after, counted, most, reason).
			Query(func(rows pgx.Rows) error {
				_, err := pgx.ForEachRow(rows, []any{&failed}, func() error { return nil })
				return err
			})
	})
	return failed, err
}

// MailboxNotice is what an announcement of Gmail's came to.
type MailboxNotice struct {
	Scope  tenant.Scope
	Answer bool // the mailbox is to be answered
	Due    bool // there is something that has not been read
}

const noticeSQL = `
with noticed as (
    update tenant_email_configs set noticed_history_id = greatest(noticed_history_id, $1::text::numeric), read_due_at = coalesce(read_due_at, now())
     where tenant_id = current_setting('app.tenant_id')::bigint and is_enabled and grant_failed_at is null and coalesce(last_history_id, 0) < $1::text::numeric
    returning tenant_id
)
select is_enabled and grant_failed_at is null, exists (select from noticed) from tenant_email_configs where tenant_id = current_setting('app.tenant_id')::bigint`

// NoticeMailbox records that a mailbox has changed up to a history id, which is never where to read from. fault.NotFound for a mailbox that no
// active tenant has connected. One round trip.
func (s *Store) NoticeMailbox(ctx context.Context, address string, historyID uint64) (n MailboxNotice, err error) {
	var id int64
	err = s.route(ctx, "routing a mailbox", `route_mailbox($1)`, address, &id, func(b *pgx.Batch) {
		b.Queue(noticeSQL, strconv.FormatUint(historyID, 10)).QueryRow(func(row pgx.Row) error { return row.Scan(&n.Answer, &n.Due) })
	})
	n.Scope = tenant.ByMailbox(tenant.ID(id))
	return n, err
}

// UnreadMailboxes lists whose mailboxes are to be read: something was announced at least late ago, or nothing was read for silence. It tells
// ids and nothing else.
func (s *Store) UnreadMailboxes(ctx context.Context, late, silence time.Duration, atMost int) ([]tenant.Scope, error) {
	return s.tenants(ctx, "finding unread mailboxes", `select tenant_id from route_unread_mailboxes(now() - $1::interval, now() - $2::interval, $3)`, late, silence, atMost)
}

// ExpiringWatches lists whose watch expires within a time.
func (s *Store) ExpiringWatches(ctx context.Context, within time.Duration, atMost int) ([]tenant.Scope, error) {
	return s.tenants(ctx, "finding expiring watches", `select tenant_id from route_expiring_watches(now() + $1::interval, $2)`, within, atMost)
}

func (s *Store) tenants(ctx context.Context, doing, sql string, args ...any) (found []tenant.Scope, err error) {
	err = s.run(ctx, doing, session{role: appRole, tenant: nobody}, func(b *pgx.Batch) {
		b.Queue(sql, args...).Query(func(rows pgx.Rows) error {
			var id int64
			_, err := pgx.ForEachRow(rows, []any{&id}, func() error {
				found = append(found, tenant.ByTask(tenant.ID(id)))
				return nil
			})
			return err
		})
	})
	return found, err
}

// StoppedMailbox is one that is to be answered and is not.
type StoppedMailbox struct {
	Scope tenant.Scope
	Why   string // grant: Google refuses it; watch: nothing is announced; unread: it was not read for long
}

// StoppedMailboxes lists them; unread is how long one may go without being read.
func (s *Store) StoppedMailboxes(ctx context.Context, unread time.Duration, atMost int) (found []StoppedMailbox, err error) {
	err = s.run(ctx, "finding stopped mailboxes", session{role: appRole, tenant: nobody}, func(b *pgx.Batch) {
		b.Queue(`select tenant_id, why from route_stopped_mailboxes(now() - $1::interval, $2)`, unread, atMost).Query(func(rows pgx.Rows) error {
			var id int64
			var why string
			_, err := pgx.ForEachRow(rows, []any{&id, &why}, func() error {
				found = append(found, StoppedMailbox{tenant.ByTask(tenant.ID(id)), why})
				return nil
			})
			return err
		})
	})
	return found, err
}

// NoticedMail is a mail that nothing has been made of in time.
type NoticedMail struct {
	Scope   tenant.Scope
	EmailID int64
}

// NoticedMails lists them, oldest first, ofEach tenant a few: recorded and never queued, or left behind by a worker that died.
func (s *Store) NoticedMails(ctx context.Context, late time.Duration, atMost, ofEach int) (found []NoticedMail, err error) {
	err = s.run(ctx, "finding mail that was left", session{role: appRole, tenant: nobody}, func(b *pgx.Batch) {
		b.Queue(`select tenant_id, email_id from route_noticed_mails(now() - $1::interval, $2, $3)`, late, atMost, ofEach).Query(func(rows pgx.Rows) error {
			var id, mail int64
			_, err := pgx.ForEachRow(rows, []any{&id, &mail}, func() error {
				found = append(found, NoticedMail{tenant.ByTask(tenant.ID(id)), mail})
				return nil
			})
			return err
		})
	})
	return found, err
}
