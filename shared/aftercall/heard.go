package aftercall

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/chattercheatah/chattercheatah/shared/fault"
	"github.com/chattercheatah/chattercheatah/shared/private"
	"github.com/chattercheatah/chattercheatah/shared/reply"
	"github.com/chattercheatah/chattercheatah/shared/store"
	"github.com/chattercheatah/chattercheatah/shared/telnyx"
)

// heard is what is known of what was said.
type heard struct {
	said        []telnyx.Utterance
	recordingID string
}

// hear asks Telnyx what was said, and for a recording that no event has told of. A call that Telnyx knows nothing of, and one of a tenant
// without a key, has none of either.
func (w *Worker) hear(ctx context.Context, work *store.CallWork) (h heard, err error) {
	if work.APIKey.IsZero() {
		return h, nil
	}
	ctx, cancel := context.WithTimeout(ctx, askTelnyx)
	defer cancel()
	call := work.Call
	id := call.ConversationID
	if id == "" && call.ControlID != "" {
		id, err = w.Telnyx.FindConversation(ctx, work.APIKey, call.ControlID)
	}
	if id != "" && err == nil {
		h.said, err = w.Telnyx.Conversation(ctx, work.APIKey, id)
	}
	if fault.KindOf(err) == fault.NotFound {
		err = nil
	}
	if err == nil && call.RecordingID == "" && call.ControlID != "" {
		var failed error
		if h.recordingID, failed = w.Telnyx.FindRecording(ctx, work.APIKey, call.ControlID); failed != nil {
			w.Log.WarnContext(ctx, "recordings could not be looked up", "call_id", call.ID, "error", failed)
		}
	}
	return h, err
}

// fromCustomer reports whether the customer said anything: an assistant that talked alone has had no conversation.
func (h heard) fromCustomer() bool {
	return slices.ContainsFunc(h.said, func(u telnyx.Utterance) bool {
		return u.FromCustomer && strings.ContainsFunc(u.Text.Reveal(), func(r rune) bool { return unicode.IsLetter(r) || unicode.IsNumber(r) })
	})
}

// noTexts is when the customer asked for no more texts, unless they asked for them again since; zero when they did not. In a chat a keyword
// alone is such a request, as in any text; on the phone "stop" answers many questions.
func (h heard) noTexts(channel string) (at time.Time) {
	for _, u := range h.said {
		keyword := reply.NoKeyword
		if channel == "sms_chat" {
			keyword = reply.KeywordOf(u.Text)
		}
		switch {
		case !u.FromCustomer:
		case keyword == reply.Stop || reply.AsksToBeLeftAlone(u.Text):
			at = u.At
		case keyword == reply.Start:
			at = time.Time{}
		}
	}
	return at
}

// transcript is what was said as it is kept. What stands twice in one second is kept apart by its place there.
func (h heard) transcript(conversation string) []store.Utterance {
	var all []store.Utterance
	times := map[string]int{}
	for _, u := range h.said {
		role := map[bool]string{true: "user", false: "assistant"}[u.FromCustomer]
		sum := fnv.New64a()
		_, _ = fmt.Fprintf(sum, "%s\x00%s", role, u.Text.Reveal())
		key := fmt.Sprintf("%s:%d:%x", conversation, u.At.UnixMilli(), sum.Sum64())
		times[key]++
		all = append(all, store.Utterance{Role: role, Text: u.Text.Reveal(), At: u.At, Key: fmt.Sprintf("%s:%d", key, times[key])})
	}
	return all
}

// longest is how much of a conversation the model reads: the end of a longer one.
const longest = 60_000

// words is the conversation as the model reads it, a line of JSON for each side's words, so that nobody's words pass for another's. Where
// nothing was heard, what Telnyx has made of the call stands in.
func (h heard) words(insights []store.CallInsight) private.Text {
	var lines []string
	line := func(who, text string) {
		written, _ := json.Marshal(map[string]string{who: text})
		lines = append(lines, string(written))
	}
	for _, u := range h.said {
		line(map[bool]string{true: "customer", false: "assistant"}[u.FromCustomer], u.Text.Reveal())
	}
	if !h.fromCustomer() {
		lines = nil
		for _, i := range insights {
			line(cmp.Or(i.Name, "note"), i.Result.Reveal())
		}
	}
	text := strings.Join(lines, "\n")
	if len(text) > longest {
		text = text[len(text)-longest:]
		text = text[strings.IndexByte(text, '\n')+1:]
	}
	return private.NewText(text)
}

// evidence is what a reading is held against: the customer's own words, else what stands in for them.
func (h heard) evidence(insights []store.CallInsight) string {
	var words []string
	for _, u := range h.said {
		if u.FromCustomer {
			words = append(words, u.Text.Reveal())
		}
	}
	if !h.fromCustomer() {
		for _, i := range insights {
			words = append(words, i.Result.Reveal())
		}
	}
	return strings.Join(words, "\n")
}
