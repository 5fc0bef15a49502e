package smoke

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"

	"github.com/chattercheatah/chattercheatah/shared/api"
)

// sender is the phone that texts a canary; nobody can own its number.
const sender = "+15555550199"

// phones is where the local server has fake phones, outside of the API. A deployed system has none.
const phones = "/local/phones/" + sender

// routingOfTexts has A's number texted, with a signature, where the local fakes can do that, and sees who gets the text.
func (r *run) routingOfTexts(ctx context.Context) (string, error) {
	local, err := r.hasPhones(ctx)
	if err != nil {
		return "", err
	}
	if !local {
		return "", skipped{"nobody but the provider can sign a text to a deployed system; send one to the number and look at GET /conversations"}
	}
	if err := r.textA(ctx); err != nil {
		return "", err
	}
	for _, t := range r.tenants {
		got, err := holdsText(ctx, t.client, r.mark)
		if err != nil {
			return "", err
		}
		if got != (t == r.a()) {
			return "", fmt.Errorf("a signed text to the number of %s is among the conversations of %s: %v", r.a().subdomain, t.subdomain, got)
		}
	}
	return fmt.Sprintf("a signed text to the number of %s is in its conversations only", r.a().subdomain), nil
}

// hasPhones reports whether the fakes are there: they answer with a list of texts.
func (r *run) hasPhones(ctx context.Context) (bool, error) {
	answer, err := r.admin.SendBeside(ctx, http.MethodGet, phones, nil)
	if err != nil {
		return false, err
	}
	var texts []json.RawMessage
	return answer.Status == http.StatusOK && json.Unmarshal(answer.Body, &texts) == nil, nil
}

func (r *run) textA(ctx context.Context) error {
	answer, err := r.admin.SendBeside(ctx, http.MethodPost, phones, map[string]string{"to": r.a().number, "text": "Smoke test " + r.mark})
	if err != nil {
		return err
	}
	if answer.Status != http.StatusOK {
		return fmt.Errorf("the fake phone's text was answered %d: %s", answer.Status, answer.Body)
	}
	return nil
}

// holdsText looks for a text in the tenant's newest conversations.
func holdsText(ctx context.Context, c *api.Client, text string) (bool, error) {
	var newest struct {
		Items []struct {
			ID int64 `json:"id"`
		} `json:"items"`
	}
	if err := c.Call(ctx, http.MethodGet, "/conversations?limit=5", nil, &newest); err != nil {
		return false, err
	}
	for _, conversation := range newest.Items {
		answer, err := c.Send(ctx, http.MethodGet, fmt.Sprintf("/conversations/%d/messages", conversation.ID), nil)
		if err != nil {
			return false, err
		}
		if answer.Status != http.StatusOK {
			return false, fmt.Errorf("GET /conversations/%d/messages was answered %d", conversation.ID, answer.Status)
		}
		if bytes.Contains(answer.Body, []byte(text)) {
			return true, nil
		}
	}
	return false, nil
}

func (r *run) numberOfTexts(ctx context.Context) (string, error) {
	return r.numberStays(ctx, "sms-config")
}

func (r *run) numberOfCalls(ctx context.Context) (string, error) {
	return r.numberStays(ctx, "voice-config")
}

// calls is where the local server has fake phones call from.
const calls = "/local/calls"

// routingOfCalls has A's number called, with signatures, where the local fakes can do that, and sees whose call it is.
func (r *run) routingOfCalls(ctx context.Context) (string, error) {
	local, err := r.hasPhones(ctx)
	if err != nil {
		return "", err
	}
	if !local {
		return "", skipped{"nobody but the provider can sign a call to a deployed system; call the number and look at GET /calls"}
	}
	before := map[*canary]int64{}
	for _, t := range r.tenants {
		if before[t], err = newestCall(ctx, t.client); err != nil {
			return "", err
		}
	}
	answer, err := r.admin.SendBeside(ctx, http.MethodPost, calls, map[string]string{"from": sender, "to": r.a().number})
	if err != nil {
		return "", err
	}
	if answer.Status != http.StatusOK {
		return "", fmt.Errorf("the fake phone's call was answered %d: %s", answer.Status, answer.Body)
	}
	for _, t := range r.tenants {
		now, err := newestCall(ctx, t.client)
		if err != nil {
			return "", err
		}
		if got := now != before[t]; got != (t == r.a()) {
			return "", fmt.Errorf("a signed call to the number of %s is among the calls of %s: %v", r.a().subdomain, t.subdomain, got)
		}
	}
	return fmt.Sprintf("a signed call to the number of %s is among its calls only", r.a().subdomain), nil
}

// newestCall is the id of a tenant's newest call; 0 for none.
func newestCall(ctx context.Context, c *api.Client) (int64, error) {
	var newest struct {
		Items []struct {
			ID int64 `json:"id"`
		} `json:"items"`
	}
	if err := c.Call(ctx, http.MethodGet, "/calls?limit=1", nil, &newest); err != nil || len(newest.Items) == 0 {
		return 0, err
	}
	return newest.Items[0].ID, nil
}

// numberStays tries to assign A's number to B.
func (r *run) numberStays(ctx context.Context, config string) (string, error) {
	path := fmt.Sprintf("/admin/tenants/%d/%s", r.b().id, config)
	answer, err := r.admin.Send(ctx, http.MethodPut, path, map[string]string{"telnyx_phone_number": r.a().number})
	if err != nil {
		return "", err
	}
	if answer.Status != http.StatusConflict {
		return "", fmt.Errorf("assigning the number of %s to %s was answered %d; want 409", r.a().subdomain, r.b().subdomain, answer.Status)
	}
	return fmt.Sprintf("the number of %s is refused for %s with 409", r.a().subdomain, r.b().subdomain), nil
}
