package main

import (
	"os"
	"path/filepath"
	"testing"
)

// TestDrills_NothingIsLostOrSentTwiceAndEveryWebhookIsAnsweredInTime runs the drills of make drill one after the other in one world, shorter, at a
// gentler rate, and with the short waits of the crash test: nobody looks after what they leave behind.
func TestDrills_NothingIsLostOrSentTwiceAndEveryWebhookIsAnsweredInTime(t *testing.T) {
	t.Chdir("../..") // where make drill runs
	w, err := startDrillWorld(t.Context(), crashable)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		w.stop()
		_ = os.RemoveAll(filepath.Dir(w.program))
		if !t.Failed() {
			_ = os.RemoveAll(w.dir)
		}
	})
	for _, d := range drills {
		if d.brief == 0 {
			continue
		}
		t.Run(d.name, func(t *testing.T) {
			r, err := runDrill(t.Context(), w, d, d.brief, 15)
			t.Logf("%+v", r)
			if err != nil {
				t.Fatalf("%v; the log is %s", err, w.log.Name())
			}
			if said := d.bad(r); said != "" || r.texts < 10 {
				t.Errorf("%+v: %s; the log is %s", r, said, w.log.Name())
			}
		})
	}
}
