package main

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/chattercheatah/chattercheatah/shared/telnyx/telnyxtest"
	hooks "github.com/chattercheatah/chattercheatah/shared/webhook"
)

// kind is one kind of request, and how long its answers took.
type kind struct {
	what    string
	method  string // POST when empty
	address string
	want    string                   // in every answer
	n, rate int                      // in a round, and a second
	body    func(c phoneCall) string // nil for none
	tool    bool                     // the call stands in a header
	limit   time.Duration            // what Telnyx waits, where it does
	against []comparison             // what its p50 is measured against
	rounds  []float64                // the p50 of each
	took    []time.Duration          // of all rounds
	of      *process                 // which answers; nil for a stand-in
	cpu     time.Duration            // that it used, in all rounds
	refused int                      // of all rounds
}

// comparison is with another kind of the same round.
type comparison struct {
	*kind
	goal   goal
	reason string
}

// requests makes and signs n of a round.
func (k *kind) requests(telnyx *telnyxtest.Server, round, n int) (all []webhook) {
	for i := range n {
		c, w := callOf(round, i), webhook{method: k.method}
		if k.body != nil {
			w.body = []byte(k.body(c))
			w.header = telnyx.Sign(w.body, time.Now())
		}
		if k.tool {
			w.header.Set(hooks.CallHeader, c.control())
		}
		all = append(all, w)
	}
	return all
}

// take makes the round's requests and adds them to what was measured; round 0 warms up.
func (k *kind) take(telnyx *telnyxtest.Server, round int) error {
	n := k.n
	if round == 0 {
		n = callWarmUp
	}
	used := k.processor()
	l := steadilyFor(k.address, k.requests(telnyx, round, n), k.rate, k.want)
	if l.refused > n/2 {
		return fmt.Errorf("%s: %d of %d were answered otherwise, as with %s", k.what, l.refused, n, strings.TrimSpace(l.odd))
	}
	if round > 0 {
		k.rounds, k.took, k.refused = append(k.rounds, float64(l.p50)), append(k.took, l.took...), k.refused+l.refused
		k.cpu += k.processor() - used
	}
	return nil
}

// processor is the time of it that who answers has used so far.
func (k *kind) processor() time.Duration {
	if k.of == nil {
		return 0
	}
	return k.of.cpuTime()
}

// figures are a kind's: its p50 beside each that it is compared with, its p99 beside what Telnyx waits, and the processor time that one takes.
func (k *kind) figures() (all []figure) {
	for _, c := range k.against {
		all = append(all, figure{What: k.what + ", p50", Value: dur(k.rounds), Beside: c.what + ": " + dur(c.rounds), Ratio: ratio(k.rounds, c.rounds), Goal: c.goal, Reason: c.reason})
	}
	if k.limit == 0 {
		return all
	}
	n, p99, most := len(k.took), quantile(slices.Clone(k.took), 0.99), float64(k.limit.Milliseconds())
	return append(all,
		figure{What: k.what + ", p99", Value: ms(p99), Beside: fmt.Sprintf("%d a second, %d in all", k.rate, n), Ratio: p99.Seconds() * 1000,
			Goal: goal{fmt.Sprintf("≤ %g ms", most), func(x float64) bool { return x <= most }}},
		figure{What: k.what + ", refused", Value: fmt.Sprint(k.refused), Beside: fmt.Sprintf("of %d", n), Ratio: float64(k.refused), Goal: none},
		figure{What: k.what + ", processor time of the function for one", Value: us(k.cpu / time.Duration(n))})
}
