// Package usage lets a command explain itself: -h prints the package comment of its main.go, so that there is one explanation.
package usage

import (
	"flag"
	"fmt"
	"os"
	"strings"
)

// Parse reads the command line's flags, as flag.Parse does. With -h the command prints its explanation and its flags, and ends with
// 0; with a flag that it does not have, with 2. source is its main.go, embedded.
func Parse(source string) {
	flag.Usage = func() {
		out := flag.CommandLine.Output()
		_, _ = fmt.Fprintln(out, Text(source))
		flag.PrintDefaults()
	}
	if len(os.Args) > 1 && (os.Args[1] == "-h" || os.Args[1] == "--help" || os.Args[1] == "help") {
		flag.CommandLine.SetOutput(os.Stdout)
		flag.Usage()
		os.Exit(0)
	}
	flag.Parse()
}

// Text is the package comment of a source file, without its slashes.
func Text(source string) string {
	var b strings.Builder
	for line := range strings.Lines(source) {
		text, isComment := strings.CutPrefix(line, "//")
		if !isComment {
			break
		}
		b.WriteString(strings.TrimPrefix(text, " "))
	}
	return b.String()
}
