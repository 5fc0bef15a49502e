package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/chattercheatah/chattercheatah/shared/private"
)

// crashPoints are the places between "bytes read" and "task deleted" at which the process is killed, in the order in which a
// text passes them.
var crashPoints = []string{
	"inbound.read", "inbound.verified", "inbound.before_commit", "inbound.recorded", "inbound.queued", "inbound.acknowledged",
	"worker.received", "worker.claimed", "worker.composed", "worker.in_flight", "worker.sent", "worker.accepted", "worker.done",
	"status.received", "status.recorded",
}

// killsPerPoint is how often each point is hit.
const killsPerPoint = 12

// patience bounds a round: a point that is not reached in it is a fault of the test.
const patience = 30 * time.Second

// crashTest kills the system at every point, many times, restarts it each time, and then counts: texts that are not in the
// database or were never answered are lost, texts that were answered twice are duplicates.
func crashTest(ctx context.Context, _ []string) error {
	w, err := startWorld(ctx)
	if err != nil {
		return err
	}
	defer w.stop()
	kills := map[string]int{}
	for round := range killsPerPoint {
		for _, point := range crashPoints {
			if err := w.killAt(ctx, point, 1+rand.IntN(2)); err != nil {
				return fmt.Errorf("%s, round %d: %w; the log is %s", point, round+1, err, w.log.Name())
			}
			kills[point]++
		}
		fmt.Printf("round %d of %d: killed at %d points\n", round+1, killsPerPoint, len(crashPoints))
	}
	if err := w.settle(ctx); err != nil {
		return fmt.Errorf("%w; the log is %s", err, w.log.Name())
	}
	if err := w.report(ctx, kills); err != nil {
		return fmt.Errorf("%w; the log is %s", err, w.log.Name())
	}
	return os.RemoveAll(filepath.Dir(w.program))
}

// killAt runs the system until it is killed at its nth pass of a point. As many texts come in at once, and then one every
// second, for what is left of earlier kills may be served first.
func (w *world) killAt(ctx context.Context, point string, nth int) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	died, err := w.startChild(fmt.Sprintf("%s:%d", point, nth))
	if err != nil {
		return err
	}
	for range nth - 1 {
		w.sendText()
	}
	for {
		w.sendText()
		select {
		case err := <-died:
			return killed(err)
		case <-time.After(time.Second):
		case <-ctx.Done():
			return errors.New("the point was not reached")
		}
	}
}

// sendText has another phone text the next tenant, so that every text calls for an answer of its own. It is delivered until it
// is acknowledged, as Telnyx does.
func (w *world) sendText() {
	w.texts++
	id := fmt.Sprintf("q%d", w.texts)
	phone := private.MustPhone(fmt.Sprintf("+1555%07d", 2_000_000+w.texts))
	body := w.telnyx.Received(phone, w.tenants[w.texts%2], "Question "+id+" please")
	w.sending.Go(func() {
		for w.ctx.Err() == nil {
			if _, err := w.telnyx.Deliver(w.ctx, w.base+"/api/v1/telnyx/sms/inbound", body); err == nil {
				return
			}
		}
	})
}

// settle runs the system unharmed until every text is acknowledged and nothing is left to do.
func (w *world) settle(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 3*time.Minute)
	defer cancel()
	died, err := w.startChild("")
	if err != nil {
		return err
	}
	acknowledged := make(chan struct{})
	go func() {
		w.sending.Wait()
		close(acknowledged)
	}()
	for done := false; ; {
		select {
		case <-acknowledged:
			acknowledged, done = nil, true
		case err := <-died:
			return fmt.Errorf("the system ended by itself: %w", err)
		case <-time.After(200 * time.Millisecond):
		case <-ctx.Done():
			return errors.New("the work did not come to an end")
		}
		var open int
		if err := w.db.QueryRow(ctx, `select count(*) from replies where state in ('planned', 'claimed', 'sending', 'unknown')`).Scan(&open); err != nil {
			return err
		}
		if done && open == 0 {
			return nil
		}
	}
}

// report counts, prints and judges.
func (w *world) report(ctx context.Context, kills map[string]int) error {
	recorded, err := w.recorded(ctx)
	if err != nil {
		return err
	}
	answered := map[string]int{}
	for _, m := range w.telnyx.Sent() {
		for word := range strings.FieldsSeq(m.Text.Reveal()) {
			if strings.HasPrefix(word, "q") {
				answered[word]++
			}
		}
	}
	lost, duplicates, total := 0, 0, 0
	for i := 1; i <= w.texts; i++ {
		id := fmt.Sprintf("q%d", i)
		if recorded[id] == 0 || answered[id] == 0 {
			lost++
		}
		if recorded[id] > 1 || answered[id] > 1 {
			duplicates++
		}
	}
	table := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	for _, point := range crashPoints {
		_, _ = fmt.Fprintf(table, "%s\t%d kills\n", point, kills[point])
		total += kills[point]
	}
	_ = table.Flush()
	fmt.Printf("%d kills at %d points, %d texts, %d lost, %d duplicates\n", total, len(crashPoints), w.texts, lost, duplicates)
	if lost+duplicates > 0 {
		return errors.New("texts were lost or answered twice")
	}
	return nil
}

func (w *world) recorded(ctx context.Context) (map[string]int, error) {
	rows, err := w.db.Query(ctx, `select split_part(content, ' ', 2) from messages where role = 'user'`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	found := map[string]int{}
	for rows.Next() {
		var id string
		if err := rows.Scan(&id); err != nil {
			return nil, err
		}
		found[id]++
	}
	return found, rows.Err()
}
