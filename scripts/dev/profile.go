package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
)

// profiled are the benchmarks that take a text in and answer one, each with the code whose share is shown: the stand-ins run
// in the same process.
var profiled = []struct{ pkg, benchmark, focus string }{
	{"./functions/telnyx-sms", "BenchmarkInbound", `telnyx-sms\.Deps`},
	{"./functions/telnyx-sms/worker", "BenchmarkReply", `reply\.\(\*Worker\)`},
}

// profile runs them, keeps processor and allocation profiles in profiles/, and prints the top of each.
func profile(ctx context.Context) error {
	if err := os.MkdirAll("profiles", 0o755); err != nil {
		return err
	}
	for _, p := range profiled {
		name := filepath.Join("profiles", filepath.Base(p.pkg))
		program, cpu, mem := name+".test", name+"-cpu.prof", name+"-mem.prof"
		if err := goCommand(ctx, "test", p.pkg, "-run", "^$", "-bench", p.benchmark, "-benchtime", "3s", "-benchmem", "-o", program,
			"-outputdir", "profiles", "-cpuprofile", filepath.Base(cpu), "-memprofile", filepath.Base(mem), "-memprofilerate", "1024"); err != nil {
			return err
		}
		for _, view := range [][]string{{cpu}, {"-sample_index=alloc_space", mem}} {
			args := append([]string{"tool", "pprof", "-top", "-cum", "-nodecount=35", "-focus=" + p.focus}, view[:len(view)-1]...)
			if err := goCommand(ctx, append(args, program, view[len(view)-1])...); err != nil {
				return err
			}
		}
	}
	fmt.Println("The profiles are kept in profiles/: go tool pprof -http=: profiles/telnyx-sms.test profiles/telnyx-sms-cpu.prof")
	return nil
}
