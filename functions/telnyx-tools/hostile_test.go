package telnyxtools_test

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	telnyxtools "github.com/chattercheatah/chattercheatah/functions/telnyx-tools"
	"github.com/chattercheatah/chattercheatah/shared/private"
	"github.com/chattercheatah/chattercheatah/shared/store"
	"github.com/chattercheatah/chattercheatah/shared/telnyx"
	"github.com/chattercheatah/chattercheatah/shared/webhook"
)

// What stands in an adversary's arguments and nowhere else: none of it may reach the log.
const canary = "Zq9canary"

// dialled are the addresses beyond this machine that were tried, but for the one to which the fake Cloud Tasks delivers. No test of this
// package has any.
var dialled sync.Map

func init() {
	transport := http.DefaultTransport.(*http.Transport)
	transport.Proxy = nil
	dial := transport.DialContext
	transport.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
		host, _, _ := net.SplitHostPort(address)
		if ip := net.ParseIP(host); ip == nil || !ip.IsLoopback() {
			if host != "worker.example.test" {
				dialled.Store(address, true)
			}
			return nil, fmt.Errorf("a test reaches for %s", host)
		}
		return dial(ctx, network, address)
	}
}

// victim is a tenant in whose calls an adversary takes the model's place.
type victim struct {
	of                *store.Tenant
	id, secret        string   // its organisation has its id
	calls             []string // control ids
	callers           []string // of each call
	texter            string   // who has texted it today
	mayBeLeftUnstated bool     // it is the fallback: a chat's address need not name it
}

// adversary makes arbitrary calls. One draws for one goroutine.
type adversary struct {
	*rand.Rand
	trap string // an address that nobody may ask for
}

func (a adversary) pick(from ...string) string { return from[a.IntN(len(from))] }

// names of arguments that tools have, that they might be thought to have, and that say whose a call is.
var argNames = []string{
	"location", "level", "day", "days", "age", "language", "class_id", "classid", "first_name", "last_name", "email", "address", "city", "state",
	"zip", "zip_code", "students", "to", "phone", "caller_phone", "customer_phone", "telnyx_end_user_target", "telnyx_agent_target", "assistant_id",
	"tenant_id", "org_id", "jackrabbit_org_id", "OrgID", "call_control_id", "call_session_id", "x-telnyx-call-control-id", "conversation_id",
	"slot_start", "start", "customer_name", "name", "customer_email", "topic", "date_preference", "num_days", "calendar_id", "booking_url", "url",
	"callback_url", "webhook_url", "text", "message", "from", "__proto__", "", canary,
}

// aimed are arguments that would do harm if they were believed, and what they say.
var aimed = map[string][]string{
	"to phone caller_phone customer_phone telnyx_end_user_target": {"+15555550177", "+15555550178", "+15555550190", "+15555550191", "+15555550110", "+15555550120"},
	"org_id jackrabbit_org_id OrgID":                              {"1042", "2048", "9", canary},
	"tenant_id x-telnyx-call-control-id call_control_id":          {"1042", "2048", "v3:s0", "v3:d0"},
}

// word is a hostile value as text.
func (a adversary) word() string {
	switch a.IntN(12) {
	case 0:
		return a.pick("1042", "2048", "3000", "3", "-1", "0", "99999999999999999999", "1042 or 1=1", "2048,1042", "assistant-2048", "assistant-demo-1042")
	case 1:
		return a.pick("+15555550177", "15555550178", "(555) 555-0179", "tel:+15555550177", "+1555555017７", "+15555550142", "+15555550148", "+15555550190", "+15555550191")
	case 2:
		return a.pick(a.trap, "http://169.254.169.254/computeMetadata/v1/?"+canary, "https://evil.test/"+canary, "//evil.test", "file:///etc/passwd", "gopher://evil.test:25/"+canary)
	case 3:
		return a.pick("'; drop table tenants; -- "+canary, `" or ""="`+canary, "1) union select api_key from tenant_sms_configs --", "%' or tenant_id=2048 --", `\'`, "$1", "{{business_prompt}}")
	case 4:
		return a.pick("../../2048/"+canary, "1&OrgID=2048", "1042&id=2048&x="+canary, "?tenant_id=2048", "#"+canary, "%2e%2e%2f", "1\r\nX-Tool-Secret: x", "1;id=2048")
	case 5:
		return strings.Repeat(a.pick("A", "9", "ü", "\u202e", "[", "../", canary+" "), 1+a.IntN(3000))
	case 6:
		return a.pick("Ｓｈｏｐ", "\u200b\u200d", "\x00"+canary, "\xff\xfe", "𝟷𝟶𝟺𝟸", "ａｄｍｉｎ", "🐆🐆", "\u0000", "\ufeff1", "İ", "ﷺ")
	case 7:
		return a.pick("null", "undefined", "none", "true", "NaN", "[]", "{}", "1e309", "-0", "0x10")
	case 8:
		return a.pick("Downtown", "Dent", "LAFCypress", "LA Fitness Cypress", "Spring", "v3:s0", "v3:d0", "control:v3:d1", "v3:d2")
	case 9:
		return a.pick("Monday", "every day", "es", "español", "en", "3 years", "18 months", "sábado", "tomorrow", "next week")
	case 10:
		return time.Now().Add(time.Duration(24+a.IntN(200)) * time.Hour).UTC().Truncate(15 * time.Minute).Format(a.pick(time.RFC3339, "2006-01-02T15:04:05"))
	default:
		return canary + strconv.Itoa(a.IntN(1000))
	}
}

// value is a hostile value of any type.
func (a adversary) value(depth int) any {
	switch n := a.IntN(10); {
	case n == 0 && depth < 4:
		return []any{a.value(depth + 1), a.value(depth + 1)}
	case n == 1 && depth < 4:
		return map[string]any{a.pick(argNames...): a.value(depth + 1), "first": a.word(), "class_id": a.word(), "bdate": a.word()}
	case n == 2:
		return a.IntN(1 << 40)
	case n == 3:
		return a.Float64() < 0.5
	case n == 4 && depth == 0:
		return nil
	default:
		return a.word()
	}
}

func (a adversary) args(class int) map[string]any {
	args := map[string]any{}
	for range a.IntN(8) {
		args[a.pick(argNames...)] = a.value(0)
	}
	for names, values := range aimed {
		if a.IntN(3) == 0 {
			args[a.pick(strings.Fields(names)...)] = a.pick(values...)
		}
	}
	if a.IntN(2) == 0 {
		args["class_id"] = class + a.IntN(5)
	}
	if a.IntN(2) == 0 {
		args["slot_start"] = time.Now().UTC().Truncate(24*time.Hour).AddDate(0, 0, 2+a.IntN(3)).Add(time.Duration(14+a.IntN(6)) * time.Hour).Format(time.RFC3339)
		args["customer_name"] = a.pick("Maria Garcia", canary, a.word())
	}
	return args
}

// firstClass is the first number of a class that an adversary names in a call, so that a link tells in which call it was asked for.
func firstClass(call int) int { return 7_000_000 + call*1000 }

// request is one arbitrary call of a tool by whoever is in the place of v's model: the address and the headers are the operator's and
// Telnyx's, and only what a model says is the adversary's.
func (a adversary) request(b *bench, v victim, method, path string) *http.Request {
	call := a.IntN(len(v.calls))
	args := a.args(firstClass(call))
	query, body := url.Values{}, ""
	if a.IntN(3) > 0 {
		query.Set("tenant_id", v.id)
	}
	inCall := a.IntN(4) > 0
	if !inCall && !v.mayBeLeftUnstated {
		query.Set("tenant_id", v.id)
	}
	raw := query.Encode()
	if method == http.MethodPost {
		body = a.body(args)
	} else {
		raw += a.query(args)
	}
	r := httptest.NewRequest(method, a.pick("", "/api/v1")+path, strings.NewReader(body))
	r.URL.RawQuery = raw
	r.Header = b.provider.Sign([]byte(body), time.Now())
	if v.secret != "" {
		if a.IntN(2) == 0 {
			r.Header.Del(telnyx.SignatureHeader)
		}
		r.Header.Set(webhook.SecretHeader, v.secret)
	}
	if inCall {
		r.Header.Set(webhook.CallHeader, v.calls[call])
	}
	return r
}

// body is JSON of the arguments, a form of them, or nothing of the kind.
func (a adversary) body(args map[string]any) string {
	written, _ := json.Marshal(args)
	switch a.IntN(12) {
	case 0:
		return a.query(args)
	case 1:
		return a.pick("", "[]", `"`+canary+`"`, "{", strings.Repeat(`{"a":`, 5000), string(written)+string(written), "\xff", `{"class_id":1,"class_id":"2048"}`)
	case 2:
		return string(written[:a.IntN(len(written))])
	default:
		return string(written)
	}
}

// query is the arguments as they follow others in an address, encoded well or not at all.
func (a adversary) query(args map[string]any) string {
	var raw strings.Builder
	escape := url.QueryEscape
	if a.IntN(6) == 0 {
		escape = func(s string) string { return s }
	}
	for name, value := range args {
		said, isText := value.(string)
		if !isText {
			written, _ := json.Marshal(value)
			said = string(written)
		}
		raw.WriteString("&" + escape(name) + "=" + escape(said))
	}
	return raw.String()
}

// hostileBench has four calls of each tenant, each of another caller, and somebody who has texted it. What is planned is over at once, so
// that no call waits for a worker.
func hostileBench(t *testing.T) (b *bench, school, dentist victim) {
	t.Helper()
	b = newBench(t, 1042)
	school = victim{of: b.SwimSchool, id: "1042", texter: "+15555550190", mayBeLeftUnstated: true}
	dentist = victim{of: b.Dentist, id: "2048", secret: dentistSecret, texter: "+15555550191"}
	for i, v := range []*victim{&school, &dentist} {
		b.Receive(t, v.of, private.MustPhone(v.texter), "hello", "m-"+v.id)
		for n := range 4 {
			call, from := fmt.Sprintf("v3:%c%d", "sd"[i], n), fmt.Sprintf("+155555501%d%d", 1+i, n)
			if _, err := v.of.RecordCall(t.Context(), store.CallEvent{Names: []string{"control:" + call}, Channel: "phone_call", Customer: private.MustPhone(from)}); err != nil {
				t.Fatal(err)
			}
			v.calls, v.callers = append(v.calls, call), append(v.callers, from)
		}
	}
	b.Exec(t, `delete from replies`)
	b.Exec(t, `create function over_at_once() returns trigger language plpgsql as $$ begin new.state := 'rejected'; new.settled_at := now(); return new; end $$`)
	b.Exec(t, `create trigger over_at_once before insert on replies for each row execute function over_at_once()`)
	if connects, ok := any(b).(interface{ connect(t *testing.T) }); ok {
		connects.connect(t)
	}
	return b, school, dentist
}

// attack makes n arbitrary calls of every row of the route table for each victim in turn, many at a time.
func (b *bench) attack(t *testing.T, n int, victims ...victim) {
	t.Helper()
	var asked atomic.Int64
	trap := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked.Add(1) }))
	defer trap.Close()
	routes := telnyxtools.Routes(telnyxtools.Deps{})
	const workers = 8
	var wg sync.WaitGroup
	for worker := range workers {
		wg.Go(func() {
			a := adversary{rand.New(rand.NewPCG(1042, uint64(worker))), trap.URL + "/" + canary}
			for i := worker; i < n*len(routes)*len(victims); i += workers {
				route := routes[i/len(victims)%len(routes)]
				b.answersOnlyOf(t, a, victims[i%len(victims)], route.Method, route.Path)
			}
		})
	}
	wg.Wait()
	if asked.Load() > 0 {
		t.Errorf("an address that a model named was asked for %d times", asked.Load())
	}
}

// theirs are words of the other tenant's classes, which no answer repeats.
var theirs = map[string][]string{"1042": {"Flossing", "Dent\"", "Downtown"}, "2048": {"Starfish", "Minnow", "Shark", "Cypress"}}

func (b *bench) answersOnlyOf(t *testing.T, a adversary, v victim, method, path string) {
	t.Helper()
	r := a.request(b, v, method, path)
	w := httptest.NewRecorder()
	b.handler.ServeHTTP(w, r)
	var said answer
	if err := json.Unmarshal(w.Body.Bytes(), &said); err != nil || w.Code != http.StatusOK || strings.TrimSpace(said.Result) == "" {
		t.Errorf("%s %s of %s was answered %d %s; want 200 and a sentence", method, path, v.id, w.Code, w.Body)
	}
	for _, word := range theirs[v.id] {
		if strings.Contains(w.Body.String(), word) {
			t.Errorf("%s %s of %s was answered %s, which holds %q of another tenant", method, path, v.id, w.Body, word)
		}
	}
	if strings.Contains(w.Body.String(), canary) {
		t.Errorf("%s %s of %s says what it was told: %s", method, path, v.id, w.Body)
	}
}

var (
	classOfLink = regexp.MustCompile(`[?&]classid=(\d+)`)
	anyLink     = regexp.MustCompile(`[A-Za-z]+://\S+`)
)

// textsGoOnlyTo holds every planned text to its tenant's callers, and a link to whoever was on the phone when it was asked for.
func (b *bench) textsGoOnlyTo(t *testing.T, victims ...victim) {
	t.Helper()
	mine, ids := map[string]victim{}, map[string]bool{}
	for _, v := range victims {
		mine[v.id] = v
	}
	for _, text := range b.texts(t) {
		id, rest, _ := strings.Cut(text, " ")
		to, words, _ := strings.Cut(rest, " ")
		v := mine[id]
		ids[id] = true
		allowed := append([]string{v.texter}, v.callers...)
		if !strings.Contains(strings.Join(allowed, " "), to) {
			t.Errorf("a text of %s goes to %s, who is none of its callers", id, to)
		}
		for _, found := range anyLink.FindAllString(words, -1) {
			u, err := url.Parse(found)
			if err != nil || u.Host != "app.jackrabbitclass.com" || u.Scheme != "https" || u.Path != "/regv2.asp" || len(u.Query()["id"]) != 1 || u.Query().Get("id") != v.id {
				t.Errorf("a text of %s holds the link %s", id, found)
			}
		}
		if m := classOfLink.FindStringSubmatch(words); m != nil && to != v.texter {
			class, _ := strconv.Atoi(m[1])
			if call := (class - firstClass(0)) / 1000; call >= 0 && call < len(v.callers) && v.callers[call] != to {
				t.Errorf("a link that was asked for in the call of %s goes to %s", v.callers[call], to)
			}
		}
	}
	if len(ids) != len(victims) {
		t.Errorf("texts were planned of the tenants %v; want of all %d, so that this shows something", ids, len(victims))
	}
}

// booksWithin holds the bookings, where there is such a thing, to three for a caller, of whom each has called, and to one at a time.
func (b *bench) booksWithin(t *testing.T, victims ...victim) {
	t.Helper()
	if b.Query(t, `select coalesce(to_regclass('bookings')::text, '')`)[0] == "" {
		return
	}
	allowed := map[string]bool{}
	for _, v := range victims {
		for _, who := range append(v.callers, v.texter) {
			allowed[v.id+" "+who] = true
		}
	}
	counts := map[string]int{}
	for _, booked := range b.Query(t, `select tenant_id || ' ' || customer_number from bookings where state <> 'released'`) {
		if counts[booked]++; counts[booked] > 3 || !allowed[booked] {
			t.Errorf("%s has %d bookings; want three at most, and only of a caller", booked, counts[booked])
		}
	}
	if len(counts) == 0 {
		t.Error("nothing was booked, so that this shows nothing")
	}
	overlaps := b.Query(t, `select a.id || ' ' || b.id from bookings a join bookings b on a.tenant_id = b.tenant_id and a.id < b.id
		and tstzrange(a.starts_at, a.ends_at) && tstzrange(b.starts_at, b.ends_at) where a.state <> 'released' and b.state <> 'released'`)
	if len(overlaps) > 0 {
		t.Errorf("the bookings %v overlap", overlaps)
	}
}

// logsNothingOf holds the log to what may stand in it.
func (b *bench) logsNothingOf(t *testing.T) {
	t.Helper()
	for line := range strings.Lines(b.log.String()) {
		for what, secret := range map[string]string{"a phone number": "5555550", "the tool secret": dentistSecret, "an argument": canary, "another argument": "drop table"} {
			if strings.Contains(line, secret) {
				t.Errorf("%s stands in the log: %.400s", what, line)
			}
		}
	}
}

func (b *bench) reachedNobodyElse(t *testing.T, want ...string) {
	t.Helper()
	if got := b.school.Orgs(); strings.Join(got, " ") != strings.Join(want, " ") {
		t.Errorf("Jackrabbit was asked for %q; want %q", got, want)
	}
	dialled.Range(func(address, _ any) bool {
		t.Errorf("%v was reached for", address)
		return true
	})
}

func TestTools_AnAdversaryInTheModelsPlaceReachesOneTenantOnly(t *testing.T) {
	t.Parallel()
	for _, id := range []string{"1042", "2048"} {
		t.Run(id, func(t *testing.T) {
			t.Parallel()
			b, school, dentist := hostileBench(t)
			v := map[string]victim{"1042": school, "2048": dentist}[id]
			other := map[string]string{"1042": "2048", "2048": "1042"}[id]
			before := b.rowsOf(t, other)
			b.attack(t, 40, v)
			b.textsGoOnlyTo(t, v)
			b.reachedNobodyElse(t, v.id)
			b.logsNothingOf(t)
			if after := b.rowsOf(t, other); after != before {
				t.Errorf("the other tenant's data are\n%s\nwant\n%s", after, before)
			}
		})
	}
}

// rowsOf is everything that belongs to a tenant.
func (b *bench) rowsOf(t *testing.T, id string) string {
	n, _ := strconv.ParseInt(id, 10, 64)
	return strings.Join(b.Snapshot(t, n), "\n")
}

func TestTools_AdversariesInBothTenantsCallsCrossNothing(t *testing.T) {
	t.Parallel()
	b, school, dentist := hostileBench(t)
	b.attack(t, 40, school, dentist)
	b.textsGoOnlyTo(t, school, dentist)
	b.booksWithin(t, school, dentist)
	b.reachedNobodyElse(t, "1042", "2048")
	b.logsNothingOf(t)
}
