package users_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
)

const another = "another good password"

// change calls /auth/change-password.
func (b *bench) change(token, current, next string) (int, map[string]any) {
	return b.call(http.MethodPost, "/auth/change-password", token, fmt.Sprintf(`{"current_password":%q,"new_password":%q}`, current, next))
}

func TestChangePassword_MakesTheTokensOfBeforeWorthless(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	_, member := b.member(t, "1042", "desk@exampleco.test", "user")
	for address, old := range map[string]string{email: b.admin(t), "desk@exampleco.test": member} {
		status, answer := b.change(old, password, another)
		token, _ := answer["access_token"].(string)
		if status != http.StatusOK || answer["token_type"] != "bearer" || token == "" {
			t.Fatalf("%s: answered %d %v; the log: %s", address, status, answer, &b.log)
		}
		if status, me := b.call(http.MethodGet, "/auth/me", token, ""); status != http.StatusOK || me["email"] != address {
			t.Errorf("%s: the new token is answered %d %v", address, status, me)
		}
		if status, _ := b.call(http.MethodGet, "/auth/me", old, ""); status != http.StatusUnauthorized {
			t.Errorf("%s: the old token is answered %d", address, status)
		}
		if status, _ := b.logIn(address, password); status != http.StatusUnauthorized {
			t.Errorf("%s: the old password is answered %d", address, status)
		}
		if status, _ := b.logIn(address, another); status != http.StatusOK {
			t.Errorf("%s: the new password is answered %d", address, status)
		}
		if strings.Contains(b.log.String(), another) || strings.Contains(b.log.String(), token) {
			t.Errorf("the log holds the password or the token: %s", &b.log)
		}
	}
	if got := b.Query(t, `select coalesce(tenant_id, 0) || ' ' || actor || ' ' || impersonating || ' ' || address || ' ' || array_to_string(fields, ' ')
		from audit_log where action = 'users.update' order by tenant_id`); len(got) != 2 ||
		got[0] != "1042 desk@exampleco.test false 192.0.2.1 password_hash" || got[1] != "0 "+email+" false 192.0.2.1 password_hash" {
		t.Errorf("the audit log has %q", got)
	}
}

func TestChangePassword_NeedsThePresentOneAndAFitNewOne(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	token := b.admin(t)
	before := b.Query(t, `select to_jsonb(u)::text from users u`)
	for name, c := range map[string]struct {
		token, current, next, about string
		want                        int
	}{
		"nobody":            {"", password, another, "log in", 401},
		"a wrong password":  {token, "a wrong password", another, "current_password is wrong", 400},
		"too short":         {token, password, "seven77", "new_password", 422},
		"the same password": {token, password, password, "choose another", 400},
	} {
		status, answer := b.change(c.token, c.current, c.next)
		if status != c.want || !strings.Contains(fmt.Sprint(answer), c.about) {
			t.Errorf("%s: answered %d %v; want %d about %q", name, status, answer, c.want, c.about)
		}
	}
	if after := b.Query(t, `select to_jsonb(u)::text from users u`); after[0] != before[0] {
		t.Errorf("refused calls changed the person: %s", after)
	}
}

func TestChangePassword_GuessingIsThrottledTogetherWithLogIn(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	token := b.admin(t)
	b.change(token, "wrong 1...", another)
	b.change(token, "wrong 2...", another)
	b.logIn(email, "wrong 3...")
	if status, answer := b.change(token, password, another); status != http.StatusTooManyRequests {
		t.Errorf("the fourth attempt was answered %d %v; want 429", status, answer)
	}
	if status, answer := b.logIn(email, password); status != http.StatusTooManyRequests {
		t.Errorf("a log-in after them was answered %d %v; want 429", status, answer)
	}
}
