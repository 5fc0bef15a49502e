package main

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Tags of revisions.
const (
	next     = "next"      // what was deployed last; https://next.DOMAIN reaches it with and without traffic
	lastGood = "last-good" // what served before the last release
)

// service is a deployment as Cloud Run has it.
type service struct {
	Name   string `json:"-"`
	Meta   labels `json:"metadata"`
	Status struct {
		LatestCreated string    `json:"latestCreatedRevisionName"`
		LatestReady   string    `json:"latestReadyRevisionName"`
		Traffic       []traffic `json:"traffic"`
	} `json:"status"`
}

type labels struct {
	Labels map[string]string `json:"labels"`
}

// traffic is a share of a revision's, a tag of it, or both.
type traffic struct {
	Revision string `json:"revisionName"`
	Percent  int    `json:"percent"`
	Tag      string `json:"tag"`
}

// describe asks for a service; nil when there is none of that name.
func (p *platform) describe(ctx context.Context, name string) (*service, error) {
	out, err := p.runService(ctx, "services", "describe", name, "--format=json")
	if err != nil {
		if strings.Contains(err.Error(), "Cannot find service ["+name+"]") {
			return nil, nil
		}
		return nil, err
	}
	s := &service{Name: name}
	if err := json.Unmarshal(out, s); err != nil {
		return nil, fmt.Errorf("reading what gcloud says of %s: %w", name, err)
	}
	return s, nil
}

// serving is the share of each revision that has traffic.
func (s *service) serving() map[string]int {
	shares := map[string]int{}
	for _, t := range s.Status.Traffic {
		if t.Percent > 0 {
			shares[t.Revision] += t.Percent
		}
	}
	return shares
}

// tagged is the revision with a tag; "" when none has it.
func (s *service) tagged(tag string) string {
	for _, t := range s.Status.Traffic {
		if t.Tag == tag {
			return t.Revision
		}
	}
	return ""
}

// good is the revision to go back to: the one that serves. Where several do, a release was killed, and it is the one tagged last-good.
func (s *service) good() (string, error) {
	shares := s.serving()
	if len(shares) == 1 {
		return keys(shares)[0], nil
	}
	if tagged := s.tagged(lastGood); shares[tagged] > 0 {
		return tagged, nil
	}
	return "", fmt.Errorf("%s: %v share the traffic and none is tagged %s: give one of them all of it by hand, with "+
		"gcloud run services update-traffic %s --to-revisions=REVISION=100", s.Name, keys(shares), lastGood, s.Name)
}

// servedBy reports whether one revision has all traffic.
func (s *service) servedBy(revision string) bool {
	return maps.Equal(s.serving(), map[string]int{revision: 100})
}

// give shares a service's traffic out and sets tags, each a revision's. It is one request, which is seen through also when ctx ends.
func (p *platform) give(ctx context.Context, name string, shares map[string]int, tags map[string]string) error {
	args := []string{"services", "update-traffic", name, "--to-revisions=" + join(shares, ",")}
	if len(tags) > 0 {
		args = append(args, "--update-tags="+join(tags, ","))
	}
	_, err := p.runService(context.WithoutCancel(ctx), args...)
	return err
}

func keys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

// join is a=1,b=2, in order.
func join[V any](m map[string]V, separator string) string {
	var pairs []string
	for _, k := range keys(m) {
		pairs = append(pairs, fmt.Sprintf("%s=%v", k, m[k]))
	}
	return strings.Join(pairs, separator)
}
