package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"time"

	"github.com/chattercheatah/chattercheatah/shared/store/demo"
)

// customer is the fake phone that the demonstration texts from.
const customer = "+15555550101"

// answerWait is how long the demonstration waits for an answer.
const answerWait = 90 * time.Second

// demonstrate texts both tenants the same question and shows both answers.
func demonstrate(ctx context.Context) error {
	const question = "Are you open on Saturday?"
	fmt.Printf("One customer, one question to two businesses: %q\n\n", question)
	for _, b := range demo.Businesses() {
		if err := askAndShow(ctx, b.Name, b.Phone.E164(), question); err != nil {
			return err
		}
	}
	return nil
}

// textOne texts one number and shows the answer.
func textOne(ctx context.Context, args []string) error {
	if len(args) != 2 {
		return errors.New(`usage: dev text +15555550142 "Are you open on Saturday?"`)
	}
	return askAndShow(ctx, args[0], args[0], args[1])
}

func askAndShow(ctx context.Context, name, number, question string) error {
	before, err := inboxOf(ctx, customer)
	if err != nil {
		return err
	}
	began := time.Now()
	var ack struct {
		Milliseconds int64 `json:"acknowledged_ms"`
	}
	if err := call(ctx, http.MethodPost, phonesPrefix+"/"+customer, phoneText{To: number, Text: question}, &ack); err != nil {
		return err
	}
	answer, err := nextFrom(ctx, number, before)
	if err != nil {
		return err
	}
	fmt.Printf("%s (%s), acknowledged after %d ms, answered after %.1f s:\n  %s\n\n", name, number, ack.Milliseconds, answer.At.Sub(began).Seconds(), answer.Text)
	return nil
}

// nextFrom waits for a text from number that was not there before.
func nextFrom(ctx context.Context, number string, before []phoneText) (phoneText, error) {
	ctx, cancel := context.WithTimeout(ctx, answerWait)
	defer cancel()
	for {
		texts, err := inboxOf(ctx, customer)
		if err != nil {
			return phoneText{}, err
		}
		for _, t := range texts[min(len(before), len(texts)):] {
			if t.From == number {
				return t, nil
			}
		}
		select {
		case <-ctx.Done():
			return phoneText{}, fmt.Errorf("no answer within %v; the log of make run says why", answerWait)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

func inboxOf(ctx context.Context, phone string) (texts []phoneText, err error) {
	return texts, call(ctx, http.MethodGet, phonesPrefix+"/"+phone, nil, &texts)
}

func call(ctx context.Context, method, path string, in, out any) error {
	base := "http://localhost:" + cmp.Or(os.Getenv("PORT"), "8080")
	body, err := json.Marshal(in)
	if err != nil {
		return err
	}
	request, err := http.NewRequestWithContext(ctx, method, base+path, bytes.NewReader(body))
	if err != nil {
		return err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return fmt.Errorf("nothing answers at %s; start it with make run: %w", base, err)
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode == http.StatusNotFound {
		return errors.New("the fake phones are there only while make run uses its own Telnyx (TELNYX_API_BASE not set)")
	}
	if response.StatusCode != http.StatusOK {
		var problem struct{ Error string }
		_ = json.NewDecoder(response.Body).Decode(&problem)
		return fmt.Errorf("%s: %s", response.Status, problem.Error)
	}
	return json.NewDecoder(response.Body).Decode(out)
}
