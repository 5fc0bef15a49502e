// Package localpg starts a private Postgres for the local server and the tests: from server programs that are installed, or
// fetched once from npm. It needs no service, no port and no configuration. Called by scripts/dev and storetest only.
package localpg

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"
)

// Options says what for.
type Options struct {
	Dir string // keeps the data here over restarts; "" for a throw-away database in memory, which forgets it all
}

// Server is a running Postgres. Its superuser is postgres; connections come over a unix socket and need no password.
type Server struct {
	root      string // holds data and socket
	socket    string
	throwAway bool
	bin       string // where its programs are
	exited    chan struct{}
	stop      func()
	crash     func()
	stopOnce  sync.Once
}

// startLimit is generous: the first start on a loaded disk has been seen to take ten seconds.
const startLimit = 90 * time.Second

// Start makes the database directory if it is new, and starts the server. It fails when no Postgres of version 15 or newer
// is found and none can be fetched, and when another server runs in Dir.
func Start(ctx context.Context, o Options) (*Server, error) {
	ctx, cancel := context.WithTimeout(ctx, startLimit)
	defer cancel()
	bin, err := findPrograms(ctx)
	if err != nil {
		return nil, err
	}
	s, err := place(o)
	if err != nil {
		return nil, err
	}
	s.bin = bin
	if err := s.initialise(ctx, bin); err != nil {
		s.discard()
		return nil, err
	}
	if err := s.launch(ctx, bin, o.Dir == ""); err != nil {
		s.discard()
		return nil, err
	}
	return s, nil
}

// place makes the directories: data in o.Dir or in memory, the socket where its path stays short enough for the system.
func place(o Options) (*Server, error) {
	s := &Server{root: o.Dir, throwAway: o.Dir == "", exited: make(chan struct{})}
	var err error
	if s.throwAway {
		sweepStale(throwAwayParent())
		s.root, err = os.MkdirTemp(throwAwayParent(), fmt.Sprintf("%s%d-", throwAwayPrefix, os.Getpid()))
	} else {
		err = os.MkdirAll(s.root, 0o755)
	}
	if err != nil {
		return nil, fmt.Errorf("making the database directory: %w", err)
	}
	if s.socket, err = os.MkdirTemp("/tmp", "pg"); err != nil {
		return nil, fmt.Errorf("making the socket directory: %w", err)
	}
	for _, dir := range []string{s.root, s.socket} {
		if err := giveAway(dir); err != nil {
			return nil, err
		}
	}
	return s, nil
}

func (s *Server) data() string { return filepath.Join(s.root, "data") }

func (s *Server) initialise(ctx context.Context, bin string) error {
	if _, err := os.Stat(filepath.Join(s.data(), "PG_VERSION")); err == nil {
		return nil
	}
	args := []string{"-D", s.data(), "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C"}
	if s.throwAway {
		args = append(args, "--no-sync")
	}
	command := exec.CommandContext(ctx, filepath.Join(bin, "initdb"), args...)
	command.Dir = s.root
	command.Env = cleanEnvironment()
	asUnprivileged(command)
	if out, err := command.CombinedOutput(); err != nil {
		return fmt.Errorf("initdb: %w\n%s", err, out)
	}
	return nil
}

// fastFlags trade durability for speed, which only a throw-away database may.
var fastFlags = []string{"fsync=off", "synchronous_commit=off", "full_page_writes=off", "wal_level=minimal", "max_wal_senders=0", "max_wal_size=4GB", "jit=off"}

func (s *Server) launch(ctx context.Context, bin string, fast bool) error {
	args := []string{"-D", s.data(), "-k", s.socket, "-h", "", "-c", "max_connections=300"}
	if fast {
		for _, f := range fastFlags {
			args = append(args, "-c", f)
		}
	}
	log, err := os.Create(filepath.Join(s.socket, "log"))
	if err != nil {
		return err
	}
	defer func() { _ = log.Close() }()
	command := exec.Command(filepath.Join(bin, "postgres"), args...)
	command.Dir, command.Env, command.Stdout, command.Stderr = s.root, cleanEnvironment(), log, log
	asUnprivileged(command)
	if err := startBound(command, s.exited); err != nil {
		return fmt.Errorf("starting postgres: %w", err)
	}
	s.stop = func() { _ = command.Process.Signal(os.Interrupt) }     // a fast shutdown
	s.crash = func() { _ = command.Process.Signal(syscall.SIGQUIT) } // one after which it has to recover
	return s.awaitReady(ctx, log.Name())
}

// awaitReady reads the status that the server keeps in its pid file.
func (s *Server) awaitReady(ctx context.Context, log string) error {
	for {
		content, _ := os.ReadFile(filepath.Join(s.data(), "postmaster.pid"))
		if lines := strings.Split(string(content), "\n"); len(lines) > 7 && strings.TrimSpace(lines[7]) == "ready" && lines[4] == s.socket {
			return nil
		}
		select {
		case <-s.exited:
			said, _ := os.ReadFile(log)
			if strings.Contains(string(said), "lock file") {
				return fmt.Errorf("another local system is running on %s; stop it first", s.root)
			}
			return fmt.Errorf("postgres ended at its start:\n%s", said)
		case <-ctx.Done():
			s.stop()
			return fmt.Errorf("postgres was not ready in time: %w", ctx.Err())
		case <-time.After(5 * time.Millisecond):
		}
	}
}

// Crash ends the server at once, as a fault of its machine would. Restart starts it again.
func (s *Server) Crash() {
	s.crash()
	<-s.exited
}

// Restart starts a server that has crashed, on the same data and at the same address. It recovers first.
func (s *Server) Restart(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, startLimit)
	defer cancel()
	s.exited = make(chan struct{})
	return s.launch(ctx, s.bin, s.throwAway)
}

// URL is the connection string for a role and a database.
func (s *Server) URL(role, database string) string {
	return (&url.URL{Scheme: "postgres", User: url.User(role), Path: "/" + database, RawQuery: url.Values{"host": {s.socket}}.Encode()}).String()
}

// Stop ends the server, waits for it, and removes what is thrown away.
func (s *Server) Stop() error {
	s.stopOnce.Do(func() {
		s.stop()
		<-s.exited
		s.discard()
	})
	return nil
}

func (s *Server) discard() {
	_ = os.RemoveAll(s.socket)
	if s.throwAway {
		_ = os.RemoveAll(s.root)
	}
}

// cleanEnvironment keeps the caller's PG settings and locale away from the server.
func cleanEnvironment() []string {
	var env []string
	for _, kv := range os.Environ() {
		if !strings.HasPrefix(kv, "PG") && !strings.HasPrefix(kv, "LC_") && !strings.HasPrefix(kv, "LANG") {
			env = append(env, kv)
		}
	}
	return append(env, "LC_ALL=C")
}

const throwAwayPrefix = "chattercheatah-pg-"

// sweepStale removes what processes that were killed left behind.
func sweepStale(parent string) {
	found, _ := filepath.Glob(filepath.Join(parent, throwAwayPrefix+"*"))
	for _, dir := range found {
		var pid int
		if _, err := fmt.Sscanf(strings.TrimPrefix(filepath.Base(dir), throwAwayPrefix), "%d-", &pid); err == nil && !alive(pid) {
			_ = os.RemoveAll(dir)
		}
	}
}

var errNoPostgres = errors.New("no Postgres 15 or newer was found and none could be fetched: install Postgres (any 15 or newer) or Node.js, or set DATABASE_URL")
