package storetest

import (
	"sync/atomic"
)

// Trips counts the round trips of a program to Postgres: how often it has sent all that it has to say and waits. In the wire
// protocol that is each Sync and each simple Query.
type Trips struct {
	*wire
	n atomic.Int64
}

// CountTrips starts counting for the database at address, and returns the address that leads there past the counter.
func CountTrips(address string) (*Trips, string, error) {
	t := &Trips{}
	w, past, err := tap(address, func(kind byte, body []byte) []byte {
		if kind == 'S' || kind == 'Q' {
			t.n.Add(1)
		}
		return body
	})
	t.wire = w
	return t, past, err
}

// N is the number of round trips so far.
func (t *Trips) N() int64 { return t.n.Load() }
