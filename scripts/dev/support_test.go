package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/chattercheatah/chattercheatah/shared/private"
	"github.com/chattercheatah/chattercheatah/shared/store/demo"
	"github.com/chattercheatah/chattercheatah/shared/store/storetest"
)

// codes are the columns whose values are ours and not anybody's.
var codes = []string{
	"state", "status", "reason", "needs_attention_reason", "outcome", "kind", "channel", "role", "purpose", "failed", "source", "handled_by", "direction", "answer_mode", "fields",
}

// storedSQL reads all that is written down in a column, by the column's type.
var storedSQL = map[string]string{
	"text":    `select distinct %[1]s from %[2]s where %[1]s is not null`,
	"uuid":    `select distinct %[1]s::text from %[2]s where %[1]s is not null`,
	"numeric": `select distinct %[1]s::text from %[2]s where %[1]s is not null`,
	"ARRAY":   `select distinct unnest(%[1]s) from %[2]s`,
	"jsonb":   `select distinct jsonb_path_query(%[1]s, '$.** ? (@.type() == "string")') #>> '{}' from %[2]s`,
	"bytea":   `select unnest(array[encode(%[1]s, 'hex'), encode(%[1]s, 'base64'), encode(%[1]s, 'escape')]) from %[2]s where %[1]s is not null`,
}

// shortest is how long what is stored has to be to be told from words that are there by chance.
const shortest = 6

// stored is everything that the database holds, in lower case, with the column that holds it.
func (l *live) stored(t *testing.T) map[string]string {
	t.Helper()
	found := map[string]string{}
	for _, column := range l.rows().Query(t, `select table_name || ' ' || column_name || ' ' || data_type from information_schema.columns
		where table_schema = 'public' and table_name not like 'goose_%' and data_type in ('text', 'uuid', 'numeric', 'ARRAY', 'jsonb', 'bytea')`) {
		table, name, kind := strings.Fields(column)[0], strings.Fields(column)[1], strings.Fields(column)[2]
		if slices.Contains(codes, name) {
			continue
		}
		for _, value := range l.rows().Query(t, fmt.Sprintf(storedSQL[kind], pgx.Identifier{name}.Sanitize(), pgx.Identifier{table}.Sanitize())) {
			if len(value) >= shortest {
				found[strings.ToLower(value)] = table + "." + name
			}
		}
	}
	return found
}

var (
	numberLike = regexp.MustCompile(`\+?[0-9][0-9 ().-]{8,}[0-9]`)
	notDigits  = regexp.MustCompile(`[^0-9]`)
	addresses  = regexp.MustCompile(`[^\s"@]+@[^\s"@]+\.[a-z]+`)
	bearers    = regexp.MustCompile(`(?i)bearer\s+\S+|eyJ[A-Za-z0-9_-]{8,}`)
	tenantIDs  = regexp.MustCompile(`\b(1042|2048)\b`)
)

// leaks finds in what was printed everything that may not be shared. known are values, each with where it is kept.
func leaks(printed string, known map[string]string) (found []string) {
	lower := strings.ToLower(printed)
	for value, where := range known {
		if strings.Contains(lower, value) {
			found = append(found, where+": "+value)
		}
	}
	for _, n := range numberLike.FindAllString(printed, -1) {
		if len(notDigits.ReplaceAllString(n, "")) >= 10 {
			found = append(found, "a phone number: "+n)
		}
	}
	for what, form := range map[string]*regexp.Regexp{"an e-mail address": addresses, "a token": bearers, "a tenant's id": tenantIDs} {
		for _, f := range form.FindAllString(printed, -1) {
			found = append(found, what+": "+f)
		}
	}
	return found
}

// fillBoth gives both tenants what a busy tenant has, and a few reasons that are none of ours.
func (m *matrix) fillBoth(t *testing.T) {
	t.Helper()
	if _, err := m.telnyx.Text(t.Context(), private.MustPhone("+15555550102"), demo.Dentist().Phone, "Is the clinic open on Saturday?"); err != nil {
		t.Fatal(err)
	}
	received(t, m.telnyx, private.MustPhone("+15555550102"), 1)
	m.connects(t, demo.Dentist())
	for _, b := range demo.Businesses() {
		_, in := m.call(t, http.MethodPost, mailPrefix+"/"+b.Profile.Email, nil, `{"from":"parent@customer.test","name":"Maria","subject":"Saturday","text":"Are you open on Saturday?"}`)
		thread, _ := in["thread_id"].(string)
		m.awaitThread(t, b.Profile.Email, thread, 2)
	}
	for _, sql := range []string{
		`insert into bookings (tenant_id, starts_at, ends_at, held, act_at, customer_number, customer_name, customer_email, topic, language, control_id, state, reason)
		 select id, now(), now() + interval '1 hour', tstzrange(now(), now() + interval '1 hour'), now(), '+15555550199', 'Maria Invented', 'maria@customer.test', 'Trial lesson', 'en',
		        'v3:invented' || id, 'released', 'Maria Invented called it off' from tenants where id in (1042, 2048)`,
		`update replies set reason = 'told +1 (555) 555-0199' where id in (select min(id) from replies group by tenant_id)`,
		`update emails set reason = 'parent@customer.test' where id in (select min(id) from emails group by tenant_id)`,
		`update conversations set needs_attention_at = now(), needs_attention_reason = 'undelivered: ask Maria Invented' where id in (select min(id) from conversations group by tenant_id)`,
		`insert into opt_outs (tenant_id, phone_number, source, opted_out_at) select id, '+15555550188', 'message', now() from tenants where id in (1042, 2048)`,
		`insert into mail_opt_outs (tenant_id, email, source, opted_out_at) select id, 'gone@customer.test', 'message', now() from tenants where id in (1042, 2048)`,
		`update tenant_voice_configs set tool_secret = '\x0123456789abcdef', transfer_phone_number = '+15555550177', notify_phone_number = '+15555550178'`,
		`insert into tenant_calendar_configs (tenant_id, google_email, google_refresh_token) values (2048, 'calendar@sampledental.test', '\xfedcba9876543210')
		     on conflict (tenant_id) do update set google_email = excluded.google_email, google_refresh_token = excluded.google_refresh_token`,
		`insert into erasures (tenant_id, actor, erased, kept) select id, 'somebody@exampleco.test', '{}', '{}' from tenants where id in (1042, 2048)`,
		`insert into erased_texts (tenant_id, provider_message_id) select id, 'invented-provider-id' from tenants where id in (1042, 2048)`,
		`insert into tenant_retention (tenant_id, calls_days) select id, 400 from tenants where id in (1042, 2048)`,
		`select set_config('app.tenant_id', t.id::text, false), count_usage(t.id) from tenants t where t.id in (1042, 2048)`,
	} {
		m.rows().Exec(t, sql)
	}
	if empty := m.rows().Query(t, `select relname::text from pg_class where relnamespace = 'public'::regnamespace and relkind = 'r' and relforcerowsecurity
		and (xpath('/row/n/text()', query_to_xml(format('select count(*) as n from %I', relname), false, true, '')))[1]::text = '0'`); len(empty) > 0 {
		t.Errorf("nothing is in %v: give fillBoth a row of it", empty)
	}
}

// everySetting is an environment in which each setting of the README has a value that is known again, and so has one that is a tenant's.
func (l *live) everySetting(t *testing.T) (env []string, values map[string]string) {
	t.Helper()
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	values = map[string]string{}
	set := func(name, value string) {
		env = append(env, name+"="+value)
		values[strings.ToLower(value)] = "the setting " + name
	}
	for _, m := range settingInReadme.FindAllStringSubmatch(string(readme), -1) {
		set(m[1], "recognised-"+m[1])
		if strings.HasPrefix(m[1], "CLOUD_TASKS_") {
			set("SMS_"+m[1], "recognised-sms-"+m[1])
			set("EMAIL_"+m[1], "recognised-email-"+m[1])
			set("CALL_"+m[1], "recognised-call-"+m[1])
		}
	}
	set("EXAMPLEWIDGETS_TELNYX_API_KEY", "recognised-widgets")
	values["examplewidgets"] = "a setting's name that names a tenant"
	owner := l.env["DATABASE_URL"]
	set("DATABASE_URL", strings.Replace(owner, "@", ":recognised-password@", 1)+"&application_name=recognised-application&statement_cache_capacity=64")
	set("API_BASE", l.server.URL+"/api/v1")
	_, host, _ := strings.Cut(owner, "host=")
	values[strings.ToLower(l.server.Listener.Addr().String())], values[strings.ToLower(host)] = "this server's address", "Postgres's address"
	values["recognised"] = "a setting"
	return env, values
}

// bundlePrinted is the part of the support bundle that the test reads.
type bundlePrinted struct {
	Settings    map[string]string `json:"settings"`
	DatabaseURL string            `json:"database_url"`
	Health      string            `json:"health"`
	Postgres    struct {
		Schema  string                     `json:"schema"`
		Backlog map[string]json.RawMessage `json:"backlog"`
		Tenants []struct {
			Tenant int                         `json:"tenant"`
			SMS    struct{ Enabled bool }      `json:"sms"`
			Email  struct{ Configured bool }   `json:"email"`
			Counts map[string][]map[string]any `json:"counts"`
		} `json:"tenants"`
		RoleSettings []map[string]any `json:"role_settings"`
	} `json:"postgres"`
}

func TestSupportBundle_HoldsNothingThatMayNotBeShared(t *testing.T) {
	t.Parallel()
	m := newMatrix(t)
	m.fillBoth(t)
	env, known := m.everySetting(t)
	ofNobody := strings.ToLower(supportBundle(t, []string{"DATABASE_URL=" + storetest.Database(t).Owner}))
	for value, where := range m.stored(t) {
		if !strings.Contains(ofNobody, value) { // what it says of an empty database is nobody's
			known[value] = where
		}
	}
	printed := supportBundle(t, env)
	for _, leak := range leaks(printed, known) {
		t.Errorf("it tells %s", leak)
	}
	if strings.Contains(printed, "unreadable") {
		t.Errorf("a part could not be read:\n%s", printed)
	}
	for value, where := range known {
		if len(leaks(printed+value, known)) == 0 {
			t.Errorf("it would not be noticed if %s told %q", where, value)
		}
	}
	var b bundlePrinted
	if err := json.Unmarshal([]byte(printed), &b); err != nil {
		t.Fatal(err)
	}
	m.checkBundle(t, b, len(env))
}

// supportBundle runs the command in an environment that has nothing else.
func supportBundle(t *testing.T, env []string) string {
	t.Helper()
	dir, err := commands()
	if err != nil {
		t.Fatal(err)
	}
	command := exec.CommandContext(t.Context(), filepath.Join(dir, "support-bundle"))
	command.Env = env
	printed, err := command.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, printed)
	}
	return string(printed)
}

// checkBundle wants in the bundle what support asks for.
func (m *matrix) checkBundle(t *testing.T, b bundlePrinted, settings int) {
	t.Helper()
	set := 0
	for _, is := range b.Settings {
		if is == "set" {
			set++
		}
	}
	if want := settings - 3; set != want || len(b.Settings) != want { // two stand twice, and one is a tenant's
		t.Errorf("%d of %d settings are set; want all %d of the README and those of other queues", set, len(b.Settings), want)
	}
	if b.Health != "status 200" || !strings.HasPrefix(b.DatabaseURL, "postgres://USER:PASSWORD@/DATABASE?OTHER=REDACTED&host=SOCKET") {
		t.Errorf("health %q, database %q", b.Health, b.DatabaseURL)
	}
	if p := b.Postgres; len(p.Tenants) != 2 || p.Tenants[0].Tenant != 1001 || p.Tenants[1].Tenant != 1002 || len(p.RoleSettings) != 6 {
		t.Fatalf("tenants %+v, role settings %v", p.Tenants, p.RoleSettings)
	}
	for i, tenant := range b.Postgres.Tenants {
		if !tenant.SMS.Enabled || !tenant.Email.Configured {
			t.Errorf("tenant %d: %+v", tenant.Tenant, tenant)
		}
		of := demo.Businesses()[i].ID.String()
		for _, kind := range []string{"replies", "emails", "bookings", "conversations"} {
			total, other := 0.0, false
			for _, line := range tenant.Counts[kind] {
				total += line["count"].(float64)
				other = other || line["reason"] == "other" || line["attention"] == "other"
			}
			if want := m.rows().Query(t, `select count(*)::text from `+kind+` where tenant_id = $1::bigint`, of)[0]; fmt.Sprint(total) != want || !other {
				t.Errorf("tenant %s has %v %s, one of which is other: %v; want %s", of, total, kind, other, want)
			}
		}
	}
}

// TestSupportBundle_IsMadeByALogInThatMayBeTheOperatorAndNothingElse: what such a one may not see it says so of.
func TestSupportBundle_IsMadeByALogInThatMayBeTheOperatorAndNothingElse(t *testing.T) {
	t.Parallel()
	db := storetest.New(t)
	address, err := url.Parse(db.Owner)
	if err != nil {
		t.Fatal(err)
	}
	name := "support_of_" + address.Path[1:]
	db.Exec(t, `create role `+name+` login in role chattercheatah_operator`)
	t.Cleanup(func() { drop(t, db.Owner, name) })
	address.User = url.User(name)
	printed := supportBundle(t, []string{"DATABASE_URL=" + address.String()})
	for _, want := range []string{`"tenant": 1001`, `"tenant": 1002`, `"state": "hidden"`, `"unreadable": "SQLSTATE 42501"`} {
		if !strings.Contains(printed, want) {
			t.Errorf("%s is not told", want)
		}
	}
	if n := strings.Count(printed, "unreadable"); n != 1 { // the table of the migrations
		t.Errorf("%d parts could not be read:\n%s", n, printed)
	}
}

func drop(t *testing.T, owner, role string) {
	t.Helper()
	ctx := context.Background() // the test's has ended
	conn, err := pgx.Connect(ctx, owner)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(ctx) }()
	if _, err := conn.Exec(ctx, `drop role `+role); err != nil {
		t.Error(err)
	}
}

func TestSupportBundle_IsPrintedWithoutADatabaseAndWithoutASystem(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]string{
		"postgres://mallory:recognised@127.0.0.1:1/recognised?sslmode=disable&options=recognised": `"database_url": "postgres://USER:PASSWORD@LOCALHOST:1/DATABASE?OTHER=REDACTED&sslmode=disable"`,
		"mallory:recognised@db.example.test/recognised":                                           `"database_url": "not a connection string"`,
		"": `"database_url": "missing"`,
	} {
		printed := supportBundle(t, []string{"DATABASE_URL=" + address, "API_BASE=http://127.0.0.1:1/api/v1", "ENVIRONMENT=production"})
		for _, want := range []string{want, `"health": "no answer"`, `"unreadable"`, `"environment": "production"`} {
			if !strings.Contains(printed, want) {
				t.Errorf("%q: %s is not told:\n%s", address, want, printed)
			}
		}
		if found := leaks(printed, map[string]string{"recognised": "the address", "mallory": "the address", "example.test": "the address"}); len(found) > 0 {
			t.Errorf("%q: it tells %q", address, found)
		}
	}
}

// TestSupportBundle_TheSearchFindsWhatIsPutIn keeps the search honest.
func TestSupportBundle_TheSearchFindsWhatIsPutIn(t *testing.T) {
	t.Parallel()
	known := map[string]string{"heliotrope": "leads.name"}
	if found := leaks(`{"made_at": "2026-11-28T06:41:41Z", "version": "15.18", "seconds": 604800, "tenant": 1001, "database_url": "postgres://USER:PASSWORD@HOST:6543/DATABASE"}`, known); len(found) > 0 {
		t.Errorf("found %q in what may be shared", found)
	}
	for _, put := range []string{
		"Heliotrope", "15555550142", "+1 (555) 555-0142", "555-555-0142", "555.555.0142", "someone@exampleco.test", "Authorization: Bearer abc", "eyJhbGciOiJIUzI1NiJ9", `"tenant": 1042`,
	} {
		if len(leaks(`{"text": "`+put+`"}`, known)) == 0 {
			t.Errorf("%q was not found", put)
		}
	}
}
