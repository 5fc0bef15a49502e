// Package fault says what kind of thing went wrong and what the outside may learn of it.
//
// An error is classified where the fact is known, wrapped on its way up with what each function was doing, and written
// and logged once, at the edge. Kind decides what the caller is told to do; Public is the only text that leaves the system.
package fault

import (
	"errors"
	"fmt"
)

// Kind is what the caller can do about an error.
type Kind uint8

// The kinds of error. The zero Kind is Internal: an error that nobody classified is ours.
const (
	Internal        Kind = iota // a bug, or a state that should not exist
	Invalid                     // the request is wrong; the public text says how to mend it
	Unauthenticated             // who is calling could not be established
	Forbidden                   // who is calling is known and may not
	NotFound                    // no such thing, or not this tenant's: the two look the same
	Conflict                    // the request is right and the present state refuses it
	TooMany                     // too many attempts; try again later
	Unavailable                 // something that we need did not answer; trying again may help
)

// String is the stable code of the kind, as it appears in answers and logs.
func (k Kind) String() string {
	switch k {
	case Invalid:
		return "invalid"
	case Unauthenticated:
		return "unauthenticated"
	case Forbidden:
		return "forbidden"
	case NotFound:
		return "not_found"
	case Conflict:
		return "conflict"
	case TooMany:
		return "too_many_requests"
	case Unavailable:
		return "unavailable"
	default:
		return "internal"
	}
}

// Error is a classified error.
type Error struct {
	Kind   Kind
	Public string // what the caller may read: what is wrong and what to do; empty means nothing may be said
	Cause  error  // for the log
}

// Error gives the text for the log: the public text, then the cause.
func (e *Error) Error() string {
	switch {
	case e.Cause == nil:
		return e.Public
	case e.Public == "":
		return e.Cause.Error()
	default:
		return e.Public + ": " + e.Cause.Error()
	}
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Cause }

// New makes an error whose text the caller may read.
func New(kind Kind, format string, args ...any) error {
	return &Error{Kind: kind, Public: fmt.Sprintf(format, args...)}
}

// Wrap classifies cause. The public text may be empty; cause is never shown to the caller. A nil cause gives nil.
func Wrap(kind Kind, cause error, format string, args ...any) error {
	if cause == nil {
		return nil
	}
	return &Error{Kind: kind, Public: fmt.Sprintf(format, args...), Cause: cause}
}

// KindOf returns the kind of the outermost classified error in err's chain, Internal when there is none.
func KindOf(err error) Kind {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Kind
	}
	return Internal
}

// PublicText returns what the caller may read of err. Internal and Unavailable say nothing of their cause.
func PublicText(err error) string {
	if e, ok := errors.AsType[*Error](err); ok && e.Public != "" && e.Kind != Internal {
		return e.Public
	}
	switch KindOf(err) {
	case Unavailable:
		return "a service that this depends on did not answer; try again in a moment"
	case NotFound:
		return "there is no such thing"
	default:
		return "something went wrong on our side; quote the request id when you report it"
	}
}
