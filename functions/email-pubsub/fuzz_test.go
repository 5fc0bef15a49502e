package emailpubsub_test

import (
	"encoding/base64"
	"strings"
	"testing"

	emailpubsub "github.com/chattercheatah/chattercheatah/functions/email-pubsub"
)

// FuzzRead holds that reading a push never panics, says of what it cannot read nothing of what it was, and takes a notice for what it says.
func FuzzRead(f *testing.F) {
	for _, body := range shapes() {
		f.Add(body)
	}
	for name, body := range unreadable() {
		if name != "a megabyte" {
			f.Add(body)
		}
	}
	f.Fuzz(func(t *testing.T, body string) {
		address, historyID, id, err := emailpubsub.Read(strings.NewReader(body))
		if len(id) > 64 {
			t.Errorf("an id of %d bytes", len(id))
		}
		switch {
		case err != nil && !knownError(err):
			t.Errorf("the error is %q", err)
		case err == nil && (address == "" || historyID == 0):
			t.Errorf("taken for %q, %d", address, historyID)
		}
		// Whatever stands in the data: an envelope around it is read the same in each alphabet.
		for _, alphabet := range []*base64.Encoding{base64.StdEncoding, base64.RawStdEncoding, base64.URLEncoding, base64.RawURLEncoding} {
			address, historyID, id, err := emailpubsub.Read(strings.NewReader(pushedIn(alphabet, body)))
			if len(pushedIn(alphabet, body)) < 60_000 && id != "m-1" || err != nil && !knownError(err) || err == nil && (address == "" || historyID == 0) {
				t.Errorf("inside: %q, %d, %q, %v", address, historyID, id, err)
			}
		}
	})
}

// knownError reports whether an error is one of the sentences that read has, which hold nothing of what was pushed.
func knownError(err error) bool {
	for _, sentence := range []string{
		"the push is too long", "the push is not the JSON of Pub/Sub", "the data of the push is not base64 of Gmail's JSON", "the data of the push names no mailbox or no history",
	} {
		if err.Error() == sentence {
			return true
		}
	}
	return false
}
