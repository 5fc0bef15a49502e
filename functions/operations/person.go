package operations

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"time"

	"github.com/chattercheatah/chattercheatah/shared/fault"
	"github.com/chattercheatah/chattercheatah/shared/httpx"
	"github.com/chattercheatah/chattercheatah/shared/private"
	"github.com/chattercheatah/chattercheatah/shared/store"
)

type personInput struct {
	Body struct {
		PhoneNumber string `json:"phone_number,omitempty" maxLength:"20" example:"+15555550186" doc:"E.164"`
		Email       string `json:"email,omitempty" maxLength:"320" example:"somebody@customer.test"`
	}
}

// person reads whom a request is about. fault.Invalid when it names nobody, or not as a number or an address is written.
func (in *personInput) person() (p store.Customer, err error) {
	if in.Body.PhoneNumber == "" && in.Body.Email == "" {
		return p, fault.New(fault.Invalid, "say who: send a phone_number, an email, or both")
	}
	if in.Body.PhoneNumber != "" {
		if p.Phone, err = private.ParsePhone(in.Body.PhoneNumber); err != nil {
			return p, fault.Wrap(fault.Invalid, err, "phone_number must be written as +15555550101")
		}
	}
	if in.Body.Email != "" {
		if p.Email, err = private.ParseEmail(strings.ToLower(strings.TrimSpace(in.Body.Email))); err != nil {
			return p, fault.Wrap(fault.Invalid, err, "email must be one address, such as maria@customer.test")
		}
	}
	return p, nil
}

type exportOutput struct{ Body json.RawMessage }

// exportPerson answers with everything that the tenant holds of a person, by table.
func (d Deps) exportPerson(ctx context.Context, t *store.Tenant, in *personInput) (*exportOutput, error) {
	p, err := in.person()
	if err != nil {
		return nil, err
	}
	document, err := t.ExportPerson(ctx, p)
	if errors.Is(err, store.ErrSharedAddress) {
		return nil, sharedAddress(err)
	}
	return &exportOutput{document}, err
}

type keptBody struct {
	What  string `json:"what"`
	Count *int64 `json:"count" doc:"rows; null for what is kept elsewhere"`
	Why   string `json:"why"`
}

type erasureBody struct {
	ID       int64            `json:"id"`
	ErasedAt time.Time        `json:"erased_at"`
	Actor    string           `json:"actor"`
	Erased   map[string]int64 `json:"erased" doc:"how many rows of each table"`
	Kept     []keptBody       `json:"kept"`
}

// showErasure says what stays too, and why.
func showErasure(e store.Erasure) erasureBody {
	body := erasureBody{ID: e.ID, ErasedAt: e.ErasedAt, Actor: e.Actor, Erased: e.Erased}
	for _, table := range []string{"opt_outs", "mail_opt_outs"} {
		n := e.Kept[table]
		body.Kept = append(body.Kept, keptBody{table, &n, "who has opted out must not be written to again"})
	}
	body.Kept = append(body.Kept,
		keptBody{"mails in the tenant's mailbox", nil, "they are the tenant's own at Gmail: delete them there"},
		keptBody{"events in the tenant's calendar", nil, "they are the tenant's own at Google: delete them there"},
		keptBody{"records at Telnyx", nil, "texts and calls are the tenant's own there"},
		keptBody{"backups of the database", nil, "they go with their age"})
	return body
}

type erasureOutput struct{ Body erasureBody }

// erasePerson erases all of a person and answers with a receipt.
func (d Deps) erasePerson(ctx context.Context, t *store.Tenant, in *personInput) (*erasureOutput, error) {
	p, err := in.person()
	if err != nil {
		return nil, err
	}
	e, err := t.ErasePerson(ctx, p)
	switch {
	case errors.Is(err, store.ErrSharedAddress):
		return nil, sharedAddress(err)
	case errors.Is(err, store.ErrCallInProgress):
		return nil, fault.Wrap(fault.Conflict, err, "a call of theirs is going on; erase them when it is over")
	case errors.Is(err, store.ErrBookingInProgress):
		return nil, fault.Wrap(fault.Conflict, err, "a meeting is being booked for them at this moment; try again in a minute")
	case err != nil:
		return nil, err
	}
	return &erasureOutput{showErasure(e)}, nil
}

func sharedAddress(err error) error {
	return fault.Wrap(fault.Conflict, err, "several contacts have this address; ask for each of them by their phone_number alone")
}

type erasuresOutput struct{ Body httpx.Page[erasureBody] }

type erasuresInput struct{ httpx.PageInput }

// erasures lists the receipts, the newest first.
func (d Deps) erasures(ctx context.Context, t *store.Tenant, in *erasuresInput) (*erasuresOutput, error) {
	var before int64
	if err := in.After(&before); err != nil {
		return nil, err
	}
	found, err := t.Erasures(ctx, before, in.Limit+1)
	if err != nil {
		return nil, err
	}
	return &erasuresOutput{httpx.NewPage(found, in.Limit, showErasure, func(e store.Erasure) any { return e.ID })}, nil
}
