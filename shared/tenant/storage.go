package tenant

import (
	"regexp"
	"strings"
	"sync"
	"unicode"

	"github.com/chattercheatah/chattercheatah/shared/fault"
)

// bucketName is what Cloud Storage calls a bucket, without the dotted names of verified domains. It is compiled at its first use: that
// takes a millisecond, which every function would wait for at its start.
var bucketName = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[a-z0-9][a-z0-9_-]{1,61}[a-z0-9]$`) })

// maxObject is how long Cloud Storage lets an object's name be, in bytes.
const maxObject = 1024

// StoragePath is the address of a tenant's own object, gs://<bucket>/tenants/<id>/<part>/<part>...; without parts it is the folder
// that all of them are in, and ends in a slash. A part is one name of letters, digits and . _ - + @ = , ( ) ~ ! and spaces within,
// so that no reader of the address, who may unescape it, normalise it or take it for a pattern, finds another tenant's object there.
// fault.Invalid for any other part, and for no bucket; nothing that was given is repeated. The zero Scope has no address.
func (s Scope) StoragePath(bucket string, parts ...string) (string, error) {
	if s.IsZero() {
		return "", fault.New(fault.Internal, "")
	}
	if !bucketName().MatchString(bucket) {
		return "", fault.New(fault.Invalid, "this is no bucket's name")
	}
	for _, part := range parts {
		if !isName(part) {
			return "", fault.New(fault.Invalid, "a part of a storage path is one name of letters, digits and dots, neither . nor .., without slashes")
		}
	}
	object := "tenants/" + s.id.String() + "/" + strings.Join(parts, "/")
	if len(object) > maxObject {
		return "", fault.New(fault.Invalid, "a storage path has at most %d bytes", maxObject)
	}
	return "gs://" + bucket + "/" + object, nil
}

// isName reports whether a part names something within its folder, to whoever reads it.
func isName(part string) bool {
	if strings.Trim(part, ". ") == "" || strings.TrimSpace(part) != part {
		return false
	}
	return !strings.ContainsFunc(part, func(r rune) bool {
		return r == unicode.ReplacementChar || !unicode.IsLetter(r) && !unicode.IsDigit(r) && !strings.ContainsRune("._-+@=,()~! ", r)
	})
}
