package main

import (
	"errors"
	"flag"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"chunkcp/e2e/bench/internal/scenario"
)

// options are the command line.
type options struct {
	out         string
	repository  string
	scenarios   []scenario.Scenario
	tools       []string
	runs        int
	sampled     int
	size        int64
	linkSeconds float64
	cut, beside time.Duration
}

// parseOptions reads the command line and reports all that is wrong with it.
func parseOptions(args []string) (options, error) {
	var o options
	var names, tools, size string
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	flags.StringVar(&o.out, "out", "results", "`DIR` for results.json, results.md and the plots")
	flags.StringVar(&o.repository, "source", "../..", "`DIR` of the chunkcp that is built and measured")
	flags.StringVar(&names, "scenarios", "loopback,veth,lab", "what to measure, of "+strings.Join(scenario.Names(), ", "))
	flags.StringVar(&tools, "tools", "", "what to run of what a scenario compares: `NAMES` as in its table, or their beginnings (default: all)")
	flags.IntVar(&o.runs, "runs", 5, "`N` runs of each tool in each scenario")
	flags.IntVar(&o.sampled, "profile", 0, "`N` runs more of each tool on loopback and the cable, sampled by perf: where their CPU time goes")
	flags.StringVar(&size, "size", "1GiB", "`SIZE` of the file on loopback and the cable, in bytes, KiB, MiB or GiB")
	flags.Float64Var(&o.linkSeconds, "seconds", 10, "`S` that a lab's file would take at the link's rate")
	flags.DurationVar(&o.cut, "cut", 30*time.Second, "`TIME` after which a client is cut off, and measured until then")
	flags.DurationVar(&o.beside, "beside", 30*time.Second, "`TIME` that two flows share a link")
	if err := flags.Parse(args); err != nil {
		return options{}, err
	}
	var errs []error
	if flags.NArg() > 0 {
		errs = append(errs, fmt.Errorf("no arguments but flags, got %q", flags.Arg(0)))
	}
	var err error
	if o.scenarios, err = scenario.Choose(strings.Split(names, ",")); err != nil {
		errs = append(errs, err)
	}
	if tools != "" {
		o.tools = strings.Split(tools, ",")
	}
	if o.size, err = parseSize(size); err != nil {
		errs = append(errs, err)
	}
	if o.runs < 1 {
		errs = append(errs, fmt.Errorf("-runs %d: want 1 at least", o.runs))
	}
	if o.sampled < 0 {
		errs = append(errs, fmt.Errorf("-profile %d: want 0 at least", o.sampled))
	}
	if !(o.linkSeconds > 0) || math.IsInf(o.linkSeconds, 1) {
		errs = append(errs, fmt.Errorf("-seconds %v: want more than 0", o.linkSeconds))
	}
	if o.cut <= 0 || o.beside <= 0 {
		errs = append(errs, errors.New("-cut and -beside: want more than 0"))
	}
	return o, errors.Join(errs...)
}

// parseSize reads a number of bytes with or without a unit.
func parseSize(s string) (int64, error) {
	number, unit := s, int64(1)
	for suffix, bytes := range map[string]int64{"KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30} {
		if rest, ok := strings.CutSuffix(s, suffix); ok {
			number, unit = rest, bytes
		}
	}
	n, err := strconv.ParseInt(number, 10, 64)
	if err != nil || n < 1 || n > math.MaxInt64/unit {
		return 0, fmt.Errorf("size %q: want a number of bytes, KiB, MiB or GiB, like 64MiB", s)
	}
	return n * unit, nil
}
