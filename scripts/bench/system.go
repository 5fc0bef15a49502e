package main

import (
	"cmp"
	"errors"
	"fmt"
	"net/http/httptest"
	"time"

	"github.com/chattercheatah/chattercheatah/shared/gemini/geminitest"
	"github.com/chattercheatah/chattercheatah/shared/private"
	"github.com/chattercheatah/chattercheatah/shared/task/tasktest"
	"github.com/chattercheatah/chattercheatah/shared/telnyx/telnyxtest"
)

// system is telnyx-sms and its worker as they are deployed, with everything around them served by this process.
type system struct {
	db          *database
	telnyx      *telnyxtest.Server
	model       *geminitest.Server
	tasks       *tasktest.Server
	sms, worker *process
	stops       []func()
}

// systemOptions is what differs between measurements.
type systemOptions struct {
	name        string
	tenants     int
	wait        time.Duration // for more texts
	latency     time.Duration // of the model
	concurrency int           // tasks that are worked on at a time; as function.yaml says when 0
}

// answer is what the model says, whatever it is asked; the tenants' prompt permits it.
const answer = "A weekly lesson costs 35 dollars, and on Saturday we are open from 8 am to 1 pm."

func (r *rig) startSystem(o systemOptions) (s *system, err error) {
	s = &system{model: geminitest.New(geminitest.Options{Latency: o.latency})}
	defer func() {
		if err != nil {
			s.stop()
		}
	}()
	s.model.Answer(func(geminitest.Prompt) string { return answer })
	if s.db, err = r.database(o.name); err != nil {
		return s, err
	}
	if err := seedTenants(r.ctx, r, s.db, o.name, o.tenants, o.wait); err != nil {
		return s, err
	}
	keys := map[string]string{}
	for i := range o.tenants {
		keys[tenantKey(i+1).Reveal()] = ""
	}
	s.telnyx = telnyxtest.New(telnyxtest.Options{PrivateKey: telnyxKey, Keys: keys})
	q := r.deployments["telnyx-sms-worker"].Queue
	if s.tasks, err = tasktest.Start(tasktest.Options{
		Queues: []string{queue}, Rate: q.MaxDispatchesPerSecond, Concurrency: cmp.Or(o.concurrency, q.MaxConcurrentDispatches),
	}); err != nil {
		return s, err
	}
	s.stops = append(s.stops, s.tasks.Stop)
	return s, s.startFunctions(r)
}

func (s *system) startFunctions(r *rig) error {
	smsProgram, smsErr := r.function("telnyx-sms")
	workerProgram, workerErr := r.function("telnyx-sms-worker")
	smsPort, portErr := freePort()
	workerPort, otherErr := freePort()
	if err := errors.Join(smsErr, workerErr, portErr, otherErr); err != nil {
		return err
	}
	model, telnyx := httptest.NewServer(s.model), httptest.NewServer(s.telnyx)
	s.stops = append(s.stops, model.CloseClientConnections, telnyx.CloseClientConnections)
	workerURL := "http://127.0.0.1:" + workerPort
	env := settings(s.db, s.tasks.Addr())
	env["API_BASE_URL"] = "http://127.0.0.1:" + smsPort
	env["CLOUD_TASKS_WORKER_URL"], env["OIDC_ISSUER"], env["OIDC_KEYS_URL"] = workerURL, s.tasks.Issuer(), s.tasks.KeysURL()
	env["GOOGLE_GEMINI_BASE_URL"], env["TELNYX_API_BASE"] = model.URL, telnyx.URL
	var err error
	env["FUNCTION_TARGET"] = "TelnyxSmsWorker"
	if s.worker, err = startAt(r.ctx, workerPort, workerProgram, env); err != nil {
		return err
	}
	s.stops = append(s.stops, s.worker.stop)
	env["FUNCTION_TARGET"] = "TelnyxSms"
	if s.sms, err = startAt(r.ctx, smsPort, smsProgram, env); err != nil {
		return err
	}
	s.stops = append(s.stops, s.sms.stop)
	s.tasks.Schedule(time.Minute, workerURL+"/workers/sms/sweep", workerURL, account)
	return nil
}

// hang makes the model answer nobody from a time on, for a while; who asked meanwhile is answered at its end.
func (s *system) hang(after, during time.Duration) {
	began := time.Now()
	s.model.Answer(func(geminitest.Prompt) string {
		if at := time.Since(began); at > after && at < after+during {
			time.Sleep(after + during - at)
		}
		return answer
	})
}

func (s *system) stop() {
	for i := range s.stops {
		s.stops[len(s.stops)-1-i]()
	}
}

// awaitAnswers waits until n texts have been sent, and returns when each customer's was, and how many said anything but the
// model's answer.
func (s *system) awaitAnswers(n int, limit time.Duration) (at map[private.Phone]time.Time, odd int, err error) {
	for deadline := time.Now().Add(limit); ; time.Sleep(250 * time.Millisecond) {
		sent := s.telnyx.Sent()
		if len(sent) < n && time.Now().Before(deadline) {
			continue
		}
		at = map[private.Phone]time.Time{}
		for _, m := range sent {
			at[m.To] = m.At
			if m.Text.Reveal() != answer {
				odd++
			}
		}
		if len(at) != n || len(sent) != n {
			return at, odd, fmt.Errorf("%d texts to %d customers were sent within %v of the last; want one to each of %d", len(sent), len(at), limit, n)
		}
		return at, odd, nil
	}
}
