// Package ephemeral is short-lived state that all instances of a function share, in Firestore: throttles, caches and values that are handed
// out one time, and nothing that must survive. What must be exact is in Postgres, in the transaction of the work itself.
package ephemeral

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"sync"
	"time"

	"cloud.google.com/go/firestore"
	"google.golang.org/api/option"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"

	"github.com/chattercheatah/chattercheatah/shared/fault"
)

// Config says where Firestore is.
type Config struct {
	Project      string `env:"GOOGLE_CLOUD_PROJECT,required,notEmpty"`
	EmulatorHost string `env:"FIRESTORE_EMULATOR_HOST"` // host:port of a local stand-in
}

// Store reaches Firestore. It dials at the first use.
type Store struct {
	config Config
	now    func() time.Time

	mu     sync.Mutex
	client *firestore.Client
}

// New makes a store; it dials nothing.
func New(c Config, now func() time.Time) *Store { return &Store{config: c, now: now} }

// callLimit bounds every call: the client waits for a server that is not there for much longer than a person does.
const callLimit = 2 * time.Second

func (s *Store) dial(ctx context.Context) (*firestore.Client, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.client != nil {
		return s.client, nil
	}
	var options []option.ClientOption
	if s.config.EmulatorHost != "" {
		options = []option.ClientOption{
			option.WithEndpoint(s.config.EmulatorHost), option.WithoutAuthentication(),
			option.WithGRPCDialOption(grpc.WithTransportCredentials(insecure.NewCredentials())),
		}
	}
	client, err := firestore.NewClient(context.WithoutCancel(ctx), s.config.Project, options...)
	if err != nil {
		return nil, fault.Wrap(fault.Unavailable, fmt.Errorf("dialling Firestore: %w", err), "")
	}
	s.client = client
	return client, nil
}

// Close hangs up.
func (s *Store) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.client == nil {
		return nil
	}
	return s.client.Close()
}

// Throttle lets a number of attempts through in each window of time, for each key.
type Throttle struct {
	store  *Store
	name   string
	limit  int
	window time.Duration
}

// Throttle makes one; name keeps its keys apart from another's.
func (s *Store) Throttle(name string, limit int, window time.Duration) *Throttle {
	return &Throttle{s, name, limit, window}
}

// attempts is a key's document. Firestore removes it some time after ExpireAt (a TTL policy on that field); until then it
// counts as absent.
type attempts struct {
	Count    int       `firestore:"count"`
	ExpireAt time.Time `firestore:"expire_at"`
}

// Take counts an attempt. fault.TooMany, saying when to come back, beyond the limit; fault.Unavailable when Firestore does
// not answer in time.
func (t *Throttle) Take(ctx context.Context, key string) error {
	ctx, cancel := context.WithTimeout(ctx, callLimit)
	defer cancel()
	client, err := t.store.dial(ctx)
	if err != nil {
		return err
	}
	doc := t.doc(client, key)
	err = client.RunTransaction(ctx, func(ctx context.Context, tx *firestore.Transaction) error {
		now := t.store.now()
		seen, err := read(tx, doc, now)
		if err != nil {
			return err
		}
		if seen.Count >= t.limit {
			return fault.New(fault.TooMany, "too many attempts; try again in %d seconds", int(seen.ExpireAt.Sub(now).Seconds())+1)
		}
		if seen.Count == 0 {
			seen.ExpireAt = now.Add(t.window).Truncate(time.Microsecond)
		}
		seen.Count++
		return tx.Set(doc, seen)
	})
	return unlessOurs(err, "counting an attempt")
}

// Reset forgets a key's attempts.
func (t *Throttle) Reset(ctx context.Context, key string) error {
	ctx, cancel := context.WithTimeout(ctx, callLimit)
	defer cancel()
	client, err := t.store.dial(ctx)
	if err != nil {
		return err
	}
	_, err = t.doc(client, key).Delete(ctx)
	return unlessOurs(err, "forgetting attempts")
}

// doc names a key's document by its digest: an address or a number is not written down.
func (t *Throttle) doc(client *firestore.Client, key string) *firestore.DocumentRef {
	sum := sha256.Sum256([]byte(t.name + "\x00" + key))
	return client.Collection("throttles").Doc(hex.EncodeToString(sum[:16]))
}

func read(tx *firestore.Transaction, doc *firestore.DocumentRef, now time.Time) (attempts, error) {
	snapshot, err := tx.Get(doc)
	if status.Code(err) == codes.NotFound {
		return attempts{}, nil
	}
	if err != nil {
		return attempts{}, err
	}
	var seen attempts
	if err := snapshot.DataTo(&seen); err != nil || !now.Before(seen.ExpireAt) {
		return attempts{}, err
	}
	return seen, nil
}

// unlessOurs classifies what Firestore says, and leaves what we said as it is.
func unlessOurs(err error, doing string) error {
	var ours *fault.Error
	if err == nil || errors.As(err, &ours) {
		return err
	}
	return fault.Wrap(fault.Unavailable, fmt.Errorf("%s: %w", doing, err), "")
}
