package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/chattercheatah/chattercheatah/shared/store/demo"
)

// asAdmin is the headers of the operator in a tenant.
func (l *live) asAdmin(t *testing.T, b demo.Business) http.Header {
	t.Helper()
	_, who := l.call(t, http.MethodPost, "/api/v1/auth/login", nil, `{"email":"admin@chattercheatah.com","password":"admin123"}`)
	token, _ := who["access_token"].(string)
	return http.Header{"Authorization": {"Bearer " + token}, "X-Tenant-Id": {b.ID.String()}}
}

// connects a tenant's mailbox in a browser, and returns what its admin is shown.
func (l *live) connects(t *testing.T, b demo.Business) string {
	t.Helper()
	status, start := l.call(t, http.MethodPost, "/api/v1/email/oauth/start", l.asAdmin(t, b), "")
	address, _ := start["authorization_url"].(string)
	if status != http.StatusOK {
		t.Fatalf("starting was answered %d %v", status, start)
	}
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address+"&login_hint="+url.QueryEscape(b.Profile.Email), nil)
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	page, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != http.StatusOK {
		t.Fatalf("connecting was answered %s: %s", response.Status, page)
	}
	return string(page)
}

func TestAcceptance_TwoMailboxesAreConnectedAndAMailToEachIsAnsweredInItsThread(t *testing.T) {
	t.Parallel()
	l := startLive(t, nil)
	words := map[string]string{demo.SwimSchool().Name: "lessons every half hour", demo.Dentist().Name: "emergencies only"}
	threads := map[string]string{}
	for _, b := range demo.Businesses() {
		if page := l.connects(t, b); !strings.Contains(page, b.Name) || !strings.Contains(page, b.Profile.Email) {
			t.Errorf("the page does not say what is connected to what:\n%s", page)
		}
		_, in := l.call(t, http.MethodPost, mailPrefix+"/"+b.Profile.Email, nil, `{"from":"parent@customer.test","name":"Maria","subject":"Saturday","text":"Are you open on Saturday?"}`)
		threads[b.Name], _ = in["thread_id"].(string)
	}
	for _, b := range demo.Businesses() {
		mails := l.awaitThread(t, b.Profile.Email, threads[b.Name], 2)
		if a := mails[1]; a.From != b.Profile.Email || a.To != "parent@customer.test" || a.Subject != "Re: Saturday" || !strings.Contains(a.Text, words[b.Name]) {
			t.Errorf("%s answered %+v", b.Name, a)
		}
		status, list := l.call(t, http.MethodGet, "/api/v1/conversations?channel=email", l.asAdmin(t, b), "")
		items, _ := list["items"].([]any)
		if status != http.StatusOK || len(items) != 1 {
			t.Fatalf("%s has the conversations %v", b.Name, list)
		}
		talk := items[0].(map[string]any)
		if talk["email"] != "parent@customer.test" || talk["subject"] != "Saturday" || talk["phone_number"] != nil {
			t.Errorf("the conversation is %v", talk)
		}
		path := fmt.Sprintf("/api/v1/conversations/%.0f/messages", talk["id"])
		if status, answer := l.call(t, http.MethodPost, path, l.asAdmin(t, b), `{"text":"Bring a towel to `+b.Name+`."}`); status != http.StatusOK {
			t.Errorf("a person's mail was answered %d %v", status, answer)
		}
		if mails = l.awaitThread(t, b.Profile.Email, threads[b.Name], 3); mails[2].Text != "Bring a towel to "+b.Name+"." {
			t.Errorf("the person's mail is %+v", mails[2])
		}
	}
	if status, answer := l.call(t, http.MethodDelete, "/api/v1/email/disconnect", l.asAdmin(t, demo.Dentist()), ""); status != http.StatusOK || answer["revoked"] != true {
		t.Errorf("disconnecting was answered %d %v", status, answer)
	}
}

// awaitThread waits until a thread has n mails.
func (l *live) awaitThread(t *testing.T, box, thread string, n int) (mails []threadMail) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		response, err := http.Get(l.server.URL + mailPrefix + "/" + box + "/" + thread)
		if err != nil {
			t.Fatal(err)
		}
		err = json.NewDecoder(response.Body).Decode(&mails)
		_ = response.Body.Close()
		if err == nil && len(mails) >= n {
			return mails
		}
	}
	t.Fatalf("the thread has %d mails; want %d", len(mails), n)
	return nil
}
