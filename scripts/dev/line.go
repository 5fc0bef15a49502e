package main

import (
	"net"
	"sync"
)

// line is the way to a server. While it is held nothing comes through in either direction and nothing breaks off, as when the server's machine
// stands still or a network swallows what is sent.
type line struct {
	listener net.Listener

	mu          sync.Mutex
	network, to string
	open        chan struct{} // closed unless the line is held
}

// startLine makes a line to the server at a network address, such as "unix" and "/tmp/socket".
func startLine(network, to string) (*line, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	l := &line{listener: listener, network: network, to: to, open: make(chan struct{})}
	close(l.open)
	go l.serve()
	return l, nil
}

// addr is where the line begins, host:port.
func (l *line) addr() string { return l.listener.Addr().String() }

// lead has what connects from now on reach another server.
func (l *line) lead(to string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.to = to
}

func (l *line) hold() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.open = make(chan struct{})
}

func (l *line) release() {
	l.mu.Lock()
	defer l.mu.Unlock()
	close(l.open)
}

// stop takes no more connections. Those that there are end with either of their ends.
func (l *line) stop() { _ = l.listener.Close() }

// target waits until something may come through, and says where to.
func (l *line) target() (network, to string) {
	l.mu.Lock()
	network, to, open := l.network, l.to, l.open
	l.mu.Unlock()
	<-open
	return network, to
}

func (l *line) serve() {
	for {
		caller, err := l.listener.Accept()
		if err != nil {
			return
		}
		go l.connect(caller)
	}
}

func (l *line) connect(caller net.Conn) {
	network, to := l.target()
	server, err := net.Dial(network, to)
	if err != nil {
		_ = caller.Close()
		return
	}
	go l.carry(server, caller)
	l.carry(caller, server)
}

// carry takes what one end sends to the other, until either has hung up.
func (l *line) carry(to, from net.Conn) {
	defer func() { _, _ = to.Close(), from.Close() }()
	buffer := make([]byte, 32<<10)
	for {
		n, err := from.Read(buffer)
		l.target()
		if n > 0 {
			if _, err := to.Write(buffer[:n]); err != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}
