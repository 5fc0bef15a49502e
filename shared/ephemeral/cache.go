package ephemeral

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"time"

	"cloud.google.com/go/firestore"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// Cache keeps values that any instance can make again, such as another company's answer.
type Cache struct {
	store *Store
	name  string
	life  time.Duration
}

// Cache makes one; name keeps its keys apart from another's, and life is how long its callers count a value as fresh.
func (s *Store) Cache(name string, life time.Duration) *Cache { return &Cache{s, name, life} }

// staleLimit is how long a value is there after its life: it is what there is while it cannot be made again.
const staleLimit = 24 * time.Hour

// maxValue keeps a document below the MiB that Firestore takes, its names and the rest of it included.
const maxValue = 900_000

// cached is a key's document. Firestore removes it some time after ExpireAt, as a throttle's; until then it counts as absent.
type cached struct {
	Value    []byte    `firestore:"value"`
	Made     time.Time `firestore:"made"`
	ExpireAt time.Time `firestore:"expire_at"`
}

// Get returns a key's value and when it was put there, which is up to life and 24 hours ago: whether it is fresh is the caller's to
// say. A nil value when there is none; fault.Unavailable when Firestore does not answer in time.
func (c *Cache) Get(ctx context.Context, key string) (value []byte, made time.Time, err error) {
	ctx, cancel := context.WithTimeout(ctx, callLimit)
	defer cancel()
	client, err := c.store.dial(ctx)
	if err != nil {
		return nil, time.Time{}, err
	}
	snapshot, err := c.doc(client, key).Get(ctx)
	if status.Code(err) == codes.NotFound {
		return nil, time.Time{}, nil
	}
	if err != nil {
		return nil, time.Time{}, unlessOurs(err, "reading a cache")
	}
	var found cached
	if err := snapshot.DataTo(&found); err != nil || !c.store.now().Before(found.ExpireAt) {
		return nil, time.Time{}, unlessOurs(err, "reading a cache")
	}
	return found.Value, found.Made, nil
}

// Put keeps a value under a key, in place of the one that is there. An error when it is longer than 900,000 bytes;
// fault.Unavailable when Firestore does not answer in time.
func (c *Cache) Put(ctx context.Context, key string, value []byte) error {
	if len(value) > maxValue {
		return fmt.Errorf("a value of %d bytes is more than the %d that a cache takes", len(value), maxValue)
	}
	ctx, cancel := context.WithTimeout(ctx, callLimit)
	defer cancel()
	client, err := c.store.dial(ctx)
	if err != nil {
		return err
	}
	made := c.store.now().Truncate(time.Microsecond)
	_, err = c.doc(client, key).Set(ctx, cached{Value: value, Made: made, ExpireAt: made.Add(c.life + staleLimit)})
	return unlessOurs(err, "writing a cache")
}

// doc names a key's document by its digest, as a throttle does.
func (c *Cache) doc(client *firestore.Client, key string) *firestore.DocumentRef {
	sum := sha256.Sum256([]byte(c.name + "\x00" + key))
	return client.Collection("caches").Doc(hex.EncodeToString(sum[:16]))
}
