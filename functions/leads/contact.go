package leads

import (
	"context"
	"strings"
	"time"

	"github.com/chattercheatah/chattercheatah/shared/httpx"
	"github.com/chattercheatah/chattercheatah/shared/store"
)

// contact is how a contact is answered.
type contact struct {
	ID          int64     `json:"id"`
	Name        *string   `json:"name" doc:"as they named themselves last"`
	Email       *string   `json:"email"`
	PhoneNumber *string   `json:"phone_number"`
	CreatedAt   time.Time `json:"created_at"`
	UpdatedAt   time.Time `json:"updated_at"`
}

func showContact(c store.Contact) contact {
	return contact{c.ID, nullIfZero(c.Name), nullIfZero(c.Email), nullIfZero(c.Phone.E164()), c.CreatedAt, c.UpdatedAt}
}

type listContactsInput struct {
	httpx.PageInput
	PhoneNumber string `query:"phone_number" maxLength:"16" doc:"in E.164 form"`
	Email       string `query:"email" maxLength:"254" doc:"in any case"`
}

type contactsOutput struct{ Body httpx.Page[contact] }

// listContacts lists whom the tenant has talked with, the newest first.
func (d Deps) listContacts(ctx context.Context, t *store.Tenant, in *listContactsInput) (*contactsOutput, error) {
	var after store.Place
	if err := in.After(&after); err != nil {
		return nil, err
	}
	f := store.ContactFilter{Email: strings.TrimSpace(in.Email)}
	var err error
	if f.Phone, err = phoneOf(strings.Replace(in.PhoneNumber, " ", "+", 1)); err != nil { // what an unescaped + arrives as
		return nil, err
	}
	found, err := t.Contacts(ctx, f, after, in.Limit+1)
	if err != nil {
		return nil, err
	}
	return &contactsOutput{httpx.NewPage(found, in.Limit, showContact, func(c store.Contact) any { return store.Place{At: c.CreatedAt, ID: c.ID} })}, nil
}

type contactInput struct {
	ID int64 `path:"contact_id" minimum:"1"`
}

type contactOutput struct{ Body contact }

// getContact answers with one contact.
func (d Deps) getContact(ctx context.Context, t *store.Tenant, in *contactInput) (*contactOutput, error) {
	c, err := t.Contact(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	return &contactOutput{showContact(c)}, nil
}
