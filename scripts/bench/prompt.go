package main

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/chattercheatah/chattercheatah/shared/prompt"
	"github.com/chattercheatah/chattercheatah/shared/store/demo"
)

const promptSections = 50

// prompts measures composing a prompt of many sections: as a worker does while nothing is published, and from the sections.
func prompts(*rig) ([]figure, error) {
	var sections []prompt.Section
	for i := range promptSections {
		sections = append(sections, prompt.Section{Key: fmt.Sprintf("section_%d", i), Position: i, Content: strings.Repeat("A weekly lesson costs 35 dollars. ", 10)})
	}
	profile, now := demo.SwimSchool().Profile, time.Now()
	known := prompt.Write(prompt.Merge(prompt.Base(), sections))
	cached := testing.Benchmark(func(b *testing.B) {
		for b.Loop() {
			prompt.NewRecipe(prompt.SMS, nil, profile, now).Compose(known)
		}
	})
	anew := testing.Benchmark(func(b *testing.B) {
		for b.Loop() {
			prompt.NewRecipe(prompt.SMS, nil, profile, now).Compose(prompt.Write(prompt.Merge(prompt.Base(), sections)))
		}
	})
	micros := func(r testing.BenchmarkResult) float64 { return float64(r.NsPerOp()) / 1000 }
	return []figure{
		{What: fmt.Sprintf("composing %d sections while nothing is published", promptSections), Value: fmt.Sprintf("%.1f µs", micros(cached)), Beside: fmt.Sprintf("%d allocations", cached.AllocsPerOp()),
			Ratio: micros(cached), Goal: goal{"≤ 50 µs", func(x float64) bool { return x <= 50 }}},
		{What: "once for each new version", Value: fmt.Sprintf("%.1f µs", micros(anew)), Beside: fmt.Sprintf("%d allocations", anew.AllocsPerOp())},
	}, nil
}
