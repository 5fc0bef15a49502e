package smoke

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"
)

// mails is where the local server has mailboxes of a fake Google, outside of the API. A deployed system has none.
const mails = "/local/mail/"

// mailPatience is how long a mail may take to be among the conversations.
const mailPatience = 30 * time.Second

// mailbox is a canary's, which nobody else can have.
func (t *canary) mailbox() string { return "desk@" + t.subdomain + ".test" }

// words are the mail's, and of none of the texts.
func (r *run) words() string { return "Smoke test by mail " + r.mark }

// routingOfMail has both canaries connect a mailbox, has A's written to, where the local fakes can do that, and sees who gets the mail.
func (r *run) routingOfMail(ctx context.Context) (string, error) {
	for _, t := range r.tenants {
		answer, err := r.admin.SendBeside(ctx, http.MethodPut, mails+t.mailbox(), nil)
		if err != nil {
			return "", err
		}
		if answer.Status != http.StatusOK {
			return "", skipped{"only the owner of a mailbox can connect it to a deployed system; write to a connected one and look at GET /conversations"}
		}
		if err := connect(ctx, t); err != nil {
			return "", err
		}
		defer func() {
			_ = t.client.Call(context.WithoutCancel(ctx), http.MethodDelete, "/email/disconnect", nil, nil)
		}()
	}
	mail := map[string]string{"from": "parent@customer.test", "subject": "Smoke test", "text": r.words()}
	answer, err := r.admin.SendBeside(ctx, http.MethodPost, mails+r.a().mailbox(), mail)
	if err == nil && answer.Status != http.StatusOK {
		err = fmt.Errorf("the mail was answered %d: %s", answer.Status, answer.Body)
	}
	if err == nil {
		err = r.awaitMail(ctx)
	}
	if err != nil {
		return "", err
	}
	got, err := holdsText(ctx, r.b().client, r.words())
	if err == nil && got {
		err = fmt.Errorf("a mail to the mailbox of %s is among the conversations of %s", r.a().subdomain, r.b().subdomain)
	}
	return fmt.Sprintf("a mail to the mailbox of %s is in its conversations only", r.a().subdomain), err
}

// connect does what the canary's admin would do in a browser.
func connect(ctx context.Context, t *canary) error {
	var start struct {
		URL string `json:"authorization_url"`
	}
	if err := t.client.Call(ctx, http.MethodPost, "/email/oauth/start", nil, &start); err != nil {
		return err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, start.URL+"&login_hint="+url.QueryEscape(t.mailbox()), nil)
	if err != nil {
		return err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	_, _ = io.Copy(io.Discard, response.Body)
	if response.StatusCode != http.StatusOK {
		err = fmt.Errorf("connecting the mailbox of %s was answered %s", t.subdomain, response.Status)
	}
	return errors.Join(err, response.Body.Close())
}

// awaitMail waits until A has the mail.
func (r *run) awaitMail(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, mailPatience)
	defer cancel()
	for {
		got, err := holdsText(ctx, r.a().client, r.words())
		if err == nil && got {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("a mail to the mailbox of %s is not among its conversations after %v: %w", r.a().subdomain, mailPatience, errors.Join(err, ctx.Err()))
		case <-time.After(250 * time.Millisecond):
		}
	}
}
