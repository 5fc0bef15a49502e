package main

import (
	"context"
	"fmt"
	"net"
	"os"
	"strconv"

	"github.com/chattercheatah/chattercheatah/shared/boot"
	"github.com/chattercheatah/chattercheatah/shared/httpx"
)

// run serves the whole system until ctx ends.
func run(ctx context.Context) error {
	env := boot.OSEnvironment()
	keys, err := openState()
	if err != nil {
		return err
	}
	s, err := start(ctx, ".", env, keys)
	if err != nil {
		return err
	}
	defer s.stop()
	port, err := portOf(env)
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", ":"+port)
	if err != nil {
		return fmt.Errorf("PORT %s is taken; stop what uses it or set PORT to another: %w", port, err)
	}
	fmt.Fprintf(os.Stderr, welcome, s.base, s.env["ADMIN_EMAIL"], s.passwordHint())
	return httpx.Serve(ctx, listener, s.handler)
}

func portOf(env boot.Environment) (string, error) {
	port := env["PORT"]
	if port == "" {
		return "8080", nil
	}
	if n, err := strconv.Atoi(port); err != nil || n < 1 || n > 65535 {
		return "", fmt.Errorf("PORT must be a number from 1 to 65535")
	}
	return port, nil
}

// passwordHint shows the local default and never a password that somebody has chosen.
func (s *stack) passwordHint() string {
	if s.env["ADMIN_PASSWORD"] == "admin123" {
		return "admin123"
	}
	return "$ADMIN_PASSWORD"
}

const welcome = `
Everything is running at %[1]s. Ctrl-C stops all of it.

  See two tenants answer the same question, each in its own words, in another terminal:
    make demo
  See a call, from its first ring to what is kept of it:
    make demo-call
  See two mailboxes connected, and a mail to each answered in its thread:
    make demo-email
  Text one of them:
    make text TO=+15555550142 TEXT="What does a lesson cost?"

  Log in as the operator:
    export API_BASE=%[1]s/api/v1
    curl -sS -X POST "$API_BASE/auth/login" -H "Content-Type: application/json" -d '{"email":"%[2]s","password":"%[3]s"}'
  Then, with the access_token in GLOBAL_ADMIN_JWT, see and change how tenant 1042 answers its texts:
    curl -sS "$API_BASE/sms/settings" -H "Authorization: Bearer $GLOBAL_ADMIN_JWT" -H "X-Tenant-Id: 1042"
    curl -sS -X PUT "$API_BASE/sms/settings" -H "Authorization: Bearer $GLOBAL_ADMIN_JWT" -H "X-Tenant-Id: 1042" \
      -H "Content-Type: application/json" -d '{"reply_wait_seconds":1}'

`
