package geminitest

import (
	"encoding/json"
	"regexp"
	"strings"
)

var (
	sentenceEnd = regexp.MustCompile(`(?m)[.!?](\s+|$)|\n`)
	word        = regexp.MustCompile(`\p{L}+`)
)

// common words say nothing about what a question is about.
var common = map[string]bool{}

func init() {
	for w := range strings.FieldsSeq(`a about an and any are at be can could do does for from have how i in is it me my of on or our please
		the there they this to us was we what when where which who will with you your hi hello thanks`) {
		common[w] = true
	}
}

// invent answers in words from the prompt, and in JSON from the transcript that is to be read.
func invent(p Prompt) string {
	if p.JSON {
		return fromTranscript(p.Turns[len(p.Turns)-1].Text)
	}
	return fromPrompt(p)
}

var (
	namedSelf    = regexp.MustCompile(`(?i)my name is (\p{L}+(?: \p{L}+)?)`)
	mailAddress  = regexp.MustCompile(`[a-z0-9.]+@[a-z0-9.]+\.[a-z]+`)
	customerSaid = regexp.MustCompile(`"customer":"([^"]+)"`)
)

// fromTranscript reads a conversation as the workers want it read: each line a JSON object with who said it.
func fromTranscript(text string) string {
	first := func(found []string) string {
		if len(found) < 2 {
			return ""
		}
		return found[1]
	}
	reading := map[string]any{
		"summary": "", "intent": "general_inquiry", "language": "en", "name": first(namedSelf.FindStringSubmatch(text)), "email": mailAddress.FindString(text),
	}
	if asked := first(customerSaid.FindStringSubmatch(text)); asked != "" {
		reading["summary"] = "The customer said: " + asked
	}
	written, _ := json.Marshal(reading)
	return string(written)
}

// fromPrompt answers with the sentence of the system instruction that has most in common with the last question, in the name
// of the business that the instruction names.
func fromPrompt(p Prompt) string {
	name := ""
	for line := range strings.Lines(p.System) {
		if value, ok := strings.CutPrefix(strings.TrimSpace(line), "Business name: "); ok {
			name = value
		}
	}
	best, most := "", 0
	asked := stems(p.Turns[len(p.Turns)-1].Text)
	for _, sentence := range sentences(p.System) {
		if n := shared(asked, stems(sentence)); n > most {
			best, most = sentence, n
		}
	}
	switch {
	case best == "" && name == "":
		return "I don't know that. The team will get back to you."
	case best == "":
		return name + " here. I don't know that, but the team will get back to you."
	case name == "":
		return best
	default:
		return name + " here. " + best
	}
}

// sentences are the statements of a prompt: no headings, no rules in a list, no "Name: value" lines.
func sentences(prompt string) []string {
	var all []string
	for line := range strings.Lines(prompt) {
		line = strings.TrimSpace(line)
		if strings.HasPrefix(line, "#") || strings.HasPrefix(line, "- ") || strings.HasPrefix(line, "Now: ") {
			continue
		}
		start := 0
		for _, end := range sentenceEnd.FindAllStringIndex(line, -1) {
			all = append(all, strings.TrimSpace(line[start:end[0]+1]))
			start = end[1]
		}
		if rest := strings.TrimSpace(line[start:]); rest != "" && !strings.Contains(rest, ": ") {
			all = append(all, rest)
		}
	}
	return all
}

func stems(text string) map[string]bool {
	found := map[string]bool{}
	for _, w := range word.FindAllString(strings.ToLower(text), -1) {
		if !common[w] {
			found[strings.TrimSuffix(w, "s")] = true
		}
	}
	return found
}

func shared(a, b map[string]bool) int {
	n := 0
	for w := range a {
		if b[w] {
			n++
		}
	}
	return n
}
