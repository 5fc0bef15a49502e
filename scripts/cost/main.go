// Command cost works out what texts cost on Google Cloud and writes docs/cost.md: from what make bench measured
// (docs/measured.json), from the prompts of the demo tenants, and from the price list in shared/prices (make cost).
package main

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/chattercheatah/chattercheatah/scripts/internal/deployment"
	"github.com/chattercheatah/chattercheatah/scripts/internal/usage"
	"github.com/chattercheatah/chattercheatah/shared/prices"
	"github.com/chattercheatah/chattercheatah/shared/prompt"
	"github.com/chattercheatah/chattercheatah/shared/store/demo"
)

// measured is what one text and its answer take, as bench writes it.
type measured struct {
	TelnyxSMSMilliseconds float64 `json:"telnyx_sms_ms"` // processor time: the text and its two delivery reports
	WorkerMilliseconds    float64 `json:"worker_ms"`
	PostgresMilliseconds  float64 `json:"postgres_ms"`
	StoredBytes           float64 `json:"stored_bytes"` // rows and indexes
	LogBytes              float64 `json:"log_bytes"`
}

// What is assumed, since it is not ours to measure.
const (
	texts             = 1000
	modelSeconds      = 1.0 // how long the model takes
	charactersToToken = 4.0 // ai.google.dev/gemini-api/docs/tokens
	historyMessages   = 6   // earlier messages of the conversation that the model is told
	messageCharacters = 120
	answerTokens      = 40
	requestsOfText    = 3   // the text and two delivery reports
	billedSeconds     = 0.1 // Cloud Run rounds the time of an instance up to it
)

//go:embed main.go
var source string

func main() {
	usage.Parse(source)
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "cost:", err)
		os.Exit(1)
	}
}

func run() error {
	list, err := prices.List()
	if err != nil {
		return err
	}
	content, err := os.ReadFile("docs/measured.json")
	if err != nil {
		return fmt.Errorf("make bench writes it: %w", err)
	}
	var m measured
	if err := json.Unmarshal(content, &m); err != nil {
		return fmt.Errorf("docs/measured.json: %w", err)
	}
	deployments, err := deployment.All(".")
	if err != nil {
		return err
	}
	return os.WriteFile("docs/cost.md", []byte(page(lines(list, m, deployments), list, m)), 0o644)
}

// line is one cost of a thousand texts.
type line struct {
	what        string
	alone, busy float64 // dollars: each text by itself, and instances kept busy
}

func lines(p map[string]prices.Price, m measured, deployments []deployment.Deployment) []line {
	of := func(name string, amount float64) float64 {
		found, ok := p[name]
		if !ok {
			panic("the price list has no " + name)
		}
		return amount * found.Each()
	}
	byName := map[string]deployment.Deployment{}
	for _, d := range deployments {
		byName[d.Name] = d
	}
	instance := func(name string, seconds float64) float64 {
		d := byName[name]
		return of("run_vcpu_second", seconds*d.CPU) + of("run_gib_second", seconds*gib(d.Memory))
	}
	atWork := m.WorkerMilliseconds / 1000 // of an instance: its processor, or its share of the waiting for the model
	if n := byName["telnyx-sms-worker"].Concurrency; n > 0 {
		atWork = max(atWork, (modelSeconds+atWork)/float64(n))
	}
	input := promptTokens()
	return []line{
		{"Cloud Run, telnyx-sms", instance("telnyx-sms", texts*requestsOfText*billedSeconds), instance("telnyx-sms", texts*m.TelnyxSMSMilliseconds/1000)},
		{"Cloud Run, telnyx-sms-worker", instance("telnyx-sms-worker", texts*(modelSeconds+billedSeconds)), instance("telnyx-sms-worker", texts*atWork)},
		{"Cloud Run, requests", of("run_requests", texts*(requestsOfText+1)), of("run_requests", texts*(requestsOfText+1))},
		{"Cloud Tasks, put and called once", of("tasks_operations", texts*2), of("tasks_operations", texts*2)},
		{"Cloud SQL, processor", of("sql_vcpu_hour", texts*m.PostgresMilliseconds/1000/3600), of("sql_vcpu_hour", texts*m.PostgresMilliseconds/1000/3600)},
		{"Cloud SQL, storage for a year", of("sql_gib_month", 12*texts*m.StoredBytes/(1<<30)), of("sql_gib_month", 12*texts*m.StoredBytes/(1<<30))},
		{"Firestore (log-in only, no text touches it)", of("firestore_reads", 0), of("firestore_reads", 0)},
		{"Cloud Logging", of("logging_gib", texts*m.LogBytes/(1<<30)), of("logging_gib", texts*m.LogBytes/(1<<30))},
		{fmt.Sprintf("Gemini, %.0f tokens in", input), of("gemini_input", texts*input), of("gemini_input", texts*input)},
		{fmt.Sprintf("Gemini, %d tokens out", answerTokens), of("gemini_output", texts*answerTokens), of("gemini_output", texts*answerTokens)},
	}
}

// gib reads a memory size such as 256Mi.
func gib(memory string) float64 {
	var mi float64
	if _, err := fmt.Sscanf(memory, "%fMi", &mi); err != nil {
		panic("function.yaml has a memory that is not in Mi: " + memory)
	}
	return mi / 1024
}

// promptTokens estimates what the model reads for an answer: the demo tenants' composed prompts, and a conversation.
func promptTokens() float64 {
	characters := 0
	for _, b := range demo.Businesses() {
		characters += len(prompt.NewRecipe(prompt.SMS, nil, b.Profile, time.Now()).Compose(prompt.Write(prompt.Merge(prompt.Base(), b.Prompt))))
	}
	return (float64(characters)/float64(len(demo.Businesses())) + (historyMessages+1)*messageCharacters) / charactersToToken
}

const head = `# What a thousand texts cost on Google Cloud

Worked out by ` + "`make cost`" + `; do not edit. A text comes in, is answered once, and two delivery reports close the answer. Telnyx's own
price is not in it, nor are free tiers.

*Alone*: texts so seldom that each has an instance to itself, whose time Cloud Run rounds up to %g s; the worker's is mostly the
waiting for the model, %g s here. *Busy*: instances that work on as many as they take.

| | alone | busy |
|---|---|---|
`

const tail = `
Measured by make bench, of processor time for a text and its answer: telnyx-sms %.1f ms, the worker %.1f ms, Postgres %.1f ms. Stored:
%.0f bytes with indexes. Logged: %.0f bytes. The tokens are those of the demo tenants' prompts and %d earlier messages of %d characters, at
%g characters a token.

Besides: the one instance of telnyx-sms that is kept ready costs $%.2f a month, and a Postgres of one vCPU and 3.75 GiB $%.0f, whatever comes in.

## Prices

| | US dollars | from |
|---|---|---|
`

func page(all []line, list map[string]prices.Price, m measured) string {
	var b strings.Builder
	_, _ = fmt.Fprintf(&b, head, billedSeconds, modelSeconds)
	var sum line
	for _, l := range all {
		_, _ = fmt.Fprintf(&b, "| %s | $%.4f | $%.4f |\n", l.what, l.alone, l.busy)
		sum.alone, sum.busy = sum.alone+l.alone, sum.busy+l.busy
	}
	_, _ = fmt.Fprintf(&b, "| **together** | **$%.2f** | **$%.2f** |\n", sum.alone, sum.busy)
	const month = 730 * 3600
	ready := month * (list["run_idle_vcpu_second"].Price + 0.25*list["run_gib_second"].Price)
	_, _ = fmt.Fprintf(&b, tail, m.TelnyxSMSMilliseconds, m.WorkerMilliseconds, m.PostgresMilliseconds, m.StoredBytes, m.LogBytes,
		historyMessages, messageCharacters, charactersToToken, ready, 730*(list["sql_vcpu_hour"].Price+3.75*list["sql_gib_hour"].Price))
	for _, name := range slices.Sorted(maps.Keys(list)) {
		p := list[name]
		_, _ = fmt.Fprintf(&b, "| %s | %g for %g | %s |\n", p.Of, p.Price, p.Per, p.From)
	}
	return b.String()
}
