package tasktest

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"path"
	"strconv"
	"time"

	taskspb "cloud.google.com/go/cloudtasks/apiv2/cloudtaskspb"
)

// progress is where a task stands.
type progress int

const (
	waiting progress = iota
	calling
	done
)

// entry is a task and what has been done about it.
type entry struct {
	task     *taskspb.Task
	state    progress
	deleted  chan struct{} // closed by DeleteTask
	due      time.Time
	attempts int // calls made
	answered int // calls that got an answer other than 5xx
	last     int // status of the last answer; 0 for none
}

// Task is a snapshot of one task.
type Task struct {
	Name     string // the short one
	URL      string
	Body     []byte
	Due      time.Time
	Done     bool
	Attempts int
	Status   int // of the last answer; 0 for none
}

// Tasks lists all tasks, the done ones too, in the order in which they were put.
func (s *Server) Tasks() []Task {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := make([]Task, 0, len(s.order))
	for _, e := range s.order {
		call := e.task.GetHttpRequest()
		all = append(all, Task{path.Base(e.task.GetName()), call.GetUrl(), call.GetBody(), e.due, e.state == done, e.attempts, e.last})
	}
	return all
}

// work brings one task to its end: it waits until the task is due, calls, and repeats what did not succeed.
func (s *Server) work(e *entry) {
	defer s.running.Done()
	backoff := s.options.MinBackoff
	for s.awaitDue(e) {
		status := s.call(e)
		s.mu.Lock()
		e.last = status
		if status >= 200 && status < 300 {
			e.state = done
			s.notify()
			s.mu.Unlock()
			return
		}
		e.state, e.due = waiting, s.now().Add(backoff)
		backoff = min(2*backoff, s.options.MaxBackoff)
		s.notify()
		s.mu.Unlock()
	}
}

// awaitDue waits for the task's time and for a free slot; false when the server stops or the task was deleted.
func (s *Server) awaitDue(e *entry) bool {
	for {
		s.mu.Lock()
		wait, moved := e.due.Sub(s.now()), s.moved
		s.mu.Unlock()
		if wait <= 0 {
			break
		}
		var timer <-chan time.Time
		if !s.options.Manual {
			timer = time.After(wait)
		}
		select {
		case <-timer:
		case <-moved:
		case <-e.deleted:
			return false
		case <-s.ctx.Done():
			return false
		}
	}
	select {
	case s.slots <- struct{}{}:
	case <-e.deleted:
		return false
	case <-s.ctx.Done():
		return false
	}
	if s.pace.Wait(s.ctx) != nil {
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if e.state == done { // deleted meanwhile
		<-s.slots
		return false
	}
	e.state = calling
	return true
}

// call makes one attempt and returns the status, 0 when there was no answer.
func (s *Server) call(e *entry) int {
	defer func() { <-s.slots }()
	deadline := 10 * time.Minute
	if d := e.task.GetDispatchDeadline(); d != nil {
		deadline = d.AsDuration()
	}
	ctx, cancel := context.WithTimeout(s.ctx, deadline)
	defer cancel()
	oidc := e.task.GetHttpRequest().GetOidcToken()
	token := s.callerToken(oidc.GetAudience(), oidc.GetServiceAccountEmail())
	s.mu.Lock()
	r, err := s.request(ctx, e, token)
	e.attempts++
	s.mu.Unlock()
	if err != nil {
		return 0
	}
	status := s.send(r)
	if status > 0 && status < 500 {
		s.mu.Lock()
		e.answered++
		s.mu.Unlock()
	}
	return status
}

func (s *Server) request(ctx context.Context, e *entry, token string) (*http.Request, error) {
	call := e.task.GetHttpRequest()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, call.GetUrl(), bytes.NewReader(call.GetBody()))
	if err != nil {
		return nil, err
	}
	for name, value := range call.GetHeaders() {
		r.Header.Set(name, value)
	}
	name := e.task.GetName()
	r.Header.Set("User-Agent", "Google-Cloud-Tasks")
	r.Header.Set("X-CloudTasks-QueueName", path.Base(path.Dir(path.Dir(name))))
	r.Header.Set("X-CloudTasks-TaskName", path.Base(name))
	r.Header.Set("X-CloudTasks-TaskRetryCount", strconv.Itoa(e.attempts))
	r.Header.Set("X-CloudTasks-TaskExecutionCount", strconv.Itoa(e.answered))
	r.Header.Set("X-CloudTasks-TaskETA", fmt.Sprintf("%.6f", float64(e.due.UnixMicro())/1e6))
	if e.attempts > 0 {
		r.Header.Set("X-CloudTasks-TaskPreviousResponse", strconv.Itoa(e.last))
	}
	r.Header.Set("Authorization", "Bearer "+token)
	return r, nil
}

func (s *Server) send(r *http.Request) int {
	response, err := s.client.Do(r)
	if err != nil {
		return 0
	}
	defer func() { _ = response.Body.Close() }()
	if _, err := io.Copy(io.Discard, response.Body); err != nil {
		return 0
	}
	return response.StatusCode
}

// Schedule calls url every interval, one call at a time, as Cloud Scheduler would with a token of account for audience.
func (s *Server) Schedule(every time.Duration, url, audience, account string) {
	s.running.Go(func() {
		ticker := time.NewTicker(every)
		defer ticker.Stop()
		for {
			select {
			case <-ticker.C:
			case <-s.ctx.Done():
				return
			}
			r, err := http.NewRequestWithContext(s.ctx, http.MethodPost, url, nil)
			if err != nil {
				return
			}
			r.Header.Set("User-Agent", "Google-Cloud-Scheduler")
			r.Header.Set("X-CloudScheduler", "true")
			r.Header.Set("X-CloudScheduler-JobName", path.Base(url))
			r.Header.Set("X-CloudScheduler-ScheduleTime", time.Now().UTC().Format(time.RFC3339))
			r.Header.Set("Authorization", "Bearer "+s.callerToken(audience, account))
			s.send(r)
		}
	})
}
