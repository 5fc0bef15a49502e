package emailpubsub

import "io"

// Read decodes a push, for fuzzing.
func Read(body io.Reader) (address string, historyID uint64, id string, err error) {
	n, id, err := read(body)
	return n.EmailAddress, uint64(n.HistoryID), id, err
}
