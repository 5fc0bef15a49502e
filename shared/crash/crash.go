// Package crash names the points at which the crash test kills the process. In an ordinary build a point is nothing; with
// the build tag crash, the setting CRASH_AT=name:n kills this process, as if the machine had failed, when it passes the
// point of that name for the nth time.
package crash

import "time"

// Quick shortens a lease or a wait in the crash test's build, which waits for many of them to run out.
func Quick(d time.Duration) time.Duration {
	if Enabled {
		return d / 30
	}
	return d
}
