package reply

import (
	"time"

	"github.com/chattercheatah/chattercheatah/shared/crash"
)

// TenantShare is how many replies of one tenant are worked on at a time, over all instances: as many as one instance takes.
// A tenant with more to answer waits for itself and for nobody else.
const TenantShare = 40

// crowd is from how many overdue replies on a tenant's next has no task of its own: its tasks would only stand in the queue that
// all share, to find that the tenant has its share at work.
const crowd = TenantShare / 4

// How long things may take. A claim outlives the slowest composing (the model's 45 seconds) and a flight the slowest send,
// so that a lease which ran out means a worker that died.
var (
	composeTimeout = 45 * time.Second
	sendTimeout    = 15 * time.Second
	claimLease     = crash.Quick(90 * time.Second)
	flightLease    = crash.Quick(30 * time.Second)

	callEvery = crash.Quick(time.Second)      // how often a crowded tenant is called at most, besides by who finishes a reply
	callWait  = crash.Quick(30 * time.Second) // before it is called again in case nobody is left to finish one

	busyWait    = crash.Quick(3 * time.Second)  // before asking again whether the conversation is free; all that ask ask together
	backOffUnit = crash.Quick(10 * time.Second) // times the square of the attempts
	maxAttempts = 6

	firstLook      = crash.Quick(15 * time.Second) // after an answer was lost
	believeAbsence = crash.Quick(3 * time.Minute)  // the provider's record has shown by then what it has
	longestLook    = 30 * time.Minute              // between two looks: soon at first, then ever more seldom
	lookFor        = 24 * time.Hour                // then it rests with people

	sweepAfter  = crash.Quick(20 * time.Second) // an on-time task has begun by then
	sweepAtMost = 1000
	sweepOfEach = 100 // tenant
)

// notBefore is the first moment from t on that is a whole multiple of every. A task that is put for it by many has one name.
func notBefore(t time.Time, every time.Duration) time.Time {
	return t.Add(every - 1).Truncate(every)
}
