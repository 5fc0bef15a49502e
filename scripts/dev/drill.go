package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"slices"
	"sync/atomic"
	"syscall"
	"text/tabwriter"
	"time"

	"github.com/chattercheatah/chattercheatah/shared/ephemeral/ephemeraltest"
	"github.com/chattercheatah/chattercheatah/shared/gemini/geminitest"
	"github.com/chattercheatah/chattercheatah/shared/telnyx/telnyxtest"
)

// drill is something that goes wrong while texts come in, and is mended without anybody looking after what it has left.
type drill struct {
	name string
	rate int // texts a second in make drill
	// wrong makes it go wrong; mend makes it right again.
	wrong func(ctx context.Context, w *drillWorld) (mend func() error, err error)
}

// drills are those of docs/text.md, "What was tried".
var drills = []drill{
	{"postgres away", 50, postgresAway},
	{"firestore away", 50, firestoreAway},
	{"cloud tasks refusing", 50, tasksRefusing},
	{"the model hanging", 200, modelHanging},
	{"telnyx failing", 50, telnyxFailing},
	{"a deployment", 50, deploymentInTheMiddle},
}

// drillWorld is a world whose system stands behind a load balancer.
type drillWorld struct {
	*world
	serving atomic.Pointer[url.URL]
	died    <-chan error
}

// drillResult is what came of a drill.
type drillResult struct {
	texts, lost, twice, unanswered int
	slowest, recovery              time.Duration
}

// runDrill has texts come in for as long before what goes wrong as after it, and meanwhile, and counts what became of them.
func runDrill(ctx context.Context, d drill, outage time.Duration, rate int) (r drillResult, err error) {
	w, err := startDrillWorld(ctx)
	if err != nil {
		return r, err
	}
	defer func() {
		w.stop()
		if err == nil {
			err = os.RemoveAll(w.dir)
		}
	}()
	if err := w.texting(ctx, outage/2, rate); err != nil {
		return r, err
	}
	mend, err := d.wrong(ctx, w)
	if err != nil {
		return r, fmt.Errorf("%s: %w; the log is %s", d.name, err, w.log.Name())
	}
	if err := w.texting(ctx, outage, rate); err != nil {
		return r, err
	}
	if err := mend(); err != nil {
		return r, fmt.Errorf("mending: %w", err)
	}
	mended := time.Now()
	if err := w.texting(ctx, outage/2, rate); err != nil {
		return r, err
	}
	ctx, cancel := context.WithTimeout(ctx, 3*time.Minute)
	defer cancel()
	if err := w.settled(ctx, w.died); err != nil {
		return r, fmt.Errorf("%s: %w; the log is %s", d.name, err, w.log.Name())
	}
	r.recovery = time.Since(mended) - outage/2
	recorded, err := w.recorded(ctx)
	if err != nil {
		return r, err
	}
	r.texts = w.texts
	r.lost, r.twice = judge("q", w.texts, recorded, w.textAnswers())
	r.unanswered, r.slowest = w.telnyx.Webhooks()
	return r, nil
}

// texting sends texts at a rate for a while.
func (w *drillWorld) texting(ctx context.Context, long time.Duration, rate int) error {
	ctx, cancel := context.WithTimeout(ctx, long)
	defer cancel()
	for tick := time.NewTicker(time.Second / time.Duration(rate)); ; {
		select {
		case <-tick.C:
			w.sendText()
		case err := <-w.died:
			return fmt.Errorf("the system ended by itself: %w; the log is %s", err, w.log.Name())
		case <-ctx.Done():
			if errors.Is(ctx.Err(), context.DeadlineExceeded) {
				return nil
			}
			return ctx.Err()
		}
	}
}

func startDrillWorld(ctx context.Context) (*drillWorld, error) {
	inner, err := startWorld(ctx)
	w := &drillWorld{world: inner}
	if err != nil {
		return w, err
	}
	_, port, err := net.SplitHostPort(inner.base[len("http://"):])
	if err != nil {
		return w, err
	}
	l, err := net.Listen("tcp", "127.0.0.1:"+port)
	if err != nil {
		return w, err
	}
	balancer := &http.Server{Handler: &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			if to := w.serving.Load(); to != nil {
				r.SetURL(to)
			}
		},
		ErrorHandler: func(rw http.ResponseWriter, _ *http.Request, _ error) { rw.WriteHeader(http.StatusBadGateway) },
	}}
	go func() { _ = balancer.Serve(l) }()
	w.stops = append(w.stops, func() { _ = balancer.Close() })
	return w, w.deploy()
}

// deploy starts another process of the system, and gives it the traffic once it is ready.
func (w *drillWorld) deploy() error {
	port, err := freePort()
	if err != nil {
		return err
	}
	w.env["PORT"], w.listens = port, "http://localhost:"+port
	died, err := w.startChild("")
	if err != nil {
		return err
	}
	to, err := url.Parse(w.listens)
	if err != nil {
		return err
	}
	w.died = died
	w.serving.Store(to)
	return nil
}

func postgresAway(ctx context.Context, w *drillWorld) (func() error, error) {
	w.postgres.Crash()
	return func() error { return w.postgres.Restart(ctx) }, nil
}

func firestoreAway(_ context.Context, w *drillWorld) (func() error, error) {
	address := w.state.Addr()
	w.state.Stop()
	return func() (err error) {
		w.state, err = ephemeraltest.Start(address)
		return err
	}, nil
}

func tasksRefusing(_ context.Context, w *drillWorld) (func() error, error) {
	w.tasks.Refuse(true)
	return func() error {
		w.tasks.Refuse(false)
		return nil
	}, nil
}

func modelHanging(_ context.Context, w *drillWorld) (func() error, error) {
	mended := make(chan struct{})
	w.model.Answer(func(p geminitest.Prompt) string {
		<-mended
		return echo(p)
	})
	return func() error {
		w.model.Answer(echo)
		close(mended)
		return nil
	}, nil
}

// telnyxFailing has sends fail in every way, and be taken all the same in some.
func telnyxFailing(_ context.Context, w *drillWorld) (func() error, error) {
	w.telnyx.Fail(slices.Repeat([]telnyxtest.Failure{
		telnyxtest.Refused429, telnyxtest.Taken500, telnyxtest.TakenLost, telnyxtest.Dropped, telnyxtest.TakenGarbage, telnyxtest.Refused429, telnyxtest.Hangs,
	}, 3)...)
	return func() error { return nil }, nil
}

// deploymentInTheMiddle changes the schema as a step may that only expands, deploys, and ends the process that served before, which has ten seconds for
// what it is at.
func deploymentInTheMiddle(ctx context.Context, w *drillWorld) (func() error, error) {
	if _, err := w.db.Exec(ctx, `alter table conversations add column of_a_drill text; alter table replies add column of_a_drill integer not null default 0`); err != nil {
		return nil, err
	}
	old, oldDied := w.child, w.died
	if err := w.deploy(); err != nil {
		return nil, err
	}
	if err := old.Process.Signal(syscall.SIGTERM); err != nil {
		return nil, err
	}
	return func() error {
		select {
		case err := <-oldDied:
			return err
		case <-ctx.Done():
			return ctx.Err()
		}
	}, nil
}

// drillAll runs the drills that are named, or all, with outages of thirty seconds, and prints what came of each.
func drillAll(ctx context.Context, names []string) error {
	const outage = 30 * time.Second
	table := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(table, "drill\ttexts\tlost\ttwice\tno answer within 2 s\tslowest answer\trecovered after")
	bad := 0
	for _, d := range drills {
		if len(names) > 0 && !slices.Contains(names, d.name) {
			continue
		}
		r, err := runDrill(ctx, d, outage, d.rate)
		if err != nil {
			return err
		}
		bad += r.lost + r.twice + r.unanswered
		_, _ = fmt.Fprintf(table, "%s, 30 s, %d texts a second\t%d\t%d\t%d\t%d\t%d ms\t%.1f s\n", d.name, d.rate, r.texts, r.lost, r.twice, r.unanswered, r.slowest.Milliseconds(), r.recovery.Seconds())
	}
	_ = table.Flush()
	if bad > 0 {
		return errors.New("texts were lost, answered twice, or not acknowledged in time")
	}
	return nil
}
