package main

import (
	"context"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"

	"chunkcp/e2e/bench/internal/report"
)

// thisMachine says what is measured on, and against which versions.
func thisMachine(ctx context.Context) report.Machine {
	m := report.Machine{
		CPU:    "unknown CPU",
		Cores:  runtime.NumCPU(),
		System: runtime.GOOS + "/" + runtime.GOARCH,
		Go:     runtime.Version(),
		// quic-go is built with the bench, its go.mod says which.
		Versions: map[string]string{},
	}
	if info, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		if model := cpuModel(string(info)); model != "" {
			m.CPU = model
		}
	}
	if release, err := os.ReadFile("/proc/sys/kernel/osrelease"); err == nil {
		m.System += ", kernel " + strings.TrimSpace(string(release))
	}
	for name, args := range map[string][]string{
		"nginx":  {"-v"},
		"curl":   {"--version"},
		"rsync":  {"--version"},
		"aria2c": {"--version"},
		"ssh":    {"-V"},
		"cp":     {"--version"},
	} {
		out, err := exec.CommandContext(ctx, name, args...).CombinedOutput()
		if line, _, _ := strings.Cut(strings.TrimSpace(string(out)), "\n"); err == nil && line != "" {
			m.Versions[name] = line
		}
	}
	return m
}

// cpuModel returns the model of the first processor of /proc/cpuinfo, "" where
// the architecture does not tell.
func cpuModel(info string) string {
	for line := range strings.Lines(info) {
		if name, value, found := strings.Cut(line, ":"); found && strings.TrimSpace(name) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

// loadAverage returns how many processes ran or waited to, on average over the
// last minute; 0 where the system does not tell.
func loadAverage() float64 {
	text, _ := os.ReadFile("/proc/loadavg")
	first, _, _ := strings.Cut(string(text), " ")
	load, _ := strconv.ParseFloat(first, 64)
	return load
}
