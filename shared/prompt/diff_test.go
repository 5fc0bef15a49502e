package prompt_test

import (
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/chattercheatah/chattercheatah/shared/prompt"
)

func TestDiff_AWordedAndMovedSectionIsChangedAndTheBundleDoesNotMatter(t *testing.T) {
	t.Parallel()
	before := []prompt.Section{{Key: "same", Content: "x", Position: 1, From: prompt.Source{Bundle: 1}}, {Key: "both", Content: "x", Position: 2}, {Key: "moved", Content: "x", Position: 3}, {Key: "gone", Content: "x"}}
	after := []prompt.Section{{Key: "same", Content: "x", Position: 1, From: prompt.Source{Bundle: 2}}, {Key: "both", Content: "y", Position: 9}, {Key: "moved", Content: "x", Position: 4}, {Key: "new", Content: "x"}}
	want := []prompt.Change{
		{Key: "both", Kind: prompt.Changed, Before: &before[1], After: &after[1]}, {Key: "gone", Kind: prompt.Removed, Before: &before[3]},
		{Key: "moved", Kind: prompt.Moved, Before: &before[2], After: &after[2]}, {Key: "new", Kind: prompt.Added, After: &after[3]},
	}
	for range 20 {
		if diff := cmp.Diff(want, prompt.Diff(before, after)); diff != "" {
			t.Fatalf("(-want +got):\n%s", diff)
		}
		shuffled := append([]prompt.Section(nil), after...)
		rand.Shuffle(len(shuffled), func(i, j int) { shuffled[i], shuffled[j] = shuffled[j], shuffled[i] })
		if diff := cmp.Diff(want, prompt.Diff(before, shuffled)); diff != "" {
			t.Fatalf("in another order (-want +got):\n%s", diff)
		}
	}
}

func TestValidate_NamesTheSectionAndNoMoreOfItThanAMessageHolds(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("long key ", 50)
	for wrong, sections := range map[string][]prompt.Section{
		`section_key "twice" stands twice`:        {{Key: "twice", Content: "x"}, {Key: "once", Content: "x"}, {Key: "twice", Content: "y"}},
		`section_key "Big" must be`:               {{Key: "Big", Content: "x"}},
		`section_key "silent" has no content`:     {{Key: "silent", Content: "\n "}},
		`section_key "` + long[:80] + `" must be`: {{Key: long, Content: "x"}},
	} {
		if err := prompt.Validate(sections); err == nil || !strings.HasPrefix(err.Error(), wrong) {
			t.Errorf("%v; want %s", err, wrong)
		}
	}
	if err := prompt.Validate(append(prompt.Base(), prompt.Section{Key: "own_1", Content: "x"})); err != nil {
		t.Errorf("good sections are refused: %v", err)
	}
}
