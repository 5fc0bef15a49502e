package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/chattercheatah/chattercheatah/shared/boot"
)

// process is a running program that serves HTTP on this machine.
type process struct {
	url     string
	log     string // file
	command *exec.Cmd
}

// startLimit bounds the time to the first answer.
const startLimit = 30 * time.Second

// start runs a program as a deployment would, with env and a PORT, and returns when it answers. Its log goes to a file, which
// Cloud Run reads too.
func start(ctx context.Context, program string, env boot.Environment) (*process, error) {
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	return startAt(ctx, port, program, env)
}

func startAt(ctx context.Context, port, program string, env boot.Environment) (*process, error) {
	log, err := os.Create(program + "." + port + ".log")
	if err != nil {
		return nil, err
	}
	defer func() { _ = log.Close() }()
	p := &process{url: "http://127.0.0.1:" + port, log: log.Name(), command: exec.CommandContext(ctx, program)}
	p.command.Env = []string{"PORT=" + port}
	for name, value := range env {
		p.command.Env = append(p.command.Env, name+"="+value)
	}
	p.command.Stdout, p.command.Stderr = log, log
	p.command.Cancel = func() error { return p.command.Process.Signal(syscall.SIGTERM) }
	if err := p.command.Start(); err != nil {
		return nil, err
	}
	if err := p.awaitAnswer(ctx); err != nil {
		p.stop()
		said, _ := os.ReadFile(log.Name())
		return nil, fmt.Errorf("%s: %w\n%s", program, err, said)
	}
	return p, nil
}

func (p *process) awaitAnswer(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, startLimit)
	defer cancel()
	for ctx.Err() == nil {
		if p.answers(ctx) {
			return nil
		}
		time.Sleep(200 * time.Microsecond)
	}
	return errors.New("it did not start listening")
}

func (p *process) answers(ctx context.Context) bool {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, p.url+"/health", nil)
	if err != nil {
		return false
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return false
	}
	return response.Body.Close() == nil && response.StatusCode == http.StatusOK
}

// stop ends the program and waits for it.
func (p *process) stop() {
	_ = p.command.Process.Signal(syscall.SIGTERM)
	_ = p.command.Wait()
}

// logged is how much it has written to its log so far, in bytes.
func (p *process) logged() int64 {
	info, err := os.Stat(p.log)
	if err != nil {
		return 0
	}
	return info.Size()
}

// peakMemory is the most that the program has held in memory so far, in bytes.
func (p *process) peakMemory() int64 { return p.status("VmHWM:") }

func (p *process) status(field string) int64 {
	content, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.command.Process.Pid))
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(content)) {
		if value, ok := strings.CutPrefix(line, field); ok {
			kB, _ := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(value), " kB"), 10, 64)
			return kB << 10
		}
	}
	return 0
}

// cpuTime is the processor time that the program has used.
func (p *process) cpuTime() time.Duration { return cpuOf(p.command.Process.Pid, false) }

// cpuOf reads a process's processor time from the system, of its ended children too when asked.
func cpuOf(pid int, children bool) time.Duration {
	content, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0
	}
	_, rest, _ := strings.Cut(string(content), ") ")
	fields := strings.Fields(rest)
	if len(fields) < 15 {
		return 0
	}
	last := 13 // utime and stime are fields 14 and 15 of the whole line
	if children {
		last = 15
	}
	ticks := int64(0)
	for _, f := range fields[11:last] {
		n, _ := strconv.ParseInt(f, 10, 64)
		ticks += n
	}
	return time.Duration(ticks) * 10 * time.Millisecond // USER_HZ is 100
}

func freePort() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	_, port, err := net.SplitHostPort(l.Addr().String())
	return port, errors.Join(err, l.Close())
}
