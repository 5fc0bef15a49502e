package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
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

// world is everything that outlives the system under the crash test and the drills: the database, the queue, and the fakes.
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
	toDB     *line // from the system to postgres
	toState  *line
	toTasks  *line
	model    *geminitest.Server
	tasks    *tasktest.Server
	telnyx   *telnyxtest.Server
	gmail    *gmailtest.Server
	tenants  [2]private.Phone
	stops    []func()

	rest    time.Duration // of Telnyx's, when none of three attempts was acknowledged
	texts   atomic.Int64
	mails   []question
	sending sync.WaitGroup
	child   *exec.Cmd
}

// startWorld makes a world for what program builds.
func startWorld(ctx context.Context, program func() (string, error)) (w *world, err error) {
	ctx, cancel := context.WithCancel(ctx)
	w = &world{ctx: ctx, tenants: [2]private.Phone{demo.SwimSchool().Phone, demo.Dentist().Phone}, stops: []func(){cancel}}
	defer func() {
		if err != nil {
			w.stop()
		}
	}()
	if w.program, err = program(); err != nil {
		return w, err
	}
	if err := w.makeDir(); err != nil {
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

// The programs, each built once for all worlds. crashable's points are live and its waits are short; deployable is what is deployed.
var (
	crashable  = sync.OnceValues(func() (program string, err error) { return build("-tags", "crash") })
	deployable = sync.OnceValues(func() (program string, err error) { return build() })
)

func build(flags ...string) (program string, err error) {
	dir, err := os.MkdirTemp("", "program")
	if err != nil {
		return "", err
	}
	program = filepath.Join(dir, "dev")
	return program, goCommand(context.Background(), slices.Concat([]string{"build"}, flags, []string{"-o", program, "./scripts/dev"})...)
}

// makeDir makes the folder of this world, with its log in it.
func (w *world) makeDir() (err error) {
	if w.dir, err = os.MkdirTemp("", "world"); err != nil {
		return err
	}
	w.log, err = os.Create(filepath.Join(w.dir, "log"))
	return err
}

// freePort is a port that nobody listens at, below those that connections are given: one of them would have it before it is listened at.
func freePort() (port string, err error) {
	for range 100 {
		port = strconv.Itoa(20000 + rand.IntN(12000))
		l, failed := net.Listen("tcp", "127.0.0.1:"+port)
		if failed == nil {
			return port, l.Close()
		}
		err = failed
	}
	return "", err
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
	socket, err := url.Parse(server.URL("postgres", "postgres"))
	if err != nil {
		return err
	}
	if w.toDB, err = w.line("unix", filepath.Join(socket.Query().Get("host"), ".s.PGSQL.5432")); err != nil {
		return err
	}
	w.env["DATABASE_URL"] = "postgres://postgres@" + w.toDB.addr() + "/postgres?sslmode=disable"
	owner := boot.Database{URL: private.NewSecret(w.env["DATABASE_URL"]), Key: private.NewSecret(w.env["FIELD_ENCRYPTION_KEY"])}
	if err := migrate(ctx, owner); err != nil {
		return err
	}
	if err := seedAll(ctx, w.env, owner); err != nil {
		return err
	}
	if w.db, err = pgxpool.New(ctx, socket.String()); err != nil {
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
	if w.toState, err = w.line("tcp", state.Addr()); err != nil {
		return err
	}
	w.env["FIRESTORE_EMULATOR_HOST"] = w.toState.addr()
	tasks, err := tasktest.Start(tasktest.Options{Queues: []string{localQueue}, MinBackoff: 50 * time.Millisecond, MaxBackoff: 500 * time.Millisecond})
	if err != nil {
		return err
	}
	w.tasks = tasks
	w.stops = append(w.stops, tasks.Stop)
	if w.toTasks, err = w.line("tcp", tasks.Addr()); err != nil {
		return err
	}
	w.env["CLOUD_TASKS_EMULATOR_HOST"], w.env["OIDC_ISSUER"], w.env["OIDC_KEYS_URL"] = w.toTasks.addr(), tasks.Issuer(), tasks.KeysURL()
	for _, path := range []string{"/workers/sms/sweep", "/workers/email/sweep"} {
		tasks.Schedule(300*time.Millisecond, w.base+path, w.base, localAccount)
	}
	return nil
}

// echo answers with the question.
func echo(p geminitest.Prompt) string {
	return "Answer to " + strings.ReplaceAll(p.Turns[len(p.Turns)-1].Text, "\n", " ")
}

// line is a line that ends with the world.
func (w *world) line(network, to string) (*line, error) {
	l, err := startLine(network, to)
	if err == nil {
		w.stops = append(w.stops, l.stop)
	}
	return l, err
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
	w.stops = append(w.stops, func() { _ = child.Process.Kill() })
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

// stop ends the system and what it stood on. It may be called twice.
func (w *world) stop() {
	for _, stop := range slices.Backward(w.stops) {
		stop()
	}
	w.stops = nil
}
