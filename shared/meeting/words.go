package meeting

import (
	"fmt"
	"time"

	"github.com/chattercheatah/chattercheatah/shared/booking"
	"github.com/chattercheatah/chattercheatah/shared/store"
)

// confirmation is the text that says that a meeting is booked. It holds no link: the event's own leads its owner to it, and nobody else.
func confirmation(k store.Booking, c store.Calendar, zone *time.Location) string {
	when := booking.Slot{Start: k.Start, End: k.End}.Written(booking.Language(k.Language), zone)
	if k.Language == string(booking.Spanish) {
		return fmt.Sprintf("%s: su cita (%s) está reservada para el %s.", c.BusinessName, k.Topic, when)
	}
	return fmt.Sprintf("%s: your appointment (%s) is booked for %s.", c.BusinessName, k.Topic, when)
}

// regret is the text that says that a meeting is not booked, or that nobody could find out.
func regret(k store.Booking, c store.Calendar, zone *time.Location, reason string) string {
	when := booking.Slot{Start: k.Start, End: k.End}.Written(booking.Language(k.Language), zone)
	spanish := k.Language == string(booking.Spanish)
	switch {
	case reason == reasonGaveUp && spanish:
		return fmt.Sprintf("%s: no pudimos confirmar su cita (%s) del %s. Llámenos para asegurarse, por favor.", c.BusinessName, k.Topic, when)
	case reason == reasonGaveUp:
		return fmt.Sprintf("%s: we could not confirm your appointment (%s) on %s. Please call us to make sure.", c.BusinessName, k.Topic, when)
	case spanish:
		return fmt.Sprintf("%s: su cita (%s) del %s no quedó reservada. Llámenos para elegir otra hora, por favor.", c.BusinessName, k.Topic, when)
	default:
		return fmt.Sprintf("%s: your appointment (%s) on %s is not booked. Please call us to choose another time.", c.BusinessName, k.Topic, when)
	}
}
