//go:build crash

package crash

import (
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
)

// Enabled reports whether points are live in this build.
const Enabled = true

var (
	name, count, _ = strings.Cut(os.Getenv("CRASH_AT"), ":")
	passed         atomic.Int64
)

// Point marks a place where a process may die. At the one that CRASH_AT names it does, without any goodbye.
func Point(at string) {
	if at != name || name == "" {
		return
	}
	if n, _ := strconv.ParseInt(count, 10, 64); passed.Add(1) >= n {
		_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
		select {}
	}
}
