package admintenants

import (
	"context"
	"time"

	"github.com/chattercheatah/chattercheatah/shared/hours"
	"github.com/chattercheatah/chattercheatah/shared/httpx"
	"github.com/chattercheatah/chattercheatah/shared/private"
	"github.com/chattercheatah/chattercheatah/shared/store"
)

type calendarConfigOutput struct {
	Body struct {
		IsEnabled          bool        `json:"is_enabled"`
		GoogleEmail        *string     `json:"google_email"`
		CalendarID         string      `json:"calendar_id"`
		GoogleRefreshToken secretState `json:"google_refresh_token"`
		GrantFailedAt      *time.Time  `json:"grant_failed_at" doc:"when Google first refused the token; connect the calendar again and send the new one; null while it works"`
		MeetingMinutes     int         `json:"meeting_minutes"`
		BufferMinutes      int         `json:"buffer_minutes"`
		NoticeMinutes      int         `json:"notice_minutes"`
		HorizonDays        int         `json:"horizon_days"`
		Hours              hours.Week  `json:"hours"`
	}
}

type calendarConfigInput struct {
	Body struct {
		IsEnabled          *bool                       `json:"is_enabled,omitempty" doc:"book meetings in the calendar; needs google_refresh_token"`
		GoogleEmail        httpx.Field[string]         `json:"google_email,omitzero" format:"email" maxLength:"254" example:"owner@exampleco.test" doc:"whose calendar it is; for people to read"`
		CalendarID         httpx.Field[string]         `json:"calendar_id,omitzero" minLength:"1" maxLength:"500" pattern:"^[!-~]+$" patternDescription:"an id without spaces" example:"primary" doc:"null for primary, the account's own"`
		GoogleRefreshToken httpx.Field[private.Secret] `json:"google_refresh_token,omitzero" maxLength:"2000" pattern:"^[!-~]+$" patternDescription:"the token, without spaces" writeOnly:"true"`
		MeetingMinutes     *int                        `json:"meeting_minutes,omitempty" minimum:"5" maximum:"480" doc:"how long a meeting takes"`
		BufferMinutes      *int                        `json:"buffer_minutes,omitempty" minimum:"0" maximum:"240" doc:"kept free before and after a meeting"`
		NoticeMinutes      *int                        `json:"notice_minutes,omitempty" minimum:"0" maximum:"20160" doc:"from the call to the meeting at least"`
		HorizonDays        *int                        `json:"horizon_days,omitempty" minimum:"0" maximum:"60" doc:"how many days ahead meetings are booked"`
		Hours              *hours.Week                 `json:"hours,omitempty" example:"{\"monday\":{\"start\":\"09:00\",\"end\":\"17:00\"}}" doc:"when meetings are held, in the timezone of the SMS settings; a day left out has none"`
	}
}

// calendarConfig shows the tenant's calendar and when meetings are held.
func (d Deps) calendarConfig(ctx context.Context, t *store.Tenant, _ *struct{}) (*calendarConfigOutput, error) {
	c, err := t.CalendarConfig(ctx)
	return showCalendarConfig(c, err)
}

// configureCalendar changes the fields that were sent; null clears one.
func (d Deps) configureCalendar(ctx context.Context, t *store.Tenant, in *calendarConfigInput) (*calendarConfigOutput, error) {
	b := in.Body
	if b.Hours != nil {
		if err := b.Hours.ValidateAs("hours"); err != nil {
			return nil, err
		}
	}
	c, err := t.ConfigureCalendar(ctx, store.CalendarConfigChange{
		Enabled: b.IsEnabled, GoogleEmail: b.GoogleEmail.Change(), CalendarID: b.CalendarID.Change(), RefreshToken: b.GoogleRefreshToken.Change(),
		Meeting: b.MeetingMinutes, Buffer: b.BufferMinutes, Notice: b.NoticeMinutes, HorizonDays: b.HorizonDays, Hours: b.Hours,
	})
	return showCalendarConfig(c, err)
}

func showCalendarConfig(c store.CalendarConfig, err error) (*calendarConfigOutput, error) {
	if err != nil {
		return nil, err
	}
	out := &calendarConfigOutput{}
	b := &out.Body
	b.IsEnabled, b.GoogleEmail, b.CalendarID, b.GoogleRefreshToken = c.Enabled, orNull(c.GoogleEmail), c.CalendarID, stateOf(c.RefreshToken)
	b.MeetingMinutes, b.BufferMinutes, b.NoticeMinutes, b.HorizonDays, b.Hours = c.Meeting, c.Buffer, c.Notice, c.HorizonDays, c.Hours
	if !c.GrantFailed.IsZero() {
		at := c.GrantFailed.UTC()
		b.GrantFailedAt = &at
	}
	return out, nil
}
