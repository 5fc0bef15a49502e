package store

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"
)

// AnswerMode is what becomes of an answer to mail.
type AnswerMode string

// The modes of answering.
const (
	AnswerByReply AnswerMode = "reply" // it is sent
	AnswerByDraft AnswerMode = "draft" // it waits in the mailbox for somebody to send it
)

// EmailRules is how a tenant wants its mail answered. Its business hours and their zone are those of SMSSettings.
type EmailRules struct {
	Signature             string
	HoursEnabled          bool
	AutoReplyOutsideHours bool // outside business hours, say AutoReplyMessage instead of answering
	AutoReplyMessage      string
	MaxThreadDepth        int // how many messages of a thread the model is told
	AnswerMode            AnswerMode
	LeadSubjectPrefixes   []string // mail whose subject begins so is a form: a lead and no answer
	EscalationKeywords    []string // mail with one of these is shown to staff, besides being answered
}

// EmailSettings is how a tenant's mail is answered, and how its mailbox stands.
type EmailSettings struct {
	EmailRules

	Enabled        bool
	GmailEmail     string // "" while no mailbox is connected
	ConnectedAt    time.Time
	NeedsReconnect bool      // Google refuses the grant
	WatchActive    bool      // Google announces mail; without, it is found when the mailbox is read anyway
	LastReadAt     time.Time // zero for never
}

// Connected reports whether there is a mailbox.
func (s EmailSettings) Connected() bool { return s.GmailEmail != "" }

// EmailSettingsChange names the fields to change; the nil ones stay as they are.
type EmailSettingsChange struct {
	Enabled               *bool
	Signature             *string
	HoursEnabled          *bool
	AutoReplyOutsideHours *bool
	AutoReplyMessage      *string
	MaxThreadDepth        *int
	AnswerMode            *AnswerMode
	LeadSubjectPrefixes   *[]string
	EscalationKeywords    *[]string
}

const emailRulesColumns = `c.response_signature, c.business_hours_enabled, c.auto_reply_outside_hours, c.auto_reply_message, c.max_thread_depth,
	c.answer_mode, c.lead_capture_subject_prefixes, c.escalation_keywords`

// places are where the columns of emailRulesColumns go.
func (r *EmailRules) places() []any {
	return []any{
		&r.Signature, &r.HoursEnabled, &r.AutoReplyOutsideHours, &r.AutoReplyMessage, &r.MaxThreadDepth,
		&r.AnswerMode, &r.LeadSubjectPrefixes, &r.EscalationKeywords,
	}
}

const emailSettingsColumns = emailRulesColumns + `, c.is_enabled, coalesce(c.gmail_email, ''), c.connected_at, c.grant_failed_at is not null,
	coalesce(c.watch_expires_at > now(), false), c.last_read_at`

const ensureEmailConfigSQL = `insert into tenant_email_configs (tenant_id) values ($1) on conflict do nothing`

// EmailSettings reads the tenant's settings, which are the column defaults for a tenant that has none yet. One round trip.
func (t *Tenant) EmailSettings(ctx context.Context) (s EmailSettings, err error) {
	err = t.run(ctx, "reading the e-mail settings", func(b *pgx.Batch) {
		b.Queue(ensureEmailConfigSQL, t.id())
		b.Queue(`select `+emailSettingsColumns+` from tenant_email_configs c where c.tenant_id = $1`, t.id()).QueryRow(s.scan)
	})
	return s, err
}

// ChangeEmailSettings changes the named fields in one round trip and returns all of them. What came before answering was turned on is left
// alone. fault.Invalid when it is to be turned on and no mailbox is connected.
func (t *Tenant) ChangeEmailSettings(ctx context.Context, c EmailSettingsChange) (s EmailSettings, err error) {
	err = t.change(ctx, "changing the e-mail settings", func(b *pgx.Batch) {
		b.Queue(ensureEmailConfigSQL, t.id())
		b.Queue(`update tenant_email_configs c set is_enabled = coalesce($2, c.is_enabled),
			enabled_at = case when $2 and not c.is_enabled then now() else c.enabled_at end, response_signature = coalesce($3, c.response_signature),
			business_hours_enabled = coalesce($4, c.business_hours_enabled), auto_reply_outside_hours = coalesce($5, c.auto_reply_outside_hours),
			auto_reply_message = coalesce($6, c.auto_reply_message), max_thread_depth = coalesce($7, c.max_thread_depth),
			answer_mode = coalesce($8, c.answer_mode), lead_capture_subject_prefixes = coalesce($9, c.lead_capture_subject_prefixes),
			escalation_keywords = coalesce($10, c.escalation_keywords), updated_at = now()
			where c.tenant_id = $1 returning `+emailSettingsColumns,
			t.id(), c.Enabled, c.Signature, c.HoursEnabled, c.AutoReplyOutsideHours, c.AutoReplyMessage, c.MaxThreadDepth, c.AnswerMode,
			c.LeadSubjectPrefixes, c.EscalationKeywords).QueryRow(s.scan)
	})
	return s, explain(err, emailNeedsMailbox, "e-mail cannot be answered yet: no mailbox is connected; connect one with POST /email/oauth/start, which turns this on")
}

func (s *EmailSettings) scan(row pgx.Row) error {
	var connected, read *time.Time
	err := row.Scan(append(s.places(), &s.Enabled, &s.GmailEmail, &connected, &s.NeedsReconnect, &s.WatchActive, &read)...)
	s.ConnectedAt, s.LastReadAt = orZero(connected), orZero(read)
	return err
}

func orZero(at *time.Time) time.Time {
	if at == nil {
		return time.Time{}
	}
	return *at
}
