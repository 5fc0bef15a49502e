package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"text/tabwriter"
	"time"
)

// trouble is one thing that goes wrong, and is mended without anybody looking after what it has left. begin returns once it is wrong.
type trouble func(ctx context.Context, w *drillWorld) (mend func() error, err error)

// drill is what goes wrong while texts and mails come in: one trouble after the other.
type drill struct {
	name   string
	rate   int // texts a second in make drill
	wrong  []trouble
	serves bool          // what comes in while it is wrong is answered meanwhile, at least in part
	brief  time.Duration // how long the test has it go wrong: above Telnyx's two seconds for what hangs; 0 leaves it to make drill
}

// drills are those of docs/text.md, "What was tried".
var drills = []drill{
	{name: "postgres-away", rate: 50, wrong: []trouble{postgresAway}, brief: time.Second},
	{name: "postgres-hanging", rate: 50, wrong: []trouble{postgresHanging}, brief: 3 * time.Second},
	{name: "firestore-away", rate: 50, wrong: []trouble{asked(firestoreAway), asked(firestoreHanging)}, serves: true, brief: time.Second},
	{name: "tasks-refusing", rate: 50, wrong: []trouble{tasksUnavailable, tasksExhausted}, brief: time.Second},
	{name: "tasks-hanging", rate: 50, wrong: []trouble{tasksHanging}, brief: 3 * time.Second},
	{name: "model-hanging", rate: 200, wrong: []trouble{modelHangingForOne}, serves: true, brief: 2 * time.Second},
	{name: "telnyx-failing", rate: 25, wrong: telnyxFailing, brief: 2 * time.Second},
	{name: "deployment", rate: 50, wrong: []trouble{deployed, rolledBack, deployedAgain}, serves: true, brief: time.Second},
	{name: "all-at-once", rate: 25, wrong: []trouble{everything}},
}

// drillResult is what came of a drill.
type drillResult struct {
	texts, mails    int
	lost, twice     int           // texts and mails that were not recorded and answered once
	unanswered      int           // deliveries of Telnyx's that had no answer in two seconds
	slowest         time.Duration // answer to any other
	servedMeanwhile int           // answers to what came in while it was wrong, before it was mended
	recovery        time.Duration // from the mending until all that had come in before it was answered
}

// runDrill has texts and mails come in before it goes wrong, for all of an outage and after it, and counts what became of them.
func runDrill(ctx context.Context, w *drillWorld, d drill, outage time.Duration, rate int) (r drillResult, err error) {
	w.rest = outage / 4
	_, _ = w.telnyx.Webhooks()
	first, firstMail := w.count()+1, len(w.mails)+1
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stop := w.keepTexting(ctx, rate)
	defer stop()
	if err := w.pass(ctx, outage/4); err != nil {
		return r, err
	}
	wrong := w.count() + 1
	for _, t := range d.wrong {
		if err := w.suffer(ctx, t, outage/time.Duration(len(d.wrong))); err != nil {
			return r, err
		}
	}
	mended, last := time.Now(), w.count()
	if err := w.pass(ctx, outage/4); err != nil {
		return r, err
	}
	stop()
	unsettled := w.settled(ctx, w.died)
	r, err = w.judgeFrom(ctx, first, firstMail)
	r.servedMeanwhile, r.recovery = w.answersBy(wrong, last, mended)
	return r, errors.Join(unsettled, err)
}

// suffer makes it go wrong, lets a while pass and mends it.
func (w *drillWorld) suffer(ctx context.Context, t trouble, long time.Duration) error {
	mend, err := t(ctx, w)
	if err != nil {
		return err
	}
	if err := w.pass(ctx, long); err != nil {
		return errors.Join(err, mend())
	}
	if err := mend(); err != nil {
		return fmt.Errorf("mending: %w", err)
	}
	return nil
}

// pass lets time pass in which the system has to stay up.
func (w *drillWorld) pass(ctx context.Context, long time.Duration) error {
	select {
	case <-time.After(long):
		return nil
	case err := <-w.died:
		return fmt.Errorf("the system ended by itself: %w", err)
	case <-ctx.Done():
		return ctx.Err()
	}
}

// mailEvery is how many texts there are to one mail.
const mailEvery = 20

// keepTexting has texts come in at a rate, and mails, until the function that it returns is called, which may be twice.
func (w *drillWorld) keepTexting(ctx context.Context, rate int) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	var coming sync.WaitGroup
	coming.Go(func() {
		began, each := time.Now(), time.Second/time.Duration(rate)
		for n := time.Duration(1); ; n++ {
			select {
			case <-time.After(time.Until(began.Add(n * each))):
			case <-ctx.Done():
				return
			}
			w.sendText()
			if w.count()%mailEvery == 0 {
				w.sendMail()
			}
		}
	})
	return func() {
		cancel()
		coming.Wait()
	}
}

// judgeFrom counts from a text and a mail on.
func (w *drillWorld) judgeFrom(ctx context.Context, text, mail int) (r drillResult, err error) {
	recorded, err := w.recorded(ctx)
	if err != nil {
		return r, err
	}
	r.texts, r.mails = w.count()+1-text, len(w.mails)+1-mail
	byMail, astray := w.mailAnswers()
	lostTexts, twiceTexts := judge("q", text, w.count(), recorded, w.textAnswers())
	lostMails, twiceMails := judge("m", mail, len(w.mails), recorded, byMail)
	r.lost, r.twice = lostTexts+lostMails, twiceTexts+twiceMails+astray
	r.unanswered, r.slowest = w.telnyx.Webhooks()
	return r, nil
}

// answersBy tells, of the texts from the first to the last, how many were answered before a moment, and how long after it all were.
func (w *drillWorld) answersBy(first, last int, moment time.Time) (before int, after time.Duration) {
	answered := map[string]time.Time{}
	for _, m := range w.telnyx.Sent() {
		for word := range strings.FieldsSeq(m.Text.Reveal()) {
			answered[word] = m.At
		}
	}
	for i := first; i <= last; i++ {
		at, ok := answered[fmt.Sprint("q", i)]
		if ok && at.Before(moment) {
			before++
		}
		after = max(after, at.Sub(moment))
	}
	return before, after
}

// bad says what a drill must not show, "" when it shows nothing of it.
func (d drill) bad(r drillResult) string {
	var found []string
	if r.lost+r.twice+r.unanswered > 0 {
		found = append(found, fmt.Sprintf("of %d texts and %d mails %d lost and %d answered twice, %d deliveries without an answer within two seconds",
			r.texts, r.mails, r.lost, r.twice, r.unanswered))
	}
	if d.serves && r.servedMeanwhile == 0 {
		found = append(found, "nobody was answered meanwhile")
	}
	return strings.Join(found, "; ")
}

// drillAll runs the drills that are named, or all, with outages of thirty seconds on what is deployed, and prints what came of each.
func drillAll(ctx context.Context, names []string) error {
	const outage = 30 * time.Second
	for _, name := range names {
		if !slices.ContainsFunc(drills, func(d drill) bool { return d.name == name }) {
			return fmt.Errorf("there is no drill %q", name)
		}
	}
	program, err := deployable()
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(filepath.Dir(program)) }()
	table := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(table, "drill\ttexts a second\ttexts\tmails\tlost\ttwice\tno answer within 2 s\tslowest answer\tanswered meanwhile\trecovered after")
	var bad []error
	for _, d := range drills {
		if len(names) > 0 && !slices.Contains(names, d.name) {
			continue
		}
		r, err := drillAlone(ctx, d, outage)
		if err != nil {
			bad = append(bad, fmt.Errorf("%s: %w", d.name, err))
		} else if said := d.bad(r); said != "" {
			bad = append(bad, fmt.Errorf("%s: %s", d.name, said))
		}
		_, _ = fmt.Fprintf(table, "%s\t%d\t%d\t%d\t%d\t%d\t%d\t%d ms\t%d\t%.1f s\n", d.name, d.rate, r.texts, r.mails, r.lost, r.twice, r.unanswered,
			r.slowest.Milliseconds(), r.servedMeanwhile, r.recovery.Seconds())
	}
	_ = table.Flush()
	return errors.Join(bad...)
}

// drillAlone runs a drill in a world of its own. The log of one that failed stays.
func drillAlone(ctx context.Context, d drill, outage time.Duration) (r drillResult, err error) {
	w, err := startDrillWorld(ctx, deployable)
	if err != nil {
		return r, err
	}
	defer w.stop()
	began := time.Now()
	r, err = runDrill(ctx, w, d, outage, d.rate)
	fmt.Printf("%s: %.0f s\n", d.name, time.Since(began).Seconds())
	if err != nil || d.bad(r) != "" {
		fmt.Println("its log is", w.log.Name())
		return r, err
	}
	w.stop()
	return r, os.RemoveAll(w.dir)
}
