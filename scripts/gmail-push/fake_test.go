package main

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"

	"cloud.google.com/go/iam/apiv1/iampb"
	"cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"
	"cloud.google.com/go/pubsub/v2/pstest"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"github.com/chattercheatah/chattercheatah/shared/boot"
)

const (
	theTopic  = "projects/example/topics/gmail-push"
	deadTopic = "projects/example/topics/gmail-push-dead"
	push      = "projects/example/subscriptions/gmail-push"
	dead      = "projects/example/subscriptions/gmail-push-dead"

	number  = "123456789012"
	gmails  = "serviceAccount:gmail-api-push@system.gserviceaccount.com"
	pubsubs = "serviceAccount:service-123456789012@gcp-sa-pubsub.iam.gserviceaccount.com"
)

// google is Pub/Sub with its grants, served over gRPC. It writes down every change that is asked for, in order.
type google struct {
	pubsub *pstest.Server
	env    boot.Environment

	mu        sync.Mutex
	changes   []string
	policies  map[string]*iampb.Policy
	versions  int
	meanwhile func(resource string) // somebody else, before a policy is written; called with mu held
	fails     map[string]error
}

func newGoogle(t *testing.T) *google {
	t.Helper()
	g := &google{policies: map[string]*iampb.Policy{}, fails: map[string]error{}}
	var watched []pstest.ServerReactorOption
	for _, call := range []string{
		"CreateTopic", "UpdateTopic", "DeleteTopic", "CreateSubscription", "UpdateSubscription", "DeleteSubscription", "DetachSubscription", "Seek",
		"Publish", "Acknowledge", "ModifyAckDeadline", "Pull",
	} {
		watched = append(watched, pstest.ServerReactorOption{FuncName: call, Reactor: watch{g, call}})
	}
	g.pubsub = pstest.NewServerWithCallback(0, func(s *grpc.Server) { iampb.RegisterIAMPolicyServer(s, iam{google: g}) }, watched...)
	t.Cleanup(func() { _ = g.pubsub.Close() })
	g.env = boot.Environment{
		"GMAIL_TOPIC": theTopic, "PUBSUB_EMULATOR_HOST": g.pubsub.Addr, "API_BASE_URL": "https://api.example.test",
		"PUBSUB_SERVICE_ACCOUNT": "push@example.iam.gserviceaccount.com",
	}
	return g
}

// run is the command, and what it prints.
func (g *google) run(t *testing.T, args ...string) (string, error) {
	t.Helper()
	var out bytes.Buffer
	err := run(t.Context(), g.env, args, &out)
	return out.String(), err
}

func (g *google) did(what string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.changes = append(g.changes, what)
}

// changed is what was asked for since it was called last.
func (g *google) changed() []string {
	g.mu.Lock()
	defer g.mu.Unlock()
	all := g.changes
	g.changes = nil
	return all
}

// fail has a call answered with an error from then on; with nil no more.
func (g *google) fail(call string, err error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.fails[call] = err
}

func (g *google) failure(call string) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.fails[call]
}

// watch notes the calls of one kind.
type watch struct {
	*google
	call string
}

// React notes a call, and fails it when it is to fail.
func (w watch) React(request any) (handled bool, ret any, err error) {
	if err := w.failure(w.call); err != nil {
		return true, nil, err
	}
	switch r := request.(type) {
	case *pubsubpb.Topic:
		w.did(w.call + " " + r.GetName())
	case *pubsubpb.Subscription:
		w.did(w.call + " " + r.GetName())
	case *pubsubpb.UpdateSubscriptionRequest:
		w.did(fmt.Sprintf("%s %s %s", w.call, r.GetSubscription().GetName(), strings.Join(r.GetUpdateMask().GetPaths(), ",")))
	case *pubsubpb.PublishRequest, *pubsubpb.AcknowledgeRequest, *pubsubpb.ModifyAckDeadlineRequest, *pubsubpb.PullRequest:
	default:
		w.did("unexpected " + w.call)
	}
	return false, nil, nil
}

// iam is the part of Pub/Sub that keeps grants: a policy has an etag, and one that is written with an old etag is refused.
type iam struct {
	iampb.UnimplementedIAMPolicyServer
	*google
}

func (i iam) GetIamPolicy(ctx context.Context, r *iampb.GetIamPolicyRequest) (*iampb.Policy, error) {
	if err := i.failure("GetIamPolicy"); err != nil {
		return nil, err
	}
	if err := i.exists(ctx, r.GetResource()); err != nil {
		return nil, err
	}
	if r.GetOptions().GetRequestedPolicyVersion() != 3 {
		return nil, status.Error(codes.InvalidArgument, "conditions would be left out")
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	return proto.CloneOf(i.policy(r.GetResource())), nil
}

func (i iam) SetIamPolicy(ctx context.Context, r *iampb.SetIamPolicyRequest) (*iampb.Policy, error) {
	if err := i.failure("SetIamPolicy"); err != nil {
		return nil, err
	}
	if err := i.exists(ctx, r.GetResource()); err != nil {
		return nil, err
	}
	i.did("SetIamPolicy " + r.GetResource())
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.meanwhile != nil {
		i.meanwhile(r.GetResource())
	}
	if was := i.policy(r.GetResource()); len(r.GetPolicy().GetEtag()) == 0 || !bytes.Equal(was.GetEtag(), r.GetPolicy().GetEtag()) {
		return nil, status.Error(codes.Aborted, "there were concurrent policy changes")
	}
	return i.put(r.GetResource(), r.GetPolicy()), nil
}

func (g *google) exists(ctx context.Context, resource string) (err error) {
	if strings.Contains(resource, "/topics/") {
		_, err = g.pubsub.GServer.GetTopic(ctx, &pubsubpb.GetTopicRequest{Topic: resource})
	} else {
		_, err = g.pubsub.GServer.GetSubscription(ctx, &pubsubpb.GetSubscriptionRequest{Subscription: resource})
	}
	return err
}

func (g *google) policy(resource string) *iampb.Policy {
	if g.policies[resource] == nil {
		return g.put(resource, &iampb.Policy{})
	}
	return g.policies[resource]
}

func (g *google) put(resource string, p *iampb.Policy) *iampb.Policy {
	g.versions++
	p = proto.CloneOf(p)
	p.Etag = fmt.Appendf(nil, "etag-%d", g.versions)
	g.policies[resource] = p
	return p
}

// bindings are who may do what, as "role condition: members".
func (g *google) bindings(resource string) (all []string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, b := range g.policies[resource].GetBindings() {
		all = append(all, fmt.Sprintf("%s %s: %s", b.GetRole(), b.GetCondition().GetTitle(), strings.Join(b.GetMembers(), " ")))
	}
	return all
}
