package booking

import (
	"bytes"
	_ "embed"
	"slices"
	"strings"
	"sync"
	"unicode"

	"github.com/goccy/go-yaml"

	"github.com/chattercheatah/chattercheatah/shared/fault"
)

// Franchise is a swim school's part of British Swim School's site. All who ask share it: it is read, never changed.
type Franchise struct {
	Slug      string   `yaml:"slug"` // its folder on the site
	Locations []Choice `yaml:"locations"`
	Levels    []Choice `yaml:"levels"`
}

// Choice is a location or a level.
type Choice struct {
	Code    string   `yaml:"code"`    // as the site's address has it
	Name    string   `yaml:"name"`    // as it is said to customers
	Aliases []string `yaml:"aliases"` // what customers say for it, in English and Spanish
}

//go:embed franchises.yaml
var franchiseFile []byte

// franchises reads the file once. It panics when the file is wrong, which a test holds it is not.
var franchises = sync.OnceValue(func() []Franchise {
	var file struct {
		Franchises []Franchise `yaml:"franchises"`
	}
	if err := yaml.NewDecoder(bytes.NewReader(franchiseFile), yaml.Strict()).Decode(&file); err != nil {
		panic("booking: franchises.yaml: " + err.Error())
	}
	for _, f := range file.Franchises {
		for _, choices := range [][]Choice{f.Locations, f.Levels} {
			for i, c := range choices {
				if c.Name == "" {
					choices[i].Name = c.Code
				}
			}
		}
	}
	return file.Franchises
})

// Franchises are all that there are, in the order of the file.
func Franchises() []Franchise { return slices.Clone(franchises()) }

// FranchiseOf finds a franchise by its folder on the site, such as cypress-spring. fault.Invalid, naming those there are, when there
// is none.
func FranchiseOf(slug string) (*Franchise, error) {
	all := franchises()
	if i := slices.IndexFunc(all, func(f Franchise) bool { return f.Slug == slug }); i >= 0 {
		return &all[i], nil
	}
	var slugs []string
	for _, f := range all {
		slugs = append(slugs, f.Slug)
	}
	return nil, fault.New(fault.Invalid, "franchise: use one of %s", oneOf(slugs))
}

// choose finds what somebody said among the choices. fault.Invalid, naming them all, when it is none of them.
func choose(among []Choice, said, what string) (Choice, error) {
	words := essence(known(said))
	var names []string
	for _, c := range among {
		if slices.ContainsFunc(c.spellings(), func(s string) bool { return essence(s) == words }) {
			return c, nil
		}
		names = append(names, c.Name)
	}
	return Choice{}, fault.New(fault.Invalid, "Which %s would you like? There is %s.", what, oneOf(names))
}

func (c Choice) spellings() []string { return append([]string{c.Code, c.Name}, c.Aliases...) }

// standsFor has words that mean another, and those that tell no two choices apart, which mean nothing.
var standsFor = map[string]string{
	"the": "", "a": "", "at": "", "in": "", "on": "", "el": "", "la": "", "los": "", "las": "", "en": "", "de": "", "del": "", "please": "",
	"level": "", "nivel": "", "class": "", "classes": "", "clase": "", "clases": "", "pool": "", "piscina": "", "location": "",
	"one": "1", "uno": "1", "i": "1", "two": "2", "dos": "2", "ii": "2", "three": "3", "tres": "3", "iii": "3",
}

// essence is what matters of what was said, for comparing: words in lower case with one space between them.
func essence(said string) string {
	var words []string
	for _, word := range strings.FieldsFunc(folded(said), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) }) {
		if other, ok := standsFor[word]; ok {
			word = other
		}
		if word != "" {
			words = append(words, word)
		}
	}
	return strings.Join(words, " ")
}

// oneOf lists names as they are said: "a, b or c".
func oneOf(names []string) string {
	if len(names) < 2 {
		return strings.Join(names, "")
	}
	last := len(names) - 1
	return strings.Join(names[:last], ", ") + " or " + names[last]
}
