package telnyx_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/chattercheatah/chattercheatah/shared/private"
	"github.com/chattercheatah/chattercheatah/shared/telnyx"
	"github.com/chattercheatah/chattercheatah/shared/telnyx/telnyxtest"
)

var setUpKey = private.NewSecret("KEY-invented-account")

func startAccount(t *testing.T) (*telnyxtest.Server, *telnyx.Client) {
	t.Helper()
	fake := telnyxtest.Start(t, telnyxtest.Options{Keys: map[string]string{setUpKey.Reveal(): "", "KEY-invented-other": ""}})
	return fake, telnyx.NewClient(fake.URL())
}

func TestAssistant_WhatIsMadeIsReadAndChangedFieldByField(t *testing.T) {
	t.Parallel()
	_, c := startAccount(t)
	ctx := t.Context()
	made, err := c.CreateAssistant(ctx, setUpKey, telnyx.Object{"name": "A", "model": "m", "instructions": "secret words", "enabled_features": []any{"telephony"}})
	if err != nil {
		t.Fatal(err)
	}
	id := made["id"].(string)
	if err := c.UpdateAssistant(ctx, setUpKey, id, telnyx.Object{"greeting": "Hello"}); err != nil {
		t.Fatal(err)
	}
	read, err := c.Assistant(ctx, setUpKey, id)
	if err != nil || read["greeting"] != "Hello" || read["instructions"] != "secret words" || read["version_id"] == made["version_id"] {
		t.Errorf("read as %v, %v", read, err)
	}
	if all, err := c.Assistants(ctx, setUpKey); err != nil || len(all) != 1 || all[0]["id"] != id {
		t.Errorf("listed as %v, %v", all, err)
	}
	if all, err := c.Assistants(ctx, private.NewSecret("KEY-invented-other")); err != nil || len(all) != 0 {
		t.Errorf("another account sees %v, %v", all, err)
	}
}

func TestOwnedNumber_IsTheWholeNumberAndNoPartOfAnother(t *testing.T) {
	t.Parallel()
	fake, c := startAccount(t)
	fake.AddNumber(setUpKey.Reveal(), private.MustPhone("+15555550142"))
	for phone, want := range map[string]bool{"+15555550142": true, "+155555501": false, "+15555550148": false} {
		if n, ok, err := c.OwnedNumber(t.Context(), setUpKey, private.MustPhone(phone)); err != nil || ok != want {
			t.Errorf("%s: %+v, %v, %v; want %v", phone, n, ok, err, want)
		}
	}
}

func TestIntegrationSecret_IsKeptOnce(t *testing.T) {
	t.Parallel()
	fake, c := startAccount(t)
	ctx := t.Context()
	if has, err := c.HasIntegrationSecret(ctx, setUpKey, "tool"); err != nil || has {
		t.Fatalf("there is one: %v, %v", has, err)
	}
	if err := c.CreateIntegrationSecret(ctx, setUpKey, "tool", private.NewSecret("value")); err != nil {
		t.Fatal(err)
	}
	if has, err := c.HasIntegrationSecret(ctx, setUpKey, "tool"); err != nil || !has || fake.IntegrationSecrets(setUpKey.Reveal())["tool"] != "value" {
		t.Errorf("kept: %v, %v", has, err)
	}
	var refused *telnyx.SetUpError
	if err := c.CreateIntegrationSecret(ctx, setUpKey, "tool", private.NewSecret("value")); !errors.As(err, &refused) || refused.Status != http.StatusUnprocessableEntity {
		t.Errorf("a second of the same name: %v", err)
	}
}

func TestSetUp_ErrorsTellTheCallAndNothingThatWasSent(t *testing.T) {
	t.Parallel()
	_, c := startAccount(t)
	garbage := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("secret <html>")) }))
	t.Cleanup(garbage.Close)
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	words := telnyx.Object{"name": "A", "instructions": "secret words"}
	for want, call := range map[string]func() error{
		`telnyx: POST /ai/assistants was answered 422 (code "10015")`: func() error { _, err := c.CreateAssistant(t.Context(), setUpKey, words); return err },
		`telnyx: POST /ai/assistants/ was answered 404 (code "10005")`: func() error {
			return c.UpdateAssistant(t.Context(), setUpKey, "assistant-secret", words)
		},
		`telnyx: GET /ai/assistants was answered 401 (code "10009")`: func() error {
			_, err := c.Assistants(t.Context(), private.NewSecret("KEY-secret"))
			return err
		},
		`telnyx: GET /ai/assistants/ was answered 200 with what cannot be read`: func() error {
			_, err := telnyx.NewClient(garbage.URL).Assistant(t.Context(), setUpKey, "assistant-secret")
			return err
		},
		`telnyx: PATCH /phone_numbers/ was not answered`: func() error { return c.ConnectNumber(gone, setUpKey, "secret", "secret") },
	} {
		if err := call(); err == nil || err.Error() != want || strings.Contains(err.Error(), "secret") {
			t.Errorf("the error is %v; want %s", err, want)
		}
	}
}
