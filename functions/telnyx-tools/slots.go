package telnyxtools

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/chattercheatah/chattercheatah/shared/booking"
	"github.com/chattercheatah/chattercheatah/shared/fault"
	"github.com/chattercheatah/chattercheatah/shared/httpx"
	"github.com/chattercheatah/chattercheatah/shared/meeting"
	"github.com/chattercheatah/chattercheatah/shared/private"
	"github.com/chattercheatah/chattercheatah/shared/store"
	"github.com/chattercheatah/chattercheatah/shared/webhook"
)

// offeredSlot is a free time as an assistant reads it: display is what to say, start what book-meeting wants to know.
type offeredSlot struct {
	Index   int    `json:"index"`
	Start   string `json:"start"`
	End     string `json:"end"`
	Display string `json:"display"`
}

type slotsAnswer struct {
	Status string        `json:"status"` // offered, none, not_known, or as of a link
	Result string        `json:"result"` // what to say
	Slots  []offeredSlot `json:"slots"`
	More   bool          `json:"more_available"`
}

const (
	offeredAtOnce = 3 // more cannot be kept in mind by somebody who listens
	usualDays     = 5
	mostDays      = 14
)

// getSlots finds free times in the tenant's calendar. Arguments, all optional: date_preference, num_days and language. When those days have
// none, the next that there are are offered.
func (d Deps) getSlots(w http.ResponseWriter, r *http.Request, c webhook.ToolCall) error {
	ctx, cancel := context.WithTimeout(r.Context(), deadline)
	defer cancel()
	language := languageOf(c.Args)
	calendar, err := c.Tenant.Calendar(ctx)
	if err != nil {
		return err
	}
	zone, err := meeting.Zone(calendar)
	if err != nil {
		return fault.Wrap(fault.Internal, err, "") // an operator's slip, which is not to be said aloud
	}
	from, understood := booking.ParseDatePreference(c.Args.First("date_preference", "date", "day"), d.Meetings.Now(), zone)
	if !understood {
		from = booking.DayOf(d.Meetings.Now(), zone)
	}
	free, err := d.Meetings.Free(ctx, c.Tenant, calendar, from)
	switch {
	case errors.Is(err, meeting.ErrNoCalendar):
		link, err := d.bookingLink(ctx, c, calendar, language)
		if err != nil {
			return err
		}
		return httpx.Write(w, http.StatusOK, slotsAnswer{Status: link.Status, Result: link.Result, Slots: []offeredSlot{}})
	case err != nil:
		d.Log.ErrorContext(ctx, "no slots", "tenant_id", c.Tenant.Scope().ID(), "error", err)
		return httpx.Write(w, http.StatusOK, slotsAnswer{Status: "not_known", Slots: []offeredSlot{}, Result: in(language,
			"I can't see the calendar right now, so I can't say which times are free. Our team can help with it.",
			"Ahora no veo el calendario y no puedo decirle qué horas hay libres. Nuestro equipo puede ayudarle.")})
	}
	out := offer(free, from, daysOf(c.Args), calendar.HorizonDays, language, zone)
	if !understood {
		out.Result = in(language, "I didn't understand the day, so I looked from today on. ", "No entendí el día, así que busqué desde hoy. ") + out.Result
	}
	httpx.Note(ctx, slog.String("outcome", out.Status), slog.Int("found", len(free)))
	return httpx.Write(w, http.StatusOK, out)
}

func daysOf(args webhook.Args) int {
	days, err := strconv.Atoi(args["num_days"])
	if err != nil || days < 1 {
		return usualDays
	}
	return min(days, mostDays)
}

// offer says the first of the free slots, of so many days from a day on when those have any.
func offer(free []booking.Slot, from booking.Day, days, horizon int, l booking.Language, zone *time.Location) slotsAnswer {
	out := slotsAnswer{Status: "none", Slots: []offeredSlot{}}
	var within []booking.Slot
	for _, s := range free {
		if !booking.DayOf(s.Start, zone).After(from.Add(days - 1)) {
			within = append(within, s)
		}
	}
	say := in(l, "These times are free: ", "Estas horas están libres: ")
	switch {
	case len(free) == 0:
		out.Result = in(l, "There is no free time from then on that I can book. I can book up to "+strconv.Itoa(horizon)+" days ahead.",
			"Desde ese día no hay horas libres que pueda reservar. Puedo reservar hasta "+strconv.Itoa(horizon)+" días por adelantado.")
		return out
	case len(within) == 0:
		within = free
		say = in(l, "There is nothing free then. The next free times are: ", "Para entonces no hay nada libre. Las próximas horas libres son: ")
	}
	var words []string
	for i, s := range within[:min(len(within), offeredAtOnce)] {
		said := s.Words(l, zone)
		words = append(words, said)
		out.Slots = append(out.Slots, offeredSlot{i + 1, s.Start.In(zone).Format(time.RFC3339), s.End.In(zone).Format(time.RFC3339), said})
	}
	out.Status, out.More = "offered", len(free) > len(out.Slots)
	out.Result = sentence(say+strings.Join(words, "; ")) + in(l, " Which one suits you?", " ¿Cuál le queda bien?")
	return out
}

// bookingLink texts the tenant's own page for bookings to whoever is talking, once within a while, when there is no calendar to book in.
func (d Deps) bookingLink(ctx context.Context, c webhook.ToolCall, calendar store.Calendar, l booking.Language) (linkAnswer, error) {
	if calendar.BookingURL == "" {
		return linkAnswer{in(l, "I can't book appointments here. Our team can arrange one with you.", "Aquí no puedo reservar citas. Nuestro equipo puede acordar una con usted."), "not_booked"}, nil
	}
	to, err := caller(ctx, c)
	if err != nil {
		return linkAnswer{}, err
	}
	if to.IsZero() {
		return linkAnswer{in(l, "I can't book it myself, and I can't see the number you are calling from to text you our booking page. Our team can help with it.",
			"No puedo reservarla yo, y no veo el número desde el que llama para enviarle nuestra página de reservas. Nuestro equipo puede ayudarle."), "not_booked"}, nil
	}
	text := private.NewText(in(l, "Here is our booking page: ", "Aquí está nuestra página de reservas: ") + calendar.BookingURL)
	planned, refused, err := c.Tenant.PlanToolText(ctx, store.ToolText{To: to, Text: text, Key: "booking-page", Within: oneLink})
	if err != nil {
		return linkAnswer{}, err
	}
	out := refusal(refused, l)
	if refused == "" {
		out = told(d.send(ctx, c.Tenant, planned), l)
	}
	if out.Status != "not_sent" {
		out.Status = "link_" + out.Status
	}
	out.Result = in(l, "I can't book it myself, but you can book on our page. ", "No puedo reservarla yo, pero puede reservar en nuestra página. ") + out.Result
	return out, nil
}
