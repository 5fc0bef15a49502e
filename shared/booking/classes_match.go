package booking

import (
	"slices"
	"strings"
	"sync"
	"unicode"

	"github.com/chattercheatah/chattercheatah/shared/jackrabbit"
)

// nearest keeps the classes whose labels come nearest to what was said: all that are called so, or else all that have every word of it,
// or else all that have every word that matters. None when there is no such class.
func nearest(said string, classes []jackrabbit.Class, labels func(jackrabbit.Class) []string) func(jackrabbit.Class) bool {
	best, near, of := 0, map[string]int{}, make(map[string]string, len(classes))
	for _, c := range classes {
		names := labels(c)
		key := strings.Join(names, "\n") // many classes are of one level, and at one location
		if _, done := near[key]; !done {
			near[key] = nearness(said, names)
		}
		of[c.ID], best = key, max(best, near[key])
	}
	return func(c jackrabbit.Class) bool { return best > 0 && near[of[c.ID]] == best }
}

// nearness is how near what was said comes to labels, 0 for not at all.
func nearness(said string, labels []string) int {
	switch {
	case slices.ContainsFunc(labels, func(l string) bool { return l != "" && (squeezed(l) == squeezed(said) || called(l) == called(said)) }):
		return 3
	case hasAll(labels, said, folded):
		return 2
	case hasAll(labels, said, essence):
		return 1
	}
	return 0
}

// squeezed is what is left of a name without spaces and signs: "24 Spring" is 24Spring.
func squeezed(s string) string { return strings.Join(wordsOf(folded(s)), "") }

// called is the name that the franchises have for what was said, or else the words that matter of it.
func called(s string) string {
	words := strings.Join(wordsOf(essence(s)), " ")
	if name, ok := nicknames()[words]; ok {
		return name
	}
	return words
}

// nicknames are what customers say for the levels and locations of the franchises, each with the one that is meant.
var nicknames = sync.OnceValue(func() map[string]string {
	names := map[string]string{}
	for _, f := range franchises() {
		for _, c := range slices.Concat(f.Levels, f.Locations) {
			for _, spelling := range c.spellings() {
				names[strings.Join(wordsOf(essence(spelling)), " ")] = c.Code
			}
		}
	}
	return names
})

// hasAll reports whether every word of what was said, and there is one, stands in a label.
func hasAll(labels []string, said string, reduce func(string) string) bool {
	have := wordsOf(reduce(strings.Join(labels, " ")))
	words := wordsOf(reduce(said))
	return len(words) > 0 && !slices.ContainsFunc(words, func(w string) bool { return !slices.Contains(have, w) })
}

// wordsOf are the words and numbers of a text in lower case, in the singular, as far as that is a matter of an s.
func wordsOf(s string) []string {
	words := strings.FieldsFunc(s, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })
	for i, w := range words {
		if len(w) > 3 {
			words[i] = strings.TrimSuffix(w, "s")
		}
	}
	return words
}

// wish is what was said, or nothing for a wish that asks for nothing.
func wish(said string) string {
	said = strings.TrimSpace(strings.TrimPrefix(folded(known(said)), "the one "))
	if indifferent[strings.Join(strings.Fields(strings.Trim(said, ".!")), " ")] {
		return ""
	}
	return said
}

// indifferent is what is said by those who take anything.
var indifferent = map[string]bool{
	"any": true, "all": true, "either": true, "anything": true, "anywhere": true, "whatever": true, "whenever": true, "anytime": true, "flexible": true,
	"any level": true, "all levels": true, "any location": true, "all locations": true, "any age": true, "all ages": true, "any day": true,
	"any time": true, "no preference": true, "doesn't matter": true, "it doesn't matter": true, "does not matter": true, "not sure": true,
	"cualquiera": true, "cualquier dia": true, "cualquier nivel": true, "cualquier lugar": true, "cualquier edad": true, "todos": true, "todas": true,
	"no importa": true, "me da igual": true, "sin preferencia": true, "no se": true,
}
