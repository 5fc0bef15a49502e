package main

import (
	"context"
	"fmt"
	"slices"

	"cloud.google.com/go/iam/apiv1/iampb"
	"github.com/googleapis/gax-go/v2"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

const (
	publisherRole  = "roles/pubsub.publisher"
	subscriberRole = "roles/pubsub.subscriber"

	// gmailAccount is what Gmail publishes as (developers.google.com, "Configure push notifications in Gmail API").
	gmailAccount = "serviceAccount:gmail-api-push@system.gserviceaccount.com"
)

// policies reads and writes who may do what: of topics by one client, of subscriptions by another.
type policies interface {
	GetIamPolicy(context.Context, *iampb.GetIamPolicyRequest, ...gax.CallOption) (*iampb.Policy, error)
	SetIamPolicy(context.Context, *iampb.SetIamPolicyRequest, ...gax.CallOption) (*iampb.Policy, error)
}

// grant lets a member play a role with one topic or subscription.
type grant struct {
	at             policies
	on             string // its full name
	role, memberIs string
}

// withConditions is the version of a policy that shows conditions: one that is read without and written back would lose them.
const withConditions = 3

func (g grant) read(ctx context.Context) (*iampb.Policy, error) {
	return g.at.GetIamPolicy(ctx, &iampb.GetIamPolicyRequest{
		Resource: g.on, Options: &iampb.GetPolicyOptions{RequestedPolicyVersion: withConditions},
	})
}

// in reports whether a policy has it already, without a condition.
func (g grant) in(p *iampb.Policy) bool {
	return slices.ContainsFunc(p.GetBindings(), func(b *iampb.Binding) bool {
		return b.GetRole() == g.role && b.GetCondition() == nil && slices.Contains(b.GetMembers(), g.memberIs)
	})
}

// addTo adds it to a policy and leaves all else in it as it is.
func (g grant) addTo(p *iampb.Policy) {
	for _, b := range p.GetBindings() {
		if b.GetRole() == g.role && b.GetCondition() == nil {
			b.Members = append(b.Members, g.memberIs)
			return
		}
	}
	p.Bindings = append(p.Bindings, &iampb.Binding{Role: g.role, Members: []string{g.memberIs}})
}

// mostTries bounds how often somebody else may be faster.
const mostTries = 5

// make adds it to the policy as it is at that moment. What somebody else changes meanwhile is refused by the policy's etag, and looked at
// again.
func (g grant) make(ctx context.Context) error {
	for try := 1; ; try++ {
		p, err := g.read(ctx)
		if err != nil || g.in(p) {
			return because(err, "reading who may use %s", g.on)
		}
		g.addTo(p)
		_, err = g.at.SetIamPolicy(ctx, &iampb.SetIamPolicyRequest{Resource: g.on, Policy: p})
		if status.Code(err) != codes.Aborted || try == mostTries {
			return because(err, "granting %s on %s to %s", g.role, g.on, g.memberIs)
		}
	}
}

// planGrants finds the grants that are missing. What is yet to be made has none.
func (s *setUp) planGrants(ctx context.Context) error {
	for _, g := range s.grants {
		p, err := g.read(ctx)
		switch status.Code(err) {
		case codes.Unimplemented:
			if s.emulated {
				_, _ = fmt.Fprintln(s.out, "this stand-in of Pub/Sub keeps no grants; they are not looked at")
				return nil
			}
		case codes.NotFound:
			err = nil
		}
		if err != nil {
			return because(err, "reading who may use %s", g.on)
		}
		if !g.in(p) {
			s.differs(g.make, fmt.Sprintf("%s: %s for %s: none -> granted", g.on, g.role, g.memberIs))
		}
	}
	return nil
}
