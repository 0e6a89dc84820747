package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"chunkcp/e2e/bench/internal/report"
	"chunkcp/e2e/bench/internal/scenario"
)

// run builds, measures and writes. What was measured before an error is
// written too.
func run(ctx context.Context, opt options) (err error) {
	if err := os.MkdirAll(opt.out, 0o755); err != nil {
		return err
	}
	dir, err := os.MkdirTemp(memory(), "chunkcp-bench")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	say("building chunkcp, the lab, the floor and h3")
	programs, err := build(ctx, opt.repository, dir)
	if err != nil {
		return err
	}
	commit, err := commitOf(ctx, opt.repository)
	if err != nil {
		return err
	}
	results := &report.Results{
		Started: time.Now(),
		Machine: thisMachine(ctx),
		Commit:  commit,
		Command: "go run . " + strings.Join(os.Args[1:], " "),
	}
	say("%s, %d cores, %s, commit %s", results.Machine.CPU, results.Machine.Cores, results.Machine.System, commit)
	settings := scenario.Settings{
		Runs: opt.runs, Sampled: opt.sampled, Size: opt.size, LinkSeconds: opt.linkSeconds, Tools: opt.tools, Cut: opt.cut, Beside: opt.beside,
		Chunkcp: programs.chunkcp, Lab: programs.lab, Floor: programs.floor, HTTP3: programs.h3,
		Dir: dir, Log: say,
	}
	for _, s := range opt.scenarios {
		if s.Root && os.Geteuid() != 0 {
			say("%s: skipped: network namespaces need root", s.Name)
			continue
		}
		load := loadAverage()
		result, err := s.Run(ctx, settings)
		if err != nil {
			return fmt.Errorf("%s: %w", s.Name, err)
		}
		result.Load = load
		inDirectory(&result, dir)
		results.Scenarios = append(results.Scenarios, result)
		// After each, so that an interruption costs one scenario.
		if err := write(results, opt.out); err != nil {
			return err
		}
	}
	say("written to %s", opt.out)
	return nil
}

// memory returns the directory in which files are in memory, if there is one:
// where a disk's speed is not what is measured.
func memory() string {
	const shm = "/dev/shm"
	if info, err := os.Stat(shm); err == nil && info.IsDir() {
		return shm
	}
	return os.TempDir()
}

// inDirectory writes $DIR in commands for the directory that is gone when they
// are read.
func inDirectory(s *report.Scenario, dir string) {
	for _, c := range s.Contenders {
		for i := range c.Commands {
			c.Commands[i] = strings.ReplaceAll(c.Commands[i], dir, "$DIR")
		}
	}
}

// write makes all files of the results.
func write(results *report.Results, dir string) error {
	if err := results.Draw(dir); err != nil {
		return err
	}
	markdown, err := os.Create(filepath.Join(dir, "results.md"))
	if err != nil {
		return err
	}
	results.WriteMarkdown(markdown)
	data, err := os.Create(filepath.Join(dir, "results.json"))
	if err != nil {
		return errors.Join(err, markdown.Close())
	}
	return errors.Join(results.WriteJSON(data), markdown.Close(), data.Close())
}

// say tells whoever waits how far it is.
func say(format string, args ...any) {
	fmt.Fprintf(os.Stderr, format+"\n", args...)
}
