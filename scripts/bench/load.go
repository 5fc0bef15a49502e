package main

import (
	"bytes"
	"cmp"
	"fmt"
	"net/http"
	"slices"
	"time"

	vegeta "github.com/tsenart/vegeta/v12/lib"
)

// webhook is a signed delivery, or another request, ready to be made.
type webhook struct {
	method string // POST when empty
	body   []byte
	header http.Header
	tenant int        // whom it is for
	posted *time.Time // set when it is posted, unless nil
}

// load is what came of posting webhooks.
type load struct {
	rate          float64 // a second
	p50, p99, max time.Duration
	refused       int             // answers other than 200 or than what was wanted, and none at all
	odd           string          // the first of them
	took          []time.Duration // all of them, sorted
}

// connections is how many callers post at a time, each over a connection of its own.
const connections = 16

// flatOut posts all webhooks as fast as they are answered.
func flatOut(address string, all []webhook) load {
	attacker := vegeta.NewAttacker(vegeta.Workers(connections), vegeta.MaxWorkers(connections), vegeta.Connections(connections))
	next := make(chan webhook, len(all))
	for _, w := range all {
		next <- w
	}
	close(next)
	began := time.Now()
	result := collect(attacker.Attack(targets(address, next), vegeta.Rate{}, 0, ""), "")
	result.rate = float64(len(all)) / time.Since(began).Seconds()
	return result
}

// steadily posts webhooks at a rate, whether or not the earlier ones have been answered.
func steadily(address string, all []webhook, perSecond int) load {
	return steadilyFor(address, all, perSecond, "")
}

// steadilyFor is steadily for answers that have to have want in them: a voice tool's failure is answered 200 too.
func steadilyFor(address string, all []webhook, perSecond int, want string) load {
	attacker := vegeta.NewAttacker(vegeta.Workers(connections), vegeta.Connections(1000), vegeta.Timeout(webhookLimit))
	next := make(chan webhook, len(all))
	for _, w := range all {
		next <- w
	}
	close(next)
	return collect(attacker.Attack(targets(address, next), vegeta.ConstantPacer{Freq: perSecond, Per: time.Second}, 0, ""), want)
}

// webhookLimit is how long a steady caller waits; Telnyx gives up after two seconds, and later answers are to be seen here.
const webhookLimit = 10 * time.Second

func targets(address string, next <-chan webhook) vegeta.Targeter {
	return func(t *vegeta.Target) error {
		w, more := <-next
		if !more {
			return vegeta.ErrNoTargets
		}
		if w.posted != nil {
			*w.posted = time.Now()
		}
		t.Method, t.URL, t.Body, t.Header = cmp.Or(w.method, http.MethodPost), address, w.body, w.header
		return nil
	}
}

func collect(results <-chan *vegeta.Result, want string) load {
	var l load
	for r := range results {
		if r.Error == vegeta.ErrNoTargets.Error() {
			continue
		}
		if r.Code != http.StatusOK || !bytes.Contains(r.Body, []byte(want)) {
			l.refused++
			l.odd = cmp.Or(l.odd, fmt.Sprintf("%d %s %.300s", r.Code, r.Error, r.Body))
		}
		l.took = append(l.took, r.Latency)
	}
	l.p50, l.p99, l.max = quantile(l.took, 0.50), quantile(l.took, 0.99), quantile(l.took, 1)
	return l
}

// quantile is the smallest value that a share q of all do not exceed. It sorts all.
func quantile[N time.Duration | float64](all []N, q float64) N {
	if len(all) == 0 {
		return 0
	}
	slices.Sort(all)
	return all[max(0, int(float64(len(all))*q+0.999999)-1)]
}

func median[N time.Duration | float64](all []N) N { return quantile(slices.Clone(all), 0.5) }
