package main

import (
	"context"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os/exec"
	"sync/atomic"
	"syscall"
	"time"
)

// drillWorld is a world whose system stands behind a load balancer.
type drillWorld struct {
	*world
	serving atomic.Pointer[url.URL]
	current revision
	before  revision // still up while it can be gone back to
	died    <-chan error
}

// revision is a process of the system.
type revision struct {
	process *exec.Cmd
	at      *url.URL
	died    <-chan error
}

// limitsSQL gives the log-in of the system, which is the owner's here, the limits of those that log in where it is deployed.
const limitsSQL = `alter role postgres in database postgres set lock_timeout = '1500ms';
	alter role postgres in database postgres set statement_timeout = '10s';
	alter role postgres in database postgres set idle_in_transaction_session_timeout = '10s'`

func startDrillWorld(ctx context.Context, program func() (string, error)) (w *drillWorld, err error) {
	inner, err := startWorld(ctx, program)
	if err != nil {
		return nil, err
	}
	w = &drillWorld{world: inner}
	defer func() {
		if err != nil {
			w.stop()
		}
	}()
	if _, err := w.db.Exec(ctx, limitsSQL); err != nil {
		return w, err
	}
	if err := w.balance(); err != nil {
		return w, err
	}
	return w, w.deploy()
}

// balance serves the system's address with the revision that has the traffic. What a revision breaks off is answered 502, as Google's load balancer
// does.
func (w *drillWorld) balance() error {
	l, err := net.Listen("tcp", "localhost:"+w.env["PORT"])
	if err != nil {
		return err
	}
	balancer := &http.Server{ReadHeaderTimeout: 10 * time.Second, Handler: &httputil.ReverseProxy{
		Rewrite:      func(r *httputil.ProxyRequest) { r.SetURL(w.serving.Load()) },
		ErrorHandler: func(rw http.ResponseWriter, _ *http.Request, _ error) { rw.WriteHeader(http.StatusBadGateway) },
	}}
	w.serving.Store(&url.URL{Scheme: "http", Host: "localhost:1"}) // nobody yet
	go func() { _ = balancer.Serve(l) }()
	w.stops = append(w.stops, func() { _ = balancer.Close() })
	return nil
}

// deploy starts another process of the system and moves the traffic to it once it is ready. The one before it stays up.
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
	at, err := url.Parse(w.listens)
	if err != nil {
		return err
	}
	w.before = w.current
	w.give(revision{w.child, at, died})
	return nil
}

// give moves the traffic to a revision.
func (w *drillWorld) give(to revision) {
	w.current, w.died, w.child = to, to.died, to.process
	w.serving.Store(to.at)
}

// retire asks a revision to end, as Cloud Run does; ended waits until it has, in good order.
func retire(ctx context.Context, r revision) (ended func() error, err error) {
	if err := r.process.Process.Signal(syscall.SIGTERM); err != nil {
		return nil, err
	}
	return func() error {
		select {
		case err := <-r.died:
			return err
		case <-ctx.Done():
			return ctx.Err()
		}
	}, nil
}
