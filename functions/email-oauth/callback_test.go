package emailoauth_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/chattercheatah/chattercheatah/shared/gmail/gmailtest"
	"github.com/chattercheatah/chattercheatah/shared/google"
)

func TestConnect_FromTheStartToAMailboxThatIsAnswered(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	page := b.start(t, b.swimmer)
	if q := page.Query(); q.Get("code_challenge_method") != "S256" || q.Get("redirect_uri") != redirect || len(q.Get("state")) != 43 ||
		q.Get("scope") != gmailtest.Readonly+" "+gmailtest.Compose {
		t.Errorf("the consent is asked for with %v", q)
	}
	w := b.visit(b.consent(t, page, swimBox))
	shows(t, w, http.StatusOK, swimBox+" is connected to Example Swim School. lead@exampleco.test began this.", "Mail that arrives from now on")
	if strings.Contains(w.Body.String(), "once an hour") {
		t.Errorf("the page says that mail is not announced: %s", w.Body)
	}
	m := mailbox(t, b.SwimSchool)
	if m.Address != swimKept || !m.Enabled || m.EnabledAt.IsZero() || m.HistoryID != b.google.HistoryID(swimBox) || b.google.AccountOf(m.RefreshToken.Reveal()) != swimKept ||
		m.AccessToken.IsZero() || time.Until(m.TokenExpires) < 50*time.Minute {
		t.Errorf("stored: %+v", m)
	}
	if to, until := b.google.Watched(swimBox); to != topic || m.WatchExpires.IsZero() || m.WatchExpires.Sub(until).Abs() > time.Second {
		t.Errorf("the watch is of %q until %v; stored is %v", to, until, m.WatchExpires)
	}
	if plain := b.Query(t, `select count(*)::text from tenant_email_configs where position('fake' in encode(gmail_refresh_token, 'escape') || encode(gmail_access_token, 'escape')) > 0`); plain[0] != "0" {
		t.Error("a token is stored as it is")
	}
	_, settings := b.call(http.MethodGet, "/email/settings", b.swimmer, "")
	if settings["is_enabled"] != true || settings["gmail_email"] != swimKept || settings["is_connected"] != true || settings["watch_active"] != true || settings["needs_reconnect"] != false {
		t.Errorf("the settings are %v", settings)
	}
	found, err := b.SwimSchool.Audit(t.Context(), 0, 10)
	if err != nil || len(found) == 0 || found[0].Action != "tenant_email_configs.update" || found[0].Actor != "lead@exampleco.test" || !slices.Contains(found[0].Fields, "gmail_email") {
		t.Errorf("the audit log has %+v, %v", found, err)
	}
}

func TestConnect_AGlobalAdminConnectsForATenant(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	page := b.start(t, b.person(t, "op@p.test", "admin", nil), "X-Tenant-Id", "2048")
	shows(t, b.visit(b.consent(t, page, denBox)), http.StatusOK, "connected to Sample Dental Clinic. op@p.test began this.")
	if m := mailbox(t, b.Dentist); m.Address != denBox {
		t.Errorf("connected is %s", m.Address)
	}
}

func TestConnect_ThePageEscapesWhatItShows(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.Exec(t, `update tenant_business_profiles set business_name = '<script>alert(1)</script> & Co' where tenant_id = 1042`)
	shows(t, b.connect(t, b.swimmer, swimBox), http.StatusOK, "&lt;script&gt;alert(1)&lt;/script&gt; &amp; Co")
}

func TestStart_WhoMay(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	member := b.person(t, "desk@exampleco.test", "user", 1042)
	for _, call := range [][2]string{{http.MethodPost, "/email/oauth/start"}, {http.MethodDelete, "/email/disconnect"}} {
		for token, want := range map[string]int{"x.y.z": 401, member: 403} {
			if status, answer := b.call(call[0], call[1], token, ""); status != want {
				t.Errorf("%s was answered %d %v; want %d", call[1], status, answer, want)
			}
		}
		if status, answer := b.call(call[0], call[1], b.swimmer, "", "X-Tenant-Id", "2048"); status != 403 {
			t.Errorf("%s for another tenant was answered %d %v; want 403", call[1], status, answer)
		}
	}
	if names := b.state.Names(); len(names) != 0 {
		t.Errorf("refused starts left %v", names)
	}
}

func TestStart_IsThrottledForEachTenant(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	for range 20 {
		b.start(t, b.swimmer)
	}
	if status, answer := b.call(http.MethodPost, "/email/oauth/start", b.swimmer, ""); status != http.StatusTooManyRequests {
		t.Errorf("the twenty-first start was answered %d %v; want 429", status, answer)
	}
	b.start(t, b.dentist)
}

func TestStart_SaysWhenItCannot(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	configured := b.handler
	b.handler = b.build(t, google.Config{})
	status, answer := b.call(http.MethodPost, "/email/oauth/start", b.swimmer, "")
	if detail, _ := answer["detail"].(string); status != http.StatusServiceUnavailable || !strings.Contains(detail, "no Google OAuth client") {
		t.Errorf("without an OAuth client: %d %v; want 503 that says so", status, answer)
	}
	b.handler = configured
	b.state.Stop()
	if status, answer := b.call(http.MethodPost, "/email/oauth/start", b.swimmer, ""); status != http.StatusServiceUnavailable {
		t.Errorf("without Firestore: %d %v; want 503", status, answer)
	}
	shows(t, b.visit(address("state", strings.Repeat("x", 43), "code", "y")), http.StatusServiceUnavailable, "try again", "Request ")
}

// address is one of the callback's; pairs are names and values in turn.
func address(pairs ...string) *url.URL {
	u, _ := url.Parse(redirect)
	q := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		q.Set(pairs[i], pairs[i+1])
	}
	u.RawQuery = q.Encode()
	return u
}

// with is the same address with one parameter changed, "" without it.
func with(u *url.URL, name, value string) *url.URL {
	changed, q := *u, u.Query()
	if q.Del(name); value != "" {
		q.Set(name, value)
	}
	changed.RawQuery = q.Encode()
	return &changed
}

func TestCallback_AStateThatIsNotOursConnectsNothingAndSpoilsNothing(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	back := b.consent(t, b.start(t, b.swimmer), swimBox)
	state := back.Query().Get("state")
	flipped := map[bool]string{true: "B", false: "A"}[state[0] == 'A'] + state[1:]
	for name, wrong := range map[string]string{
		"missing": "", "unknown": strings.Repeat("x", 43), "tampered": flipped, "shorter": state[:42], "longer": state + "A", "no base64": strings.Repeat("%", 43), "huge": strings.Repeat("x", 8000),
	} {
		w := b.visit(with(back, "state", wrong))
		shows(t, w, http.StatusBadRequest, "has been used already", "Begin again")
		if strings.Contains(w.Body.String(), "Request ") {
			t.Errorf("%s: the page shows a request id for what the person can mend", name)
		}
	}
	b.nothingStored(t)
	if n := b.google.Server.Asked().Exchange; n != 0 {
		t.Errorf("Google was asked %d times", n)
	}
	shows(t, b.visit(back), http.StatusOK, "is connected")
}

func TestCallback_AStateExpires(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	back := b.consent(t, b.start(t, b.swimmer), swimBox)
	b.ahead.Store(600)
	shows(t, b.visit(back), http.StatusBadRequest, "more than ten minutes old")
	b.nothingStored(t)
}

func TestCallback_AStateIsUsedUpWhateverComesOfIt(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	for name, first := range map[string]func(back *url.URL) (*url.URL, int){
		"refused": func(back *url.URL) (*url.URL, int) {
			return address("state", back.Query().Get("state"), "error", "access_denied"), 200
		},
		"an error":         func(back *url.URL) (*url.URL, int) { return with(back, "error", "admin_policy_enforced"), 403 },
		"without a code":   func(back *url.URL) (*url.URL, int) { return with(back, "code", ""), 400 },
		"with a bad code":  func(back *url.URL) (*url.URL, int) { return with(back, "code", "none"), 400 },
		"with hostile one": func(back *url.URL) (*url.URL, int) { return with(back, "error", `"><script>x</script>`), 403 },
	} {
		back := b.consent(t, b.start(t, b.swimmer), swimBox)
		visited, want := first(back)
		w := b.visit(visited)
		if shows(t, w, want, "Begin again"); w.Code != want {
			t.Errorf("%s was answered %d; want %d", name, w.Code, want)
		}
		shows(t, b.visit(back), http.StatusBadRequest, "has been used already")
		b.nothingStored(t)
	}
}

func TestCallback_TheSecondVisitOfAnAddressChangesNothing(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	back := b.consent(t, b.start(t, b.swimmer), swimBox)
	shows(t, b.visit(back), http.StatusOK, "is connected")
	before := b.Snapshot(t, 1042)
	shows(t, b.visit(back), http.StatusBadRequest, "has been used already")
	if diff := cmp.Diff(before, b.Snapshot(t, 1042)); diff != "" || b.google.Server.Asked().Exchange != 1 {
		t.Errorf("the second visit changed something; Google was asked %d times:\n%s", b.google.Server.Asked().Exchange, diff)
	}
}

func TestCallback_TwoAtOneMomentConnectOnce(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	back := b.consent(t, b.start(t, b.swimmer), swimBox)
	var mu sync.Mutex
	var wg sync.WaitGroup
	statuses := map[int]int{}
	for range 6 {
		wg.Go(func() {
			w := b.visit(back)
			mu.Lock()
			defer mu.Unlock()
			statuses[w.Code]++
		})
	}
	wg.Wait()
	if diff := cmp.Diff(map[int]int{200: 1, 400: 5}, statuses); diff != "" || b.google.Server.Asked().Exchange != 1 {
		t.Errorf("Google was asked for tokens %d times; statuses (-want +got):\n%s", b.google.Server.Asked().Exchange, diff)
	}
}

func TestCallback_ACodeIsNotTakenTwice(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	first := b.consent(t, b.start(t, b.swimmer), swimBox)
	shows(t, b.visit(first), http.StatusOK, "is connected")
	before := b.Snapshot(t, 2048)
	shows(t, b.visit(with(first, "state", b.start(t, b.dentist).Query().Get("state"))), http.StatusBadRequest, "Google does not take this consent")
	if diff := cmp.Diff(before, b.Snapshot(t, 2048)); diff != "" {
		t.Errorf("a code that was used connected something to another tenant:\n%s", diff)
	}
}

func TestCallback_AnothersCodeIsWorthNothingWithOnesOwnState(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	ours, theirs := b.consent(t, b.start(t, b.swimmer), swimBox), b.consent(t, b.start(t, b.dentist), denBox)
	mixed := with(ours, "code", theirs.Query().Get("code"))
	shows(t, b.visit(mixed), http.StatusBadRequest, "Google does not take this consent", "Begin again")
	b.nothingStored(t)
	if faults := b.google.Faults(); len(faults) != 1 || !strings.Contains(faults[0], "verifier") {
		t.Errorf("Google minded %q; want the verifier alone", faults)
	}
	shows(t, b.visit(ours), http.StatusBadRequest, "has been used already")
	b.nothingStored(t)
}

func TestCallback_WhoBeganItMayNotAnyMore(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	op := b.person(t, "op@p.test", "admin", nil)
	for name, c := range map[string]struct {
		token     string
		then, end string
	}{
		"is a member":        {b.swimmer, `update users set role = 'user' where email = 'lead@exampleco.test'`, `update users set role = 'tenant_admin' where email = 'lead@exampleco.test'`},
		"is closed":          {b.swimmer, `update users set is_active = false where email = 'lead@exampleco.test'`, `update users set is_active = true where email = 'lead@exampleco.test'`},
		"is another's":       {b.swimmer, `update users set tenant_id = 2048 where email = 'lead@exampleco.test'`, `update users set tenant_id = 1042 where email = 'lead@exampleco.test'`},
		"works for a closed": {b.swimmer, `update tenants set is_active = false where id = 1042`, `update tenants set is_active = true where id = 1042`},
		"operates a closed":  {op, `update tenants set is_active = false where id = 1042`, `update tenants set is_active = true where id = 1042`},
		"is no operator":     {op, `update users set is_active = false where email = 'op@p.test'`, `update users set is_active = true where email = 'op@p.test'`},
		"is gone":            {op, `delete from users where email = 'op@p.test'`, `select 1`},
	} {
		if name == "is gone" {
			c.token = b.person(t, "gone@p.test", "admin", nil)
			c.then = `delete from users where email = 'gone@p.test'`
		}
		back := b.consent(t, b.start(t, c.token, "X-Tenant-Id", "1042"), swimBox)
		b.Exec(t, c.then)
		w := b.visit(back)
		b.Exec(t, c.end)
		if shows(t, w, http.StatusForbidden, "not an admin of this business any more"); w.Code != http.StatusForbidden {
			t.Errorf("whoever began it %s: %d", name, w.Code)
		}
		shows(t, b.visit(back), http.StatusBadRequest, "has been used already")
	}
	b.nothingStored(t)
	if n := b.google.Server.Asked().Exchange; n != 0 {
		t.Errorf("Google was asked %d times", n)
	}
}

func TestCallback_APersonWhoDoesNotAllowItChangesNothing(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	shows(t, b.visit(b.consent(t, b.start(t, b.swimmer), "")), http.StatusOK, "You did not allow it", "Nothing has changed")
	b.nothingStored(t)
}

func TestCallback_NamesTheLeaveThatIsMissing(t *testing.T) {
	t.Parallel()
	for unticked, want := range map[string]string{
		gmailtest.Readonly: "not allowed us to read the mail, without", gmailtest.Compose: "not allowed us to write drafts and send mail, without",
		gmailtest.Readonly + " " + gmailtest.Compose: "not allowed us to read the mail and to write drafts and send mail, without",
	} {
		b := newBench(t)
		shows(t, b.visit(b.consent(t, b.start(t, b.swimmer), swimBox, strings.Fields(unticked)...)), http.StatusForbidden, want, "every box ticked")
		b.nothingStored(t)
	}
}

func TestCallback_GoogleThatDoesNotAnswerChangesNothing(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	for name, c := range map[string]struct{ breaks, mends func() }{
		"tokens":  {func() { b.google.RefuseTokens(http.StatusServiceUnavailable) }, func() { b.google.RefuseTokens(0) }},
		"profile": {func() { b.google.Break(gmailtest.Profile, gmailtest.ServerError) }, func() { b.google.Break(gmailtest.Profile, gmailtest.Truth) }},
		"garbage": {func() { b.google.Break(gmailtest.Profile, gmailtest.Garbage) }, func() { b.google.Break(gmailtest.Profile, gmailtest.Truth) }},
	} {
		back := b.consent(t, b.start(t, b.swimmer), swimBox)
		c.breaks()
		w := b.visit(back)
		c.mends()
		if shows(t, w, http.StatusServiceUnavailable, "Google did not", "Begin again", "Request "); w.Code != http.StatusServiceUnavailable {
			t.Errorf("%s: %d", name, w.Code)
		}
		b.nothingStored(t)
	}
	b.connected(t, b.swimmer, swimBox)
}

func TestConnect_WithoutARefreshTokenTheGoodOneStays(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.google.WithholdRefreshTokens(true)
	shows(t, b.connect(t, b.swimmer, swimBox), http.StatusBadRequest, "https://myaccount.google.com/permissions", "connect the mailbox again")
	b.nothingStored(t)

	b.google.WithholdRefreshTokens(false)
	b.connected(t, b.swimmer, swimBox)
	before := mailbox(t, b.SwimSchool)
	b.google.WithholdRefreshTokens(true)
	b.connected(t, b.swimmer, swimBox)
	if after := mailbox(t, b.SwimSchool); !after.RefreshToken.Equal(before.RefreshToken) || after.AccessToken.Equal(before.AccessToken) {
		t.Error("the refresh token did not stay, or the access token did")
	}

	b.google.Add("other@exampleco.test")
	b.Exec(t, `update tenant_email_configs set grant_failed_at = now() where tenant_id = 1042`)
	kept := b.Snapshot(t, 1042)
	shows(t, b.connect(t, b.swimmer, swimBox), http.StatusBadRequest, "permissions")
	shows(t, b.connect(t, b.swimmer, "other@exampleco.test"), http.StatusBadRequest, "permissions")
	if diff := cmp.Diff(kept, b.Snapshot(t, 1042)); diff != "" {
		t.Errorf("consents without a refresh token changed a mailbox that needs one:\n%s", diff)
	}
	b.google.WithholdRefreshTokens(false)
	b.connected(t, b.swimmer, swimBox)
	if m := mailbox(t, b.SwimSchool); !m.GrantFailed.IsZero() {
		t.Error("a good grant is still marked as refused")
	}
}

func TestConnect_AnothersMailboxIsRefused(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.connected(t, b.swimmer, swimBox)
	before, mine := mailbox(t, b.SwimSchool), b.Snapshot(t, 1042)
	w := b.connect(t, b.dentist, strings.ToUpper(swimBox))
	shows(t, w, http.StatusConflict, "connected to another business already")
	if strings.Contains(w.Body.String(), "Swim School") {
		t.Errorf("the page tells whose it is: %s", w.Body)
	}
	if diff := cmp.Diff(mine, b.Snapshot(t, 1042)); diff != "" {
		t.Errorf("the owner's rows changed:\n%s", diff)
	}
	if n := b.Query(t, `select count(*)::text from tenant_email_configs where tenant_id = 2048 and (is_enabled or gmail_email is not null)`)[0]; n != "0" {
		t.Error("the mailbox is another's too")
	}
	if b.google.Revoked(before.RefreshToken.Reveal()) {
		t.Error("the refusal ended the owner's grant")
	}
	b.connected(t, b.dentist, denBox)
}

func TestConnect_TheSameMailboxIsReadOnFromWhereItWas(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	before := b.answering(t, 7)
	if page := b.connected(t, b.swimmer, swimBox); !strings.Contains(page, "connected before") {
		t.Errorf("the page does not say that it is the same: %s", page)
	}
	after := mailbox(t, b.SwimSchool)
	if after.RefreshToken.Equal(before.RefreshToken) || b.google.AccountOf(after.RefreshToken.Reveal()) != swimKept {
		t.Error("the new refresh token was not taken")
	}
	if after.HistoryID != 7 || !after.EnabledAt.Equal(before.EnabledAt) {
		t.Errorf("it is read from %d on, of mail since %v; want 7 and %v", after.HistoryID, after.EnabledAt, before.EnabledAt)
	}
	b.Exec(t, `update tenant_email_configs set is_enabled = false where tenant_id = 1042`)
	b.connected(t, b.swimmer, swimBox)
	if m := mailbox(t, b.SwimSchool); !m.Enabled || !m.EnabledAt.After(before.EnabledAt) || m.HistoryID != 7 {
		t.Errorf("turned on again: %+v", m)
	}
}

func TestConnect_AnotherMailboxIsReadFromWhereItStands(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	before := b.answering(t, 7)
	b.google.Add("other@exampleco.test")
	b.google.Touch("other@exampleco.test")
	page := b.connected(t, b.swimmer, "other@exampleco.test")
	if !strings.Contains(page, "takes the place of "+swimKept) {
		t.Errorf("the page does not say which mailbox it replaces: %s", page)
	}
	m := mailbox(t, b.SwimSchool)
	if m.Address != "other@exampleco.test" || b.google.AccountOf(m.RefreshToken.Reveal()) != m.Address || m.HistoryID != b.google.HistoryID(m.Address) || !m.EnabledAt.After(before.EnabledAt) {
		t.Errorf("stored: %+v", m)
	}
	if s, err := b.SwimSchool.EmailSettings(t.Context()); err != nil || !s.LastReadAt.IsZero() {
		t.Errorf("it was read at %v, %v", s.LastReadAt, err)
	}
}

func TestConnect_WithoutAWatchTheMailboxIsConnectedAndThePageSaysSo(t *testing.T) {
	t.Parallel()
	for _, how := range []gmailtest.How{gmailtest.Forbidden, gmailtest.ServerError, gmailtest.Garbage} {
		b := newBench(t)
		b.google.Break(gmailtest.Watch, how)
		if page := b.connected(t, b.swimmer, swimBox); !strings.Contains(page, "read about once an hour") {
			t.Errorf("the page does not say what is missing: %s", page)
		}
		if m := mailbox(t, b.SwimSchool); !m.Enabled || !m.WatchExpires.IsZero() {
			t.Errorf("stored: %+v", m)
		}
		if !strings.Contains(b.log.String(), `"level":"ERROR"`) {
			t.Error("nobody is told")
		}
	}
}

func TestConnect_WhatHasBegunIsFinishedWhenTheBrowserIsGone(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	back := b.consent(t, b.start(t, b.swimmer), swimBox)
	ctx, leave := context.WithCancel(t.Context())
	b.onExchange(leave)
	b.handler.ServeHTTP(httptest.NewRecorder(), httptest.NewRequestWithContext(ctx, http.MethodGet, back.RequestURI(), nil))
	if m := mailbox(t, b.SwimSchool); ctx.Err() == nil || m.Address != swimKept || m.WatchExpires.IsZero() {
		t.Errorf("the browser left, and connected is %q with a watch until %v", m.Address, m.WatchExpires)
	}
}
