package telnyxtools

import (
	"context"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/chattercheatah/chattercheatah/shared/booking"
	"github.com/chattercheatah/chattercheatah/shared/fault"
	"github.com/chattercheatah/chattercheatah/shared/httpx"
	"github.com/chattercheatah/chattercheatah/shared/webhook"
)

// offered is a class as an assistant reads it: what to say of it, and what the other tools want to know.
type offered struct {
	ID       string `json:"class_id"`
	Words    string `json:"say"`
	Price    string `json:"price,omitempty"`
	Location string `json:"location,omitempty"`
}

type classesAnswer struct {
	Result  string    `json:"result"` // what to say
	Classes []offered `json:"classes"`
	Total   int       `json:"total"`
}

// deadline is for a tool's work: Telnyx gives the whole of it five seconds.
const deadline = 4 * time.Second

// getClasses finds the tenant's classes with a free place. Arguments, all optional: location, level, day (or days), age, and language,
// which is en or es.
func (d Deps) getClasses(w http.ResponseWriter, r *http.Request, c webhook.ToolCall) error {
	ctx, cancel := context.WithTimeout(r.Context(), deadline)
	defer cancel()
	filter, unclear := filterOf(c.Args)
	config, err := c.Tenant.CustomerServiceConfig(ctx)
	if err != nil {
		return err
	}
	language := languageOf(c.Args)
	if config.JackrabbitOrgID == "" {
		return fault.New(fault.NotFound, "%s", in(language, "I don't have a class schedule here. Our team can tell you what classes there are.",
			"Aquí no tengo el horario de clases. Nuestro equipo puede decirle qué clases hay."))
	}
	filter.Locations = config.LocationCodes
	found, err := d.Classes.Find(ctx, config.JackrabbitOrgID, filter)
	if err != nil && !found.Unavailable {
		return err
	}
	if err != nil {
		d.Log.ErrorContext(r.Context(), "no classes", "tenant_id", c.Tenant.Scope().ID(), "error", err)
	}
	httpx.Note(r.Context(), slog.Int("found", found.Total), slog.Bool("stale", found.Stale), slog.Bool("unavailable", found.Unavailable))
	out := classesAnswer{Result: unclear.say(language) + found.Say(language), Classes: []offered{}, Total: found.Total}
	for _, class := range found.Classes {
		out.Classes = append(out.Classes, offered{class.ID, class.Words(language), class.Price(language), class.LocationName})
	}
	return httpx.Write(w, http.StatusOK, out)
}

// unclear are the arguments that could not be understood, and were not looked for.
type unclear []string

func (u unclear) say(l booking.Language) string {
	if len(u) == 0 {
		return ""
	}
	return in(l, "I didn't understand the "+strings.Join(u, " and the ")+", so I looked without it. ", "No entendí todo lo que pidió, así que busqué sin eso. ")
}

func filterOf(args webhook.Args) (f booking.Filter, not unclear) {
	f = booking.Filter{Location: args["location"], Level: args["level"]}
	var unknown []string
	f.Days, unknown = booking.ParseDays(args.First("day", "days"))
	switch {
	case len(unknown) > 0 && len(f.Days) > 0:
		not = append(not, "rest of the days")
	case len(unknown) > 0:
		not = append(not, "day")
	}
	if said := args["age"]; said != "" {
		months, ok := booking.ParseAge(said)
		if !ok {
			not = append(not, "age")
		}
		f.AgeMonths = months
	}
	return f, not
}

// languageOf is what the assistant says it speaks; English unless it is Spanish.
func languageOf(args webhook.Args) booking.Language {
	if l := strings.ToLower(args["language"]); strings.HasPrefix(l, "es") || strings.HasPrefix(l, "sp") {
		return booking.Spanish
	}
	return booking.English
}

func in(l booking.Language, english, spanish string) string {
	if l == booking.Spanish {
		return spanish
	}
	return english
}
