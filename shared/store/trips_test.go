package store_test

import (
	"context"
	"testing"

	"github.com/chattercheatah/chattercheatah/shared/store"
	"github.com/chattercheatah/chattercheatah/shared/store/storetest"
	"github.com/chattercheatah/chattercheatah/shared/tenant"
)

// oneRoundTrip holds what a method's comment promises: it is one round trip, once its statements have been described to the connection.
// The isolation test, which has made rows for each method, calls it.
func oneRoundTrip(t *testing.T, db *storetest.DB, at target, reach func(context.Context, *store.Tenant, target) (any, error)) {
	t.Helper()
	s, trips := db.Counted(t)
	own := s.For(tenant.ByCommand(1042))
	_, _ = reach(t.Context(), own, at) // describes
	before := trips.N()
	_, _ = reach(t.Context(), own, at)
	if n := trips.N() - before; n != 1 {
		t.Errorf("%d round trips", n)
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
