package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"

	"github.com/chattercheatah/chattercheatah/shared/api"
	"github.com/chattercheatah/chattercheatah/shared/onboard"
	"github.com/chattercheatah/chattercheatah/shared/private"
	"github.com/chattercheatah/chattercheatah/shared/telnyx"
)

// setUp brings one tenant to what the file says of it.
type setUp struct {
	admin     *api.Client
	telnyx    *telnyx.Client
	key       private.Secret // of the tenant's account at Telnyx; empty: the row alone
	functions string
	want      Tenant
	out       io.Writer

	row         *onboard.Row
	assistantID string // "" until it is made
	steps       []step
}

// step is something that differs, and what to do about it. Steps are done in their order, and find what those before them made.
type step struct {
	differ []difference
	do     func(context.Context) error
}

// run shows what differs, changes it when it is to be applied, and tells how many fields differ. It stops at the first step that fails;
// what was done stays, and running again goes on from there.
func (s *setUp) run(ctx context.Context, apply bool) (differ int, err error) {
	if err := s.plan(ctx); err != nil {
		return 0, err
	}
	for _, step := range s.steps {
		for _, d := range step.differ {
			_, _ = fmt.Fprintf(s.out, "tenant %d %s\n", s.row.ID, d)
			differ++
		}
	}
	if !apply {
		return differ, nil
	}
	for _, step := range s.steps {
		if err := step.do(ctx); err != nil {
			return differ, err
		}
	}
	return differ, nil
}

func (s *setUp) plan(ctx context.Context) (err error) {
	if s.row, err = s.find(ctx); err != nil {
		return err
	}
	if err := s.planRow(ctx); err != nil || s.key.IsZero() {
		return err
	}
	if err := s.planSecret(ctx); err != nil {
		return err
	}
	live, err := s.planAssistant(ctx)
	if err != nil {
		return err
	}
	if err := s.planInsights(ctx, live); err != nil {
		return err
	}
	return s.planNumber(ctx, live)
}

func (s *setUp) differs(do func(context.Context) error, differ ...difference) {
	if len(differ) > 0 {
		s.steps = append(s.steps, step{differ, do})
	}
}

// find looks the tenant up by what the file names it with.
func (s *setUp) find(ctx context.Context) (row *onboard.Row, err error) {
	if s.want.ID != 0 {
		row = &onboard.Row{}
		err = s.admin.Call(ctx, http.MethodGet, fmt.Sprintf("/admin/tenants/%d", s.want.ID), nil, row)
	} else {
		row, err = onboard.Find(ctx, s.admin, s.want.Subdomain)
	}
	switch {
	case err != nil:
		return nil, err
	case row == nil:
		return nil, errors.New("there is none; make it first, with scripts/onboard or POST /admin/tenants")
	case s.want.Subdomain != "" && row.Subdomain != s.want.Subdomain:
		return nil, fmt.Errorf("the id %d is that of %s; name the tenant by one that is right", row.ID, row.Subdomain)
	case !row.IsActive:
		return nil, fmt.Errorf("tenant %d is closed", row.ID)
	}
	return row, nil
}

// voiceRow is a voice configuration as the API shows it.
type voiceRow struct {
	IsEnabled           bool    `json:"is_enabled"`
	TelnyxPhoneNumber   *string `json:"telnyx_phone_number"`
	TelnyxAssistantID   *string `json:"telnyx_assistant_id"`
	TransferPhoneNumber *string `json:"transfer_phone_number"`
	ToolSecret          struct {
		IsSet    bool    `json:"is_set"`
		LastFour *string `json:"last_four"`
	} `json:"tool_secret"`
}

func (s *setUp) rowPath() string { return fmt.Sprintf("/admin/tenants/%d/voice-config", s.row.ID) }

// planRow is the first step of all: what the system does not take as the tenant's is not set up for it anywhere.
func (s *setUp) planRow(ctx context.Context) error {
	var have voiceRow
	if err := s.admin.Call(ctx, http.MethodGet, s.rowPath(), nil, &have); err != nil {
		return err
	}
	s.assistantID = cmp.Or(s.want.AssistantID, valueOf(have.TelnyxAssistantID))
	change := map[string]any{}
	var differ []difference
	field := func(name string, was, wanted any) {
		if !isNothing(wanted) && was != wanted {
			change[name], differ = wanted, append(differ, difference{"voice_config." + name, was, wanted})
		}
	}
	field("telnyx_phone_number", valueOf(have.TelnyxPhoneNumber), s.want.PhoneNumber.E164())
	field("transfer_phone_number", valueOf(have.TransferPhoneNumber), s.want.TransferNumber.E164())
	field("telnyx_assistant_id", valueOf(have.TelnyxAssistantID), s.want.AssistantID)
	field("is_enabled", have.IsEnabled, true)
	if d, other := s.secretDiffers(have); other {
		change["tool_secret"], differ = string(s.want.ToolSecret), append(differ, d)
	}
	s.differs(func(ctx context.Context) error { return s.admin.Call(ctx, http.MethodPut, s.rowPath(), change, nil) }, differ...)
	return nil
}

func valueOf(text *string) string {
	if text == nil {
		return ""
	}
	return *text
}

// secretDiffers compares by the last four characters, which are all that the API shows.
func (s *setUp) secretDiffers(have voiceRow) (d difference, differs bool) {
	want := string(s.want.ToolSecret)
	if want == "" || have.ToolSecret.LastFour != nil && *have.ToolSecret.LastFour == want[len(want)-4:] {
		return d, false
	}
	if have.ToolSecret.IsSet {
		return difference{"voice_config.tool_secret", "set", "changed"}, true
	}
	return difference{"voice_config.tool_secret", nil, "set"}, true
}

// planSecret has Telnyx keep the tool secret, for the tools to refer to.
func (s *setUp) planSecret(ctx context.Context) error {
	name := s.want.secretName(s.row.ID)
	there, err := s.telnyx.HasIntegrationSecret(ctx, s.key, name)
	if err != nil || there {
		return err
	}
	s.differs(func(ctx context.Context) error {
		return s.telnyx.CreateIntegrationSecret(ctx, s.key, name, s.want.secret())
	},
		difference{"integration_secret", nil, "set"})
	return nil
}

// planAssistant compares the assistant with what it should be; live is nil when there is none yet.
func (s *setUp) planAssistant(ctx context.Context) (live telnyx.Object, err error) {
	w, err := wordsOf(ctx, s.admin.In(s.row.ID), s.row)
	if err != nil {
		return nil, err
	}
	ours, err := objectOf(s.want.assistant(s.functions, s.row.ID, w))
	if err != nil {
		return nil, err
	}
	if s.assistantID == "" {
		return nil, s.planNewAssistant(ctx, ours)
	}
	if live, err = s.telnyx.Assistant(ctx, s.key, s.assistantID); err != nil {
		return nil, fmt.Errorf("the assistant %s: %w", s.assistantID, err)
	}
	if shared, _ := live["tool_ids"].([]any); len(shared) > 0 {
		_, _ = fmt.Fprintf(s.out, "tenant %d has %d tools that assistants share, which are not looked at: check their ?tenant_id= by hand\n", s.row.ID, len(shared))
	}
	result, differ := layAssistant(live, ours, s.row.ID)
	s.differs(func(ctx context.Context) error {
		return s.telnyx.UpdateAssistant(ctx, s.key, s.assistantID, changedFields(result, differ))
	}, inside("assistant", differ)...)
	return live, nil
}

func inside(what string, differ []difference) (all []difference) {
	for _, d := range differ {
		all = append(all, difference{what + "." + d.field, d.was, d.becomes})
	}
	return all
}

// planNewAssistant makes an assistant. One of the same name may be what an earlier run made and could not tell us of.
func (s *setUp) planNewAssistant(ctx context.Context, ours telnyx.Object) error {
	there, err := s.telnyx.Assistants(ctx, s.key)
	if err != nil {
		return err
	}
	for _, a := range there {
		if a["name"] == s.want.Name {
			return fmt.Errorf("the account has an assistant named %q already, %v: put its id into the file as assistant_id, or choose another name", s.want.Name, a["id"])
		}
	}
	whole, differ := layAssistant(nil, ours, s.row.ID)
	s.differs(func(ctx context.Context) error { return s.makeAssistant(ctx, whole) },
		append(inside("assistant", differ), difference{"voice_config.telnyx_assistant_id", nil, "the new assistant's"})...)
	return nil
}

func (s *setUp) makeAssistant(ctx context.Context, whole telnyx.Object) error {
	made, err := s.telnyx.CreateAssistant(ctx, s.key, whole)
	if err != nil {
		return err
	}
	if s.assistantID, _ = made["id"].(string); s.assistantID == "" {
		return errors.New("the assistant was made, and Telnyx did not tell its id")
	}
	_, _ = fmt.Fprintf(s.out, "tenant %d has the new assistant %s: put it into the file as assistant_id\n", s.row.ID, s.assistantID)
	return s.admin.Call(ctx, http.MethodPut, s.rowPath(), map[string]any{"telnyx_assistant_id": s.assistantID}, nil)
}

// planInsights has what Telnyx makes of a conversation sent to us.
func (s *setUp) planInsights(ctx context.Context, live telnyx.Object) error {
	settings, _ := live["insight_settings"].(telnyx.Object)
	its, _ := settings["insight_group_id"].(string)
	id := cmp.Or(s.want.InsightGroupID, its)
	if id == "" {
		_, _ = fmt.Fprintf(s.out, "tenant %d has no insight group: its calls end without insights\n", s.row.ID)
		return nil
	}
	group, err := s.telnyx.InsightGroup(ctx, s.key, id)
	if err != nil {
		return fmt.Errorf("the insight group %s: %w", id, err)
	}
	_, differ := lay("insight_group.webhook", group.Webhook, s.functions+endPath)
	s.differs(func(ctx context.Context) error { return s.telnyx.SendInsights(ctx, s.key, id, s.functions+endPath) }, differ...)
	return nil
}

// planNumber has the number ring at the assistant's application, and that report to us.
func (s *setUp) planNumber(ctx context.Context, live telnyx.Object) error {
	number, there, err := s.telnyx.OwnedNumber(ctx, s.key, s.want.PhoneNumber)
	if err != nil {
		return err
	}
	if !there {
		return errors.New("its phone_number is not one of the Telnyx account of its telnyx_api_key")
	}
	id := applicationOf(live)
	var app telnyx.TeXMLApplication
	if id != "" {
		if app, err = s.telnyx.TeXMLApplication(ctx, s.key, id); err != nil {
			return err
		}
	}
	_, differ := lay("texml_application.status_callback", app.StatusCallback, s.functions+endPath)
	_, method := lay("texml_application.status_callback_method", app.StatusMethod, "post")
	s.differs(s.reportCalls, append(differ, method...)...)
	if id == "" || number.ConnectionID != id {
		s.differs(func(ctx context.Context) error { return s.connect(ctx, number) },
			difference{"phone_number.connection_id", number.ConnectionID, cmp.Or(id, "the assistant's application")})
	}
	return nil
}

// applicationOf is the id of an assistant's TeXML application, "" when it has none.
func applicationOf(assistant telnyx.Object) string {
	settings, _ := assistant["telephony_settings"].(telnyx.Object)
	id, _ := settings["default_texml_app_id"].(string)
	return id
}

// application is the assistant's, as it is after the steps before.
func (s *setUp) application(ctx context.Context) (string, error) {
	live, err := s.telnyx.Assistant(ctx, s.key, s.assistantID)
	if err != nil {
		return "", err
	}
	id := applicationOf(live)
	if id == "" {
		return "", fmt.Errorf("the assistant %s has no TeXML application: switch its telephony on in the portal and run this again", s.assistantID)
	}
	return id, nil
}

func (s *setUp) reportCalls(ctx context.Context) error {
	id, err := s.application(ctx)
	if err != nil {
		return err
	}
	app, err := s.telnyx.TeXMLApplication(ctx, s.key, id)
	if err != nil {
		return err
	}
	app.StatusCallback, app.StatusMethod = s.functions+endPath, "post"
	return s.telnyx.UpdateTeXMLApplication(ctx, s.key, app)
}

func (s *setUp) connect(ctx context.Context, number telnyx.OwnedNumber) error {
	id, err := s.application(ctx)
	if err != nil {
		return err
	}
	return s.telnyx.ConnectNumber(ctx, s.key, number.ID, id)
}
