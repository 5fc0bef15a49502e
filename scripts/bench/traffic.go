package main

import (
	"context"
	"crypto/ed25519"
	"encoding/base64"
	"fmt"
	"time"

	"github.com/chattercheatah/chattercheatah/shared/boot"
	"github.com/chattercheatah/chattercheatah/shared/private"
	"github.com/chattercheatah/chattercheatah/shared/store/demo"
	"github.com/chattercheatah/chattercheatah/shared/telnyx/telnyxtest"
	"github.com/chattercheatah/chattercheatah/shared/tenant"
)

// What the programs under measurement are set to; all of it is invented.
var (
	fieldKey  = private.NewSecret(base64.StdEncoding.EncodeToString([]byte("an invented key of thirty-two by")))
	telnyxKey = ed25519.NewKeyFromSeed([]byte("an invented seed of thirty-two b"))
)

const (
	queue   = "projects/bench/locations/local/queues/replies"
	account = "tasks@bench.example.test"
)

// settings are the deployed functions' in common.
func settings(db *database, tasksAddr string) boot.Environment {
	return boot.Environment{
		"ENVIRONMENT":                 "local",
		"DATABASE_URL":                db.app,
		"FIELD_ENCRYPTION_KEY":        fieldKey.Reveal(),
		"JWT_SECRET_KEY":              "an invented key of at least thirty-two characters",
		"API_BASE_URL":                "http://127.0.0.1:1",
		"TELNYX_PUBLIC_KEY":           base64.StdEncoding.EncodeToString(telnyxKey.Public().(ed25519.PublicKey)),
		"CLOUD_TASKS_QUEUE":           queue,
		"CLOUD_TASKS_WORKER_URL":      "http://127.0.0.1:1",
		"CLOUD_TASKS_SERVICE_ACCOUNT": account,
		"CLOUD_TASKS_EMULATOR_HOST":   tasksAddr,
		"GOOGLE_CLOUD_PROJECT":        "bench",
		"GEMINI_API_KEY":              "bench",
	}
}

// tenantPhone and customerPhone are numbers of the area code 555, which nobody has.
func tenantPhone(i int) private.Phone {
	return private.MustPhone(fmt.Sprintf("+1555%07d", 1_000_000+i))
}
func customerPhone(i int) private.Phone {
	return private.MustPhone(fmt.Sprintf("+1555%07d", 2_000_000+i))
}

// tenantKey is a tenant's Telnyx key, which only the fake Telnyx takes.
func tenantKey(i int) private.Secret { return private.NewSecret(fmt.Sprintf("KEY-bench-%d", i)) }

// seedTenants makes tenants 1 to n through the store, as an operator would, each with the demo school's words.
func seedTenants(ctx context.Context, r *rig, db *database, name string, n int, wait time.Duration) error {
	s, err := boot.Database{URL: private.NewSecret(r.postgres.URL("postgres", name)), Key: fieldKey}.Open()
	if err != nil {
		return err
	}
	defer s.Close()
	for i := 1; i <= n; i++ {
		business := demo.SwimSchool()
		business.ID, business.Subdomain, business.Phone, business.APIKey = tenant.ID(i), fmt.Sprintf("bench-%d", i), tenantPhone(i), tenantKey(i)
		if err := demo.Put(ctx, s, business); err != nil {
			return err
		}
	}
	_, err = db.owner.Exec(ctx, `update tenant_sms_configs set reply_wait_ms = $1`, wait.Milliseconds())
	return err
}

// customers text the tenants in turn: customer i always the same tenant.
type customers struct {
	telnyx  *telnyxtest.Server
	tenants int
	n       int
	times   []time.Time // when each customer's text was posted, where that matters
	sent    int
}

// texts makes and signs the next n webhooks.
func (c *customers) texts(n int) []webhook {
	all := make([]webhook, n)
	for i := range all {
		customer := c.sent % c.n
		all[i] = signed(c.telnyx, customer, 1+customer%c.tenants)
		if c.times != nil {
			all[i].posted = &c.times[customer]
		}
		c.sent++
	}
	return all
}

// signed is a customer's text to a tenant.
func signed(telnyx *telnyxtest.Server, customer, tenant int) webhook {
	body := telnyx.Received(customerPhone(customer), tenantPhone(tenant), "What does a lesson cost, and are you open on Saturday?")
	return webhook{body: body, header: telnyx.Sign(body, time.Now()), tenant: tenant}
}
