package store

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/chattercheatah/chattercheatah/shared/fault"
	"github.com/chattercheatah/chattercheatah/shared/private"
)

const (
	mailTokenColumn  = "tenant_email_configs.gmail_refresh_token"
	mailAccessColumn = "tenant_email_configs.gmail_access_token"
)

// MailboxGrant is a Gmail mailbox that somebody has given us leave to use.
type MailboxGrant struct {
	Address      string
	RefreshToken private.Secret // zero when Google gave none, as it may to somebody who has consented before
	AccessToken  private.Secret
	Expires      time.Time // when AccessToken does
	HistoryID    uint64    // Gmail's, of this moment
}

// Connected is what connecting a mailbox came to.
type Connected struct {
	Again    bool   // it is the mailbox that was connected already
	Before   string // the address of the one whose place it took, "" for none
	Business string // whose mailbox it is, for people to read
}

// connectMailboxSQL keeps the stored token where none is given: only of the same mailbox, and only one that Google has not refused. Where
// it may not, nothing changes and stored is false.
const connectMailboxSQL = `
with before as (
    select c.gmail_email, coalesce(c.gmail_email = lower($2), false) as again, c.grant_failed_at is null as good
      from tenant_email_configs c where c.tenant_id = $1 for update
), made as (
    update tenant_email_configs c
       set gmail_email = lower($2), gmail_refresh_token = coalesce($3, c.gmail_refresh_token), gmail_access_token = $4, gmail_token_expires_at = $5,
           connected_at = now(), grant_failed_at = null, is_enabled = true,
           enabled_at = case when before.again and c.is_enabled then c.enabled_at else now() end,
           last_history_id = case when before.again then coalesce(c.last_history_id, $6::text::numeric) else $6::text::numeric end,
           noticed_history_id = case when before.again then c.noticed_history_id else 0 end,
           read_due_at = case when before.again then c.read_due_at end,
           last_read_at = case when before.again then c.last_read_at end,
           watch_expires_at = case when before.again then c.watch_expires_at end,
           updated_at = now()
      from before
     where c.tenant_id = $1 and ($3::bytea is not null or before.again and before.good)
    returning c.tenant_id
)
select b.again, case when b.again then '' else coalesce(b.gmail_email, '') end, exists (select from made),
       coalesce((select nullif(p.business_name, '') from tenant_business_profiles p where p.tenant_id = $1), t.name)
  from before b, tenants t where t.id = $1`

var errNoRefreshToken = fault.New(fault.Invalid, "Google has not given us lasting access to this mailbox, because somebody has given it before. "+
	"Take this application's access away at https://myaccount.google.com/permissions and connect the mailbox again.")

// ConnectMailbox makes a mailbox the tenant's and turns answering on. The same mailbox again is read on from where it was read to; another
// one takes the place of the first and is read from HistoryID on, and what came before it was turned on is left alone. One round trip.
//
// Errors: fault.Conflict when the mailbox is another tenant's; fault.Invalid, with what to do, when there is no refresh token, neither given
// nor a good one of the same mailbox. Nothing is stored then.
func (t *Tenant) ConnectMailbox(ctx context.Context, g MailboxGrant) (c Connected, err error) {
	refresh, err := t.sealIfAny(g.RefreshToken, mailTokenColumn)
	if err != nil {
		return c, err
	}
	access, err := t.sealIfAny(g.AccessToken, mailAccessColumn)
	if err != nil {
		return c, err
	}
	stored := false
	err = t.change(ctx, "connecting a mailbox", func(b *pgx.Batch) {
		b.Queue(ensureEmailConfigSQL, t.id())
		b.Queue(connectMailboxSQL, t.id(), g.Address, refresh, access, orNull(g.Expires), strconv.FormatUint(g.HistoryID, 10)).
			QueryRow(func(row pgx.Row) error { return row.Scan(&c.Again, &c.Before, &stored, &c.Business) })
	})
	switch {
	case err != nil:
		return Connected{}, err
	case !stored:
		return Connected{}, errNoRefreshToken
	default:
		return c, nil
	}
}

// sealIfAny makes of a credential what its column takes: nil of none.
func (t *Tenant) sealIfAny(s private.Secret, column string) ([]byte, error) {
	if s.IsZero() {
		return nil, nil
	}
	return t.seal(&s, column)
}

// openIfAny is the other way round.
func (t *Tenant) openIfAny(sealed []byte, column string) (private.Secret, error) {
	if sealed == nil {
		return private.Secret{}, nil
	}
	return t.store.keys.Open(sealed, t.id(), column)
}

// WatchStarted records until when Google announces the mail of a mailbox, unless the tenant has another one by now. One round trip.
func (t *Tenant) WatchStarted(ctx context.Context, address string, expires time.Time) error {
	return t.run(ctx, "recording a watch", func(b *pgx.Batch) {
		b.Queue(`update tenant_email_configs c set watch_expires_at = $3 where c.tenant_id = $1 and c.gmail_email = lower($2)`, t.id(), address, expires)
	})
}

// Mailbox is a connected mailbox, for whoever works with it.
type Mailbox struct {
	EmailRules

	Address      string
	Enabled      bool
	EnabledAt    time.Time // mail that came before is left alone
	GrantFailed  time.Time // when Google first refused the token; zero while it works
	RefreshToken private.Secret
	AccessToken  private.Secret // zero for none
	TokenExpires time.Time      // when AccessToken does
	HistoryID    uint64         // Gmail's, up to which the mailbox was read
	WatchExpires time.Time
	CalendarToo  bool // a calendar, of this or another tenant, is the same account's: revoking the grant of one ends that of the other

	sealed []byte
}

const mailboxSQL = `
select ` + emailRulesColumns + `, c.gmail_email, c.is_enabled, c.enabled_at, c.grant_failed_at, c.gmail_refresh_token, c.gmail_access_token,
       c.gmail_token_expires_at, coalesce(c.last_history_id, 0)::text, c.watch_expires_at,
       is_calendar(c.gmail_email)
  from tenant_email_configs c where c.tenant_id = $1 and c.gmail_email is not null`

// Mailbox reads it. fault.NotFound when none is connected. One round trip.
func (t *Tenant) Mailbox(ctx context.Context) (m Mailbox, err error) {
	scan := mailboxScan{mailbox: &m}
	err = t.run(ctx, "reading the mailbox", func(b *pgx.Batch) { b.Queue(mailboxSQL, t.id()).QueryRow(scan.row) })
	if err == nil {
		err = t.open(&scan)
	}
	return m, err
}

// mailboxScan reads a row of mailboxSQL into a mailbox; open completes it.
type mailboxScan struct {
	mailbox *Mailbox
	access  []byte
	history string

	enabled, failed, expires, watch *time.Time
}

func (s *mailboxScan) row(row pgx.Row) error {
	m := s.mailbox
	return row.Scan(append(m.places(), &m.Address, &m.Enabled, &s.enabled, &s.failed, &m.sealed, &s.access, &s.expires, &s.history, &s.watch, &m.CalendarToo)...)
}

// maybe is row for a statement that may find none.
func (s *mailboxScan) maybe(rows pgx.Rows) error {
	defer rows.Close()
	if rows.Next() {
		if err := s.row(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}

func (t *Tenant) open(s *mailboxScan) (err error) {
	m := s.mailbox
	if m.Address == "" {
		return nil // none is connected
	}
	m.EnabledAt, m.GrantFailed, m.TokenExpires, m.WatchExpires = orZero(s.enabled), orZero(s.failed), orZero(s.expires), orZero(s.watch)
	if m.HistoryID, err = strconv.ParseUint(s.history, 10, 64); err != nil {
		return fmt.Errorf("reading the mailbox: its history id is above what Gmail's can be")
	}
	if m.RefreshToken, err = t.openIfAny(m.sealed, mailTokenColumn); err != nil {
		return err
	}
	m.AccessToken, err = t.openIfAny(s.access, mailAccessColumn)
	return err
}

// believed is how long something is looked for that was announced and does not show: Gmail's history may lag, or the announcement was an
// invention.
const believed = 10 * time.Minute

// MailboxRead records that the mailbox m was read up to historyID, and what leave is in use by now. The place never goes back, unless anew says
// that the history of before is gone. It tells whether more has been announced than that, and which mail nothing has been made of that is
// due. One round trip.
func (t *Tenant) MailboxRead(ctx context.Context, m Mailbox, historyID uint64, anew bool, access private.Secret, expires time.Time) (again bool, noticed []int64, err error) {
	sealed, err := t.sealIfAny(access, mailAccessColumn)
	if err != nil {
		return false, nil, err
	}
	err = t.run(ctx, "recording how far a mailbox was read", func(b *pgx.Batch) {
		b.Queue(`update tenant_email_configs c set last_history_id = case when $7 then $3::text::numeric else greatest(c.last_history_id, $3::text::numeric) end, last_read_at = now(),
			read_due_at = case when c.noticed_history_id > $3::text::numeric and coalesce(c.read_due_at, now()) > now() - $8::interval then coalesce(c.read_due_at, now()) end,
			noticed_history_id = case when coalesce(c.read_due_at, now()) > now() - $8::interval then c.noticed_history_id else least(c.noticed_history_id, $3::text::numeric) end,
			gmail_access_token = coalesce($4, c.gmail_access_token), gmail_token_expires_at = case when $4::bytea is null then c.gmail_token_expires_at else $5 end
			where c.tenant_id = $1 and c.gmail_email = $2 and c.gmail_refresh_token = $6 returning c.read_due_at is not null`,
			t.id(), m.Address, strconv.FormatUint(historyID, 10), sealed, orNull(expires), m.sealed, anew, believed).
			Query(func(rows pgx.Rows) error {
				_, err := pgx.ForEachRow(rows, []any{&again}, func() error { return nil })
				return err
			})
		b.Queue(`select id from emails where tenant_id = $1 and state = 'noticed' and act_at <= now() order by id limit 500`, t.id()).
			Query(func(rows pgx.Rows) (err error) {
				noticed, err = pgx.CollectRows(rows, pgx.RowTo[int64])
				return err
			})
	})
	return again, noticed, err
}

// MailboxGrantFailed marks the grant of m as refused, unless the tenant has another by now; first is whether nobody has before. The owner is
// texted words then, once, if the tenant texts and has an owner's number. One round trip.
func (t *Tenant) MailboxGrantFailed(ctx context.Context, m Mailbox, words private.Text) (first bool, err error) {
	err = t.run(ctx, "recording a refused grant", func(b *pgx.Batch) {
		b.Queue(`select fail_mailbox($1, $2, $3)`, t.id(), m.sealed, words.Reveal()).QueryRow(func(row pgx.Row) error { return row.Scan(&first) })
	})
	return first, err
}

// DisconnectMailbox forgets a mailbox, its tokens and how far it was read, and turns answering off; how mail is to be answered stays.
// fault.NotFound when it is not the one that is connected. One round trip.
func (t *Tenant) DisconnectMailbox(ctx context.Context, address string) error {
	found := false
	err := t.change(ctx, "disconnecting the mailbox", func(b *pgx.Batch) {
		b.Queue(`update tenant_email_configs c set is_enabled = false, gmail_email = null, gmail_refresh_token = null, gmail_access_token = null,
			gmail_token_expires_at = null, connected_at = null, enabled_at = null, grant_failed_at = null, watch_expires_at = null,
			last_history_id = null, noticed_history_id = 0, read_due_at = null, last_read_at = null, updated_at = now()
			where c.tenant_id = $1 and c.gmail_email = lower($2)`, t.id(), address).
			Exec(func(tag pgconn.CommandTag) error {
				found = tag.RowsAffected() == 1
				return nil
			})
	})
	if err == nil && !found {
		return fault.New(fault.NotFound, "no mailbox is connected")
	}
	return err
}
