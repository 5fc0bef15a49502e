package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	rpc "google.golang.org/grpc/codes"

	"github.com/chattercheatah/chattercheatah/shared/api"
	"github.com/chattercheatah/chattercheatah/shared/ephemeral/ephemeraltest"
	"github.com/chattercheatah/chattercheatah/shared/gemini/geminitest"
	"github.com/chattercheatah/chattercheatah/shared/private"
	"github.com/chattercheatah/chattercheatah/shared/store/demo"
	"github.com/chattercheatah/chattercheatah/shared/telnyx/telnyxtest"
)

// postgresAway ends Postgres as a fault of its machine would. It recovers at its next start, and may have forgotten what was committed without
// waiting for the disk.
func postgresAway(ctx context.Context, w *drillWorld) (func() error, error) {
	w.postgres.Crash()
	return func() error { return w.postgres.Restart(ctx) }, nil
}

// postgresHanging has Postgres take connections and statements and answer none; what it was sent it does in the end, when nobody waits for it.
func postgresHanging(_ context.Context, w *drillWorld) (func() error, error) {
	return holding(w.toDB)
}

func holding(l *line) (func() error, error) {
	l.hold()
	return func() error {
		l.release()
		return nil
	}, nil
}

func firestoreAway(_ context.Context, w *drillWorld) (func() error, error) {
	w.state.Stop()
	return func() (err error) {
		if w.state, err = ephemeraltest.Start("127.0.0.1:0"); err == nil {
			w.toState.lead(w.state.Addr())
		}
		return err
	}, nil
}

func firestoreHanging(_ context.Context, w *drillWorld) (func() error, error) {
	return holding(w.toState)
}

// asked has a person ask for what Firestore has a part in while it is in trouble, and again when that is mended.
func asked(firestore trouble) trouble {
	return func(ctx context.Context, w *drillWorld) (func() error, error) {
		asking, err := w.signIn(ctx)
		if err != nil {
			return nil, err
		}
		mend, err := firestore(ctx, w)
		if err != nil {
			return nil, err
		}
		without := asking.without(ctx)
		return func() error {
			err := errors.Join(<-without, mend())
			return errors.Join(err, asking.again(ctx))
		}, nil
	}
}

// person is an operator who acts in the swim school, and asks for what Firestore has a part in.
type person struct {
	w  *drillWorld
	in *api.Client
}

func (w *drillWorld) signIn(ctx context.Context) (person, error) {
	c, err := api.New(w.base + "/api/v1")
	if err != nil {
		return person{}, err
	}
	c, err = c.LogIn(ctx, w.env["ADMIN_EMAIL"], private.NewSecret(w.env["ADMIN_PASSWORD"]))
	if err != nil {
		return person{}, err
	}
	return person{w, c.In(int64(demo.SwimSchool().ID))}, nil
}

// noLonger is when somebody who asks has given up.
const noLonger = 10 * time.Second

// without holds what is promised of the time without Firestore: log-ins go on, the voice assistant's tools answer, and a mailbox cannot be
// connected, which its admin is told. What was different is told once all have been answered.
func (p person) without(ctx context.Context) (different <-chan error) {
	ctx, cancel := context.WithTimeout(ctx, noLonger)
	told := make(chan error, 3)
	go func() {
		_, err := p.w.signIn(ctx)
		told <- err
	}()
	go func() { told <- p.classes(ctx) }()
	go func() { told <- p.connect(ctx, http.StatusServiceUnavailable) }()
	all := make(chan error, 1)
	go func() {
		defer cancel()
		all <- errors.Join(<-told, <-told, <-told)
	}()
	return all
}

// again waits until a mailbox can be connected again.
func (p person) again(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for {
		err := p.connect(ctx, http.StatusOK)
		if err == nil || ctx.Err() != nil {
			return err
		}
	}
}

func (p person) connect(ctx context.Context, want int) error {
	answer, err := p.in.Send(ctx, http.MethodPost, "/email/oauth/start", nil)
	if err == nil && answer.Status != want {
		err = fmt.Errorf("connecting a mailbox was answered %d; want %d", answer.Status, want)
	}
	return err
}

// classes asks as the swim school's assistant does.
func (p person) classes(ctx context.Context) error {
	const body = `{"age":"4"}`
	address := p.w.base + "/api/v1/telnyx/tools/get-classes?tenant_id=" + demo.SwimSchool().ID.String()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, address, strings.NewReader(body))
	if err != nil {
		return err
	}
	r.Header = p.w.telnyx.Sign([]byte(body), time.Now())
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		return err
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("a tool was answered %d", response.StatusCode)
	}
	return nil
}

func tasksUnavailable(_ context.Context, w *drillWorld) (func() error, error) {
	return refusing(w, rpc.Unavailable)
}

func tasksExhausted(_ context.Context, w *drillWorld) (func() error, error) {
	return refusing(w, rpc.ResourceExhausted)
}

func refusing(w *drillWorld, code rpc.Code) (func() error, error) {
	w.tasks.Refuse(code)
	return func() error {
		w.tasks.Refuse(rpc.OK)
		return nil
	}, nil
}

func tasksHanging(_ context.Context, w *drillWorld) (func() error, error) {
	return holding(w.toTasks)
}

// modelHangingForOne has the model answer nothing that the swim school asks. The dentist is answered.
func modelHangingForOne(_ context.Context, w *drillWorld) (func() error, error) {
	mended := make(chan struct{})
	w.model.Answer(func(p geminitest.Prompt) string {
		if strings.Contains(p.System, demo.SwimSchool().Name) {
			<-mended
		}
		return echo(p)
	})
	return func() error {
		w.model.Answer(echo)
		close(mended)
		return nil
	}, nil
}

// telnyxFailing has all sends fail, in one way after the other. In some of them the text is taken all the same.
var telnyxFailing = troublesOf(telnyxtest.Refused429, telnyxtest.Refused500, telnyxtest.Taken500, telnyxtest.TakenLost, telnyxtest.Dropped,
	telnyxtest.TakenGarbage, telnyxtest.Hangs)

func troublesOf(failures ...telnyxtest.Failure) []trouble {
	var all []trouble
	for _, f := range failures {
		all = append(all, func(_ context.Context, w *drillWorld) (func() error, error) {
			w.telnyx.FailAll(f)
			return func() error {
				w.telnyx.FailAll("")
				return nil
			}, nil
		})
	}
	return all
}

// expandSQL is what migrations may do before the code that wants it is deployed: it takes nothing from the code that serves. Each is a transaction
// of its own: one that changes two tables locks them one after the other, and whoever is at work on both may hold them the other way round.
var expandSQL = []string{
	`alter table replies add column if not exists of_a_drill text`,
	`alter table conversations add column if not exists of_a_drill integer not null default 0`,
	`do $$ declare f regprocedure; begin
		for f in select oid::regprocedure from pg_proc where pronamespace = 'public'::regnamespace and prokind = 'f' loop
			execute pg_get_functiondef(f);
		end loop;
	end $$`,
}

// deployed migrates, and moves the traffic to another revision. The one before it stays up.
func deployed(ctx context.Context, w *drillWorld) (func() error, error) {
	for _, step := range expandSQL {
		if _, err := w.db.Exec(ctx, step); err != nil {
			return nil, err
		}
	}
	return func() error { return nil }, w.deploy()
}

// rolledBack moves the traffic back, and ends the revision that had it while it is at work.
func rolledBack(ctx context.Context, w *drillWorld) (func() error, error) {
	failed := w.current
	w.give(w.before)
	return retire(ctx, failed)
}

// deployedAgain moves the traffic on for good, and ends the revision before it.
func deployedAgain(ctx context.Context, w *drillWorld) (func() error, error) {
	if err := w.deploy(); err != nil {
		return nil, err
	}
	return retire(ctx, w.before)
}

// everything goes wrong at once, after another revision was deployed.
func everything(ctx context.Context, w *drillWorld) (func() error, error) {
	var mends []func() error
	for _, t := range []trouble{deployedAgain, modelHangingForOne, telnyxFailing[2], tasksUnavailable, firestoreAway, postgresAway} {
		mend, err := t(ctx, w)
		if err != nil {
			return nil, err
		}
		mends = append(mends, mend)
	}
	return func() error {
		var errs []error
		for _, mend := range slices.Backward(mends) {
			errs = append(errs, mend())
		}
		return errors.Join(errs...)
	}, nil
}
