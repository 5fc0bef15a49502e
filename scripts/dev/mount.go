package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/chattercheatah/chattercheatah/scripts/internal/deployment"
	"github.com/chattercheatah/chattercheatah/shared/gemini/geminitest"
	"github.com/chattercheatah/chattercheatah/shared/httpx"
	"github.com/chattercheatah/chattercheatah/shared/jackrabbit/jackrabbittest"
	"github.com/chattercheatah/chattercheatah/shared/private"
	"github.com/chattercheatah/chattercheatah/shared/store/demo"
	"github.com/chattercheatah/chattercheatah/shared/telnyx/telnyxtest"
)

// What the local address serves besides the functions.
const (
	telnyxPrefix = "/local/telnyx"     // the fake Telnyx's API
	geminiPrefix = "/local/gemini"     // the fake model's API
	schoolPrefix = "/local/jackrabbit" // the fake list of classes
	googlePrefix = "/local/google"     // the fake Google: consent, tokens, calendars, mailboxes
	mailPrefix   = "/local/mail"       // PUT a mailbox of the fake Google, POST a mail to it, GET a thread
	phonesPrefix = "/local/phones"     // the fake phones: POST a text from one, GET what has reached one
	callsPath    = "/local/calls"      // POST a call of a fake phone's
)

// mount puts every function's paths, as its function.yaml lists them, and the fakes behind one handler.
func (s *stack) mount(deployments []deployment.Deployment, functions map[string]http.Handler, keys *state) (http.Handler, error) {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /health", func(w http.ResponseWriter, _ *http.Request) {
		_ = httpx.Write(w, http.StatusOK, map[string]string{"status": "ok"})
	})
	mux.HandleFunc("GET /openapi.json", httpx.ServeDescription)
	mux.HandleFunc("GET /api/v1/openapi.json", httpx.ServeDescription)
	for _, d := range deployments {
		h := functions[d.Entry]
		if h == nil {
			return nil, fmt.Errorf("function.yaml names the entry %s, which no function registers", d.Entry)
		}
		for _, path := range d.Paths {
			mux.Handle(path, h)
			mux.Handle("/api/v1"+path, h)
		}
	}
	if s.env["GOOGLE_GEMINI_BASE_URL"] == s.base+geminiPrefix {
		mux.Handle(geminiPrefix+"/", http.StripPrefix(geminiPrefix, geminitest.New(geminitest.Options{})))
	}
	if s.env["JACKRABBIT_BASE_URL"] == s.base+schoolPrefix {
		mux.Handle(schoolPrefix+"/", http.StripPrefix(schoolPrefix, demoClasses()))
	}
	if s.env["GOOGLE_API_BASE"] == s.base+googlePrefix {
		mux.Handle(googlePrefix+"/", http.StripPrefix(googlePrefix, s.demoGoogle()))
		mux.HandleFunc("PUT "+mailPrefix+"/{address}", s.addMailbox)
		mux.HandleFunc("POST "+mailPrefix+"/{address}", s.mailTo)
		mux.HandleFunc("GET "+mailPrefix+"/{address}/{thread}", s.thread)
	}
	if s.env["TELNYX_API_BASE"] == s.base+telnyxPrefix {
		s.mountTelnyx(mux, keys)
	}
	return mux, nil
}

// demoClasses are those of the demo swim school.
func demoClasses() http.Handler {
	school := jackrabbittest.New()
	school.Set(demo.SwimSchool().JackrabbitOrg,
		jackrabbittest.Class(1, "Starfish").At("MAIN", "Main Pool").Ages("P3Y0M", "P5Y11M"),
		jackrabbittest.Class(2, "Minnow").At("MAIN", "Main Pool").On("16:30", "17:00", time.Monday, time.Wednesday).Ages("P6Y0M", "P12Y0M"),
		jackrabbittest.Class(3, "Adult Level 1").At("NORTH", "North Pool").On("19:00", "19:45", time.Tuesday).Open(0))
	return school
}

func (s *stack) mountTelnyx(mux *http.ServeMux, keys *state) {
	accepted := map[string]string{}
	for _, b := range demo.Businesses() {
		accepted[b.APIKey.Reveal()] = ""
	}
	s.telnyx = telnyxtest.New(telnyxtest.Options{
		PrivateKey: keys.telnyxKey(), Keys: accepted, InboundURL: s.base + "/api/v1/telnyx/sms/inbound",
	})
	for _, b := range demo.Businesses() {
		s.telnyx.AddNumber(b.APIKey.Reveal(), b.Phone)
		s.telnyx.AddAssistant(b.APIKey.Reveal(), b.Assistant)
	}
	mux.Handle(telnyxPrefix+"/", http.StripPrefix(telnyxPrefix, s.telnyx))
	mux.HandleFunc("POST "+phonesPrefix+"/{number}", s.textFrom)
	mux.HandleFunc("GET "+phonesPrefix+"/{number}", s.inbox)
	mux.HandleFunc("POST "+callsPath, s.placeCall)
}

// phoneText is a text on a fake phone.
type phoneText struct {
	From string    `json:"from,omitempty"`
	To   string    `json:"to,omitempty"`
	Text string    `json:"text"`
	At   time.Time `json:"at"`
}

// textFrom has the fake Telnyx deliver, signed, what a fake phone texts; the answer says how our webhook took it.
func (s *stack) textFrom(w http.ResponseWriter, r *http.Request) {
	var in phoneText
	from, fromErr := private.ParsePhone(r.PathValue("number"))
	decodeErr := json.NewDecoder(http.MaxBytesReader(w, r.Body, 64<<10)).Decode(&in)
	to, toErr := private.ParsePhone(in.To)
	if fromErr != nil || toErr != nil || decodeErr != nil || strings.TrimSpace(in.Text) == "" {
		_ = httpx.Write(w, http.StatusBadRequest, map[string]string{"error": `send {"to":"+15555550142","text":"..."} to ` + phonesPrefix + `/+15555550101`})
		return
	}
	delivery, err := s.telnyx.Text(r.Context(), from, to, in.Text)
	if err != nil {
		_ = httpx.Write(w, http.StatusBadGateway, map[string]string{"error": "the webhook was not acknowledged: " + err.Error()})
		return
	}
	_ = httpx.Write(w, http.StatusOK, map[string]any{"webhook_status": delivery.Status, "acknowledged_ms": delivery.Took.Milliseconds()})
}

// placedCall is a call of a fake phone's.
type placedCall struct {
	From   string            `json:"from"`
	To     string            `json:"to"`
	Turns  []telnyxtest.Turn `json:"turns"`
	Repeat int               `json:"repeat,omitempty"` // how often each tool is called
}

// placeCall has the fake Telnyx play a call, with the assistant of whoever's number it is; the answer is each step's.
func (s *stack) placeCall(w http.ResponseWriter, r *http.Request) {
	var in placedCall
	decodeErr := json.NewDecoder(http.MaxBytesReader(w, r.Body, 64<<10)).Decode(&in)
	from, fromErr := private.ParsePhone(in.From)
	to, toErr := private.ParsePhone(in.To)
	if fromErr != nil || toErr != nil || decodeErr != nil {
		_ = httpx.Write(w, http.StatusBadRequest, map[string]string{"error": `send {"from":"+15555550101","to":"+15555550142","turns":[{"customer":"..."}]}`})
		return
	}
	call := telnyxtest.Call{From: from, To: to, Turns: in.Turns, Repeat: in.Repeat}
	for _, b := range demo.Businesses() {
		if b.Phone == to {
			call.Assistant = b.Assistant
		}
	}
	steps, err := s.telnyx.Place(r.Context(), s.base+"/api/v1", call)
	if err != nil {
		_ = httpx.Write(w, http.StatusBadGateway, map[string]string{"error": err.Error()})
		return
	}
	_ = httpx.Write(w, http.StatusOK, steps)
}

// inbox lists what has reached a fake phone.
func (s *stack) inbox(w http.ResponseWriter, r *http.Request) {
	number, err := private.ParsePhone(r.PathValue("number"))
	if err != nil {
		_ = httpx.Write(w, http.StatusBadRequest, map[string]string{"error": err.Error()})
		return
	}
	texts := []phoneText{}
	for _, m := range s.telnyx.Inbox(number) {
		texts = append(texts, phoneText{From: m.From.E164(), Text: m.Text.Reveal(), At: m.At})
	}
	_ = httpx.Write(w, http.StatusOK, texts)
}
