// Command trace draws what chunkcp serve --trace has written.
package main

import (
	"flag"
	"fmt"
	"os"
)

func main() {
	session := flag.Uint64("session", 0, "draw session `N` (default: the one that sent most)")
	flag.Usage = func() {
		fmt.Fprintln(flag.CommandLine.Output(), "usage: trace [-session N] FILE OUT.svg")
		flag.PrintDefaults()
	}
	flag.Parse()
	if flag.NArg() != 2 {
		flag.Usage()
		os.Exit(2)
	}
	if err := run(flag.Arg(0), flag.Arg(1), *session); err != nil {
		fmt.Fprintf(os.Stderr, "trace: %v\n", err)
		os.Exit(1)
	}
}

func run(from, to string, session uint64) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	events, err := read(in, session)
	if err != nil {
		return fmt.Errorf("%s: %w", from, err)
	}
	out, err := os.Create(to)
	if err != nil {
		return err
	}
	if err := draw(out, events); err != nil {
		out.Close()
		return err
	}
	return out.Close()
}
