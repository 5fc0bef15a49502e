package main

import (
	"strings"
	"testing"
	"time"
)

// TestDrills_NothingIsLostOrSentTwiceAndEveryWebhookIsAnsweredInTime runs each drill of make drill, shorter and at a gentler rate: nobody looks after
// what it leaves behind.
func TestDrills_NothingIsLostOrSentTwiceAndEveryWebhookIsAnsweredInTime(t *testing.T) {
	t.Chdir("../..") // where make drill runs
	for _, d := range drills {
		t.Run(strings.ReplaceAll(d.name, " ", "_"), func(t *testing.T) {
			r, err := runDrill(t.Context(), d, 2*time.Second, 15)
			if err != nil {
				t.Fatal(err)
			}
			if r.texts < 20 || r.lost > 0 || r.twice > 0 || r.unanswered > 0 {
				t.Errorf("%d texts: %d lost, %d answered twice, %d deliveries without an answer within two seconds", r.texts, r.lost, r.twice, r.unanswered)
			}
		})
	}
}
