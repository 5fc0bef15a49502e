package aftercall

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"slices"
	"strings"
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

// hear asks Telnyx what was said and for a recording that no event has told of. A call that Telnyx knows nothing of, and one of a tenant
// without a key, has none of either.
func (w *Worker) hear(ctx context.Context, work *store.CallWork) (h heard, err error) {
	if work.APIKey.IsZero() {
		return h, nil
	}
	ctx, cancel := context.WithTimeout(ctx, askTelnyx)
	defer cancel()
	call := work.Call
	if call.RecordingID == "" && call.ControlID != "" {
		if h.recordingID, err = w.Telnyx.FindRecording(ctx, work.APIKey, call.ControlID); err != nil && fault.KindOf(err) != fault.NotFound {
			return h, err
		}
	}
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
	return h, err
}

// fromCustomer reports whether the customer said anything: an assistant that talked alone has had no conversation.
func (h heard) fromCustomer() bool {
	return slices.ContainsFunc(h.said, func(u telnyx.Utterance) bool {
		return u.FromCustomer && strings.ContainsFunc(u.Text.Reveal(), func(r rune) bool { return unicode.IsLetter(r) || unicode.IsNumber(r) })
	})
}

// noTexts reports whether the customer asked for no more texts. In a chat a keyword alone is such a request, as in any text; on the phone
// "stop" answers many questions.
func (h heard) noTexts(channel string) bool {
	return slices.ContainsFunc(h.said, func(u telnyx.Utterance) bool {
		return u.FromCustomer && (reply.AsksToBeLeftAlone(u.Text) || channel == "sms_chat" && reply.KeywordOf(u.Text) == reply.Stop)
	})
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
