package httpx

import (
	"encoding/base64"
	"encoding/json"

	"github.com/chattercheatah/chattercheatah/shared/fault"
)

// PageInput is what every list takes; embed it in the list's input.
type PageInput struct {
	Cursor string `query:"cursor" maxLength:"500" doc:"next_cursor of the page before; leave it out for the first"`
	Limit  int    `query:"limit" minimum:"1" maximum:"100" default:"50" doc:"how many to answer with at most"`
}

// After reads the place where the page before ended into place, which stays as it is for the first page. fault.Invalid for a cursor
// that none of our answers holds.
func (p PageInput) After(place any) error {
	if p.Cursor == "" {
		return nil
	}
	text, err := base64.RawURLEncoding.DecodeString(p.Cursor)
	if err == nil {
		err = json.Unmarshal(text, place)
	}
	if err != nil {
		return fault.New(fault.Invalid, "the cursor is not one of ours; send next_cursor as it was answered, or leave it out")
	}
	return nil
}

// Page is what every list answers with.
type Page[T any] struct {
	Items      []T     `json:"items"`
	NextCursor *string `json:"next_cursor" doc:"null when this is the last page"`
}

// NewPage shows found, of which one more than limit was asked for, so that it is known whether more follow. placeOf is where a page
// ends that ends with an element: what After will read.
func NewPage[R, T any](found []R, limit int, show func(R) T, placeOf func(R) any) Page[T] {
	page := Page[T]{Items: make([]T, 0, min(len(found), limit))}
	for _, r := range found[:min(len(found), limit)] {
		page.Items = append(page.Items, show(r))
	}
	if len(found) > limit {
		text, err := json.Marshal(placeOf(found[limit-1]))
		if err != nil {
			panic("httpx: a place in a list cannot be written as JSON")
		}
		cursor := base64.RawURLEncoding.EncodeToString(text)
		page.NextCursor = &cursor
	}
	return page
}
