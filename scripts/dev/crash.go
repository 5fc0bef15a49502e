package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/chattercheatah/chattercheatah/shared/private"
)

// crashPoint is a place at which the process is killed, and what comes past it.
type crashPoint struct {
	name string
	by   []func(*world)
}

var (
	texts = []func(*world){(*world).sendText}
	mails = []func(*world){(*world).sendMail}
	both  = slices.Concat(texts, mails) // in turn
)

// crashPoints are the places between "bytes read" and "task deleted", in the order in which a text and a mail pass them.
var crashPoints = []crashPoint{
	{"inbound.read", texts}, {"inbound.verified", texts}, {"inbound.before_commit", texts}, {"inbound.recorded", texts}, {"inbound.queued", texts},
	{"inbound.acknowledged", texts},
	{"push.received", mails}, {"push.recorded", mails}, {"push.queued", mails}, {"mailbox.listed", mails}, {"mailbox.read", mails},
	{"mail.received", mails}, {"mail.taken", mails}, {"mail.recorded", mails},
	{"worker.received", both}, {"worker.claimed", both}, {"worker.composed", both}, {"worker.in_flight", both}, {"worker.sent", both},
	{"worker.accepted", both}, {"worker.done", both},
	{"status.received", texts}, {"status.recorded", texts},
}

// killsPerPoint is how often each point is hit.
const killsPerPoint = 12

// settleLimit is above what the longest wait of what is deployed takes: a text whose fate is not known is sent again after three minutes, and
// looked at ever more seldom.
const settleLimit = 10 * time.Minute

// patience bounds a round: a point that is not reached in it is a fault of the test.
const patience = 30 * time.Second

// crashTest kills the system at every point, many times, restarts it each time, and then counts: texts and mails that are not in the
// database or were never answered are lost, those that were answered twice are duplicates.
func crashTest(ctx context.Context, _ []string) error {
	w, err := startWorld(ctx, crashable)
	if err != nil {
		return err
	}
	defer func() {
		w.stop()
		_ = os.RemoveAll(filepath.Dir(w.program))
	}()
	kills := map[string]int{}
	for round := range killsPerPoint {
		for _, point := range crashPoints {
			if err := w.killAt(ctx, point.name, point.by[round%len(point.by)], 1+rand.IntN(2)); err != nil {
				return fmt.Errorf("%s, round %d: %w; the log is %s", point.name, round+1, err, w.log.Name())
			}
			kills[point.name]++
		}
		fmt.Printf("round %d of %d: killed at %d points\n", round+1, killsPerPoint, len(crashPoints))
	}
	if err := w.settle(ctx); err != nil {
		return fmt.Errorf("%w; the log is %s", err, w.log.Name())
	}
	if err := w.report(ctx, kills); err != nil {
		return fmt.Errorf("%w; the log is %s", err, w.log.Name())
	}
	return os.RemoveAll(w.dir)
}

// killAt runs the system until it is killed at its nth pass of a point. As many texts or mails come in at once, and then one every
// second, for what is left of earlier kills may be served first.
func (w *world) killAt(ctx context.Context, point string, send func(*world), nth int) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	died, err := w.startChild(fmt.Sprintf("%s:%d", point, nth))
	if err != nil {
		return err
	}
	for range nth - 1 {
		send(w)
	}
	for {
		send(w)
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
	n := w.texts.Add(1)
	id := fmt.Sprintf("q%d", n)
	phone := private.MustPhone(fmt.Sprintf("+1555%07d", 2_000_000+n))
	body := w.telnyx.Received(phone, w.tenants[n%2], "Question "+id+" please")
	w.sending.Go(func() {
		for w.ctx.Err() == nil {
			if _, err := w.telnyx.Deliver(w.ctx, w.base+"/api/v1/telnyx/sms/inbound", body); err == nil {
				return
			}
			select {
			case <-time.After(w.rest):
			case <-w.ctx.Done():
			}
		}
	})
}

// count is how many texts there were so far.
func (w *world) count() int { return int(w.texts.Load()) }

// openSQL counts what is still to be done.
const openSQL = `select (select count(*) from replies where state in ('planned', 'claimed', 'sending', 'unknown'))
	+ (select count(*) from emails where state = 'noticed') + (select count(*) from tenant_email_configs where read_due_at is not null)`

// settle runs the system unharmed until every text and notice is acknowledged and nothing is left to do.
func (w *world) settle(ctx context.Context) error {
	died, err := w.startChild("")
	if err != nil {
		return err
	}
	return w.settled(ctx, died)
}

// settled waits until every text and notice is acknowledged and nothing is left to do.
func (w *world) settled(ctx context.Context, died <-chan error) error {
	ctx, cancel := context.WithTimeout(ctx, settleLimit)
	defer cancel()
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
		if err := w.db.QueryRow(ctx, openSQL).Scan(&open); err != nil {
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
	table := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	total := 0
	for _, point := range crashPoints {
		_, _ = fmt.Fprintf(table, "%s\t%d kills\n", point.name, kills[point.name])
		total += kills[point.name]
	}
	_ = table.Flush()
	answered, astray := w.mailAnswers()
	lostTexts, twiceTexts := judge("q", 1, w.count(), recorded, w.textAnswers())
	lostMails, twiceMails := judge("m", 1, len(w.mails), recorded, answered)
	fmt.Printf("%d kills at %d points\n", total, len(crashPoints))
	fmt.Printf("%d texts, %d lost, %d duplicates\n", w.count(), lostTexts, twiceTexts)
	fmt.Printf("%d mails, %d lost, %d duplicates, %d answers in no thread of theirs\n", len(w.mails), lostMails, twiceMails, astray)
	if lostTexts+twiceTexts+lostMails+twiceMails+astray > 0 {
		return errors.New("texts or mails were lost, answered twice, or answered elsewhere")
	}
	return nil
}

// judge counts, of the texts or mails from the first to the last, those that were not recorded and answered once.
func judge(prefix string, first, last int, recorded, answered map[string]int) (lost, duplicates int) {
	for i := first; i <= last; i++ {
		id := fmt.Sprint(prefix, i)
		if recorded[id] == 0 || answered[id] == 0 {
			lost++
		}
		if recorded[id] > 1 || answered[id] > 1 {
			duplicates++
		}
	}
	return lost, duplicates
}

// textAnswers are how often each text was answered, by its id.
func (w *world) textAnswers() map[string]int {
	answered := map[string]int{}
	for _, m := range w.telnyx.Sent() {
		for word := range strings.FieldsSeq(m.Text.Reveal()) {
			if strings.HasPrefix(word, "q") {
				answered[word]++
			}
		}
	}
	return answered
}

// recorded are how often each text and mail is in the database, by its id.
func (w *world) recorded(ctx context.Context) (map[string]int, error) {
	rows, err := w.db.Query(ctx, `select coalesce(substring(content from 'Question ([qm][0-9]+) please'), '') from messages where role = 'user'`)
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
