package leads

import (
	"context"
	"strings"
	"time"

	"github.com/chattercheatah/chattercheatah/shared/fault"
	"github.com/chattercheatah/chattercheatah/shared/httpx"
	"github.com/chattercheatah/chattercheatah/shared/private"
	"github.com/chattercheatah/chattercheatah/shared/store"
)

// lead is how a lead is answered.
type lead struct {
	listedLead
	Notes   *string           `json:"notes"`
	Details map[string]string `json:"details"`
}

// listedLead is how a list tells of a lead: what can be long is left out.
type listedLead struct {
	ID             int64     `json:"id"`
	Name           *string   `json:"name"`
	Email          *string   `json:"email"`
	PhoneNumber    *string   `json:"phone_number"`
	Status         string    `json:"status"`
	Source         string    `json:"source"`
	ConversationID *int64    `json:"conversation_id"`
	CreatedAt      time.Time `json:"created_at"`
	UpdatedAt      time.Time `json:"updated_at"`
}

func listLead(l store.Lead) listedLead {
	return listedLead{
		ID: l.ID, Name: nullIfZero(l.Name), Email: nullIfZero(l.Email), PhoneNumber: nullIfZero(l.Phone.E164()), Status: l.Status, Source: l.Source,
		ConversationID: nullIfZero(l.ConversationID), CreatedAt: l.CreatedAt, UpdatedAt: l.UpdatedAt,
	}
}

// nullIfZero makes null of what is not there.
func nullIfZero[T comparable](v T) *T {
	var zero T
	if v == zero {
		return nil
	}
	return &v
}

type leadOutput struct{ Body lead }

func leadBody(l store.Lead, err error) (*leadOutput, error) {
	if err != nil {
		return nil, err
	}
	return &leadOutput{lead{listLead(l), nullIfZero(l.Notes.Reveal()), l.Details}}, nil
}

type createLeadInput struct {
	Body struct {
		Name           string            `json:"name,omitempty" maxLength:"200" example:"Pat Doe" doc:"one of name, email and phone_number is needed"`
		Email          string            `json:"email,omitempty" maxLength:"254" example:"pat@exampleco.test" doc:"kept in lower case"`
		PhoneNumber    string            `json:"phone_number,omitempty" maxLength:"16" example:"+15555550142" doc:"in E.164 form"`
		Notes          string            `json:"notes,omitempty" maxLength:"10000"`
		Status         string            `json:"status,omitempty" enum:"new,verified,unknown,dismissed" default:"new"`
		Source         string            `json:"source,omitempty" enum:"manual,sms,voice,email" default:"manual"`
		ConversationID *int64            `json:"conversation_id,omitempty" minimum:"1" doc:"one of the tenant's conversations"`
		Details        map[string]string `json:"details,omitempty" maxProperties:"50" doc:"whatever else is known, label to value"`
	}
}

// createLead keeps a new lead.
func (d Deps) createLead(ctx context.Context, t *store.Tenant, in *createLeadInput) (*leadOutput, error) {
	b := in.Body
	l := store.Lead{Name: strings.TrimSpace(b.Name), Status: b.Status, Source: b.Source, Notes: private.NewText(b.Notes), Details: b.Details}
	var err error
	if l.Phone, err = phoneOf(b.PhoneNumber); err != nil {
		return nil, err
	}
	if l.Email, err = emailOf(b.Email); err != nil {
		return nil, err
	}
	if err := checkDetails(b.Details); err != nil {
		return nil, err
	}
	if b.ConversationID != nil {
		l.ConversationID = *b.ConversationID
	}
	return leadBody(t.CreateLead(ctx, l))
}

func phoneOf(s string) (private.Phone, error) {
	s = strings.TrimSpace(s)
	if s == "" {
		return private.Phone{}, nil
	}
	p, err := private.ParsePhone(s)
	if err != nil {
		return p, fault.New(fault.Invalid, "phone_number: %v", err)
	}
	return p, nil
}

func emailOf(s string) (string, error) {
	if strings.TrimSpace(s) == "" {
		return "", nil
	}
	address, err := private.ParseEmail(s)
	if err != nil {
		return "", fault.New(fault.Invalid, "email: %v", err)
	}
	return address, nil
}

const maxLabel, maxDetail = 100, 2000

func checkDetails(details map[string]string) error {
	for label, value := range details {
		if strings.TrimSpace(label) == "" || len(label) > maxLabel || len(value) > maxDetail {
			return fault.New(fault.Invalid, "details: a label has 1 to %d bytes and its value at most %d", maxLabel, maxDetail)
		}
	}
	return nil
}

type listLeadsInput struct {
	httpx.PageInput
	Status      string `query:"status" enum:"new,verified,unknown,dismissed"`
	Source      string `query:"source" enum:"manual,sms,voice,email"`
	PhoneNumber string `query:"phone_number" maxLength:"16" doc:"in E.164 form"`
	Email       string `query:"email" maxLength:"254" doc:"in any case"`
	Q           string `query:"q" maxLength:"200" doc:"what the name begins with, in any case"`
}

type leadsOutput struct{ Body httpx.Page[listedLead] }

// listLeads lists the leads that all of the filters let through, the newest first, without their notes and details.
func (d Deps) listLeads(ctx context.Context, t *store.Tenant, in *listLeadsInput) (*leadsOutput, error) {
	var after store.Place
	if err := in.After(&after); err != nil {
		return nil, err
	}
	phone := strings.Replace(in.PhoneNumber, " ", "+", 1) // what an unescaped + arrives as
	f := store.LeadFilter{Status: in.Status, Source: in.Source, Email: strings.TrimSpace(in.Email), NamePrefix: strings.TrimSpace(in.Q)}
	var err error
	if f.Phone, err = phoneOf(phone); err != nil {
		return nil, err
	}
	found, err := t.Leads(ctx, f, after, in.Limit+1)
	if err != nil {
		return nil, err
	}
	return &leadsOutput{httpx.NewPage(found, in.Limit, listLead, func(l store.Lead) any { return store.Place{At: l.CreatedAt, ID: l.ID} })}, nil
}

type leadInput struct {
	ID int64 `path:"lead_id" minimum:"1"`
}

// getLead answers with one lead.
func (d Deps) getLead(ctx context.Context, t *store.Tenant, in *leadInput) (*leadOutput, error) {
	return leadBody(t.Lead(ctx, in.ID))
}

type changeLeadInput struct {
	ID   int64 `path:"lead_id" minimum:"1"`
	Body struct {
		Name           httpx.Field[string]            `json:"name,omitempty" maxLength:"200" example:"Pat Doe"`
		Email          httpx.Field[string]            `json:"email,omitempty" maxLength:"254" example:"pat@exampleco.test"`
		PhoneNumber    httpx.Field[string]            `json:"phone_number,omitempty" maxLength:"16" example:"+15555550142" doc:"in E.164 form"`
		Notes          httpx.Field[string]            `json:"notes,omitempty" maxLength:"10000"`
		Status         *string                        `json:"status,omitempty" enum:"new,verified,unknown,dismissed"`
		Source         *string                        `json:"source,omitempty" enum:"manual,sms,voice,email"`
		ConversationID httpx.Field[int64]             `json:"conversation_id,omitempty" minimum:"1" doc:"one of the tenant's conversations"`
		Details        httpx.Field[map[string]string] `json:"details,omitempty" maxProperties:"50" doc:"replaces all of them"`
	}
}

// changeLead changes the fields that were sent: null clears one, and those that were not sent stay.
func (d Deps) changeLead(ctx context.Context, t *store.Tenant, in *changeLeadInput) (*leadOutput, error) {
	b := in.Body
	c := store.LeadChange{Status: b.Status, Source: b.Source, ConversationID: b.ConversationID.Change()}
	if b.Name.Sent {
		c.Name = new(strings.TrimSpace(b.Name.Value))
	}
	if b.Notes.Sent {
		c.Notes = new(private.NewText(b.Notes.Value))
	}
	if b.PhoneNumber.Sent {
		phone, err := phoneOf(b.PhoneNumber.Value)
		if err != nil {
			return nil, err
		}
		c.Phone = &phone
	}
	if b.Email.Sent {
		email, err := emailOf(b.Email.Value)
		if err != nil {
			return nil, err
		}
		c.Email = &email
	}
	if b.Details.Sent {
		if err := checkDetails(b.Details.Value); err != nil {
			return nil, err
		}
		c.Details = new(orEmpty(b.Details.Value))
	}
	return leadBody(t.ChangeLead(ctx, in.ID, c))
}

// orEmpty makes of null details that there are none.
func orEmpty(details map[string]string) map[string]string {
	if details == nil {
		return map[string]string{}
	}
	return details
}

// deleteLead removes a lead for good.
func (d Deps) deleteLead(ctx context.Context, t *store.Tenant, in *leadInput) (*struct{}, error) {
	return nil, t.DeleteLead(ctx, in.ID)
}
