// Package task puts work on Cloud Tasks and verifies that a caller is Cloud Tasks or Cloud Scheduler. Functions put tasks on
// the queue, their workers verify; nothing else of Google's queue is used.
//
// A task carries ids alone. It runs at least once, perhaps twice at a time: what it names must be idempotent.
package task

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"time"

	cloudtasks "cloud.google.com/go/cloudtasks/apiv2"
	taskspb "cloud.google.com/go/cloudtasks/apiv2/cloudtaskspb"
	"go.opentelemetry.io/otel/propagation"
	"google.golang.org/api/option"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/chattercheatah/chattercheatah/shared/fault"
	"github.com/chattercheatah/chattercheatah/shared/tenant"
)

// Config is where tasks go and as whom they call.
type Config struct {
	Queue          string `env:"CLOUD_TASKS_QUEUE,required,notEmpty"`           // projects/P/locations/L/queues/Q
	WorkerURL      string `env:"CLOUD_TASKS_WORKER_URL,required,notEmpty"`      // the worker's address, without a path
	ServiceAccount string `env:"CLOUD_TASKS_SERVICE_ACCOUNT,required,notEmpty"` // e-mail of the account that tasks call as
	EmulatorHost   string `env:"CLOUD_TASKS_EMULATOR_HOST"`                     // host:port of a local stand-in
}

var queueName = regexp.MustCompile(`^projects/[^/]+/locations/[^/]+/queues/[^/]+$`)

// Validate names each setting that is malformed.
func (c Config) Validate() error {
	var errs []error
	if !queueName.MatchString(c.Queue) {
		errs = append(errs, errors.New("CLOUD_TASKS_QUEUE must be projects/PROJECT/locations/REGION/queues/NAME"))
	}
	if u, err := url.Parse(c.WorkerURL); err != nil || u.Host == "" || strings.Trim(u.Path, "/") != "" {
		errs = append(errs, errors.New("CLOUD_TASKS_WORKER_URL must be an absolute address without a path, such as https://worker.example.test"))
	}
	if !strings.Contains(c.ServiceAccount, "@") {
		errs = append(errs, errors.New("CLOUD_TASKS_SERVICE_ACCOUNT must be the e-mail address of a service account"))
	}
	return errors.Join(errs...)
}

// Task is one piece of work.
type Task struct {
	Name     string        // [A-Za-z0-9_-]{1,500}; a second task of the same name is not made; "" for no name
	Path     string        // of the worker
	Body     any           // sent as JSON; ids only
	At       time.Time     // not before; at once when zero or past
	Deadline time.Duration // how long the worker may take, 15 s to 30 min
}

// Queue puts tasks on Cloud Tasks. It dials when the first task is put.
type Queue struct {
	config Config

	mu     sync.Mutex
	client *cloudtasks.Client
}

// NewQueue makes a queue; it dials nothing.
func NewQueue(c Config) *Queue { return &Queue{config: c} }

// Put queues a task. A task whose name is there already, or was lately, counts as put. fault.Unavailable when Cloud Tasks
// does not take it within ctx.
func (q *Queue) Put(ctx context.Context, t Task) error {
	body, err := json.Marshal(t.Body)
	if err != nil {
		return fmt.Errorf("writing a task for %s: %w", t.Path, err)
	}
	client, err := q.dial(ctx)
	if err != nil {
		return fault.Wrap(fault.Unavailable, err, "")
	}
	_, err = client.CreateTask(ctx, &taskspb.CreateTaskRequest{Parent: q.config.Queue, Task: q.wire(ctx, t, body)})
	if err != nil && status.Code(err) != codes.AlreadyExists {
		return fault.Wrap(fault.Unavailable, fmt.Errorf("putting a task for %s: %w", t.Path, err), "")
	}
	return nil
}

// wire is the task as it is sent. It carries ctx's trace on, so that the log of the work is found with that of its cause.
func (q *Queue) wire(ctx context.Context, t Task, body []byte) *taskspb.Task {
	headers := map[string]string{"Content-Type": "application/json"}
	propagation.TraceContext{}.Inject(ctx, propagation.MapCarrier(headers))
	wire := &taskspb.Task{
		MessageType: &taskspb.Task_HttpRequest{HttpRequest: &taskspb.HttpRequest{
			HttpMethod: taskspb.HttpMethod_POST,
			Url:        strings.TrimSuffix(q.config.WorkerURL, "/") + t.Path,
			Headers:    headers,
			Body:       body,
			AuthorizationHeader: &taskspb.HttpRequest_OidcToken{OidcToken: &taskspb.OidcToken{
				ServiceAccountEmail: q.config.ServiceAccount, Audience: q.config.WorkerURL,
			}},
		}},
	}
	if t.Name != "" {
		wire.Name = q.config.Queue + "/tasks/" + t.Name
	}
	if !t.At.IsZero() {
		wire.ScheduleTime = timestamppb.New(t.At)
	}
	if t.Deadline > 0 {
		wire.DispatchDeadline = durationpb.New(t.Deadline)
	}
	return wire
}

// dial makes the client once. A failure is not kept: the next task tries again.
func (q *Queue) dial(ctx context.Context) (*cloudtasks.Client, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.client != nil {
		return q.client, nil
	}
	options := []option.ClientOption{option.WithTelemetryDisabled()}
	if q.config.EmulatorHost != "" {
		options = append(options,
			option.WithEndpoint(q.config.EmulatorHost), option.WithoutAuthentication(),
			option.WithGRPCDialOption(grpc.WithTransportCredentials(insecure.NewCredentials())),
		)
	}
	client, err := cloudtasks.NewClient(context.WithoutCancel(ctx), options...)
	if err != nil {
		return nil, fmt.Errorf("dialling Cloud Tasks: %w", err)
	}
	q.client = client
	return client, nil
}

// Close hangs up.
func (q *Queue) Close() error {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.client == nil {
		return nil
	}
	return q.client.Close()
}

// Call is a verified call by Cloud Tasks or Cloud Scheduler. Everything but Email is what the headers say: information, not
// evidence.
type Call struct {
	Email    string // the service account
	TaskName string
	Job      string // of Cloud Scheduler
	Retry    int    // dispatches before this one
}

// Noted are the call, and more, as the log line of work on a tenant's data tells them.
func (c Call) Noted(s tenant.Scope, more ...slog.Attr) []slog.Attr {
	return append([]slog.Attr{
		slog.String("tenant_id", s.ID().String()), slog.String("via", s.Via()), slog.String("actor", c.Email),
		slog.String("task", c.TaskName), slog.Int("retry", c.Retry),
	}, more...)
}

func callOf(email string, h http.Header) Call {
	c := Call{Email: email, TaskName: h.Get("X-CloudTasks-TaskName"), Job: h.Get("X-CloudScheduler-JobName")}
	_, _ = fmt.Sscanf(h.Get("X-CloudTasks-TaskRetryCount"), "%d", &c.Retry)
	return c
}
