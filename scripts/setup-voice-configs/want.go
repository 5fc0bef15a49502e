package main

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/chattercheatah/chattercheatah/shared/api"
	"github.com/chattercheatah/chattercheatah/shared/onboard"
	"github.com/chattercheatah/chattercheatah/shared/private"
	"github.com/chattercheatah/chattercheatah/shared/telnyx"
)

const (
	variablesPath      = "/telnyx/dynamic-variables"
	endPath            = "/telnyx/ai-call-complete"
	variablesTimeoutMS = 2000 // our answer takes half a second at most; Telnyx goes on without it
)

// words are what a tenant's assistant says when the webhook with the words of the moment does not answer.
type words struct{ business, prompt string }

// wordsOf reads a tenant's words as of this run. inside acts in the tenant.
func wordsOf(ctx context.Context, inside *api.Client, row *onboard.Row) (w words, err error) {
	var profile struct {
		BusinessName *string `json:"business_name"`
	}
	if err := inside.Call(ctx, http.MethodGet, "/tenant/profile", nil, &profile); err != nil {
		return w, err
	}
	var current struct {
		Prompt *string `json:"prompt"`
	}
	if err := inside.Call(ctx, http.MethodGet, "/tenant-setup/current-prompt?channel=voice", nil, &current); err != nil {
		return w, err
	}
	if current.Prompt == nil {
		return w, errors.New("it has no prompt yet; publish one first, with scripts/onboard or POST /tenant-setup/setup-prompt")
	}
	w.business = row.Name
	if profile.BusinessName != nil {
		w.business = cmp.Or(*profile.BusinessName, row.Name)
	}
	w.prompt = withoutTime(*current.Prompt)
	return w, nil
}

// withoutTime takes the time of the composition out of a prompt that is to be kept. It stands above all sections.
func withoutTime(composed string) string {
	above, below, _ := strings.Cut(composed, "\nNow: ")
	_, below, _ = strings.Cut(below, "\n")
	return above + "\n" + below
}

// assistant is what the tenant's assistant is to be.
func (t Tenant) assistant(functions string, tenantID int64, w words) telnyx.Assistant {
	a := telnyx.Assistant{
		Name: t.Name, Model: t.Model, Greeting: t.Greeting, Instructions: "{{business_prompt}}", EnabledFeatures: []string{"telephony"},
		DynamicVariables: map[string]string{"business_prompt": w.prompt, "business_name": w.business},
		VariablesURL:     functions + variablesPath, VariablesTimeoutMS: variablesTimeoutMS,
		Voice: telnyx.VoiceSettings{Voice: t.Voice}, Transcription: telnyx.Transcription{Language: t.language()},
		Insights: telnyx.InsightSettings{GroupID: t.InsightGroupID},
	}
	for _, tool := range tools {
		a.Tools = append(a.Tools, tool.at(functions, tenantID, t.secretName(tenantID)))
	}
	if !t.TransferNumber.IsZero() {
		a.Tools = append(a.Tools, t.transfer())
	}
	return a
}

// language is what the assistant listens for: auto where callers speak several.
func (t Tenant) language() string {
	if len(t.Languages) > 1 {
		return "auto"
	}
	return strings.Join(t.Languages, "")
}

// secretName is the name of the tool secret at Telnyx, which does not show its value: another secret has another name, so that a changed
// one is noticed.
func (t Tenant) secretName(tenantID int64) string {
	sum := sha256.Sum256([]byte(t.ToolSecret))
	return fmt.Sprintf("tool-secret-%d-%s", tenantID, hex.EncodeToString(sum[:4]))
}

func (t Tenant) secret() private.Secret { return private.NewSecret(string(t.ToolSecret)) }

// objectOf is a value as its JSON reads.
func objectOf(v any) (o telnyx.Object, err error) {
	text, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	return o, json.Unmarshal(text, &o)
}
