package gmail

import (
	"errors"
	"regexp"
)

// Topic is the setting of the Pub/Sub topic that Gmail announces mail to: projects/PROJECT/topics/NAME, in the project of the OAuth client.
type Topic struct {
	Name string `env:"GMAIL_TOPIC"`
}

// topicName is a topic's full name (docs.cloud.google.com/pubsub, "Resource names").
var topicName = regexp.MustCompile(`^projects/[a-z][a-z0-9.:-]*/topics/[A-Za-z][A-Za-z0-9._~%+-]{2,254}$`)

// Validate wants the full name of a topic.
func (t Topic) Validate() error {
	if !topicName.MatchString(t.Name) {
		return errors.New("GMAIL_TOPIC must be a topic's full name: projects/PROJECT/topics/NAME")
	}
	return nil
}
