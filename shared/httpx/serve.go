package httpx

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"time"
)

// inFlight counts this process's requests.
var inFlight struct {
	sync.Mutex
	n    int
	idle chan struct{} // closed when n returns to 0; nil while nobody waits
}

func enter() (leave func()) {
	inFlight.Lock()
	inFlight.n++
	inFlight.Unlock()
	return func() {
		inFlight.Lock()
		defer inFlight.Unlock()
		inFlight.n--
		if inFlight.n == 0 && inFlight.idle != nil {
			close(inFlight.idle)
			inFlight.idle = nil
		}
	}
}

// WaitIdle waits until no request is running in this process, or ctx ends.
func WaitIdle(ctx context.Context) error {
	inFlight.Lock()
	if inFlight.n == 0 {
		inFlight.Unlock()
		return nil
	}
	if inFlight.idle == nil {
		inFlight.idle = make(chan struct{})
	}
	idle := inFlight.idle
	inFlight.Unlock()
	select {
	case <-idle:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("waiting for requests to end: %w", ctx.Err())
	}
}

// shutdownLimit bounds how long the local server waits for its last requests.
const shutdownLimit = 10 * time.Second

// Serve serves on l until ctx ends, then lets running requests finish. The functions framework does this in deployments.
func Serve(ctx context.Context, l net.Listener, h http.Handler) error {
	server := &http.Server{Handler: h, ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 2 * time.Minute}
	stopped := make(chan error, 1)
	go func() {
		<-ctx.Done()
		limit, cancel := context.WithTimeout(context.Background(), shutdownLimit)
		defer cancel()
		err := server.Shutdown(limit)
		if err != nil {
			err = errors.Join(err, server.Close())
		}
		stopped <- err
	}()
	if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serving: %w", err)
	}
	return <-stopped
}
