package operations

import (
	"context"
	"time"

	"github.com/chattercheatah/chattercheatah/shared/fault"
	"github.com/chattercheatah/chattercheatah/shared/httpx"
	"github.com/chattercheatah/chattercheatah/shared/prices"
	"github.com/chattercheatah/chattercheatah/shared/store"
	"github.com/chattercheatah/chattercheatah/shared/tenant"
)

type usageBody struct {
	Month      string     `json:"month"`
	CountedAt  *time.Time `json:"counted_at" doc:"what came later is not in it yet; null when nothing has been counted"`
	TextsIn    int64      `json:"texts_in"`
	TextsOut   int64      `json:"texts_out"`
	MailsIn    int64      `json:"mails_in"`
	MailsOut   int64      `json:"mails_out"`
	Calls      int64      `json:"calls"`
	Minutes    float64    `json:"call_minutes"`
	ModelCalls int64      `json:"model_calls"`
	Prompt     int64      `json:"prompt_tokens"`
	Output     int64      `json:"output_tokens"`
	ModelCost  float64    `json:"model_cost_usd" doc:"the tokens by the price list; neither Telnyx's bill nor Google Cloud's is in it"`
}

// MonthInput is which month is asked for.
type MonthInput struct {
	Month string `query:"month" required:"true" pattern:"^[0-9]{4}-[0-9]{2}$" patternDescription:"a month such as 2026-11" example:"2026-11" doc:"in UTC"`
}

// days are the month's first day and the first of the next. fault.Invalid for a month that is none.
func (in MonthInput) days() (from, to time.Time, err error) {
	from, err = time.Parse("2006-01", in.Month)
	if err != nil {
		return from, to, fault.New(fault.Invalid, "month is a year and a month, such as 2026-11")
	}
	return from, from.AddDate(0, 1, 0), nil
}

type usageOutput struct{ Body usageBody }

// usage is what the tenant used in a month.
func (d Deps) usage(ctx context.Context, t *store.Tenant, in *MonthInput) (*usageOutput, error) {
	from, to, err := in.days()
	if err != nil {
		return nil, err
	}
	used, err := t.Usage(ctx, from, to)
	if err != nil {
		return nil, err
	}
	body, err := bodyOf(in.Month, used)
	return &usageOutput{body}, err
}

func bodyOf(month string, u store.Usage) (usageBody, error) {
	list, err := prices.List()
	if err != nil {
		return usageBody{}, err
	}
	return usageBody{
		Month: month, CountedAt: u.CountedAt, TextsIn: u.TextsIn, TextsOut: u.TextsOut, MailsIn: u.MailsIn, MailsOut: u.MailsOut,
		Calls: u.Calls, Minutes: float64(u.CallSeconds) / 60, ModelCalls: u.ModelCalls, Prompt: u.PromptTokens, Output: u.OutputTokens,
		ModelCost: float64(u.PromptTokens)*list["gemini_input"].Each() + float64(u.OutputTokens)*list["gemini_output"].Each(),
	}, nil
}

type tenantUsageBody struct {
	TenantID int64  `json:"tenant_id"`
	Name     string `json:"name"`
	IsActive bool   `json:"is_active"`

	Usage usageBody `json:"usage"`
}

type usageOfAllInput struct {
	httpx.PageInput
	MonthInput
}

type usageOfAllOutput struct{ Body httpx.Page[tenantUsageBody] }

// usageOfAll is what every tenant used in a month, by the tenants' ids.
func (d Deps) usageOfAll(ctx context.Context, of *store.Registry, in *usageOfAllInput) (*usageOfAllOutput, error) {
	from, to, err := in.days()
	if err != nil {
		return nil, err
	}
	var after tenant.ID
	if err := in.After(&after); err != nil {
		return nil, err
	}
	found, err := of.Usage(ctx, from, to, after, in.Limit+1)
	if err != nil {
		return nil, err
	}
	show := func(u store.TenantUsage) (b tenantUsageBody) {
		b = tenantUsageBody{TenantID: int64(u.ID), Name: u.Name, IsActive: u.Active}
		if b.Usage, err = bodyOf(in.Month, u.Usage); err != nil {
			return tenantUsageBody{}
		}
		return b
	}
	page := httpx.NewPage(found, in.Limit, show, func(u store.TenantUsage) any { return u.ID })
	return &usageOfAllOutput{page}, err
}
