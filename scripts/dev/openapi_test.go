package main

import (
	"os"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/pb33f/libopenapi"
	"github.com/pb33f/libopenapi-validator/schema_validation"

	"github.com/chattercheatah/chattercheatah/shared/boot"
	"github.com/chattercheatah/chattercheatah/shared/httpx"
)

// describe is the description of the whole API, from the route tables.
func describe(t *testing.T) []byte {
	t.Helper()
	var routes []httpx.Route
	for _, f := range boot.Functions() {
		routes = append(routes, tables[f.Entry]...)
	}
	text, err := httpx.Describe(routes...)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func TestOpenAPI_IsWhatTheRouteTablesSay(t *testing.T) {
	t.Parallel()
	got := describe(t)
	const served = "../../shared/httpx/openapi.json"
	if *update {
		if err := os.WriteFile(served, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(served)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("the routes are not what the functions describe; run make routes (-described +routes):\n%s", diff)
	}
}

func TestOpenAPI_IsValid(t *testing.T) {
	t.Parallel()
	document, err := libopenapi.NewDocument(describe(t))
	if err != nil {
		t.Fatal(err)
	}
	if _, problems := schema_validation.ValidateOpenAPIDocument(document); len(problems) > 0 {
		for _, p := range problems {
			t.Errorf("%s: %s %v", p.Message, p.Reason, p.SchemaValidationErrors)
		}
	}
}

// TestOpenAPI_EveryRouteSaysWhoMayCallIt holds what the validator does not ask for.
func TestOpenAPI_EveryRouteSaysWhoMayCallIt(t *testing.T) {
	t.Parallel()
	for _, op := range operations(t) {
		if len(op.Security) == 0 || op.OperationID == "" {
			t.Errorf("%s %s has no security or no id", op.method, op.path)
		}
	}
	var ids []string
	for _, op := range operations(t) {
		ids = append(ids, op.OperationID)
	}
	if all := len(ids); len(slices.Compact(slices.Sorted(slices.Values(ids)))) != all {
		t.Error("two operations have one id")
	}
}
