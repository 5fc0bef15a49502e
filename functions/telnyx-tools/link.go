package telnyxtools

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/chattercheatah/chattercheatah/shared/booking"
	"github.com/chattercheatah/chattercheatah/shared/fault"
	"github.com/chattercheatah/chattercheatah/shared/httpx"
	"github.com/chattercheatah/chattercheatah/shared/private"
	"github.com/chattercheatah/chattercheatah/shared/store"
	"github.com/chattercheatah/chattercheatah/shared/webhook"
)

const (
	oneLink    = 10 * time.Minute        // in which a link to the same class is sent once
	waitToSend = 2500 * time.Millisecond // for the provider's acceptance; a tool is given five seconds
	lookEvery  = 100 * time.Millisecond
)

type linkAnswer struct {
	Result string `json:"result"` // what to say
	Status string `json:"status"` // sent, on_its_way or not_sent
}

// sendLink texts whoever is talking the link to register: for a class_id Jackrabbit's form, filled in with what the model knows of the
// family, else the franchise's page for location and level. The number is that of the call, or of a customer who has texted lately; none
// that a model makes up. However often it is repeated, one link about the same class goes out within ten minutes, and that it was sent
// is said when the provider has taken it.
func (d Deps) sendLink(w http.ResponseWriter, r *http.Request, c webhook.ToolCall) error {
	ctx, cancel := context.WithTimeout(r.Context(), deadline)
	defer cancel()
	language := languageOf(c.Args)
	to, err := caller(ctx, c)
	if err != nil {
		return err
	}
	if to.IsZero() {
		return httpx.Write(w, http.StatusOK, linkAnswer{in(language, "I can't see the number you are calling from, so I can't text you the link. Our team can send it to you.",
			"No veo el número desde el que llama, así que no puedo enviarle el enlace. Nuestro equipo puede enviárselo."), "not_sent"})
	}
	text, about, err := registration(ctx, c, to, language)
	if err != nil {
		return err
	}
	planned, refused, err := c.Tenant.PlanToolText(ctx, store.ToolText{To: to, Text: text, Key: about, Within: oneLink})
	if err != nil {
		return err
	}
	out := refusal(refused, language)
	if refused == "" {
		out = told(d.send(ctx, c.Tenant, planned), language)
	}
	httpx.Note(ctx, slog.String("outcome", out.Status), slog.Int64("reply_id", planned.ReplyID))
	return httpx.Write(w, http.StatusOK, out)
}

// caller is the customer who is talking; zero when that is not known.
func caller(ctx context.Context, c webhook.ToolCall) (private.Phone, error) {
	if c.ControlID != "" {
		return c.Tenant.CallCustomer(ctx, "control:"+c.ControlID)
	}
	texter, _ := private.ParsePhone(c.Args.First("telnyx_end_user_target", "to", "phone", "caller_phone", "customer_phone"))
	return c.Tenant.RecentTexter(ctx, texter)
}

// registration is the text with the link, and what it is about.
func registration(ctx context.Context, c webhook.ToolCall, to private.Phone, l booking.Language) (text private.Text, about string, err error) {
	config, err := c.Tenant.CustomerServiceConfig(ctx)
	if err != nil {
		return text, "", err
	}
	var franchise *booking.Franchise
	if config.Franchise != "" {
		if franchise, err = booking.FranchiseOf(config.Franchise); err != nil {
			return text, "", fault.Wrap(fault.Internal, err, "") // an operator's slip, which is not to be said aloud
		}
	}
	args := c.Args
	request := booking.LinkRequest{Org: config.JackrabbitOrgID, ClassID: args.First("class_id", "classid"), Location: args["location"], Level: args["level"], Customer: family(args, to)}
	link, err := booking.Link(request, franchise)
	if err != nil {
		return text, "", err
	}
	what := []string{config.JackrabbitOrgID, request.ClassID}
	if request.ClassID == "" {
		what = append(what, request.Location, request.Level)
	}
	sum := sha256.Sum256([]byte(strings.ToLower(strings.Join(what, "\x00"))))
	words := in(l, "Here is your registration link: ", "Aquí está su enlace de inscripción: ")
	return private.NewText(words + link), "link-" + hex.EncodeToString(sum[:8]), nil
}

// family is what the model knows of who registers.
func family(args webhook.Args, phone private.Phone) booking.Customer {
	f := booking.Customer{
		FirstName: args["first_name"], LastName: args["last_name"], Email: args["email"], Phone: phone,
		Address: args["address"], City: args["city"], State: args["state"], Zip: args.First("zip", "zip_code"),
	}
	var students []struct{ First, Last, Gender, BDate, ClassID string }
	if json.Unmarshal([]byte(strings.ReplaceAll(args["students"], `"class_id"`, `"ClassID"`)), &students) != nil {
		return f
	}
	for _, s := range students {
		birth, _ := booking.ParseBirth(s.BDate)
		f.Students = append(f.Students, booking.Student{First: s.First, Last: s.Last, Gender: s.Gender, Birth: birth, ClassID: s.ClassID})
	}
	return f
}

// send has the worker called for a text, and waits a moment for what becomes of it.
func (d Deps) send(ctx context.Context, t *store.Tenant, p store.PlannedReply) store.ReplyState {
	ctx, cancel := context.WithTimeout(ctx, waitToSend)
	defer cancel()
	d.queueText(ctx, t, p)
	state := p.State
	for ctx.Err() == nil && (state == store.Planned || state == store.Claimed || state == store.Sending) {
		select {
		case <-time.After(lookEvery):
		case <-ctx.Done():
			return state
		}
		now, err := t.ReplyState(ctx, p.ReplyID)
		if err != nil {
			return state
		}
		state = now
	}
	return state
}

func told(s store.ReplyState, l booking.Language) linkAnswer {
	switch s {
	case store.Accepted, store.Delivered:
		return linkAnswer{in(l, "I've texted you the link.", "Le envié el enlace por mensaje de texto."), "sent"}
	case store.Rejected, store.Undelivered, store.Suppressed:
		return linkAnswer{in(l, "I couldn't text you the link. Our team can send it to you another way.", "No pude enviarle el enlace. Nuestro equipo puede enviárselo de otra manera."), "not_sent"}
	default:
		return linkAnswer{in(l, "The link is being texted to you. If it isn't there in a few minutes, please tell our team.",
			"El enlace se está enviando por mensaje de texto. Si no llega en unos minutos, avise a nuestro equipo."), "on_its_way"}
	}
}

func refusal(r store.Refusal, l booking.Language) linkAnswer {
	if r == store.OptedOut {
		return linkAnswer{in(l, "You've asked us not to text you, so I can't send the link. Text START to us to get texts again.",
			"Usted pidió no recibir mensajes, así que no puedo enviar el enlace. Envíenos START para recibirlos de nuevo."), "not_sent"}
	}
	return linkAnswer{in(l, "We can't send texts right now. Our team can give you the link.", "Ahora no podemos enviar mensajes. Nuestro equipo puede darle el enlace."), "not_sent"}
}
