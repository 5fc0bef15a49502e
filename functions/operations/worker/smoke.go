package worker

import (
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/chattercheatah/chattercheatah/shared/httpx"
	"github.com/chattercheatah/chattercheatah/shared/smoke"
	"github.com/chattercheatah/chattercheatah/shared/task"
)

// smoke runs the runbook's section 7 against API_BASE and answers with a line for each check: 200 when none failed, 500 otherwise, with
// the checks that failed in the log. A check that could not be tried is skipped, and that alone is no failure.
func (d Deps) smoke(w http.ResponseWriter, r *http.Request, call task.Call) error {
	report := smoke.Run(r.Context(), smoke.Config{Operator: d.Operator, Now: time.Now})
	var lines strings.Builder
	if err := report.Print(&lines); err != nil {
		return err
	}
	var failed []string
	for _, c := range report.Checks {
		if c.Outcome == smoke.Fail {
			failed = append(failed, c.Name)
		}
	}
	httpx.Note(r.Context(), slog.String("actor", call.Email), slog.String("job", call.Job), slog.Int("checks", len(report.Checks)), slog.Any("failed", failed))
	status, outcome := http.StatusOK, "smoke_passed"
	if !report.Passed {
		status, outcome = http.StatusInternalServerError, "smoke_failed"
	}
	httpx.Note(r.Context(), slog.String("outcome", outcome))
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(status)
	_, err := w.Write([]byte(lines.String()))
	return err
}
