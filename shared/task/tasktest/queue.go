package tasktest

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"net/url"
	"regexp"
	"strings"
	"time"

	taskspb "cloud.google.com/go/cloudtasks/apiv2/cloudtaskspb"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/emptypb"
	"google.golang.org/protobuf/types/known/timestamppb"
)

// Limits of the real service (docs: Cloud Tasks quotas).
const (
	maxTaskBytes = 100 << 10
	maxURLBytes  = 2083
	maxAhead     = 30 * 24 * time.Hour
	minDeadline  = 15 * time.Second
	maxDeadline  = 30 * time.Minute
)

var taskID = regexp.MustCompile(`^[A-Za-z0-9_-]{1,500}$`)

// CreateTask takes a task as the real service does, and refuses what it would refuse.
func (s *Server) CreateTask(_ context.Context, in *taskspb.CreateTaskRequest) (*taskspb.Task, error) {
	if code := codes.Code(s.refusing.Load()); code != codes.OK {
		return nil, status.Error(code, "The stand-in was told to refuse.")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.queues[in.GetParent()] {
		return nil, status.Error(codes.NotFound, "Requested entity was not found: queue does not exist.")
	}
	task := proto.Clone(in.GetTask()).(*taskspb.Task)
	if err := s.check(in.GetParent(), task); err != nil {
		return nil, err
	}
	if s.tasks[task.GetName()] != nil {
		return nil, status.Error(codes.AlreadyExists, "Requested entity already exists")
	}
	e := &entry{task: task, due: s.now(), deleted: make(chan struct{})}
	if at := task.GetScheduleTime(); at != nil && at.AsTime().After(e.due) {
		e.due = at.AsTime()
	}
	task.CreateTime, task.ScheduleTime = timestamppb.New(s.now()), timestamppb.New(e.due)
	s.tasks[task.GetName()] = e
	s.order = append(s.order, e)
	s.running.Add(1)
	go s.work(e)
	s.notify()
	return task, nil
}

// check refuses a malformed task, and names one that has no name.
func (s *Server) check(queue string, t *taskspb.Task) error {
	call := t.GetHttpRequest()
	if t.GetName() == "" {
		b := make([]byte, 10)
		_, _ = rand.Read(b)
		t.Name = queue + "/tasks/" + hex.EncodeToString(b)
	}
	id, inQueue := strings.CutPrefix(t.GetName(), queue+"/tasks/")
	target, err := url.Parse(call.GetUrl())
	deadline := t.GetDispatchDeadline()
	switch {
	case !inQueue || !taskID.MatchString(id):
		return invalid("task.name")
	case call == nil:
		return invalid("task.http_request")
	case err != nil || target.Scheme != "http" && target.Scheme != "https" || target.Host == "" || len(call.GetUrl()) > maxURLBytes:
		return invalid("task.http_request.url")
	case call.GetHttpMethod() != taskspb.HttpMethod_POST:
		return invalid("task.http_request.http_method")
	case proto.Size(t) > maxTaskBytes:
		return invalid("task: larger than 100 KB")
	case call.GetOidcToken().GetServiceAccountEmail() == "":
		return invalid("task.http_request.oidc_token.service_account_email")
	case t.GetScheduleTime() != nil && t.GetScheduleTime().AsTime().After(s.now().Add(maxAhead)):
		return invalid("task.schedule_time")
	case deadline != nil && (deadline.AsDuration() < minDeadline || deadline.AsDuration() > maxDeadline):
		return invalid("task.dispatch_deadline")
	}
	return nil
}

func invalid(field string) error {
	return status.Error(codes.InvalidArgument, "Request contains an invalid argument: "+field)
}

// GetTask finds a task that is not done.
func (s *Server) GetTask(_ context.Context, in *taskspb.GetTaskRequest) (*taskspb.Task, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	e := s.tasks[in.GetName()]
	if e == nil || e.state == done {
		return nil, status.Error(codes.NotFound, "Requested entity was not found.")
	}
	return proto.Clone(e.task).(*taskspb.Task), nil
}

// DeleteTask ends a task that waits. Its name stays taken.
func (s *Server) DeleteTask(_ context.Context, in *taskspb.DeleteTaskRequest) (*emptypb.Empty, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	e := s.tasks[in.GetName()]
	if e == nil || e.state == done {
		return nil, status.Error(codes.NotFound, "Requested entity was not found.")
	}
	e.state = done
	close(e.deleted)
	s.notify()
	return &emptypb.Empty{}, nil
}
