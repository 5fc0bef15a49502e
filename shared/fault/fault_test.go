package fault_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/chattercheatah/chattercheatah/shared/fault"
)

func TestKindOf_AnUnclassifiedErrorIsInternal(t *testing.T) {
	t.Parallel()
	if got := fault.KindOf(errors.New("boom")); got != fault.Internal {
		t.Errorf("KindOf = %v", got)
	}
	wrapped := fmt.Errorf("saving the settings: %w", fault.New(fault.Conflict, "taken"))
	if got := fault.KindOf(wrapped); got != fault.Conflict {
		t.Errorf("KindOf of a wrapped conflict = %v", got)
	}
	if !strings.Contains(wrapped.Error(), "saving the settings") {
		t.Error("what the function was doing is lost")
	}
}

func TestPublicText_NeverShowsTheCause(t *testing.T) {
	t.Parallel()
	cause := errors.New("password is hunter2")
	for _, kind := range []fault.Kind{fault.Internal, fault.Invalid, fault.Unauthenticated, fault.NotFound, fault.Conflict, fault.Unavailable} {
		for _, public := range []string{"", "say this"} {
			got := fault.PublicText(fmt.Errorf("outer: %w", fault.Wrap(kind, cause, "%s", public)))
			if got == "" || strings.Contains(got, "hunter2") || strings.Contains(got, "outer") {
				t.Errorf("%v %q: public text %q", kind, public, got)
			}
		}
	}
	if !errors.Is(fault.Wrap(fault.Invalid, cause, "say this"), cause) {
		t.Error("the cause is not reachable for the log")
	}
	if fault.Wrap(fault.Invalid, nil, "say this") != nil {
		t.Error("wrapping no error made one")
	}
}
