package store_test

import (
	"testing"

	"github.com/chattercheatah/chattercheatah/shared/store/storetest"
	"github.com/chattercheatah/chattercheatah/shared/tenant"
)

// TestRoundTrips_OneForEachMethod holds what the methods' comments promise: each is one round trip, once its statements have
// been described to the connection.
func TestRoundTrips_OneForEachMethod(t *testing.T) {
	t.Parallel()
	for name, reach := range reaches {
		if touchesNothing[name] {
			continue
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			db := storetest.New(t)
			at := someoneElses(t, db)
			s, trips := db.Counted(t)
			tenant := s.For(tenant.ByCommand(1042))
			_, _ = reach(t.Context(), tenant, at) // describes
			before := trips.N()
			_, _ = reach(t.Context(), tenant, at)
			if n := trips.N() - before; n != 1 {
				t.Errorf("%d round trips", n)
			}
		})
	}
}

func TestRoundTrips_RoutingANumberIsOne(t *testing.T) {
	t.Parallel()
	db := storetest.New(t)
	s, trips := db.Counted(t)
	if _, err := s.SMSRoute(t.Context(), db.SwimSchoolPhone); err != nil {
		t.Fatal(err)
	}
	before := trips.N()
	if _, err := s.SMSRoute(t.Context(), db.SwimSchoolPhone); err != nil {
		t.Fatal(err)
	}
	if n := trips.N() - before; n != 1 {
		t.Errorf("%d round trips", n)
	}
}
