package localpg

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// PoolerOptions says what a pooler stands before and how much it takes.
type PoolerOptions struct {
	Host              string // of the server behind it: a name, or the directory of its socket
	Port              uint16
	Roles             []string      // who may log in, as at the server, without a password
	ServerConnections int           // to the server, for each role and database
	Clients           int           // connections that it takes
	QueryWait         time.Duration // how long one waits for a connection to the server, in whole seconds
}

// Pooler is a running pgbouncer in transaction mode. Connections come over a unix socket and need no password.
type Pooler struct {
	dir    string
	exited chan struct{}
	stop   func()
}

// ErrNoPooler is of a machine without pgbouncer.
var ErrNoPooler = errors.New("pgbouncer is not installed")

// poolerPort names the socket; nothing listens on a port.
const poolerPort = 6432

// StartPooler starts pgbouncer. ErrNoPooler when it is not installed.
func StartPooler(ctx context.Context, o PoolerOptions) (*Pooler, error) {
	program, err := findPooler()
	if err != nil {
		return nil, err
	}
	p := &Pooler{exited: make(chan struct{})}
	if p.dir, err = os.MkdirTemp("/tmp", "pgb"); err != nil {
		return nil, fmt.Errorf("making the pooler's directory: %w", err)
	}
	if err := p.launch(ctx, program, o); err != nil {
		_ = os.RemoveAll(p.dir)
		return nil, err
	}
	return p, nil
}

// HasPooler tells whether pgbouncer is installed.
func HasPooler() bool {
	_, err := findPooler()
	return err == nil
}

// findPooler looks in the path and where Debian puts it, which is not in everybody's.
func findPooler() (string, error) {
	for _, name := range []string{"pgbouncer", "/usr/sbin/pgbouncer"} {
		if program, err := exec.LookPath(name); err == nil {
			return program, nil
		}
	}
	return "", ErrNoPooler
}

func (p *Pooler) launch(ctx context.Context, program string, o PoolerOptions) error {
	settings, users := p.settings(o)
	file, log := filepath.Join(p.dir, "pgbouncer.ini"), filepath.Join(p.dir, "log")
	if err := errors.Join(os.WriteFile(file, []byte(settings), 0o644), os.WriteFile(filepath.Join(p.dir, "users"), []byte(users), 0o644), giveAway(p.dir)); err != nil {
		return err
	}
	said, err := os.Create(log)
	if err != nil {
		return err
	}
	defer func() { _ = said.Close() }()
	command := exec.Command(program, file)
	command.Dir, command.Env, command.Stdout, command.Stderr = p.dir, cleanEnvironment(), said, said
	asUnprivileged(command)
	if err := startBound(command, p.exited); err != nil {
		return fmt.Errorf("starting pgbouncer: %w", err)
	}
	p.stop = func() { _ = command.Process.Kill() }
	return p.awaitSocket(ctx, log)
}

func (p *Pooler) settings(o PoolerOptions) (settings, users string) {
	for _, role := range o.Roles {
		users += strconv.Quote(role) + ` ""` + "\n"
	}
	return fmt.Sprintf(`[databases]
* = host=%s port=%d
[pgbouncer]
listen_addr =
listen_port = %d
unix_socket_dir = %s
auth_type = trust
auth_file = users
pool_mode = transaction
default_pool_size = %d
max_client_conn = %d
query_wait_timeout = %d
server_login_retry = 1
`, o.Host, o.Port, poolerPort, p.dir, o.ServerConnections, o.Clients, int(o.QueryWait.Seconds())), users
}

// awaitSocket waits until it takes connections.
func (p *Pooler) awaitSocket(ctx context.Context, log string) error {
	for {
		if conn, err := (&net.Dialer{}).DialContext(ctx, "unix", filepath.Join(p.dir, fmt.Sprintf(".s.PGSQL.%d", poolerPort))); err == nil {
			return conn.Close()
		}
		select {
		case <-p.exited:
			said, _ := os.ReadFile(log)
			return fmt.Errorf("pgbouncer ended at its start:\n%s", strings.TrimSpace(string(said)))
		case <-ctx.Done():
			p.stop()
			return fmt.Errorf("pgbouncer was not ready in time: %w", ctx.Err())
		case <-time.After(5 * time.Millisecond):
		}
	}
}

// URL is the connection string for a role and a database.
func (p *Pooler) URL(role, database string) string {
	where := url.Values{"host": {p.dir}, "port": {strconv.Itoa(poolerPort)}}
	return (&url.URL{Scheme: "postgres", User: url.User(role), Path: "/" + database, RawQuery: where.Encode()}).String()
}

// Stop ends it at once, with all connections, and waits.
func (p *Pooler) Stop() {
	p.stop()
	<-p.exited
	_ = os.RemoveAll(p.dir)
}
