package prompt_test

import (
	"flag"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/chattercheatah/chattercheatah/shared/prompt"
)

var update = flag.Bool("update", false, "write testdata anew")

var (
	profile = prompt.Profile{BusinessName: "Example Swim School", WebsiteURL: "https://swim.exampleco.test", Phone: "+15555550123", Email: "support@exampleco.test"}
	own     = []prompt.Section{
		{Key: "care", From: prompt.Source{Tenant: true}, Position: 5, Content: "In an emergency call the pool at +15555550123."},
		{Key: "prices", Position: 110, Content: "A weekly lesson costs 35 dollars.\n"},
		{Key: "empty", Position: 120, Content: "  \n"},
	}
	noon = time.Date(2026, 11, 24, 12, 0, 0, 0, time.FixedZone("CST", -6*3600))
)

func TestCompose_IsTheReviewedPrompt(t *testing.T) {
	t.Parallel()
	for _, channel := range []prompt.Channel{prompt.SMS, prompt.Voice, prompt.Email} {
		got := prompt.NewRecipe(channel, nil, profile, noon).Compose(prompt.Write(prompt.Merge(prompt.Base(), own)))
		golden := "testdata/" + string(channel) + ".txt"
		if *update {
			if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(golden)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(want), got); diff != "" {
			t.Errorf("the prompt changed; what was composed before must be composable still: give it a composer of its own, review it and run go test ./shared/prompt -update (-reviewed +now):\n%s", diff)
		}
	}
}

func TestMerge_TheTenantsSectionWinsWithItsOwnPosition(t *testing.T) {
	t.Parallel()
	merged := prompt.Merge(prompt.Base(), own)
	var keys []string
	for _, s := range merged {
		keys = append(keys, s.Key)
		if s.Key == "care" && (!s.From.Tenant || !strings.Contains(s.Content, "the pool")) {
			t.Errorf("care is %+v; want the tenant's", s)
		}
	}
	if diff := cmp.Diff([]string{"care", "role", "truth", "prices", "empty"}, keys); diff != "" {
		t.Errorf("the order (-want +got):\n%s", diff)
	}
}

func TestMerge_TheOrderOfItsInputDoesNotMatter(t *testing.T) {
	t.Parallel()
	want := prompt.Merge(prompt.Base(), own)
	for range 50 {
		global, mine := prompt.Base(), append([]prompt.Section(nil), own...)
		rand.Shuffle(len(global), func(i, j int) { global[i], global[j] = global[j], global[i] })
		rand.Shuffle(len(mine), func(i, j int) { mine[i], mine[j] = mine[j], mine[i] })
		if diff := cmp.Diff(want, prompt.Merge(global, mine)); diff != "" {
			t.Fatalf("shuffled input merges otherwise:\n%s", diff)
		}
	}
}

func TestCompose_WhatIsEmptyIsLeftOut(t *testing.T) {
	t.Parallel()
	got := prompt.NewRecipe(prompt.SMS, nil, prompt.Profile{BusinessName: "X"}, noon).Compose(prompt.Write([]prompt.Section{{Key: "nothing", Content: " "}}))
	for _, absent := range []string{"Website", "Phone: ", "E-mail", "# nothing"} {
		if strings.Contains(got, absent) {
			t.Errorf("the prompt names %q, which is empty:\n%s", absent, got)
		}
	}
}

// BenchmarkCompose50 is a tenant with fifty sections over the global ones.
func BenchmarkCompose50(b *testing.B) {
	var many []prompt.Section
	for i := range 50 {
		many = append(many, prompt.Section{Key: strings.Repeat("k", i+1), Position: 50 - i, Content: strings.Repeat("word ", 60)})
	}
	for b.Loop() {
		prompt.NewRecipe(prompt.SMS, nil, profile, noon).Compose(prompt.Write(prompt.Merge(prompt.Base(), many)))
	}
}

// fifty sections are more than any tenant has.
func fifty() (all []prompt.Section) {
	for i := range 50 {
		all = append(all, prompt.Section{Key: "section_" + strconv.Itoa(i), Position: i, Content: strings.Repeat("A weekly lesson costs 35 dollars. ", 10)})
	}
	return all
}

func TestCompose_OfKnownSectionsAllocatesTheTextAndTheTimeAlone(t *testing.T) {
	sections := prompt.Write(prompt.Merge(prompt.Base(), fifty()))
	if n := testing.AllocsPerRun(100, func() { prompt.NewRecipe(prompt.SMS, nil, profile, noon).Compose(sections) }); n > 2 {
		t.Errorf("%v allocations; want 2", n)
	}
}

func BenchmarkCompose_Fifty(b *testing.B) {
	sections := prompt.Write(prompt.Merge(prompt.Base(), fifty()))
	for b.Loop() {
		prompt.NewRecipe(prompt.SMS, nil, profile, noon).Compose(sections)
	}
}

func BenchmarkCompose_FiftyFromSections(b *testing.B) {
	sections := fifty()
	for b.Loop() {
		prompt.NewRecipe(prompt.SMS, nil, profile, noon).Compose(prompt.Write(prompt.Merge(prompt.Base(), sections)))
	}
}
