package booking

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/chattercheatah/chattercheatah/shared/fault"
	"github.com/chattercheatah/chattercheatah/shared/jackrabbit"
)

// How old a school's list of classes may be.
const (
	freshFor  = 5 * time.Minute // as good as asked now
	usableFor = 24 * time.Hour  // better than nothing, and said to be old
)

// How long a caller on the telephone waits for a list: a voice tool has five seconds.
const (
	renewLimit    = 4500 * time.Millisecond // in all
	cacheLimit    = 500 * time.Millisecond  // for what the instances share
	patienceLimit = 1500 * time.Millisecond // for Jackrabbit, when there is an older list
	restAfter     = 10 * time.Second        // before Jackrabbit is asked again after it failed
)

// Cache shares values between instances: an *ephemeral.Cache. A nil value from Get is none; made is when it was put there.
type Cache interface {
	Get(ctx context.Context, key string) (value []byte, made time.Time, err error)
	Put(ctx context.Context, key string, value []byte) error
}

// Classes finds classes with free places. One serves all tenants of a process at once.
type Classes struct {
	Client *jackrabbit.Client
	Cache  Cache // nil for a process that keeps its lists to itself
	Now    func() time.Time
	Log    *slog.Logger

	mu      sync.Mutex
	schools map[string]*school
}

// school is what this process knows of an organisation.
type school struct {
	newest schedule
	rest   time.Time // until then Jackrabbit is left alone
	asking *question // nil when nobody asks
}

// schedule is an organisation's list as it was at a time. All who ask share the classes: they are read, never changed.
type schedule struct {
	classes []jackrabbit.Class
	made    time.Time
}

func (s schedule) fresh(now time.Time) bool  { return now.Sub(s.made) < freshFor }
func (s schedule) usable(now time.Time) bool { return now.Sub(s.made) <= usableFor }

// question is one that is being asked; what came of it is there when done is closed.
type question struct {
	done   chan struct{}
	result schedule
	err    error
}

// Find finds the classes of an organisation at Jackrabbit that fit f and have a free place. The list is at most 5 minutes old, and
// shared with the other instances; while Jackrabbit does not answer, or has suddenly no class at all, it is up to 24 hours old and the
// answer is Stale. fault.Unavailable when there is no list, fault.Invalid when org is empty: the answer is Unavailable and says so.
func (c *Classes) Find(ctx context.Context, org string, f Filter) (Answer, error) {
	if known(org) == "" {
		return Answer{Unavailable: true}, fault.New(fault.Invalid, "No class schedule is set up for this business.")
	}
	list, err := c.schedule(ctx, org)
	if err != nil {
		return Answer{Unavailable: true}, err
	}
	now := c.Now()
	a := f.answer(list.classes, now)
	a.AsOf, a.Stale, a.age = list.made, !list.fresh(now), now.Sub(list.made)
	return a, nil
}

// schedule is the freshest list that can be had in time. Of those who want one at the same time, one asks for all.
func (c *Classes) schedule(ctx context.Context, org string) (schedule, error) {
	c.mu.Lock()
	s := c.school(org)
	now := c.Now()
	have := s.newest
	if have.fresh(now) || now.Before(s.rest) {
		c.mu.Unlock()
		return have.orError(now, errResting)
	}
	if s.asking == nil {
		s.asking = &question{done: make(chan struct{})}
		go c.ask(context.WithoutCancel(ctx), org, s, s.asking, have)
	}
	q := s.asking
	c.mu.Unlock()
	select {
	case <-q.done:
		return q.result.orError(c.Now(), q.err)
	case <-ctx.Done():
		return have.orError(c.Now(), ctx.Err())
	}
}

// school is called with the lock held.
func (c *Classes) school(org string) *school {
	if c.schools[org] == nil {
		if c.schools == nil {
			c.schools = map[string]*school{}
		}
		c.schools[org] = &school{}
	}
	return c.schools[org]
}

// Why there is no list, besides what Jackrabbit's client says.
var (
	errResting = errors.New("it did not answer a moment ago")
	errNoList  = errors.New("the list is too old")
	errEmptied = errors.New("the list is empty all of a sudden")
)

// orError is the list unless it is too old to be used; then err, or its age, makes it unavailable.
func (s schedule) orError(now time.Time, err error) (schedule, error) {
	if s.usable(now) {
		return s, nil
	}
	if err == nil {
		err = errNoList
	}
	return schedule{}, fault.Wrap(fault.Unavailable, err, "")
}

// ask answers a question. It goes on when the one who asked has hung up: others wait for it, and the next call finds the list.
func (c *Classes) ask(ctx context.Context, org string, s *school, q *question, have schedule) {
	ctx, cancel := context.WithTimeout(ctx, renewLimit)
	defer cancel()
	q.result, q.err = c.renew(ctx, org, have)
	c.mu.Lock()
	s.newest, s.asking = q.result, nil
	if q.err != nil {
		s.rest = c.Now().Add(restAfter)
	}
	c.mu.Unlock()
	close(q.done)
}

// renew is a fresh list, from another instance or from Jackrabbit; with an error it is the newest that there is, perhaps none.
func (c *Classes) renew(ctx context.Context, org string, have schedule) (schedule, error) {
	have = c.recall(ctx, org, have)
	now := c.Now()
	if have.fresh(now) {
		return have, nil
	}
	asking, cancel := context.WithTimeout(ctx, renewLimit)
	if have.usable(now) {
		asking, cancel = context.WithTimeout(ctx, patienceLimit)
	}
	defer cancel()
	classes, err := c.Client.Openings(asking, org)
	if err == nil && len(classes) == 0 && len(have.classes) > 0 && have.usable(now) {
		err = fault.Wrap(fault.Unavailable, errEmptied, "")
	}
	if err != nil {
		c.Log.WarnContext(ctx, "Jackrabbit gave no list of classes", "org", org, "older_list", have.usable(now), "error", err)
		return have, err
	}
	c.share(ctx, org, classes)
	return schedule{classes, c.Now()}, nil
}

// recall is the list that the instances share, unless have is newer.
func (c *Classes) recall(ctx context.Context, org string, have schedule) schedule {
	if c.Cache == nil {
		return have
	}
	ctx, cancel := context.WithTimeout(ctx, cacheLimit)
	defer cancel()
	value, made, err := c.Cache.Get(ctx, org)
	if value == nil || err == nil && !made.After(have.made) {
		c.warn(ctx, "the shared list of classes was not read", org, err)
		return have
	}
	var classes []jackrabbit.Class
	if err := json.Unmarshal(value, &classes); err != nil {
		c.warn(ctx, "the shared list of classes was not read", org, err)
		return have
	}
	return schedule{classes, made}
}

// share lets the other instances have a list. Without it each asks for itself.
func (c *Classes) share(ctx context.Context, org string, classes []jackrabbit.Class) {
	if c.Cache == nil {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, cacheLimit)
	defer cancel()
	value, err := json.Marshal(classes)
	if err == nil {
		err = c.Cache.Put(ctx, org, value)
	}
	c.warn(ctx, "the list of classes was not shared", org, err)
}

func (c *Classes) warn(ctx context.Context, what, org string, err error) {
	if err != nil {
		c.Log.WarnContext(ctx, what, "org", org, "error", err)
	}
}
