package telnyxsms_test

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/chattercheatah/chattercheatah/shared/private"
)

// BenchmarkInbound takes one text from the request to its acknowledgement: each is a new customer's, and calls for an answer.
func BenchmarkInbound(b *testing.B) {
	bench := newBench(b)
	var bodies [][]byte
	var headers []http.Header
	customers := 0
	for b.Loop() {
		if len(bodies) == 0 {
			b.StopTimer()
			for range 1024 {
				customers++
				body := bench.telnyx.Received(private.MustPhone(fmt.Sprintf("+1555%07d", 2_000_000+customers)), bench.SwimSchoolPhone, "What does a lesson cost?")
				bodies, headers = append(bodies, body), append(headers, bench.telnyx.Sign(body, time.Now()))
			}
			b.StartTimer()
		}
		if status := bench.post(inbound, headers[0], bodies[0]).Code; status != http.StatusOK {
			b.Fatalf("a text was answered %d", status)
		}
		bodies, headers = bodies[1:], headers[1:]
	}
}
