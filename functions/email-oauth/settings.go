package emailoauth

import (
	"context"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/chattercheatah/chattercheatah/shared/fault"
	"github.com/chattercheatah/chattercheatah/shared/store"
)

type emailSettingsOutput struct {
	Body struct {
		IsEnabled                  bool       `json:"is_enabled"`
		GmailEmail                 *string    `json:"gmail_email" doc:"the connected mailbox; null for none"`
		IsConnected                bool       `json:"is_connected"`
		NeedsReconnect             bool       `json:"needs_reconnect" doc:"Google refuses our access; connect the mailbox again"`
		WatchActive                bool       `json:"watch_active" doc:"Google announces new mail; otherwise the mailbox is read about once an hour"`
		LastReadAt                 *time.Time `json:"last_read_at"`
		BusinessHoursEnabled       bool       `json:"business_hours_enabled"`
		AutoReplyOutsideHours      bool       `json:"auto_reply_outside_hours"`
		AutoReplyMessage           string     `json:"auto_reply_message"`
		ResponseSignature          string     `json:"response_signature"`
		MaxThreadDepth             int        `json:"max_thread_depth"`
		AnswerMode                 string     `json:"answer_mode" enum:"reply,draft"`
		LeadCaptureSubjectPrefixes []string   `json:"lead_capture_subject_prefixes" nullable:"false"`
		EscalationKeywords         []string   `json:"escalation_keywords" nullable:"false"`
	}
}

type emailSettingsInput struct {
	Body struct {
		IsEnabled                  *bool    `json:"is_enabled,omitempty" nullable:"true" doc:"answer mail; needs a connected mailbox, and connecting one turns it on. What came before is left alone"`
		BusinessHoursEnabled       *bool    `json:"business_hours_enabled,omitempty" nullable:"true" doc:"the hours and their timezone are those of /sms/settings"`
		AutoReplyOutsideHours      *bool    `json:"auto_reply_outside_hours,omitempty" nullable:"true" doc:"outside business hours, send auto_reply_message, when there is one, instead of an answer; false: nothing is sent then, and staff are shown the mail"`
		AutoReplyMessage           *string  `json:"auto_reply_message,omitempty" nullable:"true" maxLength:"4000" example:"We are closed and answer tomorrow."`
		ResponseSignature          *string  `json:"response_signature,omitempty" nullable:"true" maxLength:"1000" example:"The team of the swim school" doc:"ends every answer; empty for none"`
		MaxThreadDepth             *int     `json:"max_thread_depth,omitempty" nullable:"true" minimum:"1" maximum:"40" doc:"how many messages of a thread the model is told"`
		AnswerMode                 *string  `json:"answer_mode,omitempty" nullable:"true" enum:"reply,draft" doc:"reply sends an answer; draft leaves it in the mailbox for somebody to send"`
		LeadCaptureSubjectPrefixes []string `json:"lead_capture_subject_prefixes,omitempty" nullable:"true" maxItems:"50" example:"[\"Get In Touch Form Submission\"]" doc:"mail whose subject begins so is a form: a lead and no answer; empty for no forms"`
		EscalationKeywords         []string `json:"escalation_keywords,omitempty" nullable:"true" maxItems:"100" example:"[\"urgent\", \"complaint\"]" doc:"a conversation in which one of these is written is shown to staff, besides being answered"`
	}
}

// settings tells how the tenant's mail is answered, and how its mailbox stands.
func (d Deps) settings(ctx context.Context, t *store.Tenant, _ *struct{}) (*emailSettingsOutput, error) {
	s, err := t.EmailSettings(ctx)
	return showSettings(s, err)
}

// changeSettings changes the fields that were sent; one that was not, or is null, stays as it is.
func (d Deps) changeSettings(ctx context.Context, t *store.Tenant, in *emailSettingsInput) (*emailSettingsOutput, error) {
	b := in.Body
	change := store.EmailSettingsChange{
		Enabled: b.IsEnabled, HoursEnabled: b.BusinessHoursEnabled, AutoReplyOutsideHours: b.AutoReplyOutsideHours,
		MaxThreadDepth: b.MaxThreadDepth, AnswerMode: (*store.AnswerMode)(b.AnswerMode),
	}
	var err error
	if change.Signature, err = prose("response_signature", b.ResponseSignature); err != nil {
		return nil, err
	}
	if change.AutoReplyMessage, err = prose("auto_reply_message", b.AutoReplyMessage); err != nil {
		return nil, err
	}
	if change.LeadSubjectPrefixes, err = phrases("lead_capture_subject_prefixes", b.LeadCaptureSubjectPrefixes); err != nil {
		return nil, err
	}
	if change.EscalationKeywords, err = phrases("escalation_keywords", b.EscalationKeywords); err != nil {
		return nil, err
	}
	s, err := t.ChangeEmailSettings(ctx, change)
	return showSettings(s, err)
}

// prose is a text of several lines that goes into mail, without the white space around it. nil stays nil.
func prose(field string, text *string) (*string, error) {
	if text == nil {
		return nil, nil
	}
	plain := strings.TrimSpace(strings.ReplaceAll(*text, "\r\n", "\n"))
	if strings.ContainsFunc(plain, func(r rune) bool { return unicode.IsControl(r) && r != '\n' }) {
		return nil, fault.New(fault.Invalid, "%s holds a control character; of those only line breaks can be sent", field)
	}
	return &plain, nil
}

// maxPhrase is how many characters an entry of a list has at most.
const maxPhrase = 200

// phrases are entries of a list, without the white space around them. nil stays nil.
func phrases(field string, list []string) (*[]string, error) {
	if list == nil {
		return nil, nil
	}
	clean := make([]string, 0, len(list))
	for i, entry := range list {
		entry = strings.TrimSpace(entry)
		switch {
		case entry == "":
			return nil, fault.New(fault.Invalid, "%s[%d] is blank; leave it out", field, i)
		case utf8.RuneCountInString(entry) > maxPhrase:
			return nil, fault.New(fault.Invalid, "%s[%d] is longer than %d characters", field, i, maxPhrase)
		case strings.ContainsFunc(entry, unicode.IsControl):
			return nil, fault.New(fault.Invalid, "%s[%d] holds a control character, such as a line break", field, i)
		}
		clean = append(clean, entry)
	}
	return &clean, nil
}

func showSettings(s store.EmailSettings, err error) (*emailSettingsOutput, error) {
	if err != nil {
		return nil, err
	}
	out := &emailSettingsOutput{}
	b := &out.Body
	b.IsEnabled, b.IsConnected, b.NeedsReconnect, b.WatchActive = s.Enabled, s.Connected(), s.NeedsReconnect, s.WatchActive
	b.BusinessHoursEnabled, b.AutoReplyOutsideHours, b.AutoReplyMessage = s.HoursEnabled, s.AutoReplyOutsideHours, s.AutoReplyMessage
	b.ResponseSignature, b.MaxThreadDepth, b.AnswerMode = s.Signature, s.MaxThreadDepth, string(s.AnswerMode)
	b.LeadCaptureSubjectPrefixes, b.EscalationKeywords = s.LeadSubjectPrefixes, s.EscalationKeywords
	if s.Connected() {
		b.GmailEmail = &s.GmailEmail
	}
	if !s.LastReadAt.IsZero() {
		at := s.LastReadAt.UTC()
		b.LastReadAt = &at
	}
	return out, nil
}
