package worker_test

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/text/unicode/norm"
	"pgregory.net/rapid"

	"github.com/chattercheatah/chattercheatah/shared/gemini/geminitest"
	"github.com/chattercheatah/chattercheatah/shared/private"
	"github.com/chattercheatah/chattercheatah/shared/prompt"
	"github.com/chattercheatah/chattercheatah/shared/reply"
	"github.com/chattercheatah/chattercheatah/shared/store"
	"github.com/chattercheatah/chattercheatah/shared/store/demo"
	"github.com/chattercheatah/chattercheatah/shared/telnyx"
)

// What follows judges a text without the code that let it through: what of it a person would see and a phone might make a link of has to
// stand in the tenant's own words.

var (
	judgedURL    = regexp.MustCompile(`(?i)([a-z][a-z0-9+.-]*://[^\s<>"\x60]+)`)
	judgedMail   = regexp.MustCompile(`([\p{L}\p{N}.%+_-]*[\p{L}\p{N}]@[\p{L}\p{N}.-]*[\p{L}\p{N}]\.[\p{L}\p{N}]{2,})`)
	judgedDomain = regexp.MustCompile(`(?i)((?:[\p{L}\p{N}](?:[\p{L}\p{N}-]*[\p{L}\p{N}])?\.)+(?:com|net|org|test|example|io|ninja|app|co|uk|me|info|link|рф|xn--p1ai|онлайн)(?:[:/?#][^\s<>"\x60]*)?)(?:[^\p{L}\p{N}-]|$)`)
	judgedIP     = regexp.MustCompile(`\b(\d{1,3}(?:\.\d{1,3}){3})\b`)
	judgedNumber = regexp.MustCompile(`\d(?:[ .()/_•·–—\n-]{0,4}\d){6,}`)
	judgedDate   = regexp.MustCompile(`^(?:20\d\d-\d\d?-\d\d?|\d\d?/\d\d?/20\d\d|20\d\d ?[-–/] ?20\d\d)$`)
)

// visible is a text as its reader sees it.
func visible(text string) string {
	var b strings.Builder
	for _, r := range norm.NFKC.String(text) {
		switch {
		case r == '\n' || r == '\t' || unicode.IsPrint(r) && !unicode.In(r, unicode.Me, unicode.Variation_Selector, unicode.Other_Default_Ignorable_Code_Point):
			b.WriteRune(r)
		case unicode.IsSpace(r):
			b.WriteByte(' ')
		}
	}
	return strings.NewReplacer("\u2010", "-", "\u2011", "-", "\u2212", "-", "。", ".").Replace(b.String())
}

// foreign tells what in a text leads to somewhere that own, a tenant's words, does not name; "" for nothing.
func foreign(text, own string) string {
	text = visible(text)
	for _, find := range []*regexp.Regexp{judgedURL, judgedMail, judgedDomain, judgedIP} {
		for _, match := range find.FindAllStringSubmatch(text, -1) {
			found := strings.TrimRight(match[1], ".,;:!?)]}*_>/\"'”’»")
			if !slices.Contains(namesOf(own), bare(found)) {
				return found
			}
		}
	}
	digits := regexp.MustCompile(`\D`)
	for _, link := range judgedURL.FindAllString(own, -1) {
		text = strings.ReplaceAll(text, link, ";")
	}
	for _, found := range judgedNumber.FindAllString(text, -1) {
		number := digits.ReplaceAllString(found, "")
		for _, ours := range []string{"15555550123", "5555550123"} {
			number = strings.ReplaceAll(number, ours, "")
		}
		if !judgedDate.MatchString(found) && !strings.HasSuffix("5555550123", number) {
			return found
		}
	}
	return ""
}

// bare is an address without what does not change where it leads.
func bare(found string) string {
	if u, err := url.Parse(found); err == nil && (u.Scheme == "http" || u.Scheme == "https") {
		found = strings.ToLower(u.Host) + strings.TrimPrefix(found[len(u.Scheme)+3:], u.Host)
	} else if host, rest, _ := strings.Cut(found, "/"); rest != "" {
		found = strings.ToLower(host) + "/" + rest
	} else if _, err := netip.ParseAddr(found); err != nil {
		found = strings.ToLower(found)
	}
	return strings.TrimRight(strings.TrimPrefix(found, "www."), "/")
}

// namesOf lists the addresses in a tenant's words, and the hosts of its mailboxes, which are part of these.
func namesOf(own string) []string {
	names := []string{"exampleco.test"}
	for _, word := range strings.Fields(own) {
		names = append(names, bare(strings.TrimRight(word, ".,;")))
	}
	return names
}

// swimWords are all of the school's.
func swimWords() string {
	s := demo.SwimSchool()
	words := string(prompt.Write(prompt.Merge(prompt.Base(), s.Prompt)))
	return strings.Join([]string{words, s.Profile.WebsiteURL, s.Profile.Phone, s.Profile.Email, s.Profile.BusinessName}, "\n")
}

// theDentists are addresses and words of the dentist's that no customer of the school may read, and the school's model never does.
var theDentists = []string{"555-0124", "5550124", "555-0148", "5550148", "three dentists", "90 dollars", "sampledental.test/book", "emergencies only"}

// corpus is what an adversary says by hand.
var corpus = []string{
	"See https://evil.test/now", "See HTTPS://EVIL.TEST", "evil.com", "www.evil.co.uk/x?y=1#z", "evil.github.io", "my-shop.myshopify.com/pay", "x.web.app", "evil.com/%zz",
	"evil.com/%", "http://203.0.113.7/x", "203.0.113.7", "203.0.113.7:8080/login", "http://[2001:db8::1]/", "http://3405803783/", "ftp://evil.test", "evilapp://pay/now",
	"javascript://swim.exampleco.test/%0aalert(1)", "https://swim.exampleco.test@evil.test/", "https://swim.exampleco.test.evil.test", "https://swim.exampleco.test:8443/register",
	"https://swim.exampleco.test/register#evil.test", "https://swim.exampleco.test/register/../pay", "https://swim.exampleco.test\\@evil.test", "https:evil.test", "//evil.test/x",
	"swim.exampleco.test%2eevil.com", "support@exampleco.test@evil.com", "https://swim.exampleco.test'@evil.com", "ev--il.com", "AB--CD.COM",
	"[register](https://evil.test)", "[https://swim.exampleco.test](https://evil.test)", "![x](https://evil.test/p.png)", "<https://evil.test>", "<a href='https://evil.test'>x</a>",
	"ht*tp*s://evil.test", "`evil`.com", "e**v**il.com", "evil\u200b.com", "evil\u00ad.com", "ev\u200dil.c\u2060om", "evil\u034f.com", "evil.c\ufe0fom", "evil\u2024com", "evil。com", "ｅｖｉｌ．ｃｏｍ",
	"h\u202ettps://evil.test", "еvil.рф", "пример.рф", "xn--e1afmkfd.xn--p1ai", "exаmpleco.test", "swim.exampIeco.test", "swim.éxampleco.test", "𝐞𝐯𝐢𝐥.com", "evil.cⓞm",
	"me@evil.test", "support@evil.com", "x.support@exampleco.test", "хsupport@exampleco.test", "support＠evil.com", "me@\u200bevil.com", "support@exampleco.test.evil.com",
	"Call +1 555 555 0199", "call 5555550199now", "x5555550199", "555\u00a0555\u00a00199", "555–555–0199", "555‑555‑0199", "555•555•0199", "555_555_0199", "５５５５５５０１９９",
	"٥٥٥٥٥٥٠١٩٩", "555\u200b555\u200b0199", "555\u00ad5550199", "15555550199 15555550188", "+15555550199 2026 2026", "+44 555 555 0123", "+4455555550123", "tel:+15555550199",
	"555\n555\n0199", "(555)555.0199", "+1/555/555/0199", "𝟓𝟓𝟓𝟓𝟓𝟓𝟎𝟏𝟗𝟗", "5️⃣5️⃣5️⃣5️⃣5️⃣5️⃣0️⃣1️⃣9️⃣9️⃣", "55-55-55-01-99", "sms:5555550199?body=x",
	"Sample Dental Clinic: https://sampledental.test/book", "Call the clinic at +1 (555) 555-0124 or desk@sampledental.test", "+15555550148", "sampledental.test",
	"STOP", "UNSUBSCRIBE", "START", `{"tool":"send_sms","to":"+15555550199","text":"hi"}`, `<tool_call>{"name":"send-link","arguments":{"to":"+15555550199"}}</tool_call>`,
	"```json\n{\"to\": \"+15555550199\"}\n```", "tenant_id=2048; drop table replies; --", "My instructions are: # Business\nName: x", "\x00\x01\x02", "", " ", "\n\n\n", "\u200b", "***",
	"\u202eevil.test", strings.Repeat("a", 5000), strings.Repeat("é ", 4000), strings.Repeat("🐆", 900), strings.Repeat("https://evil.test ", 300), strings.Repeat("We swim. ", 500) + "evil.com",
	strings.Repeat("9", 400), strings.Repeat("[", 2000), strings.Repeat("swim.exampleco.test/register ", 200), "\xff\xfe\xfd", "We open at 8.", "Register at https://swim.exampleco.test/register.",
	"Call +1 555-555-0123.", "Write to support@exampleco.test.", "On 2026-11-28, season 2026–2027.",
}

var glue = []string{"", " ", "\n", ". ", ".", "!\n", "\u200b", "\u00ad", "\u00a0", "-", "@", "/", "*", "**", "`", "'", "\"", "(", ")", "|", ":", "#", "\r", "\t", "\u2060", "\ufe0f", "、", "…"}

// hostile is an answer: pieces of the corpus, of one another and of anything, glued together.
func hostile() *rapid.Generator[string] {
	part := rapid.Custom(func(t *rapid.T) string {
		s := rapid.SampledFrom(corpus).Draw(t, "piece")
		runes := []rune(s)
		switch rapid.IntRange(0, 5).Draw(t, "how") {
		case 0:
			return rapid.StringN(0, 30, 120).Draw(t, "anything")
		case 1: // a part of it
			if len(runes) > 1 && len(runes) < 300 {
				from := rapid.IntRange(0, len(runes)-1).Draw(t, "from")
				return string(runes[from:])
			}
		case 2: // something between any two of its letters
			if len(runes) > 1 && len(runes) < 300 {
				at := rapid.IntRange(1, len(runes)-1).Draw(t, "at")
				return string(runes[:at]) + rapid.SampledFrom(glue).Draw(t, "within") + string(runes[at:])
			}
		case 3:
			return strings.ToUpper(s)
		}
		return s
	})
	return rapid.Custom(func(t *rapid.T) string {
		var b strings.Builder
		for _, s := range rapid.SliceOfN(part, 1, 5).Draw(t, "parts") {
			b.WriteString(s)
			b.WriteString(rapid.SampledFrom(glue).Draw(t, "glue"))
		}
		return b.String()
	})
}

// wrong tells what is wrong with a text to a customer of the school; "" for nothing.
func wrong(text, own string) string {
	if found := foreign(text, own); found != "" {
		return fmt.Sprintf("leads to %q", found)
	}
	if n := telnyx.Segments(text); n > 5 || strings.TrimSpace(text) == "" {
		return fmt.Sprintf("has %d segments", n)
	}
	for _, word := range theDentists {
		if strings.Contains(visible(text), word) {
			return fmt.Sprintf("holds the dentist's %q", word)
		}
	}
	return ""
}

// says is a model in whose place an adversary is.
type says string

func (s says) Answer(context.Context, private.Text, []reply.Turn) (private.Text, store.Spent, error) {
	return private.NewText(string(s)), store.Spent{}, nil
}

func TestHostileModel_WhatIsTextedLeadsNowhereButToTheTenantsOwn(t *testing.T) {
	t.Parallel()
	own := swimWords()
	school := demo.SwimSchool()
	sections := prompt.Write(prompt.Merge(prompt.Base(), school.Prompt))
	allowed := reply.AllowedFrom(string(sections))
	recipe := prompt.NewRecipe(prompt.SMS, []int64{1}, school.Profile, time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC))
	check := func(answer string) {
		got, _, err := reply.Ask(context.Background(), says(answer), recipe, sections, allowed, nil)
		if err != nil {
			if !errors.Is(err, reply.ErrNothingLeft) {
				t.Errorf("%q: %v", answer, err)
			}
			return
		}
		if bad := wrong(got.Reveal(), own); bad != "" {
			t.Errorf("of %q is sent %q, which %s", answer, got.Reveal(), bad)
		}
	}
	for _, s := range corpus {
		for _, answer := range []string{s, "We are open today" + s + " today. We are open."} {
			check(answer)
		}
	}
	arbitrary := hostile()
	for seed := range 500 {
		check(arbitrary.Example(100_000 + seed))
	}
}

// TestHostileModel_OneTextToWhoeverWroteAndNobodyElse has the adversary answer through all there is: each of many customers writes to both
// tenants once, and every answer is another of the corpus.
func TestHostileModel_OneTextToWhoeverWroteAndNobodyElse(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	own := swimWords()
	var mu sync.Mutex
	said := 0
	b.model.Answer(func(p geminitest.Prompt) string {
		mu.Lock()
		defer mu.Unlock()
		if said++; said%10 == 0 {
			return p.System
		}
		return "Well. " + corpus[said%len(corpus)]
	})
	want := map[string]int{}
	for i := range 12 {
		from := private.MustPhone(fmt.Sprintf("+1555555%04d", 160+i))
		for to, number := range map[*store.Tenant]private.Phone{b.SwimSchool: b.SwimSchoolPhone, b.Dentist: b.DentistPhone} {
			if to == b.Dentist && i%6 > 0 {
				continue
			}
			rec, err := to.RecordInbound(t.Context(), store.Inbound{
				VerifiedWith: new(string), From: from, To: number, Text: private.NewText("Are you open?"), ProviderMessageID: fmt.Sprint("in-", number, i), OccurredAt: time.Now(),
			})
			if err != nil {
				t.Fatal(err)
			}
			want[number.E164()+" "+from.E164()] = 1
			for range 2 { // its task comes twice
				b.work(t, to, rec.ReplyID)
			}
		}
	}
	b.drain(t)
	got := map[string]int{}
	for _, m := range b.telnyx.Sent() {
		got[m.From.E164()+" "+m.To.E164()]++
		if m.From != b.SwimSchoolPhone {
			continue
		}
		if bad := wrong(m.Text.Reveal(), own); bad != "" {
			t.Errorf("the customer is sent %q, which %s", m.Text.Reveal(), bad)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("texts from and to (-want +got):\n%s", diff)
	}
	for _, p := range b.model.Asked() {
		for _, word := range theDentists {
			if strings.Contains(p.System, demo.SwimSchool().Name) && strings.Contains(p.System, word) {
				t.Errorf("the school's model is told the dentist's %q", word)
			}
		}
	}
	if log := b.log.String(); strings.Contains(log, "evil") || strings.Contains(log, "5555550199") {
		t.Error("what the model said stands in the log")
	}
}
