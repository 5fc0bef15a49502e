package prompt

import "strings"

// Validate reports the first section that a bundle cannot hold, and names it: its key is malformed or stands twice, or it says
// nothing.
func Validate(sections []Section) error {
	seen := map[string]bool{}
	for _, s := range sections {
		switch {
		case !wellFormed(s.Key):
			return &SectionError{s.Key, "must be one to 64 of the characters a to z, 0 to 9 and _"}
		case seen[s.Key]:
			return &SectionError{s.Key, "stands twice; give each section a key of its own"}
		case strings.TrimSpace(s.Content) == "":
			return &SectionError{s.Key, "has no content; say something or leave the section out"}
		}
		seen[s.Key] = true
	}
	return nil
}

// SectionError says what is wrong with a section.
type SectionError struct{ Key, Wrong string }

// Error names the section, by as much of its key as a message can hold.
func (e *SectionError) Error() string {
	key := []rune(e.Key)
	return "section_key \"" + string(key[:min(len(key), 80)]) + "\" " + e.Wrong
}

// wellFormed is the check of prompt_sections.section_key.
func wellFormed(key string) bool {
	return key != "" && len(key) <= 64 && !strings.ContainsFunc(key, func(r rune) bool {
		return r != '_' && (r < 'a' || r > 'z') && (r < '0' || r > '9')
	})
}
