package httpx

import (
	"bytes"
	"encoding/json"
	"reflect"

	"github.com/danielgtaylor/huma/v2"
)

// Field is a field of a change: one that is not sent stays as it is, null clears it.
type Field[T any] struct {
	Sent  bool
	Value T // the zero value for null
}

// UnmarshalJSON is called for a field that was sent.
func (f *Field[T]) UnmarshalJSON(b []byte) error {
	f.Sent = true
	if bytes.Equal(b, []byte("null")) {
		return nil
	}
	return json.Unmarshal(b, &f.Value)
}

// Schema is that of T, or null.
func (f Field[T]) Schema(r huma.Registry) *huma.Schema {
	s := *huma.SchemaFromType(r, reflect.TypeFor[T]())
	s.Nullable = true
	return &s
}

// Change is nil for a field that stays, and points at what it becomes: the zero value clears it.
func (f Field[T]) Change() *T {
	if !f.Sent {
		return nil
	}
	return &f.Value
}
