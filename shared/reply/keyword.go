package reply

import (
	"regexp"
	"slices"
	"strings"
	"unicode"

	"github.com/chattercheatah/chattercheatah/shared/private"
	"github.com/chattercheatah/chattercheatah/shared/store"
)

// Keyword is what a text asks for by its wording, apart from any answer.
type Keyword int

// The keywords. Yes is a Start from somebody who has opted out and an answer to a question from anybody else.
const (
	NoKeyword Keyword = iota
	Stop
	Start
	Yes
	Help
)

// whole are the messages that mean a keyword when they stand alone: those of 47 CFR 64.1200(a)(10), of the carriers and
// providers, and their Spanish counterparts.
var whole = map[string]Keyword{
	"stop": Stop, "stopall": Stop, "stop all": Stop, "unsubscribe": Stop, "cancel": Stop, "end": Stop, "quit": Stop, "revoke": Stop,
	"opt out": Stop, "optout": Stop, "opt-out": Stop,
	"alto": Stop, "parar": Stop, "detener": Stop, "cancelar": Stop, "baja": Stop, "dar de baja": Stop, "no más": Stop,
	"start": Start, "unstop": Start, "opt in": Start, "optin": Start, "opt-in": Start,
	"yes": Yes, "si": Yes, "sí": Yes,
	"help": Help, "info": Help, "ayuda": Help,
}

// KeywordOf reads a text. A keyword counts when it is the whole message, whatever its case and the signs around it; an
// unmistakable request to be left alone counts within a longer message too, unless it is negated, asked or supposed.
func KeywordOf(text private.Text) Keyword {
	words := normalise(text.Reveal())
	if k, ok := whole[impolite(words)]; ok && !politeYes(words, k) {
		return k
	}
	if AsksToBeLeftAlone(text) {
		return Stop
	}
	return NoKeyword
}

// bookings are what people write alone, by mail, of what they have booked, or in answer to a person.
var bookings = []string{"cancel", "cancelar", "end", "quit", "baja", "dar de baja", "yes", "si", "sí"}

// MailKeyword reads a mail: Stop, Start or NoKeyword. Those who write "cancel", "end" or "baja" alone to a business by mail speak of what they
// have booked there, and nobody answers a question of ours with yes.
func MailKeyword(text private.Text) store.Keyword {
	words := impolite(normalise(text.Reveal()))
	switch k := KeywordOf(text); {
	case slices.Contains(bookings, words):
		return store.NoKeyword
	case k == Stop || asks(text, mailRequest()):
		return store.Stop
	case k == Start:
		return store.Start
	default:
		return store.NoKeyword
	}
}

// impolite is a message without its please.
func impolite(words string) string {
	return strings.TrimSpace(strings.TrimSuffix(strings.TrimPrefix(words, "please "), " please"))
}

// AsksToBeLeftAlone reports whether somebody asks unmistakably for no more texts, whatever else they say.
func AsksToBeLeftAlone(text private.Text) bool { return asks(text, request()) }

func asks(text private.Text, what *regexp.Regexp) bool {
	return slices.ContainsFunc(clauses(text.Reveal()), func(clause string) bool {
		return what.MatchString(clause) && !supposed().MatchString(clause)
	})
}

// politeYes keeps "yes please" an answer, and "help please" a question for the assistant.
func politeYes(words string, k Keyword) bool {
	return k != Stop && strings.Contains(words, "please")
}

// normalise folds case, joins white space, and takes off what surrounds the words: signs, quotes, emoji, invisible marks.
func normalise(s string) string {
	s = strings.Map(func(r rune) rune {
		switch {
		case unicode.Is(unicode.Cf, r), unicode.Is(unicode.Mn, r) && r >= 0xFE00:
			return -1
		case r == '’' || r == '‘':
			return '\''
		case unicode.IsSpace(r):
			return ' '
		default:
			return unicode.ToLower(r)
		}
	}, s)
	s = strings.TrimFunc(s, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsNumber(r) })
	return strings.Join(strings.Fields(s), " ")
}

var clauseEnd = lazily(`[.!;\n]+|\?`)

// clauses are the parts of a message that say one thing each; a question keeps its mark.
func clauses(s string) []string {
	var all []string
	start := 0
	for _, end := range clauseEnd().FindAllStringIndex(s, -1) {
		clause := normalise(s[start:end[0]])
		if s[end[0]] == '?' {
			clause += "?"
		}
		all = append(all, clause)
		start = end[1]
	}
	return append(all, normalise(s[start:]))
}

// What people write when they want no more of us. Each needs an object, "me", "my number" or "texts": "stop by" and "cancel my
// class" ask for something else.
var request = lazily(`(?:^|[ ,])(?:` + strings.Join([]string{
	`(?:please |pls |just |now )*(?:stop|quit|cease)(?: all)?(?: with)?(?: the| these| your| sending| sending me)*(?: me)? (?:texting|messaging|contacting|txting|spamming|bothering|texts?|messages?|spam|sms)(?: me| us| my)?`,
	`(?:do not|don't|dont|never)(?: ever)? (?:text|message|contact|txt|sms|write)(?: to)? (?:me|us|this number|my number)`,
	`(?:remove|delete|erase|drop) (?:me|my (?:phone )?number|this number)(?: from (?:your|the|this|all) .*)?`,
	`take (?:me|my (?:phone )?number|this number) off`,
	`unsubscribe (?:me|my number|this number)`,
	`opt me out`,
	`i (?:want|wish|would like|'d like) to (?:opt out|unsubscribe|be removed|revoke (?:my )?consent)`,
	`(?:no more|no further) (?:texts?|messages?|sms)`,
	`leave me alone`,
	`lose my number`,
	`(?:deje?n?|pare?n?) de (?:escribir|escribirme|mandarme|mandar|enviarme|enviar|textearme|contactarme|molestarme|molestar)`,
	`no me (?:escriba|escriban|escribas|mande|manden|mandes|envíe|envíen|envíes|envie|envien|envies|contacte|contacten|contactes|textee|texteen) ?(?:más|mas|nada)?`,
	`(?:quítenme|quitenme|quíteme|quiteme|quítame|quitame|sáquenme|saquenme|bórrenme|borrenme|elimínenme|eliminenme) de`,
	`(?:no quiero|ya no quiero)(?: recibir)? más (?:mensajes|textos)`,
}, "|") + `)(?:$|[ ,?])`)

// What they write, besides, when they want no more mail of us.
var mailRequest = lazily(`(?:^|[ ,])(?:` + strings.Join([]string{
	`(?:please |pls |just |now )*(?:stop|quit|cease)(?: all)?(?: with)?(?: the| these| your| sending| sending me)* (?:e-?mailing|mailing|e-?mails?|newsletters?)(?: me| us)?`,
	`(?:please |pls |just |now )*(?:stop|quit|cease) writing(?: to)? (?:me|us)`,
	`(?:do not|don't|dont|never)(?: ever)? (?:e-?mail|mail)(?: to)? (?:me|us|this address|my address)(?:$|,| again| any ?more| ever| please)`,
	`(?:no more|no further) (?:e-?mails?|newsletters?)`,
	`(?:remove|delete|erase|drop|take) (?:my|this) (?:e-?mail )?address(?: (?:from|off) (?:your|the|this|all) .*)?`,
	`(?:no quiero|ya no quiero)(?: recibir)? más (?:correos|e-?mails?)`,
}, "|") + `)(?:$|[ ,?])`)

// supposed marks a clause that talks of stopping without asking for it.
var supposed = lazily(`(?:^|[ ,])(?:do not|don't|dont|never|didn't|did not|won't|not|no) (?:please )?(?:stop|quit|unsubscribe|remove|take|opt me|dejen? de|deje de|paren? de)` +
	`|(?:^|[ ,])(?:if|when|unless|until|before|after|why|did|have|has|how|who|she|he|they|someone|somebody|daughter|son|husband|wife) .*(?:stop|quit|text|messag|contact|remove|delete|take|unsubscribe|alone)` +
	`|(?:^|[ ,])(?:do|should|can|could|may) i .*(?:stop|unsubscribe|opt|remove)` +
	`|(?:do not|don't|dont|never)(?: ever)? (?:text|message|contact|txt|call|write)(?: to)? (?:me|us) (?:before|until|unless|during|while|when|at night|at work|so late|so early)(?:$|[ ,?])` +
	`|(?:remove|delete|take|drop) (?:me|my (?:phone )?number) (?:from|off) (?:the )?(?:class|lesson|wait|waiting|waitlist|saturday|sunday|monday|tuesday|wednesday|thursday|friday|schedule|appointment)`)
