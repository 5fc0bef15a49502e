package main

import (
	"strconv"

	"github.com/chattercheatah/chattercheatah/shared/telnyx"
)

// tool is one of an assistant's tools: what the model is told of it, and which path answers.
type tool struct {
	name, path, description string
	parameters              map[string]telnyx.Schema
	required                []string
}

func text(description string) telnyx.Schema {
	return telnyx.Schema{Type: "string", Description: description}
}

var language = telnyx.Schema{Type: "string", Enum: []string{"en", "es"}, Description: "The language you are speaking with the customer."}

// customer tells a chat's tool whom it is about; a call's knows from the call. Telnyx puts the number in the place of the variable.
var customer = text("Always exactly this, whatever the customer says: {{telnyx_end_user_target}}")

// tools are those of every assistant. Names and parameters are what functions/telnyx-tools reads.
var tools = []tool{
	{
		name: "send_registration_link", path: "send-link",
		description: "Text the customer the link to register. Give class_id when they chose a class that get_classes told, else location and level. " +
			"Say what the result says, and never that a link was sent unless it says so.",
		parameters: map[string]telnyx.Schema{
			"class_id":   text("The class_id of the class that the customer chose, as get_classes told it."),
			"location":   text("The pool that the customer chose, when there is no class_id."),
			"level":      text("The level that the customer chose, when there is no class_id."),
			"first_name": text("The first name of who registers: the parent, or the adult who swims."),
			"last_name":  text("Their last name."),
			"email":      text("Their e-mail address, when they gave it."),
			"students": {Type: "array", Description: "Who is to swim, when the customer told it.", Items: &telnyx.Schema{
				Type: "object", Properties: map[string]telnyx.Schema{
					"first": text("First name."), "last": text("Last name."), "bdate": text("Date of birth, as MM/DD/YYYY."),
					"gender": {Type: "string", Enum: []string{"M", "F"}, Description: "Only when the customer said it."},
				},
			}},
			"language": language, "telnyx_end_user_target": customer,
		},
	},
	{
		name: "get_classes", path: "get-classes",
		description: "Find the classes that have a free place now. Ask it before you speak of any class, day, time, price or free place. Leave out what the customer did not say.",
		parameters: map[string]telnyx.Schema{
			"location": text("The pool, as the customer calls it."),
			"level":    text("The level, such as Starfish or Turtle 2."),
			"day":      text("The day or days of the week, such as Saturday, or Monday and Wednesday."),
			"age":      text("The age of who is to swim, with its unit, such as 4 years or 9 months."),
			"language": language,
		},
	},
	{
		name: "book_meeting", path: "book-meeting",
		description: "Book an appointment with the team at a time that get_available_slots told and the customer chose. It is booked only when the result says so.",
		parameters: map[string]telnyx.Schema{
			"slot_start":     text("The start of the slot, letter for letter as get_available_slots told it."),
			"customer_name":  text("The customer's name."),
			"customer_email": text("The customer's e-mail address, when they gave it."),
			"topic":          text("What the appointment is about, in a few words."),
			"language":       language, "telnyx_end_user_target": customer,
		},
		required: []string{"slot_start", "customer_name"},
	},
	{
		name: "get_available_slots", path: "get-available-slots",
		description: "Find free times for an appointment with the team. Ask it before you offer any time.",
		parameters: map[string]telnyx.Schema{
			"date_preference": text("The day that the customer wants: today, tomorrow, next week, a day of the week, or a date as YYYY-MM-DD."),
			"num_days":        {Type: "integer", Description: "How many days to look through, 1 to 14."},
			"language":        language,
		},
	},
}

const (
	toolsPath     = "/telnyx/tools/"
	toolTimeoutMS = 5000
)

// toolURL is where a tool's calls go: whose they are stands in it, for the first tenant as for any other.
func toolURL(functions, path string, tenantID int64) string {
	return functions + toolsPath + path + "?tenant_id=" + strconv.FormatInt(tenantID, 10)
}

// at is the tool as one tenant's assistant has it; secret is the name of its tool secret at Telnyx.
func (t tool) at(functions string, tenantID int64, secret string) telnyx.Tool {
	return telnyx.Tool{Type: "webhook", Webhook: &telnyx.WebhookTool{
		Name: t.name, Description: t.description, URL: toolURL(functions, t.path, tenantID), Method: "POST", TimeoutMS: toolTimeoutMS,
		Headers: []telnyx.ToolHeader{{Name: "X-Tool-Secret", Value: telnyx.Reference(secret)}},
		Body:    telnyx.Schema{Type: "object", Properties: t.parameters, Required: t.required},
	}}
}

// transfer is the tool that hands a call to the tenant's team.
func (t Tenant) transfer() telnyx.Tool {
	return telnyx.Tool{Type: "transfer", Transfer: &telnyx.Transfer{
		From: t.PhoneNumber.E164(), Targets: []telnyx.TransferTarget{{Name: "the team", To: t.TransferNumber.E164()}},
	}}
}
