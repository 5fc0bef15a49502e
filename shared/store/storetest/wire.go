package storetest

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/url"
	"slices"

	"github.com/jackc/pgx/v5/pgconn"
)

// wire stands between a program and Postgres and sees, or changes, what the program says.
type wire struct {
	listener net.Listener
	network  string
	server   string
	said     func(kind byte, body []byte) []byte
}

// tap starts a wire to the database at address, and returns the address that leads there past it. said gets the type and the body of
// each message and returns the body to send on; it is called from several goroutines.
func tap(address string, said func(kind byte, body []byte) []byte) (*wire, string, error) {
	to, err := pgconn.ParseConfig(address)
	if err != nil {
		return nil, "", err
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, "", err
	}
	w := &wire{listener: l, said: said}
	w.network, w.server = pgconn.NetworkAddress(to.Host, to.Port)
	go w.accept()
	past := &url.URL{
		Scheme: "postgres", User: url.UserPassword(to.User, to.Password), Host: l.Addr().String(), Path: "/" + to.Database,
		RawQuery: url.Values{"sslmode": {"disable"}}.Encode(),
	}
	return w, past.String(), nil
}

// Close stops taking connections.
func (w *wire) Close() error { return w.listener.Close() }

func (w *wire) accept() {
	for {
		client, err := w.listener.Accept()
		if err != nil {
			return
		}
		server, err := net.Dial(w.network, w.server)
		if err != nil {
			_ = client.Close()
			continue
		}
		go func() {
			_, _ = io.Copy(client, server)
			_ = client.Close()
		}()
		go func() {
			_ = w.forward(server, client)
			_ = server.Close()
		}()
	}
}

// forward passes messages on as they come. The first has no type, only a length; each other has both.
func (w *wire) forward(server io.Writer, client io.Reader) error {
	header := make([]byte, 5)
	for first := true; ; first = false {
		h := header
		if first {
			h = header[:4]
		}
		if _, err := io.ReadFull(client, h); err != nil {
			return err
		}
		length := h[len(h)-4:]
		size := int64(binary.BigEndian.Uint32(length)) - 4
		if size < 0 || size > 1<<30 {
			return fmt.Errorf("a message of %d bytes", size)
		}
		body := make([]byte, size)
		if _, err := io.ReadFull(client, body); err != nil {
			return err
		}
		if !first {
			body = w.said(h[0], body)
			binary.BigEndian.PutUint32(length, uint32(len(body)+4))
		}
		if _, err := server.Write(append(bytes.Clone(h), body...)); err != nil {
			return err
		}
	}
}

// rewriteStatements is a tap's said that changes the text of each statement.
func rewriteStatements(change func(sql string) string) func(kind byte, body []byte) []byte {
	return func(kind byte, body []byte) []byte {
		if kind != 'P' { // Parse: name, statement, parameter types
			return body
		}
		name, rest, _ := bytes.Cut(body, []byte{0})
		sql, types, ended := bytes.Cut(rest, []byte{0})
		if !ended {
			return body
		}
		return slices.Concat(name, []byte{0}, []byte(change(string(sql))), []byte{0}, types)
	}
}

// Rewrite changes the text of each statement that a program prepares at address, and returns the address that leads there past the
// change. Close ends it.
func Rewrite(address string, change func(sql string) string) (io.Closer, string, error) {
	return tap(address, rewriteStatements(change))
}
