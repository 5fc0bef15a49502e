package jackrabbit

import (
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/chattercheatah/chattercheatah/shared/fault"
)

// silent is a connection on which nobody answers.
type silent struct{}

func (silent) RoundTrip(r *http.Request) (*http.Response, error) {
	<-r.Context().Done()
	return nil, r.Context().Err()
}

func TestOpenings_WaitsNoLongerThanALiveCallCan(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := NewClient("")
		c.http.Transport = silent{}
		began := time.Now()
		_, err := c.Openings(t.Context(), "545911")
		if waited := time.Since(began); waited != 4*time.Second || fault.KindOf(err) != fault.Unavailable {
			t.Errorf("after %v: %v; want unavailable after 4 s", waited, err)
		}
	})
}
