// Package tasktest is a local Cloud Tasks and Cloud Scheduler: the official client puts tasks on it, and it calls their
// targets with tokens that it signs as Google does, again and again until they answer 2xx. Used by the local server and by
// tests.
package tasktest

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"fmt"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	taskspb "cloud.google.com/go/cloudtasks/apiv2/cloudtaskspb"
	"golang.org/x/time/rate"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
)

// Options is how the stand-in behaves.
type Options struct {
	Queues      []string      // full names of the queues that there are
	Concurrency int           // calls at a time; 100 when 0
	Rate        int           // calls a second; 500, the most of the real service, when 0
	MinBackoff  time.Duration // before the first repeat; 100 ms when 0
	MaxBackoff  time.Duration // between any two; 10 s when 0
	Manual      bool          // nothing scheduled in the future runs before Advance or Drain makes it due
}

// Server is a running stand-in.
type Server struct {
	taskspb.UnimplementedCloudTasksServer

	options Options
	key     *rsa.PrivateKey
	grpc    *grpc.Server
	keys    *http.Server
	addr    string
	issuer  string
	client  *http.Client
	slots   chan struct{}
	pace    *rate.Limiter
	ctx     context.Context
	cancel  context.CancelFunc
	running sync.WaitGroup

	refusing atomic.Uint32 // a codes.Code

	tokenMu sync.Mutex
	tokens  map[caller]issued

	mu      sync.Mutex
	queues  map[string]bool
	tasks   map[string]*entry // by full name; done ones stay, so that their names stay taken
	order   []*entry
	ahead   time.Duration // how far the clock has been moved
	moved   chan struct{} // closed and renewed when it is moved
	changed chan struct{} // closed and renewed when a task moves
}

// Start starts a stand-in on free ports of this machine.
func Start(o Options) (*Server, error) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return nil, fmt.Errorf("making the signing key: %w", err)
	}
	calls, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	keys, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	s := newServer(o, key)
	s.addr, s.issuer = calls.Addr().String(), "http://"+keys.Addr().String()
	taskspb.RegisterCloudTasksServer(s.grpc, s)
	s.keys = &http.Server{Handler: http.HandlerFunc(s.serveKeys), ReadHeaderTimeout: time.Second}
	go func() { _ = s.grpc.Serve(calls) }()
	go func() { _ = s.keys.Serve(keys) }()
	return s, nil
}

func newServer(o Options, key *rsa.PrivateKey) *Server {
	orElse(&o.Concurrency, 100)
	orElse(&o.Rate, 500)
	orElse(&o.MinBackoff, 100*time.Millisecond)
	orElse(&o.MaxBackoff, 10*time.Second)
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.MaxIdleConns, transport.MaxIdleConnsPerHost = 0, o.Concurrency
	s := &Server{
		options: o, key: key, grpc: grpc.NewServer(), client: &http.Client{Transport: transport}, slots: make(chan struct{}, o.Concurrency),
		pace:   rate.NewLimiter(rate.Limit(o.Rate), max(1, o.Rate/5)), // the real service's bursts are a fifth of its rate
		tokens: map[caller]issued{},
		queues: map[string]bool{}, tasks: map[string]*entry{}, moved: make(chan struct{}), changed: make(chan struct{}),
	}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	for _, q := range o.Queues {
		s.queues[q] = true
	}
	return s
}

func orElse[N int | time.Duration](value *N, fallback N) {
	if *value == 0 {
		*value = fallback
	}
}

// New starts a stand-in for a test and stops it at its end.
func New(t testing.TB, o Options) *Server {
	t.Helper()
	s, err := Start(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Stop)
	return s
}

// Stop ends it: running calls are cancelled, and nothing runs after it returns.
func (s *Server) Stop() {
	s.cancel()
	s.grpc.Stop()
	_ = s.keys.Close()
	s.running.Wait()
}

// Refuse has every new task refused with a code, or taken again with codes.OK. What is queued goes on.
func (s *Server) Refuse(code codes.Code) { s.refusing.Store(uint32(code)) }

// Addr is where the official client reaches it, host:port.
func (s *Server) Addr() string { return s.addr }

// Issuer is the iss of its tokens.
func (s *Server) Issuer() string { return s.issuer }

// KeysURL is where its public keys are.
func (s *Server) KeysURL() string { return s.issuer + "/certs" }

// Advance moves the clock forward; what becomes due runs.
func (s *Server) Advance(by time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.advance(by)
}

// advance moves the clock and wakes the tasks that wait for it. The caller holds mu.
func (s *Server) advance(by time.Duration) {
	s.ahead += by
	close(s.moved)
	s.moved = make(chan struct{})
	s.notify()
}

// Drain waits until no task is left or runs. With Manual it moves the clock to each next task in turn.
func (s *Server) Drain(ctx context.Context) error {
	for {
		s.mu.Lock()
		left, next := s.pending()
		if left == 0 {
			s.mu.Unlock()
			return nil
		}
		if s.options.Manual && !next.IsZero() {
			s.advance(max(next.Sub(s.now()), 0)) // a task whose time has come by itself sleeps too
		}
		changed := s.changed
		s.mu.Unlock()
		select {
		case <-changed:
		case <-ctx.Done():
			return fmt.Errorf("%d task(s) left: %w", left, ctx.Err())
		}
	}
}

// pending counts the tasks that are not done, and tells when the next of them runs if none is running now.
func (s *Server) pending() (left int, next time.Time) {
	running := false
	for _, e := range s.order {
		if e.state == done {
			continue
		}
		left++
		running = running || e.state == calling
		if next.IsZero() || e.due.Before(next) {
			next = e.due
		}
	}
	if running {
		next = time.Time{}
	}
	return left, next
}

// now is the stand-in's clock. The caller holds mu.
func (s *Server) now() time.Time { return time.Now().Add(s.ahead) }

// notify wakes whoever waits for a task to move. The caller holds mu.
func (s *Server) notify() {
	close(s.changed)
	s.changed = make(chan struct{})
}
