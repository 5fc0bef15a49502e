package emailpubsub

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/chattercheatah/chattercheatah/shared/crash"
	"github.com/chattercheatah/chattercheatah/shared/fault"
	"github.com/chattercheatah/chattercheatah/shared/httpx"
	"github.com/chattercheatah/chattercheatah/shared/store"
	"github.com/chattercheatah/chattercheatah/shared/task"
	"github.com/chattercheatah/chattercheatah/shared/tenant"
)

// envelope is what Pub/Sub pushes.
type envelope struct {
	Message struct {
		Data      string `json:"data"`
		MessageID string `json:"messageId"`
	} `json:"message"`
}

// notice is what Gmail publishes: the mailbox, and up to which id of its history it has changed.
type notice struct {
	EmailAddress string    `json:"emailAddress"`
	HistoryID    historyID `json:"historyId"`
}

// historyID comes as a number, and stands as a string in Gmail's guide.
type historyID uint64

// UnmarshalJSON takes either.
func (h *historyID) UnmarshalJSON(text []byte) error {
	n, err := strconv.ParseUint(strings.Trim(string(text), `"`), 10, 64)
	*h = historyID(n)
	return err
}

// Schema lets an operator write it either way.
func (historyID) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{OneOf: []*huma.Schema{{Type: huma.TypeInteger, Minimum: new(0.0)}, {Type: huma.TypeString, Pattern: "^[0-9]{1,20}$"}}}
}

// maxPush is far above any notice of Gmail's.
const maxPush = 64 << 10

// push records that a mailbox has changed and queues the reading of it. Once it answers 200 that is safe, queued or not.
func (d Deps) push(w http.ResponseWriter, r *http.Request, _ task.Call) error {
	n, id, err := read(r.Body)
	httpx.Note(r.Context(), slog.String("event_id", id))
	if fault.KindOf(err) == fault.Unavailable {
		return err
	}
	if err != nil {
		d.Log.WarnContext(r.Context(), "an announcement cannot be read", "event_id", id, "error", err)
		return answer(w, r, "ignored", "invalid_format")
	}
	crash.Point("push.received")
	outcome, err := d.take(r.Context(), n)
	if err != nil {
		return err
	}
	crash.Point("push.queued")
	if outcome == "unknown_mailbox" || outcome == "not_answered" {
		return answer(w, r, "ignored", outcome)
	}
	return answer(w, r, "ok", outcome)
}

func answer(w http.ResponseWriter, r *http.Request, status, outcome string) error {
	httpx.Note(r.Context(), slog.String("outcome", outcome))
	return httpx.Write(w, http.StatusOK, map[string]string{"status": status, "reason": outcome})
}

// read decodes a push. Errors never repeat it; fault.Unavailable is one that broke off, which may come whole the next time.
func read(body io.Reader) (n notice, id string, err error) {
	content, err := io.ReadAll(io.LimitReader(body, maxPush+1))
	if err != nil {
		return n, "", fault.Wrap(fault.Unavailable, errors.New("the push broke off"), "")
	}
	if len(content) > maxPush {
		return n, "", errors.New("the push is too long")
	}
	var e envelope
	if json.Unmarshal(content, &e) != nil {
		return n, "", errors.New("the push is not the JSON of Pub/Sub")
	}
	id = clipped(e.Message.MessageID)
	data, err := decode(e.Message.Data)
	if err != nil || json.Unmarshal(data, &n) != nil {
		return n, id, errors.New("the data of the push is not base64 of Gmail's JSON")
	}
	if n.EmailAddress == "" || n.HistoryID == 0 {
		return n, id, errors.New("the data of the push names no mailbox or no history")
	}
	return n, id, nil
}

// clipped keeps a stranger's id from filling the log.
func clipped(id string) string { return id[:min(len(id), 64)] }

// decode reads base64 of either alphabet, padded or not.
func decode(data string) ([]byte, error) {
	data = strings.TrimRight(data, "=")
	if strings.ContainsAny(data, "-_") {
		return base64.RawURLEncoding.DecodeString(data)
	}
	return base64.RawStdEncoding.DecodeString(data)
}

// queueWait bounds the time that queueing may add to an acknowledgement.
const queueWait = time.Second

const queued = "queued"

// take records a notice and queues the reading, and says what came of it.
func (d Deps) take(ctx context.Context, n notice) (outcome string, err error) {
	found, err := d.notice(ctx, n.EmailAddress, uint64(n.HistoryID))
	if err != nil || found.Scope.IsZero() {
		return "unknown_mailbox", err
	}
	crash.Point("push.recorded")
	switch {
	case !found.Answer:
		return "not_answered", nil
	case !found.Due:
		return "read_already", nil
	default:
		return d.queue(ctx, found.Scope.ID()), nil
	}
}

// notice records that a mailbox has changed; the scope is zero when it is nobody's. An address that the database cannot hold is nobody's too.
func (d Deps) notice(ctx context.Context, address string, historyID uint64) (store.MailboxNotice, error) {
	found, err := d.Store.NoticeMailbox(ctx, address, historyID)
	if k := fault.KindOf(err); err != nil && (k == fault.NotFound || k == fault.Invalid) {
		return store.MailboxNotice{}, nil
	}
	if err == nil {
		httpx.Note(ctx, slog.String("tenant_id", found.Scope.ID().String()), slog.String("via", found.Scope.Via()))
	}
	return found, err
}

// queue has the mailbox read now; what is announced within a second is read together.
func (d Deps) queue(ctx context.Context, id tenant.ID) string {
	ctx, cancel := context.WithTimeout(ctx, queueWait)
	defer cancel()
	if err := d.Queue.PutMailbox(ctx, id, d.Now().Truncate(time.Second).Add(time.Second)); err != nil {
		d.Log.WarnContext(ctx, "a mailbox was not queued; the sweeper will", "tenant_id", id, "error", err)
		return "recorded_not_queued"
	}
	return queued
}

type testInput struct {
	Body struct {
		EmailAddress string     `json:"email_address" maxLength:"254" example:"support@exampleco.test" doc:"a connected mailbox"`
		HistoryID    *historyID `json:"history_id,omitempty" example:"1710" doc:"as Gmail would announce it; what has been read up to it is not read again. Without it whatever there is is read"`
	}
}

type testOutput struct {
	Body struct {
		Status string `json:"status"`
		Reason string `json:"reason"`
	}
}

// test takes a notice from an operator as if Gmail had published it.
func (d Deps) test(ctx context.Context, _ store.User, in *testInput) (*testOutput, error) {
	if d.Production {
		return nil, fault.New(fault.Forbidden, "this is for testing and is not there in production; Gmail announces what comes into a mailbox by itself")
	}
	outcome, err := d.try(ctx, in.Body.EmailAddress, in.Body.HistoryID)
	if err != nil {
		return nil, err
	}
	out := &testOutput{}
	switch out.Body.Status, out.Body.Reason = "ok", outcome; outcome {
	case "unknown_mailbox":
		return nil, fault.New(fault.NotFound, "no active tenant has connected this mailbox; connect it with POST /email/oauth/start")
	case "not_answered":
		out.Body.Status = "ignored"
	}
	return out, nil
}

// try takes a notice. One without a history id records nothing, for an id that Gmail never comes to would have the mailbox read for ever: the
// reading is queued, or fault.Unavailable.
func (d Deps) try(ctx context.Context, address string, upTo *historyID) (outcome string, err error) {
	if upTo != nil {
		return d.take(ctx, notice{address, *upTo})
	}
	found, err := d.notice(ctx, address, 0)
	switch {
	case err != nil || found.Scope.IsZero():
		return "unknown_mailbox", err
	case !found.Answer:
		return "not_answered", nil
	}
	outcome = d.queue(ctx, found.Scope.ID())
	if outcome != queued {
		return "", fault.New(fault.Unavailable, "")
	}
	return outcome, nil
}
