package main

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/chattercheatah/chattercheatah/shared/booking"
	"github.com/chattercheatah/chattercheatah/shared/private"
	"github.com/chattercheatah/chattercheatah/shared/store/demo"
)

func fileText(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestBSS_TheFranchisesOfTheFilesAreProvisioned takes the numbers from the files, so that they stand nowhere else.
func TestBSS_TheFranchisesOfTheFilesAreProvisioned(t *testing.T) {
	t.Parallel()
	l := startLive(t, nil)
	l.rows().Exec(t, `insert into tenants (id, name, subdomain) values (3, 'BSS', 'bss-cypress-spring')`)
	table := fileText(t, "../setup-voice-configs/bss.yaml")
	key := demo.SwimSchool().APIKey.Reveal() // an account that the local fake knows
	l.telnyx.AddNumber(key, private.MustPhone(regexp.MustCompile(`\+1[0-9]{10}`).FindString(table)))
	l.telnyx.AddAssistant(key, regexp.MustCompile(`assistant-[0-9a-f-]{36}`).FindString(table))
	env := []string{
		"BSS_EXAMPLE_TELNYX_API_KEY=" + key, "BSS_CYPRESS_SPRING_TELNYX_API_KEY=" + key, "BSS_CYPRESS_SPRING_TOOL_SECRET=" + toolSecret,
		"TELNYX_API_BASE=" + l.server.URL + telnyxPrefix,
	}
	for _, file := range []string{"../onboard/bss-cypress-spring.yaml", "../onboard/bss-franchise.yaml"} {
		out, code := l.command(t, env, "onboard", file)
		if code != 0 || !strings.Contains(out, "made      voice_prompt: version 1 is live for the channel voice\n") {
			t.Fatalf("%s ended with %d:\n%s", file, code, out)
		}
		if out, code := l.command(t, env, "onboard", file); code != 0 || regexp.MustCompile(`(?m)^(made|changed) `).MatchString(out) {
			t.Errorf("%s again ended with %d:\n%s", file, code, out)
		}
	}
	for _, args := range [][]string{{"-apply"}, {"-check"}} {
		if out, code := l.command(t, env, "setup-voice-configs", append(args, "../setup-voice-configs/bss.yaml")...); code != 0 || strings.Contains(out, toolSecret) {
			t.Errorf("%v ended with %d:\n%s", args, code, out)
		}
	}
	l.checkVoicePrompt(t)
}

// checkVoicePrompt holds that tenant 3 is told the Markdown file and its own pools on the telephone, and in texts its pools alone.
func (l *live) checkVoicePrompt(t *testing.T) {
	t.Helper()
	got := l.rows().Query(t, `select b.channel || ' ' || s.section_key from prompt_bundles b join prompt_sections s on s.bundle_id = b.id
		where b.tenant_id = 3 order by b.channel, s.sort_order, s.section_key`)
	want := []string{"any business_info", "any rules", "any pools"}
	for _, heading := range regexp.MustCompile(`(?m)^## (.+)$`).FindAllStringSubmatch(fileText(t, "../../docs/BSS_VOICE_AGENT_PROMPT_COMBINED.md"), -1) {
		want = append(want, "voice "+heading[1])
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the sections are (-want +got):\n%s", diff)
	}
}

func TestBSS_ThePromptNamesThePoolsAndLevelsThatLinksKnow(t *testing.T) {
	t.Parallel()
	franchise, err := booking.FranchiseOf("cypress-spring")
	if err != nil {
		t.Fatal(err)
	}
	prompt, file := strings.Join(strings.Fields(fileText(t, "../../docs/BSS_VOICE_AGENT_PROMPT_COMBINED.md")), " "), fileText(t, "../onboard/bss-cypress-spring.yaml")
	for _, level := range franchise.Levels {
		if !regexp.MustCompile(`\b` + level.Code + `\b`).MatchString(prompt) {
			t.Errorf("the prompt does not name the level %s", level.Code)
		}
	}
	for _, pool := range franchise.Locations {
		if !strings.Contains(file, "- "+pool.Name+",") || !strings.Contains(file, pool.Code) {
			t.Errorf("the franchise's file does not name the pool %s, %s", pool.Code, pool.Name)
		}
	}
}
