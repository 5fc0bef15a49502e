package main

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	netmail "net/mail"
	"os"
	"path/filepath"
	"time"

	"github.com/chattercheatah/chattercheatah/shared/boot"
	"github.com/chattercheatah/chattercheatah/shared/gemini/geminitest"
	"github.com/chattercheatah/chattercheatah/shared/gmail/gmailtest"
	"github.com/chattercheatah/chattercheatah/shared/google/googletest"
	"github.com/chattercheatah/chattercheatah/shared/mail"
	"github.com/chattercheatah/chattercheatah/shared/private"
	"github.com/chattercheatah/chattercheatah/shared/store"
	"github.com/chattercheatah/chattercheatah/shared/task/tasktest"
	"github.com/chattercheatah/chattercheatah/shared/tenant"
)

const (
	mailTenants   = 20
	steadyMails   = 200
	mailRate      = 5 // a second
	rushMails     = 400
	mailPatience  = 2 * time.Second // shared/mailbox: an answer waits so long for more mail in its thread
	parseRounds   = 5
	unitsAnAnswer = 2 + 20 + 100 // history.list, messages.get, messages.send
)

// mailSystem is email-pubsub and its worker as they are deployed, with a Google and a Pub/Sub in this process.
type mailSystem struct {
	db             *database
	tasks          *tasktest.Server
	gmail          *gmailtest.Server
	pubsub, worker *process
	stops          []func()
}

func mailboxOf(tenant int) string { return fmt.Sprintf("desk@business-%d.test", tenant) }

func writerOf(i int) string { return fmt.Sprintf("parent-%d@customer.test", i) }

// mails measures what a mail costs: parsing it, and from its arrival in the mailbox to the answer in its thread.
func mails(r *rig) ([]figure, error) {
	parsed, err := parsing()
	if err != nil {
		return nil, err
	}
	s, err := r.startMail()
	if s != nil {
		defer s.stop()
	}
	if err != nil {
		return nil, err
	}
	progress("mail in to answer out: %d mails at %d a second", steadyMails, mailRate)
	ours, err := s.answered(r.ctx, 0, steadyMails, time.Second/mailRate)
	if err != nil {
		return nil, err
	}
	units, cpu, dbCPU, began := s.units(), s.worker.cpuTime(), r.postgresCPU(), time.Now()
	progress("a rush of %d mails", rushMails)
	if _, err := s.answered(r.ctx, steadyMails, rushMails, 0); err != nil {
		return nil, err
	}
	took := time.Since(began)
	perMail := float64(s.units()-units) / rushMails
	p50, p99 := quantile(ours, 0.5), quantile(ours, 0.99)
	beside := fmt.Sprintf("less the %v of the model and the %v that is waited", answerLatency, mailPatience)
	return append(parsed,
		figure{What: "mail in to answer out, p50", Value: ms(p50), Beside: beside},
		figure{What: "mail in to answer out, p99", Value: ms(p99), Beside: beside, Ratio: p99.Seconds() * 1000, Goal: goal{"≤ 2000 ms", func(x float64) bool { return x <= 2000 }}},
		figure{What: "answers a second in a rush", Value: fmt.Sprintf("%.1f", rushMails/took.Seconds()), Beside: fmt.Sprintf("the queue's pace of %d tasks a second; a mail takes two, and its mailbox one with whatever else came in that second", r.deployments["email-pubsub-worker"].Queue.MaxDispatchesPerSecond)},
		figure{What: "units of Gmail's quota for an answered mail", Value: fmt.Sprintf("%.1f", perMail), Beside: fmt.Sprintf("%d, when each is announced alone", unitsAnAnswer), Ratio: perMail / unitsAnAnswer, Goal: atMost(1)},
		figure{What: "processor time of the worker for an answered mail", Value: us((s.worker.cpuTime() - cpu) / rushMails)},
		figure{What: "processor time of Postgres for an answered mail", Value: us((r.postgresCPU() - dbCPU) / rushMails)},
		figure{What: "peak memory of the worker", Value: mib(s.worker.peakMemory())},
	), nil
}

// parsing compares reading the corpus of nasty mail with reading its headers alone, in turns.
func parsing() ([]figure, error) {
	files, err := filepath.Glob("shared/mail/testdata/nasty/*.eml")
	if err != nil || len(files) == 0 {
		return nil, errors.Join(err, errors.New("there is no corpus in shared/mail/testdata/nasty"))
	}
	var corpus [][]byte
	size := 0
	for _, f := range files {
		raw, err := os.ReadFile(f)
		if err != nil {
			return nil, err
		}
		corpus, size = append(corpus, raw), size+len(raw)
	}
	var whole, header []float64
	for range parseRounds {
		whole = append(whole, rate(corpus, func(raw []byte) { _, _ = mail.Parse(raw) }))
		header = append(header, rate(corpus, func(raw []byte) {
			if m, err := netmail.ReadMessage(bytes.NewReader(raw)); err == nil {
				_, _ = io.Copy(io.Discard, m.Body)
			}
		}))
	}
	return []figure{{
		What: fmt.Sprintf("nasty mails parsed a second, %d bytes each", size/len(corpus)), Value: fmt.Sprintf("%.0f", median(whole)),
		Beside: fmt.Sprintf("net/mail, which reads the header and passes the body by: %.0f", median(header)), Ratio: median(whole) / median(header),
	}}, nil
}

// rate is how many mails a second something is done with.
func rate(corpus [][]byte, do func([]byte)) float64 {
	began, n := time.Now(), 0
	for time.Since(began) < 500*time.Millisecond {
		for _, raw := range corpus {
			do(raw)
		}
		n += len(corpus)
	}
	return float64(n) / time.Since(began).Seconds()
}

func (r *rig) startMail() (s *mailSystem, err error) {
	s = &mailSystem{gmail: gmailtest.New()}
	if s.db, err = r.database("mail"); err != nil {
		return s, err
	}
	if err := seedTenants(r.ctx, r, s.db, "mail", mailTenants, 0); err != nil {
		return s, err
	}
	if err := s.connect(r); err != nil {
		return s, err
	}
	q := r.deployments["email-pubsub-worker"].Queue
	if s.tasks, err = tasktest.Start(tasktest.Options{Queues: []string{queue}, Rate: q.MaxDispatchesPerSecond, Concurrency: q.MaxConcurrentDispatches}); err != nil {
		return s, err
	}
	s.stops = append(s.stops, s.tasks.Stop)
	return s, s.startFunctions(r)
}

// connect gives every tenant a mailbox that is watched.
func (s *mailSystem) connect(r *rig) error {
	db, err := boot.Database{URL: private.NewSecret(r.postgres.URL("postgres", "mail")), Key: fieldKey}.Open()
	if err != nil {
		return err
	}
	defer db.Close()
	for i := 1; i <= mailTenants; i++ {
		refresh := fmt.Sprintf("1//mail-bench-%d", i)
		s.gmail.Connect(mailboxOf(i), refresh)
		_, err := db.For(tenant.ByCommand(tenant.ID(i))).ConnectMailbox(r.ctx, store.MailboxGrant{
			Address: mailboxOf(i), RefreshToken: private.NewSecret(refresh), HistoryID: s.gmail.HistoryID(mailboxOf(i)),
		})
		if err != nil {
			return err
		}
	}
	_, err = s.db.owner.Exec(r.ctx, `update tenant_email_configs set enabled_at = now() - interval '1 hour'`)
	return err
}

func (s *mailSystem) startFunctions(r *rig) error {
	pubsub, pubsubErr := r.function("email-pubsub")
	program, workerErr := r.function("email-pubsub-worker")
	port, portErr := freePort()
	if err := errors.Join(pubsubErr, workerErr, portErr); err != nil {
		return err
	}
	m := geminitest.New(geminitest.Options{Latency: answerLatency})
	m.Answer(func(geminitest.Prompt) string { return answer })
	model, google := httptest.NewServer(m), httptest.NewServer(s.gmail)
	s.stops = append(s.stops, model.CloseClientConnections, google.CloseClientConnections)
	env := settings(s.db, s.tasks.Addr())
	env["CLOUD_TASKS_WORKER_URL"], env["OIDC_ISSUER"], env["OIDC_KEYS_URL"] = "http://127.0.0.1:"+port, s.tasks.Issuer(), s.tasks.KeysURL()
	env["GOOGLE_GEMINI_BASE_URL"], env["GOOGLE_API_BASE"] = model.URL, google.URL
	env["GOOGLE_OAUTH_CLIENT_ID"], env["GOOGLE_OAUTH_CLIENT_SECRET"] = googletest.ClientID, googletest.ClientSecret
	env["GMAIL_TOPIC"], env["PUBSUB_SERVICE_ACCOUNT"], env["API_BASE_URL"] = "projects/bench/topics/gmail-push", account, "http://push.test"
	env["FUNCTION_TARGET"] = "EmailPubsubWorker"
	var err error
	if s.worker, err = startAt(r.ctx, port, program, env); err != nil {
		return err
	}
	s.stops = append(s.stops, s.worker.stop)
	env["FUNCTION_TARGET"] = "EmailPubsub"
	if s.pubsub, err = start(r.ctx, pubsub, env); err != nil {
		return err
	}
	s.stops = append(s.stops, s.pubsub.stop)
	s.tasks.Schedule(time.Minute, s.worker.url+"/workers/email/sweep", s.worker.url, account)
	token := s.tasks.Token("http://push.test/api/v1/email/pubsub", account)
	s.gmail.OnNotice(func(_, address string, historyID uint64) { s.push(token, address, historyID) })
	return s.watch(r.ctx)
}

// watch has every mailbox watched, as connecting it does.
func (s *mailSystem) watch(ctx context.Context) error {
	for i := 1; i <= mailTenants; i++ {
		body := fmt.Sprintf(`{"tenant_id":%d}`, i)
		if err := s.post(ctx, s.worker.url+"/workers/email/watch", s.tasks.Token(s.worker.url, account), []byte(body)); err != nil {
			return err
		}
	}
	return nil
}

// push delivers what Gmail announces, as Pub/Sub does.
func (s *mailSystem) push(token, address string, historyID uint64) {
	data, _ := json.Marshal(map[string]any{"emailAddress": address, "historyId": historyID})
	body, _ := json.Marshal(map[string]any{"message": map[string]any{"data": base64.StdEncoding.EncodeToString(data), "messageId": fmt.Sprint(historyID)}})
	go func() { _ = s.post(context.Background(), s.pubsub.url+"/api/v1/email/pubsub", token, body) }()
}

func (s *mailSystem) post(ctx context.Context, address, token string, body []byte) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, address, bytes.NewReader(body))
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Authorization", "Bearer "+token)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	if response.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s was answered %s", address, response.Status)
	}
	return errors.Join(err, response.Body.Close())
}

// answered delivers n mails, each another customer's, and returns how long each answer took beyond what the model takes and what is waited.
func (s *mailSystem) answered(ctx context.Context, from, n int, every time.Duration) ([]time.Duration, error) {
	began := make([]time.Time, n)
	for i := range n {
		began[i] = time.Now()
		s.gmail.Deliver(mailboxOf(1+i%mailTenants), fmt.Appendf(nil, "From: %s\r\nTo: desk\r\nSubject: Saturday\r\nMessage-ID: <%d@customer.test>\r\nDate: %s\r\n\r\nWhat does a lesson cost?\r\n",
			writerOf(from+i), from+i, time.Now().Format(time.RFC1123Z)))
		time.Sleep(every)
	}
	for deadline := time.Now().Add(3 * time.Minute); ; time.Sleep(250 * time.Millisecond) {
		at := map[string]time.Time{}
		for i := 1; i <= mailTenants; i++ {
			for _, m := range s.gmail.Sent(mailboxOf(i)) {
				if sent, err := netmail.ReadMessage(bytes.NewReader(m.Raw)); err == nil {
					at[sent.Header.Get("To")] = m.Received
				}
			}
		}
		if len(at) >= from+n {
			return durations(at, from, began)
		}
		if ctx.Err() != nil || time.Now().After(deadline) {
			return nil, fmt.Errorf("%d of %d mails were answered", len(at), from+n)
		}
	}
}

func durations(at map[string]time.Time, from int, began []time.Time) (ours []time.Duration, err error) {
	for i, b := range began {
		answered, ok := at["<"+writerOf(from+i)+">"]
		if !ok {
			answered, ok = at[writerOf(from+i)]
		}
		if !ok {
			return nil, fmt.Errorf("customer %d got no answer", from+i)
		}
		ours = append(ours, answered.Sub(b)-answerLatency-mailPatience)
	}
	return ours, nil
}

// units are what all mailboxes have cost so far.
func (s *mailSystem) units() (all int) {
	for i := 1; i <= mailTenants; i++ {
		all += s.gmail.Units(mailboxOf(i))
	}
	return all
}

func (s *mailSystem) stop() {
	for i := range s.stops {
		s.stops[len(s.stops)-1-i]()
	}
}
