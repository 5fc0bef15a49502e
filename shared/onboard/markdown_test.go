package onboard

import (
	"strings"
	"testing"
)

func TestParseSections_WhatStandsAboveTheFirstIsToldToNobody(t *testing.T) {
	t.Parallel()
	got, err := ParseSections("# Title\n\nFor people.\n\n## one\n\nFirst.\n\n### Within\nStill.\n## two_2\r\nSecond.\n")
	if err != nil {
		t.Fatal(err)
	}
	want := []Section{{Key: "one", Content: "First.\n\n### Within\nStill."}, {Key: "two_2", Content: "Second."}}
	if len(got) != len(want) {
		t.Fatalf("read as %+v", got)
	}
	for i, s := range got {
		if s.Key != want[i].Key || s.Content != want[i].Content || *s.Order != 1000+10*i {
			t.Errorf("section %d is %s at %d: %q; want %+v", i, s.Key, *s.Order, s.Content, want[i])
		}
	}
}

func TestParseSections_NamesTheHeadingThatIsNoSection(t *testing.T) {
	t.Parallel()
	for markdown, want := range map[string]string{
		"":                              "no heading",
		"Words.\n# one\nMore.\n":        "no heading",
		"## How to talk\nKindly.\n":     "How to talk",
		"## one\na\n## one\nb\n":        `"one"`,
		"## one\n\n## two\nb\n":         "one says nothing",
		"## one\na\n## \nb\n":           `""`,
		"## " + strings.Repeat("k", 65): "section key",
	} {
		if got, err := ParseSections(markdown); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q was read as %+v, %v; want an error with %q", markdown, got, err, want)
		}
	}
}
