package store

import (
	"math"
	"strconv"
	"strings"
	"time"
)

// Place is where a page of a list ends whose newest element comes first; the zero Place is before the first.
type Place struct {
	At time.Time
	ID int64
}

var endOfTime = time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC)

// orNewest is the place before everything else for the zero Place.
func (p Place) orNewest() Place {
	if p == (Place{}) {
		p.At = endOfTime
	}
	return p
}

// newestIfZero makes 0 mean before everything else in a list that begins with the greatest id.
func newestIfZero(before int64) int64 {
	if before == 0 {
		return math.MaxInt64
	}
	return before
}

// conditions are what a list is narrowed by, besides its tenant: each is written only when it is asked for, so that an index can
// serve it.
type conditions struct {
	sql  string
	args []any
}

// and adds a condition, in which ? stands for arg.
func (c *conditions) and(condition string, arg any) {
	c.args = append(c.args, arg)
	c.sql += " and " + strings.ReplaceAll(condition, "?", "$"+strconv.Itoa(len(c.args)))
}
