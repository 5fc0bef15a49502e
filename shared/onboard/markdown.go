package onboard

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// firstOrder is where the sections of a Markdown file begin: after those of a prompt for every channel, which begin at 100.
const (
	firstOrder = 1000
	orderStep  = 10
)

// sectionKey is a key as the API takes it.
var sectionKey = regexp.MustCompile(`^[a-z0-9_]{1,64}$`)

// ParseSections reads the sections of a prompt from Markdown: each heading "## key" begins one, and what follows until the next is its
// content, in their order. What stands above the first is for people. An error names the heading that is no key, stands twice or has
// nothing below it.
func ParseSections(markdown string) ([]Section, error) {
	var all []Section
	seen := map[string]bool{}
	for line := range strings.Lines(markdown) {
		key, isHeading := strings.CutPrefix(strings.TrimRight(line, "\r\n"), "## ")
		switch {
		case isHeading && (!sectionKey.MatchString(key) || seen[key]):
			return nil, fmt.Errorf("the heading %q must be a section key of a to z, 0 to 9 and _ that stands once", key)
		case isHeading:
			seen[key] = true
			order := firstOrder + len(all)*orderStep
			all = append(all, Section{Key: key, Order: &order})
		case len(all) > 0:
			all[len(all)-1].Content += line
		}
	}
	if len(all) == 0 {
		return nil, errors.New(`there is no heading "## key" that would begin a section`)
	}
	for i := range all {
		if all[i].Content = strings.TrimSpace(all[i].Content); all[i].Content == "" {
			return nil, fmt.Errorf("the section %s says nothing", all[i].Key)
		}
	}
	return all, nil
}

// ReadVoicePrompt reads the Markdown file that the voice prompt names; dir is where the tenant's file is.
func (f *File) ReadVoicePrompt(dir string) error {
	if f.VoicePrompt == nil {
		return nil
	}
	if f.VoicePrompt.From == "" {
		return errors.New("voice_prompt.from is missing")
	}
	content, err := os.ReadFile(filepath.Join(dir, filepath.FromSlash(f.VoicePrompt.From)))
	if err != nil {
		return fmt.Errorf("voice_prompt: %w", err)
	}
	if f.VoicePrompt.sections, err = ParseSections(string(content)); err != nil {
		return fmt.Errorf("voice_prompt.from %s: %w", f.VoicePrompt.From, err)
	}
	return nil
}
