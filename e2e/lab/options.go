package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"strings"
)

// options is the command line.
type options struct {
	hosts   []host
	prefix  string   // of the namespaces' names
	seed    uint64   // of everything random
	stats   bool     // print each link's counters at the end
	json    string   // file for the same; "" is none
	command []string // empty: stand until interrupted
}

// hostFlags collects the -host flags.
type hostFlags []string

func (h *hostFlags) String() string     { return strings.Join(*h, " ") }
func (h *hostFlags) Set(s string) error { *h = append(*h, s); return nil }

// maxPrefix keeps PREFIX-NAME a short file name; arbitrary.
const maxPrefix = 32

// parseOptions reads the arguments that follow the program's name. It prints
// the flags to usage when they are asked for (flag.ErrHelp) or wrong.
func parseOptions(args []string, usage io.Writer) (options, error) {
	var o options
	var specs hostFlags
	flags := flag.NewFlagSet("lab", flag.ContinueOnError)
	flags.SetOutput(usage)
	flags.Usage = func() {
		fmt.Fprintln(usage, "usage: lab -host NAME=ADDR[,option=value...] ... [-- COMMAND...]")
		flags.PrintDefaults()
	}
	flags.Var(&specs, "host", "`NAME=ADDR[,option=value...]`, once for each host")
	flags.StringVar(&o.prefix, "prefix", "lab", "first part of the namespaces' names, PREFIX-NAME")
	flags.Uint64Var(&o.seed, "seed", 1, "seed of loss, jitter and the rest")
	flags.BoolVar(&o.stats, "stats", false, "print each link's counters at the end")
	flags.StringVar(&o.json, "json", "", "write each link's counters to `FILE` at the end")
	if err := flags.Parse(args); err != nil {
		return options{}, err
	}
	o.command = flags.Args()

	var errs []error
	if !hostName.MatchString(o.prefix) || len(o.prefix) > maxPrefix {
		errs = append(errs, fmt.Errorf("prefix %q: want at most %d letters, digits, - and _", o.prefix, maxPrefix))
	}
	for _, spec := range specs {
		h, err := parseHost(spec)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		o.hosts = append(o.hosts, h)
	}
	if len(errs) == 0 {
		errs = append(errs, checkHosts(o.hosts))
	}
	if err := errors.Join(errs...); err != nil {
		return options{}, err
	}
	return o, nil
}
