package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
)

// exitFailure is the exit code of the lab's own failures, as of timeout(1) and
// env(1), so that they are not taken for the command's.
const exitFailure = 125

func main() {
	opts, err := parseOptions(os.Args[1:], os.Stderr)
	if errors.Is(err, flag.ErrHelp) {
		os.Exit(0)
	}
	var code int
	if err == nil {
		code, err = run(opts)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "lab:", err)
		code = exitFailure
	}
	os.Exit(code)
}
