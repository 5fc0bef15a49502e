package api_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/chattercheatah/chattercheatah/shared/api"
	"github.com/chattercheatah/chattercheatah/shared/private"
)

// serve is a system that answers as it is told to; logging in gives the token "token".
func serve(t *testing.T, h http.HandlerFunc) *api.Client {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/api/v1/auth/login" {
			_, _ = fmt.Fprint(w, `{"access_token":"token"}`)
			return
		}
		h(w, r)
	}))
	t.Cleanup(server.Close)
	c, err := api.New(server.URL + "/api/v1")
	if err != nil {
		t.Fatal(err)
	}
	in, err := c.LogIn(t.Context(), "a@b.test", private.NewSecret("x"))
	if err != nil {
		t.Fatal(err)
	}
	return in
}

func TestNew_TakesAddressesOfTheAPIThatKeepPasswordsPrivate(t *testing.T) {
	t.Parallel()
	for base, ok := range map[string]bool{
		"https://api.example.test/api/v1":      true,
		"https://api.example.test/dev/api/v1":  true,
		"http://localhost:8080/api/v1":         true,
		"http://127.0.0.1:8080/api/v1":         true,
		"http://[::1]:8080/api/v1":             true,
		"http://api.example.test/api/v1":       false,
		"http://localhost.example.test/api/v1": false,
		"https://api.example.test":             false,
		"https://api.example.test/api/v1/":     false,
		"https://u:p@api.example.test/api/v1":  false,
		"https://api.example.test/api/v1?a=b":  false,
		"ftp://localhost/api/v1":               false,
		"/api/v1":                              false,
		"":                                     false,
	} {
		_, err := api.New(base)
		if (err == nil) != ok {
			t.Errorf("%s: %v; want ok %v", base, err, ok)
		}
		if err != nil && !strings.HasPrefix(err.Error(), "API_BASE ") {
			t.Errorf("%s: the error does not begin with the setting: %v", base, err)
		}
	}
}

func TestSend_SaysWhoIsCallingToTheAPIAndToNothingBesideIt(t *testing.T) {
	t.Parallel()
	c := serve(t, func(w http.ResponseWriter, r *http.Request) {
		_, _ = fmt.Fprintf(w, "%s %s %s", r.URL.Path, r.Header.Get("Authorization"), r.Header.Get("X-Tenant-Id"))
	})
	for _, tt := range []struct {
		send func() (api.Answer, error)
		want string
	}{
		{func() (api.Answer, error) { return c.Send(t.Context(), "GET", "/leads", nil) }, "/api/v1/leads Bearer token "},
		{func() (api.Answer, error) { return c.In(1042).Send(t.Context(), "GET", "/leads", nil) }, "/api/v1/leads Bearer token 1042"},
		{func() (api.Answer, error) { return c.In(1042).SendBeside(t.Context(), "GET", "/local/phones", nil) }, "/local/phones  "},
	} {
		if got, err := tt.send(); err != nil || string(got.Body) != tt.want {
			t.Errorf("the system saw %q, %v; want %q", got.Body, err, tt.want)
		}
	}
}

func TestSend_DoesNotFollowARedirection(t *testing.T) {
	t.Parallel()
	c := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/elsewhere" {
			t.Error("it was followed")
		}
		http.Redirect(w, r, "/elsewhere", http.StatusTemporaryRedirect)
	})
	if err := c.Call(t.Context(), "POST", "/users", map[string]string{"password": "x"}, nil); api.StatusOf(err) != http.StatusTemporaryRedirect {
		t.Errorf("the error is %v; want one with the status 307", err)
	}
}

func TestCall_AProblemTellsWhatToDoAndNothingThatWasSent(t *testing.T) {
	t.Parallel()
	c := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusUnprocessableEntity)
		_, _ = fmt.Fprint(w, `{"code":"invalid","detail":"validation failed","request_id":"r1","errors":[{"location":"body.email","message":"expected string"}]}`)
	})
	err := c.Call(t.Context(), "POST", "/users?q=secret", map[string]string{"password": "secret"}, nil)
	const want = "POST /users was answered 422: validation failed; body.email: expected string (request r1)"
	if err == nil || err.Error() != want || api.StatusOf(err) != 422 {
		t.Errorf("the error is %v; want %s", err, want)
	}
	if api.StatusOf(errors.New("other")) != 0 {
		t.Error("another error has a status")
	}
}

func TestCall_WhatIsNotOursIsToldByItsStatus(t *testing.T) {
	t.Parallel()
	c := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/down") {
			w.WriteHeader(http.StatusBadGateway)
		}
		_, _ = fmt.Fprint(w, "<html>")
	})
	if err := c.Call(t.Context(), "GET", "/down", nil, nil); err == nil || err.Error() != "GET /down was answered 502" {
		t.Errorf("the error is %v", err)
	}
	var out struct{}
	if err := c.Call(t.Context(), "GET", "/up", nil, &out); err == nil || !strings.Contains(err.Error(), "cannot be read") {
		t.Errorf("the error is %v", err)
	}
}

func TestAll_ReadsPageAfterPageAndEndsWithAnError(t *testing.T) {
	t.Parallel()
	c := serve(t, func(w http.ResponseWriter, r *http.Request) {
		switch q := r.URL.Query(); {
		case q.Get("status") != "new":
			t.Errorf("a page was asked for without the filter: %v", q)
		case q.Get("cursor") == "":
			_, _ = fmt.Fprint(w, `{"items":[1,2],"next_cursor":"a b&c"}`)
		case q.Get("cursor") == "a b&c":
			_, _ = fmt.Fprint(w, `{"items":[3],"next_cursor":"last"}`)
		default:
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	})
	var got []int
	var failure error
	for n, err := range api.All[int](t.Context(), c, "/leads", map[string][]string{"status": {"new"}}) {
		if failure = err; err == nil {
			got = append(got, n)
		}
	}
	if fmt.Sprint(got) != "[1 2 3]" || api.StatusOf(failure) != http.StatusServiceUnavailable {
		t.Errorf("read %v, then %v", got, failure)
	}
}

func TestOperator_IsAGlobalAdminOrNothing(t *testing.T) {
	t.Parallel()
	for body, ok := range map[string]bool{`{"is_global_admin":true}`: true, `{"is_global_admin":false}`: false, `{}`: false} {
		base := serve(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = fmt.Fprint(w, body) }).Base()
		if _, err := (api.Operator{Base: base, Email: "a@b.test", Password: private.NewSecret("x")}).LogIn(t.Context()); (err == nil) != ok {
			t.Errorf("%s: %v; want ok %v", body, err, ok)
		}
	}
}
