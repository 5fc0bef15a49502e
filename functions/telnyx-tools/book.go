package telnyxtools

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/chattercheatah/chattercheatah/shared/booking"
	"github.com/chattercheatah/chattercheatah/shared/fault"
	"github.com/chattercheatah/chattercheatah/shared/httpx"
	"github.com/chattercheatah/chattercheatah/shared/meeting"
	"github.com/chattercheatah/chattercheatah/shared/private"
	"github.com/chattercheatah/chattercheatah/shared/store"
	"github.com/chattercheatah/chattercheatah/shared/webhook"
)

type bookAnswer struct {
	Status string `json:"status"` // one of meeting's outcomes, needs_details, or as of a link
	Result string `json:"result"` // what to say
}

// maxWords bounds a name and a topic.
const maxWords = 80

// bookMeeting books a meeting for whoever is talking, in the tenant's calendar. Arguments: slot_start and customer_name; customer_email, topic
// and language are optional. The number is that of the call, or of a customer who has texted lately; none that a model makes up. However
// often it is repeated, there is one meeting and one text about it.
func (d Deps) bookMeeting(w http.ResponseWriter, r *http.Request, c webhook.ToolCall) error {
	ctx, cancel := context.WithTimeout(r.Context(), deadline)
	defer cancel()
	language := languageOf(c.Args)
	calendar, err := c.Tenant.Calendar(ctx)
	if err != nil {
		return err
	}
	if calendar.RefreshToken.IsZero() {
		return d.linkInstead(ctx, w, c, calendar, language)
	}
	request, missing, err := wanted(ctx, c, calendar, language)
	if err != nil {
		return err
	}
	if missing != "" {
		return httpx.Write(w, http.StatusOK, bookAnswer{"needs_details", missing})
	}
	result, err := d.Meetings.Book(ctx, c.Tenant, calendar, request)
	switch {
	case errors.Is(err, meeting.ErrNoCalendar):
		return d.linkInstead(ctx, w, c, calendar, language)
	case fault.KindOf(err) == fault.Conflict:
		httpx.Note(ctx, slog.String("outcome", "not_offered"))
		return httpx.Write(w, http.StatusOK, bookAnswer{string(meeting.NotBooked), in(language, fault.PublicText(err), "A esa hora no se puede reservar. Elija otra de las horas libres, por favor.")})
	case err != nil: // the time may be held all the same, and then a repeat or Settle goes on with it
		d.Log.ErrorContext(ctx, "a booking that nothing is known of", "tenant_id", c.Tenant.Scope().ID(), "error", err)
		return httpx.Write(w, http.StatusOK, bookAnswer{string(meeting.NotCertain), in(language, "I can't say whether it's booked. Please ask me again in a minute, or call us to make sure.",
			"No puedo decir si quedó reservada. Pregúnteme de nuevo en un minuto, o llámenos para asegurarse.")})
	}
	d.queueText(ctx, c.Tenant, result.Text)
	httpx.Note(ctx, slog.String("outcome", string(result.Outcome)))
	return httpx.Write(w, http.StatusOK, bookAnswer{string(result.Outcome), say(result, request, calendar)})
}

func (d Deps) linkInstead(ctx context.Context, w http.ResponseWriter, c webhook.ToolCall, calendar store.Calendar, l booking.Language) error {
	link, err := d.bookingLink(ctx, c, calendar, l)
	if err != nil {
		return err
	}
	httpx.Note(ctx, slog.String("outcome", link.Status))
	return httpx.Write(w, http.StatusOK, bookAnswer{link.Status, link.Result})
}

// wanted is what the model asks for, or what to say of what is missing.
func wanted(ctx context.Context, c webhook.ToolCall, calendar store.Calendar, l booking.Language) (r meeting.Request, missing string, err error) {
	zone, err := meeting.Zone(calendar)
	if err != nil {
		return r, "", fault.Wrap(fault.Internal, err, "")
	}
	start, ok := booking.ParseStart(c.Args.First("slot_start", "start"), zone)
	name := plain(c.Args.First("customer_name", "name"))
	email, emailErr := emailOf(c.Args.First("customer_email", "email"))
	switch {
	case !ok:
		return r, in(l, "I need to know which of the free times it is.", "Necesito saber cuál de las horas libres es."), nil
	case name == "":
		return r, in(l, "I need the name to book it under.", "Necesito el nombre para la reserva."), nil
	case emailErr != nil:
		return r, in(l, "I didn't get the e-mail address right. Could you spell it, or shall I book it without?",
			"No entendí bien el correo electrónico. ¿Me lo puede deletrear, o reservo sin él?"), nil
	}
	from, err := caller(ctx, c)
	if err != nil {
		return r, "", err
	}
	if from.IsZero() {
		return r, in(l, "I can't see the number you are calling from, so I can't book it for you. Please call from a number that is shown, or our team can book it for you.",
			"No veo el número desde el que llama, así que no puedo hacer la reserva. Llame desde un número visible, o nuestro equipo puede reservar por usted."), nil
	}
	topic := plain(c.Args["topic"])
	if topic == "" {
		topic = in(l, "Consultation", "Consulta")
	}
	return meeting.Request{Start: start, Customer: from, Name: name, Email: email, Topic: topic, Language: l, ControlID: c.ControlID}, "", nil
}

// emailOf reads an address as it is written or spelled out; "" for none.
func emailOf(said string) (string, error) {
	if said == "" {
		return "", nil
	}
	written := strings.NewReplacer(" at ", "@", " arroba ", "@", " dot ", ".", " punto ", ".").Replace(strings.ToLower(said))
	return private.ParseEmail(strings.ReplaceAll(written, " ", ""))
}

// mostDigits is more than a level or an age has, and less than any phone number.
const mostDigits = 3

// plain is a name or a topic on one line without what could be a link or a phone number: a stranger said it, and the tenant texts it.
func plain(s string) string {
	kept := strings.Map(func(r rune) rune {
		switch {
		case unicode.IsLetter(r) || unicode.IsMark(r) || unicode.IsDigit(r) || strings.ContainsRune("'’-,&()+", r):
			return r
		case unicode.IsSpace(r) || strings.ContainsRune("/._:", r):
			return ' '
		}
		return -1
	}, s)
	spoken := strings.Fields(kept)
	hasDigit := func(word string) bool { return strings.IndexFunc(word, unicode.IsDigit) >= 0 }
	if digits := strings.Map(onlyDigit, kept); utf8.RuneCountInString(digits) > mostDigits {
		spoken = slices.DeleteFunc(spoken, hasDigit)
	}
	words := []rune(strings.Join(spoken, " "))
	return strings.TrimSpace(string(words[:min(len(words), maxWords)]))
}

func onlyDigit(r rune) rune {
	if unicode.IsDigit(r) {
		return r
	}
	return -1
}

// queueText has the worker called for a text. One that is not queued is recorded all the same, and the sweeper finds it.
func (d Deps) queueText(ctx context.Context, t *store.Tenant, p store.PlannedReply) {
	if p.ReplyID == 0 || p.State != store.Planned {
		return
	}
	if err := d.Queue.PutReply(ctx, t.Scope().ID(), p.ReplyID, p.ActAt); err != nil {
		d.Log.WarnContext(ctx, "text not queued; the sweeper will", "tenant_id", t.Scope().ID(), "reply_id", p.ReplyID, "error", err)
	}
}

// say tells how a meeting stands.
func say(r meeting.Result, of meeting.Request, c store.Calendar) string {
	l := of.Language
	zone, err := meeting.Zone(c)
	if err != nil {
		zone = r.Slot.Start.Location()
	}
	when := r.Slot.Words(l, zone)
	switch r.Outcome {
	case meeting.Booked:
		text := in(l, " We're texting you the details.", " Le enviamos los detalles por mensaje de texto.")
		if !r.Texting {
			text = in(l, " We can't text you, so please note it down.", " No podemos enviarle un mensaje, así que anótela, por favor.")
		}
		return sentence(in(l, "It's booked for "+when, "Quedó reservada para "+when)) + text
	case meeting.Taken:
		return in(l, "That time is taken by now. Please choose another one.", "Esa hora ya está ocupada. Elija otra, por favor.")
	case meeting.TooMany:
		return in(l, "You already have three appointments ahead, and I can't book more. Our team can.", "Ya tiene tres citas pendientes y no puedo reservar más. Nuestro equipo puede hacerlo.")
	case meeting.NotCertain:
		follow := in(l, " We'll text you when we know.", " Le enviaremos un mensaje de texto cuando lo sepamos.")
		if !r.Texting {
			follow = in(l, " We can't text you, so please call us later to make sure.", " No podemos enviarle un mensaje, así que llámenos más tarde para asegurarse, por favor.")
		}
		return sentence(in(l, "I'm not certain yet that it's booked for "+when, "Todavía no es seguro que esté reservada para "+when)) + follow
	default:
		return in(l, "I couldn't reach the calendar, so nothing is booked. Please try again in a little while, or our team can book it for you.",
			"No pude acceder al calendario, así que no hay nada reservado. Inténtelo de nuevo en un rato, o nuestro equipo puede reservar por usted.")
	}
}

// sentence ends what may end in "a.m." already.
func sentence(s string) string { return strings.TrimSuffix(s, ".") + "." }
