package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"

	"github.com/chattercheatah/chattercheatah/shared/api"
	"github.com/chattercheatah/chattercheatah/shared/boot"
	"github.com/chattercheatah/chattercheatah/shared/store/demo"
)

// writer is who the demonstration writes as.
const writer = "parent@customer.test"

// demonstrateEmail connects the mailbox of each demo tenant, as its admin would, writes the same mail to both, and shows both threads.
func demonstrateEmail(ctx context.Context) error {
	const subject, question = "Saturday", "Are you open on Saturday?"
	operator, err := boot.Settings[api.Operator](boot.OSEnvironment())
	if err != nil {
		return err
	}
	admin, err := operator.LogIn(ctx)
	if err != nil {
		return err
	}
	for _, b := range demo.Businesses() {
		said, err := connect(ctx, admin.In(int64(b.ID)), b.Profile.Email)
		if err != nil {
			return err
		}
		fmt.Printf("%s connects %s\n  %s\n\n", b.Name, b.Profile.Email, said)
	}
	fmt.Printf("One customer, one mail to two businesses: %q\n\n", question)
	for _, b := range demo.Businesses() {
		var in struct {
			ThreadID string `json:"thread_id"`
		}
		if err := call(ctx, http.MethodPost, mailPrefix+"/"+b.Profile.Email, fakeMail{writer, "Maria Garcia", subject, question}, &in); err != nil {
			return err
		}
		began := time.Now()
		thread, err := answered(ctx, b.Profile.Email, in.ThreadID)
		if err != nil {
			return err
		}
		fmt.Printf("%s, answered after %.1f s:\n", b.Name, time.Since(began).Seconds())
		for _, m := range thread {
			fmt.Printf("  %s -> %s  %s\n    %s\n", m.From, m.To, m.Subject, strings.ReplaceAll(m.Text, "\n", "\n    "))
		}
		fmt.Println()
	}
	return nil
}

var tags = regexp.MustCompile(`(?s)<style.*?</style>|<[^>]*>`)

// connect does what an admin's two clicks do: one on connecting, one on Google's consent page. It returns what they are shown.
func connect(ctx context.Context, tenant *api.Client, address string) (string, error) {
	var start struct {
		URL string `json:"authorization_url"`
	}
	if err := tenant.Call(ctx, http.MethodPost, "/email/oauth/start", nil, &start); err != nil {
		return "", err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, start.URL+"&login_hint="+url.QueryEscape(address), nil)
	if err != nil {
		return "", err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return "", err
	}
	defer func() { _ = response.Body.Close() }()
	page, err := io.ReadAll(io.LimitReader(response.Body, 64<<10))
	if err != nil || response.StatusCode != http.StatusOK {
		return "", fmt.Errorf("connecting %s was answered %s", address, response.Status)
	}
	return strings.Join(strings.Fields(tags.ReplaceAllString(string(page), " ")), " "), nil
}

// answered waits until a thread has an answer.
func answered(ctx context.Context, address, thread string) (mails []threadMail, err error) {
	ctx, cancel := context.WithTimeout(ctx, answerWait)
	defer cancel()
	for {
		if err := call(ctx, http.MethodGet, mailPrefix+"/"+address+"/"+thread, nil, &mails); err != nil {
			return nil, err
		}
		if len(mails) > 1 {
			return mails, nil
		}
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("no answer within %v; the log of make run says why", answerWait)
		case <-time.After(50 * time.Millisecond):
		}
	}
}
