package smoke

import (
	"errors"
	"fmt"
	"io"
	"time"
)

// Outcome is how a check went.
type Outcome string

// The outcomes. What could not be checked is skipped, and never counts as passed.
const (
	OK   Outcome = "ok"
	Fail Outcome = "FAIL"
	Skip Outcome = "skip"
)

// Check is one check, done.
type Check struct {
	Name    string  `json:"name"`
	Outcome Outcome `json:"outcome"`
	Detail  string  `json:"detail,omitempty"` // what was checked, what was seen, or why it was not tried
}

// Report is what a run has found.
type Report struct {
	Base    string    `json:"api_base"`
	Began   time.Time `json:"began_at"`
	Seconds float64   `json:"seconds"`
	Passed  bool      `json:"passed"` // no check failed
	Checks  []Check   `json:"checks"`
}

// Print writes a line for each check.
func (r Report) Print(w io.Writer) error {
	for _, c := range r.Checks {
		line := fmt.Sprintf("%-4s %s", c.Outcome, c.Name)
		if c.Detail != "" {
			line += ": " + c.Detail
		}
		if _, err := fmt.Fprintln(w, line); err != nil {
			return err
		}
	}
	return nil
}

// skipped is the error of a check that could not be tried.
type skipped struct{ why string }

// Error says why it was not tried.
func (s skipped) Error() string { return s.why }

// note puts a check's outcome into the report. detail is what was checked.
func (r *Report) note(name, detail string, err error) {
	check := Check{name, OK, detail}
	if why, ok := errors.AsType[skipped](err); ok {
		check.Outcome, check.Detail = Skip, why.why
	} else if err != nil {
		check.Outcome, check.Detail = Fail, err.Error()
	}
	r.Passed = r.Passed && check.Outcome != Fail
	r.Checks = append(r.Checks, check)
}
