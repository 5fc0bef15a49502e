package task_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/chattercheatah/chattercheatah/shared/fault"
	"github.com/chattercheatah/chattercheatah/shared/task"
	"github.com/chattercheatah/chattercheatah/shared/task/tasktest"
)

const (
	queue    = "projects/p/locations/l/queues/replies"
	account  = "tasks@p.example.test"
	audience = "https://worker.example.test"
)

func verifier(s *tasktest.Server) *task.Verifier {
	return task.NewVerifier(task.VerifierConfig{Issuer: s.Issuer(), KeysURL: s.KeysURL(), WorkerURL: audience, ServiceAccounts: []string{account}})
}

func request(authorization string) *http.Request {
	r := httptest.NewRequestWithContext(context.Background(), http.MethodPost, "/workers/sms/reply", nil)
	r.Header.Set("X-CloudTasks-TaskName", "t1")
	r.Header.Set("X-CloudTasks-TaskRetryCount", "3")
	r.Header.Set("Authorization", authorization)
	return r
}

func TestVerify_ATokenOfOurAccountForThisWorker(t *testing.T) {
	t.Parallel()
	s := tasktest.New(t, tasktest.Options{})
	call, err := verifier(s).Verify(request("Bearer " + s.Token(audience, account)))
	if err != nil || call.Email != account || call.TaskName != "t1" || call.Retry != 3 {
		t.Errorf("Verify = %+v, %v", call, err)
	}
}

func TestVerify_AnythingElseIsRefusedAndNeverRepeated(t *testing.T) {
	t.Parallel()
	s, stranger := tasktest.New(t, tasktest.Options{}), tasktest.New(t, tasktest.Options{})
	with := func(name string, value any) string {
		c := s.Claims(audience, account)
		c[name] = value
		return s.Sign(c)
	}
	n, _ := s.PublicKey()
	confused := jwt.NewWithClaims(jwt.SigningMethodHS256, s.Claims(audience, account))
	confused.Header["kid"] = "local"
	hs256, err := confused.SignedString(n)
	if err != nil {
		t.Fatal(err)
	}
	none, err := jwt.NewWithClaims(jwt.SigningMethodNone, s.Claims(audience, account)).SignedString(jwt.UnsafeAllowNoneSignatureType)
	if err != nil {
		t.Fatal(err)
	}
	good := s.Token(audience, account)
	for name, token := range map[string]string{
		"headers alone":         "",
		"garbage":               "Bearer x.y.z",
		"basic":                 "Basic " + good,
		"another audience":      "Bearer " + with("aud", "https://other.example.test"),
		"two audiences":         "Bearer " + with("aud", []string{audience, "https://other.example.test"}),
		"two tokens":            "Bearer " + good + ", Bearer " + good,
		"another issuer":        "Bearer " + with("iss", "https://issuer.example.test"),
		"another account":       "Bearer " + with("email", "someone@p.example.test"),
		"an unverified address": "Bearer " + with("email_verified", false),
		"no address":            "Bearer " + with("email", nil),
		"expired":               "Bearer " + with("exp", time.Now().Add(-time.Minute).Unix()),
		"another key":           "Bearer " + stranger.Sign(s.Claims(audience, account)),
		"HS256 of the public":   "Bearer " + hs256,
		"unsigned":              "Bearer " + none,
		"a cut signature":       "Bearer " + good[:len(good)-8],
	} {
		_, err := verifier(s).Verify(request(token))
		if err == nil || fault.KindOf(err) != fault.Unauthenticated {
			t.Errorf("%s: %v; want unauthenticated", name, err)
		} else if token != "" && strings.Contains(err.Error(), strings.TrimPrefix(token, "Bearer ")) {
			t.Errorf("%s: the error repeats the token", name)
		}
	}
}

func TestVerify_WhileTheIssuersKeysCannotBeHadIsUnavailable(t *testing.T) {
	t.Parallel()
	s := tasktest.New(t, tasktest.Options{})
	v := task.NewVerifier(task.VerifierConfig{Issuer: s.Issuer(), KeysURL: "http://127.0.0.1:1/certs", WorkerURL: audience, ServiceAccounts: []string{account}})
	if _, err := v.Verify(request("Bearer " + s.Token(audience, account))); fault.KindOf(err) != fault.Unavailable || err == nil {
		t.Errorf("Verify = %v; want unavailable, so that the task comes again", err)
	}
}

func newQueue(t *testing.T, s *tasktest.Server, name, worker string) *task.Queue {
	t.Helper()
	q := task.NewQueue(task.Config{Queue: name, WorkerURL: worker, ServiceAccount: account, EmulatorHost: s.Addr()})
	t.Cleanup(func() { _ = q.Close() })
	return q
}

func TestPut_TheSameNameIsOneTask(t *testing.T) {
	t.Parallel()
	s := tasktest.New(t, tasktest.Options{Queues: []string{queue}, Manual: true})
	q := newQueue(t, s, queue, audience)
	at := time.Now().Add(time.Hour)
	for range 3 {
		if err := q.PutReply(t.Context(), 1042, 7, at); err != nil {
			t.Fatal(err)
		}
	}
	if err := q.PutReply(t.Context(), 1042, 7, at.Add(time.Second)); err != nil {
		t.Fatal(err)
	}
	got := s.Tasks()
	if len(got) != 2 || string(got[0].Body) != `{"tenant_id":1042,"reply_id":7}` || got[0].URL != audience+task.ReplyPath {
		t.Errorf("queued %v; want one task for each time", got)
	}
}

func TestPut_WhatTheQueueDoesNotTakeIsUnavailable(t *testing.T) {
	t.Parallel()
	s := tasktest.New(t, tasktest.Options{Queues: []string{queue}})
	if err := newQueue(t, s, "projects/p/locations/l/queues/other", audience).PutReply(t.Context(), 1042, 7, time.Now()); fault.KindOf(err) != fault.Unavailable || err == nil {
		t.Errorf("a queue that is not there: %v; want unavailable", err)
	}
	gone := task.NewQueue(task.Config{Queue: queue, WorkerURL: audience, ServiceAccount: account, EmulatorHost: "127.0.0.1:1"})
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	if err := gone.PutReply(ctx, 1042, 7, time.Now()); fault.KindOf(err) != fault.Unavailable || err == nil {
		t.Errorf("nobody there: %v; want unavailable", err)
	}
}

func TestTask_IsCalledWithAVerifiableTokenUntilItSucceeds(t *testing.T) {
	t.Parallel()
	s := tasktest.New(t, tasktest.Options{Queues: []string{queue}, Manual: true})
	var worker *httptest.Server
	retries := make(chan int, 10)
	worker = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		v := task.NewVerifier(task.VerifierConfig{Issuer: s.Issuer(), KeysURL: s.KeysURL(), WorkerURL: worker.URL, ServiceAccounts: []string{account}})
		call, err := v.Verify(r)
		if err != nil {
			t.Error(err)
		}
		retries <- call.Retry
		if call.Retry < 2 {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	}))
	defer worker.Close()
	if err := newQueue(t, s, queue, worker.URL).PutReply(t.Context(), 1042, 7, time.Now().Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	if len(retries) != 0 {
		t.Error("the task ran an hour early")
	}
	if err := s.Drain(t.Context()); err != nil {
		t.Fatal(err)
	}
	if len(retries) != 3 || <-retries != 0 || <-retries != 1 || <-retries != 2 {
		t.Error("want three calls that count their retries")
	}
}

func TestConfig_EveryMalformedSettingIsNamed(t *testing.T) {
	t.Parallel()
	err := task.Config{Queue: "replies", WorkerURL: "worker", ServiceAccount: "tasks"}.Validate()
	for _, name := range []string{"CLOUD_TASKS_QUEUE", "CLOUD_TASKS_WORKER_URL", "CLOUD_TASKS_SERVICE_ACCOUNT"} {
		if err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s is not named in %v", name, err)
		}
	}
	if err := (task.Config{Queue: queue, WorkerURL: audience, ServiceAccount: account}).Validate(); err != nil {
		t.Error(err)
	}
}
