package reply_test

import (
	"strings"
	"testing"

	"github.com/chattercheatah/chattercheatah/shared/private"
	"github.com/chattercheatah/chattercheatah/shared/reply"
)

// keywords lists, for each meaning, messages one a line.
var keywords = map[reply.Keyword]string{
	reply.Stop: `STOP
stop
Stop.
STOP!!!
"Stop"
 stop 
Please stop
stop please
STOPALL
stop all
UNSUBSCRIBE
unsubscribe.
CANCEL
Cancel
END
End.
QUIT
quit
REVOKE
revoke
OPT OUT
opt out
OPTOUT
optout
opt-out
Opt   Out
stop 🛑
🛑 STOP 🛑
ALTO
Alto!
PARAR
DETENER
CANCELAR
BAJA
dar de baja
no más
please stop texting me
Please stop texting me.
stop texting me
Stop texting
stop messaging me
stop contacting us
stop sending me messages
stop sending texts
stop sending me these texts
Stop with the texts
stop the messages
quit texting me
Stop all messages
Don't text me
Don’t text me
dont text me anymore
do not text me again
Do not contact me
Never text me again
Don't text me at all
don't text me at this number
please don't message me anymore
remove me from your list
Remove me from this list please
take me off your list
Take my number off
please remove my number
delete my number
unsubscribe me
Unsubscribe me please
opt me out
Please opt me out of this
I want to opt out
I would like to unsubscribe
no more texts
No more messages please
leave me alone
Leave me alone!
lose my number
Wrong number. Stop texting me.
This is not Anna. Please stop texting me!
Thanks but no thanks, stop texting me
I'm not interested, please remove me from your list
deje de escribirme
dejen de mandarme mensajes
por favor dejen de enviarme mensajes
paren de molestarme
no me escriban más
no me manden mas mensajes
quítenme de su lista
no quiero recibir más mensajes`,
	reply.Start: `START
start
Start.
UNSTOP
unstop!
opt in
OPTIN
opt-in`,
	reply.Yes: `YES
yes
Yes!
si
Sí
sí.`,
	reply.Help: `HELP
help
Help!
INFO
info
AYUDA`,
	reply.NoKeyword: `weekend
send
Can you send me the schedule?
cancel my Tuesday class
Please cancel my class on Tuesday
I need to cancel our lesson tomorrow
Can I cancel?
How do I cancel my membership
we have to stop by
we have to stop by tomorrow
Can we stop by at 5?
I'll stop by later
is there a bus stop near you?
When does the lesson end?
the end of the month works
at the end
Does the class end at 5
quit is not in my vocabulary
my son wants to quit swimming
she might quit
Can I start on Monday?
When can we start
start date?
I'd like to start lessons
yes please
Yes, Tuesday works
Yes I would like to register
si, el martes
Can you help me register?
I need help
help me find a class
help please
What info do you need?
more info please
Do you have info about prices
Don't stop
Please don't stop texting me
don't stop sending me the updates
Why did you stop texting me?
You stopped texting me
if I want you to stop texting me, what do I do?
My daughter won't stop texting me about swimming
Do you text reminders?
text me the address
can you text me when a spot opens
Don't text me before 9, call me
Please don't text me when I'm at work
remove me from the waitlist
Please remove me from the Tuesday class
take me off the wait list
take my son off the Saturday class
Can you take off 10 minutes?
he left me alone at the pool
no more spots?
no more questions, thanks
ok
thanks
👍
?

opt for the morning class
I opted out of the trial lesson
Is baja california mentioned
cancelar mi clase del martes
quiero cancelar la clase
ayuda con la inscripción
parar a las 5
unsubscribed
restart
friend
recommend
ending soon?
nonstop
stopwatch
information
the stop sign on Main Street
Do I have to unsubscribe first?
Should I stop the lessons in winter?`,
}

// messages splits a block into its lines.
func messages(block string) []string {
	var all []string
	for line := range strings.Lines(block) {
		all = append(all, strings.TrimSuffix(line, "\n"))
	}
	return all
}

func TestKeywordOf_TheOptOutTable(t *testing.T) {
	t.Parallel()
	for want, block := range keywords {
		for _, message := range messages(block) {
			if got := reply.KeywordOf(private.NewText(message)); got != want {
				t.Errorf("%q means %d; want %d", message, got, want)
			}
		}
	}
}

func TestKeywordOf_CaseAndDecorationChangeNothing(t *testing.T) {
	t.Parallel()
	for want, block := range keywords {
		if want == reply.NoKeyword {
			continue
		}
		for _, message := range messages(block) {
			for _, variant := range []string{strings.ToUpper(message), "  " + message + "  ", message + " ", "\u200b" + message, message + "!", "\n" + message + "\n"} {
				if got := reply.KeywordOf(private.NewText(variant)); got != want {
					t.Errorf("%q means %d; want %d, as %q", variant, got, want, message)
				}
			}
		}
	}
}

func FuzzKeywordOf(f *testing.F) {
	for _, block := range keywords {
		for _, message := range messages(block) {
			f.Add(message)
		}
	}
	f.Fuzz(func(t *testing.T, message string) {
		got := reply.KeywordOf(private.NewText(message))
		if again := reply.KeywordOf(private.NewText(" " + message + " ")); again != got {
			t.Errorf("%q means %d, and %d with white space around it", message, got, again)
		}
	})
}
