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

	"github.com/chattercheatah/chattercheatah/shared/fault"
)

// Once keeps values that are handed out one time, such as what a browser is to come back with.
type Once struct {
	store *Store
	name  string
	life  time.Duration
}

// Once makes one; name keeps its keys apart from another's, and life is how long a value waits to be taken.
func (s *Store) Once(name string, life time.Duration) *Once { return &Once{s, name, life} }

// waiting is a key's document. Firestore removes it some time after ExpireAt, as a throttle's; until then it counts as absent.
type waiting struct {
	Value    []byte    `firestore:"value"`
	ExpireAt time.Time `firestore:"expire_at"`
}

// Put keeps a value under a key, in place of one that is there. An error when it is longer than 900,000 bytes; fault.Unavailable when
// Firestore does not answer in time.
func (o *Once) Put(ctx context.Context, key string, value []byte) error {
	if len(value) > maxValue {
		return fmt.Errorf("a value of %d bytes is more than the %d that are kept for once", len(value), maxValue)
	}
	ctx, cancel := context.WithTimeout(ctx, callLimit)
	defer cancel()
	client, err := o.store.dial(ctx)
	if err != nil {
		return err
	}
	_, err = o.doc(client, key).Set(ctx, waiting{Value: value, ExpireAt: o.store.now().Add(o.life).Truncate(time.Microsecond)})
	return unlessOurs(err, "keeping a value for once")
}

// Take hands a key's value out and forgets it; of those who ask at the same moment one has it. fault.NotFound when there is none: never
// put, taken already, or expired. fault.Unavailable when Firestore does not answer in time; the value may be gone then.
func (o *Once) Take(ctx context.Context, key string) (value []byte, err error) {
	ctx, cancel := context.WithTimeout(ctx, callLimit)
	defer cancel()
	client, err := o.store.dial(ctx)
	if err != nil {
		return nil, err
	}
	doc := o.doc(client, key)
	var found waiting
	err = client.RunTransaction(ctx, func(_ context.Context, tx *firestore.Transaction) error {
		found = waiting{}
		snapshot, err := tx.Get(doc)
		if status.Code(err) == codes.NotFound {
			return fault.New(fault.NotFound, "")
		}
		if err != nil {
			return err
		}
		if err := snapshot.DataTo(&found); err != nil {
			return err
		}
		return tx.Delete(doc)
	})
	if err != nil {
		return nil, unlessOurs(err, "taking a value that is kept for once")
	}
	if !o.store.now().Before(found.ExpireAt) {
		return nil, fault.New(fault.NotFound, "")
	}
	return found.Value, nil
}

// doc names a key's document by its digest, as a throttle does: whoever may list documents learns no key.
func (o *Once) doc(client *firestore.Client, key string) *firestore.DocumentRef {
	sum := sha256.Sum256([]byte(o.name + "\x00" + key))
	return client.Collection("onces").Doc(hex.EncodeToString(sum[:]))
}
