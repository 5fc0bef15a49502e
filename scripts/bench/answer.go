package main

import (
	"fmt"
	"time"
)

const (
	answerTexts   = 600
	answerRate    = 15 // a second
	answerWait    = time.Second
	answerLatency = 500 * time.Millisecond
	modelDown     = 30 * time.Second
	hungRate      = 200
	hungFor       = 60 * time.Second
	warmUp        = 100 // texts before it counts
)

// answers measures how long a customer waits for an answer beyond what the model takes and what is waited on purpose.
func answers(r *rig) ([]figure, error) {
	s, err := r.startSystem(systemOptions{name: "answers", tenants: 50, wait: answerWait, latency: answerLatency})
	if err != nil {
		return nil, err
	}
	defer s.stop()
	senders := &customers{telnyx: s.telnyx, tenants: 50, n: answerTexts, times: make([]time.Time, answerTexts)}
	r.measured = map[string]float64{}
	dbCPU, dbSize := r.postgresCPU(), s.db.size(r.ctx)
	progress("text in to answer out: %d texts at %d a second", answerTexts, answerRate)
	if l := steadily(s.sms.url+inboundPath, senders.texts(answerTexts), answerRate); l.refused > 0 {
		return nil, fmt.Errorf("%d texts were refused", l.refused)
	}
	at, odd, err := s.awaitAnswers(answerTexts, time.Minute)
	if err == nil && odd > 0 {
		err = fmt.Errorf("%d texts were not the model's", odd)
	}
	if err != nil {
		return nil, err
	}
	var ours []time.Duration
	for i, began := range senders.times {
		ours = append(ours, at[customerPhone(i)].Sub(began)-answerWait-answerLatency)
	}
	p50, p99 := quantile(ours, 0.5), quantile(ours, 0.99)
	replies := time.Duration(answerTexts)
	perText := func(name string, d time.Duration) string {
		r.measured[name] = float64((d / replies).Microseconds()) / 1000
		return us(d / replies)
	}
	worker, sms, postgres := perText("worker_ms", s.worker.cpuTime()), perText("telnyx_sms_ms", s.sms.cpuTime()), perText("postgres_ms", r.postgresCPU()-dbCPU)
	r.measured["stored_bytes"] = float64((s.db.size(r.ctx) - dbSize) / answerTexts)
	r.measured["log_bytes"] = float64((s.worker.logged() + s.sms.logged()) / answerTexts)
	return []figure{
		{What: "text in to answer out, p50", Value: ms(p50), Beside: fmt.Sprintf("less the %v of the model and the %v that is waited", answerLatency, answerWait)},
		{What: "text in to answer out, p99", Value: ms(p99), Beside: "the same", Ratio: p99.Seconds() * 1000, Goal: goal{"≤ 150 ms", func(x float64) bool { return x <= 150 }}},
		{What: "processor time of the worker for a reply", Value: worker, Beside: "telnyx-sms, for the text and two reports: " + sms},
		{What: "processor time of Postgres for all of it", Value: postgres},
		{What: "peak memory of the worker", Value: mib(s.worker.peakMemory())},
	}, nil
}

// hung measures what a caller notices while the model answers nobody for half of a minute's load, and whether everybody is
// answered in the end.
func hung(r *rig) ([]figure, error) {
	s, err := r.startSystem(systemOptions{name: "hung", tenants: 50, wait: 3 * time.Second, latency: answerLatency})
	if err != nil {
		return nil, err
	}
	defer s.stop()
	n := hungRate * int(hungFor.Seconds())
	senders := &customers{telnyx: s.telnyx, tenants: 50, n: n + warmUp}
	flatOut(s.sms.url+inboundPath, senders.texts(warmUp))
	if _, _, err := s.awaitAnswers(warmUp, time.Minute); err != nil {
		return nil, err
	}
	texts := senders.texts(n)
	progress("model hung: %d texts at %d a second, for %v of %v the model answers nobody", n, hungRate, modelDown, hungFor)
	s.hang((hungFor-modelDown)/3, modelDown)
	l := steadily(s.sms.url+inboundPath, texts, hungRate)
	progress("all acknowledged, p99 %s; waiting for the answers", ms(l.p99))
	began := time.Now()
	_, odd, err := s.awaitAnswers(n+warmUp, 10*time.Minute)
	if err != nil {
		return nil, err
	}
	milliseconds := func(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
	return []figure{
		{What: "acknowledged, the minute with the hang in it, p99", Value: ms(l.p99), Beside: fmt.Sprintf("%d a second for %v", hungRate, hungFor), Ratio: milliseconds(l.p99), Goal: goal{"≤ 100 ms", func(x float64) bool { return x <= 100 }},
			Reason: "everything shares these processors, and when the model is back the workers take theirs; while it hangs nothing waits"},
		{What: "the slowest of them", Value: ms(l.max), Ratio: milliseconds(l.max), Goal: goal{"≤ 2000 ms", func(x float64) bool { return x <= 2000 }}},
		{What: "refused", Value: fmt.Sprint(l.refused), Beside: fmt.Sprintf("of %d", n), Ratio: float64(l.refused), Goal: none},
		{What: "not answered by the model in the end", Value: fmt.Sprint(odd), Beside: fmt.Sprintf("of %d; the last %.0f s after the load", n, time.Since(began).Seconds()), Ratio: float64(odd), Goal: none},
	}, nil
}

var none = goal{"0", func(x float64) bool { return x == 0 }}
