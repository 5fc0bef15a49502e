package main

import (
	"fmt"
	"time"

	"github.com/chattercheatah/chattercheatah/shared/private"
)

const (
	fairOthers  = 10 // tenants, each with one text a second
	fairTimes   = 50 // the load of the busy tenant
	fairSeconds = 20
	fairRounds  = 3
	fairLatency = 2 * time.Second // of the model: the rush is more than the workers take, 80 at a time
	fairWorkers = 80
)

// fairness measures what one tenant's rush does to the others' answers: rounds with and without it take turns.
func fairness(r *rig) ([]figure, error) {
	s, err := r.startSystem(systemOptions{name: "fairness", tenants: fairOthers + 1, wait: 0, latency: fairLatency, concurrency: fairWorkers})
	if err != nil {
		return nil, err
	}
	defer s.stop()
	f := &fair{system: s}
	var calm, rush, p50, p99 []float64
	for round := range fairRounds {
		without, err := f.round(false)
		if err != nil {
			return nil, err
		}
		with, err := f.round(true)
		if err != nil {
			return nil, err
		}
		progress("fairness, round %d of %d: others' answers %s, beside the rush %s", round+1, fairRounds, ms(quantile(without, 0.5)), ms(quantile(with, 0.5)))
		calm, rush = append(calm, float64(quantile(without, 0.5))), append(rush, float64(quantile(with, 0.5)))
		p50 = append(p50, float64(quantile(with, 0.5))/float64(quantile(without, 0.5)))
		p99 = append(p99, float64(quantile(with, 0.99))/float64(quantile(without, 0.99)))
	}
	return []figure{
		{What: fmt.Sprintf("others' answers beside a tenant with %d times their load, p50", fairTimes), Value: dur(rush), Beside: "without it: " + dur(calm), Ratio: median(p50), Goal: atMost(1.25)},
		{What: "the same, p99", Ratio: median(p99), Goal: atMost(1.25)},
	}, nil
}

type fair struct {
	*system
	customers int // so far
}

// round sends the others' texts, with the rush or without, and returns how long their answers took.
func (f *fair) round(rush bool) ([]time.Duration, error) {
	perSecond := fairOthers
	if rush {
		perSecond += fairTimes
	}
	first, n := f.customers, perSecond*fairSeconds
	f.customers += n
	times := make([]time.Time, n)
	var texts []webhook
	for i := range n {
		to := fairOthers + 1
		if slot := i % perSecond; slot%(perSecond/fairOthers) == 0 && slot/(perSecond/fairOthers) < fairOthers {
			to = 1 + slot/(perSecond/fairOthers)
		}
		w := signed(f.telnyx, first+i, to)
		w.posted = &times[i]
		texts = append(texts, w)
	}
	if l := steadily(f.sms.url+inboundPath, texts, perSecond); l.refused > 0 {
		return nil, fmt.Errorf("%d texts were refused", l.refused)
	}
	at, _, err := f.awaitAnswers(f.customers, 5*time.Minute)
	if err != nil {
		return nil, err
	}
	return others(at, times, first, texts), nil
}

func others(at map[private.Phone]time.Time, times []time.Time, first int, texts []webhook) (took []time.Duration) {
	for i, began := range times {
		if texts[i].tenant <= fairOthers {
			took = append(took, at[customerPhone(first+i)].Sub(began))
		}
	}
	return took
}
