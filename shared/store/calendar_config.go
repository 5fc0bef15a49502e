package store

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/chattercheatah/chattercheatah/shared/hours"
	"github.com/chattercheatah/chattercheatah/shared/private"
)

// CalendarConfig is a tenant's own Google Calendar and when meetings are held: what an operator assigns.
type CalendarConfig struct {
	Enabled      bool
	GoogleEmail  string     // whose calendar it is; for people to read
	CalendarID   string     // "primary" for the account's own
	RefreshToken KeptSecret // Google's grant
	Meeting      int        // minutes
	Buffer       int        // minutes that are kept free around a meeting
	Notice       int        // minutes
	HorizonDays  int
	Hours        hours.Week // in the zone of the tenant's SMS settings
	GrantFailed  time.Time  // when Google first refused the token; zero while it works
}

// CalendarConfigChange names what to change: a nil field stays as it is, and a pointer to the zero value of GoogleEmail, CalendarID or
// RefreshToken clears it.
type CalendarConfigChange struct {
	Enabled      *bool
	GoogleEmail  *string
	CalendarID   *string
	RefreshToken *private.Secret
	Meeting      *int
	Buffer       *int
	Notice       *int
	HorizonDays  *int
	Hours        *hours.Week
}

const calendarTokenColumn = "tenant_calendar_configs.google_refresh_token"

const calendarConfigColumns = `coalesce(c.is_enabled, false), coalesce(c.google_email, ''), coalesce(c.calendar_id, 'primary'), c.google_refresh_token,
	coalesce(c.meeting_minutes, 30), coalesce(c.buffer_minutes, 15), coalesce(c.notice_minutes, 120), coalesce(c.horizon_days, 14), c.hours, c.grant_failed_at`

// usualHours are those of a tenant that has set none: the column's default.
func usualHours() hours.Week {
	usual := hours.Week{}
	for _, day := range []string{"monday", "tuesday", "wednesday", "thursday", "friday"} {
		usual[day] = hours.Span{Start: "09:00", End: "17:00"}
	}
	return usual
}

// CalendarConfig reads what is assigned; for a tenant that has no configuration yet, the defaults. fault.NotFound when there is no such
// tenant. One round trip.
func (t *Tenant) CalendarConfig(ctx context.Context) (c CalendarConfig, err error) {
	err = t.run(ctx, "reading the calendar configuration", func(b *pgx.Batch) {
		b.Queue(`select `+calendarConfigColumns+` from tenants t left join tenant_calendar_configs c on c.tenant_id = $1 where t.id = $1`, t.id()).
			QueryRow(func(row pgx.Row) error { return t.scanCalendarConfig(row, &c) })
	})
	return c, err
}

// ConfigureCalendar assigns a calendar, a grant and the times of meetings, with the rules of ConfigureSMS. Another token clears the mark
// of one that Google has refused. fault.NotFound when there is no such tenant, fault.Invalid when the calendar is on and would be left
// without a token. One round trip.
func (t *Tenant) ConfigureCalendar(ctx context.Context, c CalendarConfigChange) (now CalendarConfig, err error) {
	token, err := t.seal(c.RefreshToken, calendarTokenColumn)
	if err != nil {
		return now, err
	}
	err = t.change(ctx, "configuring the calendar", func(b *pgx.Batch) {
		b.Queue(`insert into tenant_calendar_configs (tenant_id) values ($1) on conflict do nothing`, t.id())
		b.Queue(`update tenant_calendar_configs c set is_enabled = coalesce($2, c.is_enabled), google_email = nullif(coalesce($3, c.google_email), ''),
			calendar_id = coalesce(nullif(coalesce($4, c.calendar_id), ''), 'primary'), google_refresh_token = nullif(coalesce($5, c.google_refresh_token), ''),
			grant_failed_at = case when $5::bytea is null then c.grant_failed_at end, meeting_minutes = coalesce($6, c.meeting_minutes),
			buffer_minutes = coalesce($7, c.buffer_minutes), notice_minutes = coalesce($8, c.notice_minutes), horizon_days = coalesce($9, c.horizon_days),
			hours = coalesce($10, c.hours), updated_at = now()
			where c.tenant_id = $1 returning `+calendarConfigColumns,
			t.id(), c.Enabled, c.GoogleEmail, c.CalendarID, token, c.Meeting, c.Buffer, c.Notice, c.HorizonDays, c.Hours).
			QueryRow(func(row pgx.Row) error { return t.scanCalendarConfig(row, &now) })
	})
	return now, explain(err, calendarNeedsGrant, "the calendar is on, or was to be, and needs a google_refresh_token: send one, or is_enabled false with this change")
}

func (t *Tenant) scanCalendarConfig(row pgx.Row, c *CalendarConfig) error {
	var sealed []byte
	var failed *time.Time
	err := row.Scan(&c.Enabled, &c.GoogleEmail, &c.CalendarID, &sealed, &c.Meeting, &c.Buffer, &c.Notice, &c.HorizonDays, &c.Hours, &failed)
	if err != nil {
		return err
	}
	if c.Hours == nil {
		c.Hours = usualHours()
	}
	if failed != nil {
		c.GrantFailed = *failed
	}
	c.RefreshToken = t.kept(sealed, calendarTokenColumn)
	return nil
}

// Calendar is what booking a meeting needs to know of a tenant.
type Calendar struct {
	RefreshToken private.Secret // Google's grant; zero when there is no calendar to book in: none, one that is off, or a grant that is refused
	CalendarID   string
	Length       time.Duration // of a meeting
	Buffer       time.Duration
	Notice       time.Duration
	HorizonDays  int
	Hours        hours.Week
	Zone         string // IANA name
	BusinessName string
	BookingURL   string // where customers book who cannot book here; "" for nowhere

	sealed []byte
}

const calendarSQL = `
select coalesce(c.calendar_id, 'primary'), case when c.is_enabled and c.grant_failed_at is null then c.google_refresh_token end,
       coalesce(c.meeting_minutes, 30), coalesce(c.buffer_minutes, 15), coalesce(c.notice_minutes, 120), coalesce(c.horizon_days, 14), c.hours,
       coalesce((select s.timezone from tenant_sms_configs s where s.tenant_id = $1), 'America/Chicago'),
       coalesce((select nullif(p.business_name, '') from tenant_business_profiles p where p.tenant_id = $1), t.name),
       coalesce((select o.booking_url from tenant_customer_service_configs o where o.tenant_id = $1), '')
  from tenants t left join tenant_calendar_configs c on c.tenant_id = $1 where t.id = $1`

// Calendar reads it. fault.NotFound when there is no such tenant. One round trip.
func (t *Tenant) Calendar(ctx context.Context) (c Calendar, err error) {
	var meeting, buffer, notice int
	err = t.run(ctx, "reading the calendar", func(b *pgx.Batch) {
		b.Queue(calendarSQL, t.id()).QueryRow(func(row pgx.Row) error {
			return row.Scan(&c.CalendarID, &c.sealed, &meeting, &buffer, &notice, &c.HorizonDays, &c.Hours, &c.Zone, &c.BusinessName, &c.BookingURL)
		})
	})
	if err != nil {
		return c, err
	}
	c.Length, c.Buffer, c.Notice = time.Duration(meeting)*time.Minute, time.Duration(buffer)*time.Minute, time.Duration(notice)*time.Minute
	if c.sealed != nil {
		c.RefreshToken, err = t.store.keys.Open(c.sealed, t.id(), calendarTokenColumn)
	}
	return c, err
}

// CalendarGrantFailed marks the grant of c as refused, unless the tenant has another by now; first is whether nobody has before. One round
// trip.
func (t *Tenant) CalendarGrantFailed(ctx context.Context, c Calendar) (first bool, err error) {
	err = t.run(ctx, "recording a refused grant", func(b *pgx.Batch) {
		b.Queue(`update tenant_calendar_configs set grant_failed_at = now() where tenant_id = $1 and google_refresh_token = $2 and grant_failed_at is null`, t.id(), c.sealed).
			Exec(func(tag pgconn.CommandTag) error {
				first = tag.RowsAffected() == 1
				return nil
			})
	})
	return first, err
}
