package storetest

import (
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/url"
	"sync/atomic"

	"github.com/jackc/pgx/v5/pgconn"
)

// Trips stands between a program and Postgres and counts round trips: how often the program has sent all that it has to say
// and waits. In the wire protocol that is each Sync and each simple Query.
type Trips struct {
	listener net.Listener
	network  string
	server   string
	n        atomic.Int64
}

// CountTrips starts counting for the database at address, and returns the address that leads there past the counter.
func CountTrips(address string) (*Trips, string, error) {
	to, err := pgconn.ParseConfig(address)
	if err != nil {
		return nil, "", err
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, "", err
	}
	t := &Trips{listener: l}
	t.network, t.server = pgconn.NetworkAddress(to.Host, to.Port)
	go t.accept()
	past := &url.URL{
		Scheme: "postgres", User: url.UserPassword(to.User, to.Password), Host: l.Addr().String(), Path: "/" + to.Database,
		RawQuery: url.Values{"sslmode": {"disable"}}.Encode(),
	}
	return t, past.String(), nil
}

// N is the number of round trips so far.
func (t *Trips) N() int64 { return t.n.Load() }

// Close stops taking connections.
func (t *Trips) Close() error { return t.listener.Close() }

func (t *Trips) accept() {
	for {
		client, err := t.listener.Accept()
		if err != nil {
			return
		}
		server, err := net.Dial(t.network, t.server)
		if err != nil {
			_ = client.Close()
			continue
		}
		go func() {
			_, _ = io.Copy(client, server)
			_ = client.Close()
		}()
		go func() {
			_ = t.forward(server, client)
			_ = server.Close()
		}()
	}
}

// forward passes messages on as they come. The first has no type, only a length; each other has both.
func (t *Trips) forward(server io.Writer, client io.Reader) error {
	header := make([]byte, 5)
	for first := true; ; first = false {
		h := header
		if first {
			h = header[:4]
		}
		if _, err := io.ReadFull(client, h); err != nil {
			return err
		}
		rest := int64(binary.BigEndian.Uint32(h[len(h)-4:])) - 4
		if rest < 0 {
			return fmt.Errorf("a message of %d bytes", rest)
		}
		if !first && (h[0] == 'S' || h[0] == 'Q') {
			t.n.Add(1)
		}
		if _, err := server.Write(h); err != nil {
			return err
		}
		if _, err := io.CopyN(server, client, rest); err != nil {
			return err
		}
	}
}
