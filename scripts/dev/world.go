package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/chattercheatah/chattercheatah/shared/boot"
	"github.com/chattercheatah/chattercheatah/shared/ephemeral/ephemeraltest"
	"github.com/chattercheatah/chattercheatah/shared/gemini/geminitest"
	"github.com/chattercheatah/chattercheatah/shared/gmail/gmailtest"
	"github.com/chattercheatah/chattercheatah/shared/private"
	"github.com/chattercheatah/chattercheatah/shared/store/demo"
	"github.com/chattercheatah/chattercheatah/shared/store/localpg"
	"github.com/chattercheatah/chattercheatah/shared/task/tasktest"
	"github.com/chattercheatah/chattercheatah/shared/telnyx/telnyxtest"
)

// world is everything that outlives the system under the crash test: the database, the queue, and the fakes.
type world struct {
	ctx      context.Context // ends with the test
	base     string          // the system's address
	listens  string          // where the running process does, which may be behind that
	env      boot.Environment
	program  string
	dir      string
	log      *os.File
	db       *pgxpool.Pool
	postgres *localpg.Server
	state    *ephemeraltest.Server
	model    *geminitest.Server
	tasks    *tasktest.Server
	telnyx   *telnyxtest.Server
	gmail    *gmailtest.Server
	tenants  [2]private.Phone
	stops    []func()

	texts   int
	mails   []question
	sending sync.WaitGroup
	child   *exec.Cmd
}

func startWorld(ctx context.Context) (w *world, err error) {
	ctx, cancel := context.WithCancel(ctx)
	w = &world{ctx: ctx, tenants: [2]private.Phone{demo.SwimSchool().Phone, demo.Dentist().Phone}, stops: []func(){cancel}}
	defer func() {
		if err != nil {
			w.stop()
		}
	}()
	if err := w.build(); err != nil {
		return w, err
	}
	port, err := freePort()
	if err != nil {
		return w, err
	}
	w.base = "http://localhost:" + port
	w.listens = w.base
	keys := &state{TelnyxSeed: random(), JWTKey: random(), FieldKey: random()}
	w.env = localDefaults(w.base, keys)
	w.env["PORT"] = port
	if err := w.startDatabase(ctx); err != nil {
		return w, err
	}
	if err := w.startFakes(keys); err != nil {
		return w, err
	}
	return w, w.connectMailboxes(ctx)
}

// crashable is the program whose points are live and whose waits are short, built once for all worlds.
var crashable = sync.OnceValues(func() (program string, err error) {
	dir, err := os.MkdirTemp("", "crashable")
	if err != nil {
		return "", err
	}
	program = filepath.Join(dir, "dev")
	return program, goCommand(context.Background(), "build", "-tags", "crash", "-o", program, "./scripts/dev")
})

// build makes the folder of this world, with its log in it.
func (w *world) build() (err error) {
	if w.program, err = crashable(); err != nil {
		return err
	}
	if w.dir, err = os.MkdirTemp("", "world"); err != nil {
		return err
	}
	w.log, err = os.Create(filepath.Join(w.dir, "log"))
	return err
}

func freePort() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	_, port, err := net.SplitHostPort(l.Addr().String())
	return port, errors.Join(err, l.Close())
}

func (w *world) startDatabase(ctx context.Context) error {
	if err := os.Chmod(w.dir, 0o755); err != nil { // Postgres is another user
		return err
	}
	server, err := localpg.Start(ctx, localpg.Options{Dir: filepath.Join(w.dir, "postgres")}) // one that writes to the disk, as a real one does
	if err != nil {
		return err
	}
	w.postgres = server
	w.stops = append(w.stops, func() { _ = server.Stop() })
	w.env["DATABASE_URL"] = server.URL("postgres", "postgres")
	owner := boot.Database{URL: private.NewSecret(w.env["DATABASE_URL"]), Key: private.NewSecret(w.env["FIELD_ENCRYPTION_KEY"])}
	if err := migrate(ctx, owner); err != nil {
		return err
	}
	if err := seedAll(ctx, w.env, owner); err != nil {
		return err
	}
	if w.db, err = pgxpool.New(ctx, w.env["DATABASE_URL"]); err != nil {
		return err
	}
	w.stops = append(w.stops, w.db.Close)
	_, err = w.db.Exec(ctx, `update tenant_sms_configs set reply_wait_ms = 50`)
	return err
}

func (w *world) startFakes(keys *state) error {
	w.model = geminitest.New(geminitest.Options{})
	w.model.Answer(echo)
	w.env["GEMINI_API_KEY"], w.env["GOOGLE_GEMINI_BASE_URL"] = "local", w.serve(w.model)
	accepted := map[string]string{}
	for _, b := range demo.Businesses() {
		accepted[b.APIKey.Reveal()] = ""
	}
	w.telnyx = telnyxtest.New(telnyxtest.Options{PrivateKey: keys.telnyxKey(), Keys: accepted})
	w.env["TELNYX_API_BASE"] = w.serve(w.telnyx)
	state, err := ephemeraltest.Start("127.0.0.1:0")
	if err != nil {
		return err
	}
	w.state = state
	w.stops = append(w.stops, func() { w.state.Stop() })
	w.env["FIRESTORE_EMULATOR_HOST"] = state.Addr()
	tasks, err := tasktest.Start(tasktest.Options{Queues: []string{localQueue}, MinBackoff: 50 * time.Millisecond, MaxBackoff: 500 * time.Millisecond})
	if err != nil {
		return err
	}
	w.tasks = tasks
	w.stops = append(w.stops, tasks.Stop)
	w.env["CLOUD_TASKS_EMULATOR_HOST"], w.env["OIDC_ISSUER"], w.env["OIDC_KEYS_URL"] = tasks.Addr(), tasks.Issuer(), tasks.KeysURL()
	for _, path := range []string{"/workers/sms/sweep", "/workers/email/sweep"} {
		tasks.Schedule(300*time.Millisecond, w.base+path, w.base, localAccount)
	}
	return nil
}

// echo answers with the question.
func echo(p geminitest.Prompt) string {
	return "Answer to " + strings.ReplaceAll(p.Turns[len(p.Turns)-1].Text, "\n", " ")
}

func (w *world) serve(h http.Handler) (address string) {
	server := httptest.NewServer(h)
	w.stops = append(w.stops, server.CloseClientConnections)
	return server.URL
}

// startChild starts the system, to be killed at a point such as worker.sent:2 ("" for never), and waits until it is ready.
func (w *world) startChild(crashAt string) (died <-chan error, err error) {
	child := exec.Command(w.program, "run")
	for name, value := range w.env {
		child.Env = append(child.Env, name+"="+value)
	}
	child.Env = append(child.Env, "CRASH_AT="+crashAt, "PATH="+os.Getenv("PATH"), "HOME="+os.Getenv("HOME"))
	child.Stdout, child.Stderr = w.log, w.log
	if err := child.Start(); err != nil {
		return nil, err
	}
	w.child = child
	ended := make(chan error, 1)
	go func() { ended <- child.Wait() }()
	return ended, w.awaitReady(ended)
}

// awaitReady waits for /health. Queued work may reach the point, and kill the system, before anybody has asked.
func (w *world) awaitReady(ended chan error) error {
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); {
		select {
		case err := <-ended:
			ended <- err
			return killed(err)
		case <-time.After(20 * time.Millisecond):
		}
		response, err := http.Get(w.listens + "/health")
		if err != nil {
			continue
		}
		_ = response.Body.Close()
		if response.StatusCode == http.StatusOK {
			return nil
		}
	}
	return errors.New("the system did not become ready")
}

// killed tells a kill from an end for any other reason.
func killed(err error) error {
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		if status, ok := exit.Sys().(syscall.WaitStatus); ok && status.Signaled() && status.Signal() == syscall.SIGKILL {
			return nil
		}
	}
	return fmt.Errorf("the system ended by itself: %w", err)
}

// stop ends the system and what it stood on.
func (w *world) stop() {
	if w.child != nil && w.child.Process != nil {
		_ = w.child.Process.Kill()
	}
	for i := len(w.stops) - 1; i >= 0; i-- {
		w.stops[i]()
	}
}
