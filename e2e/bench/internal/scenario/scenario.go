package scenario

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"chunkcp/e2e/bench/internal/report"
)

// Settings are what all scenarios are told.
type Settings struct {
	Runs        int           // of each contender
	Sampled     int           // runs more of those whose servers stay up, for a profile
	Tools       []string      // beginnings of the names of those to run; none: all
	Size        int64         // bytes of the file where there is no link to fill
	LinkSeconds float64       // that the file would take at the link's rate
	Cut         time.Duration // after which a client is cut off
	Beside      time.Duration // that flows run beside each other

	Chunkcp, HTTP3, Lab, Floor string // paths of the programs

	Dir string // in memory, for all files
	Log func(format string, args ...any)
}

// wants reports whether a tool is to be run.
func (s Settings) wants(name string) bool {
	return len(s.Tools) == 0 || slices.ContainsFunc(s.Tools, func(t string) bool { return strings.HasPrefix(name, t) })
}

// Scenario is one thing to measure.
type Scenario struct {
	Name  string
	Group string // by which it can be chosen too
	Root  bool   // needs root
	Run   func(context.Context, Settings) (report.Scenario, error)
}

// All returns all scenarios in the order in which they are run.
func All() []Scenario {
	list := []Scenario{
		{Name: "loopback", Group: "loopback", Run: loopback},
		{Name: "veth", Group: "veth", Root: true, Run: cable},
	}
	for _, r := range races() {
		list = append(list, Scenario{Name: r.name, Group: "lab", Root: true, Run: r.run})
	}
	for _, b := range besides() {
		list = append(list, Scenario{Name: b.name, Group: "lab", Root: true, Run: b.run})
	}
	return append(list, Scenario{Name: "channels", Group: "lab", Root: true, Run: channels})
}

// Choose returns the scenarios with these names or groups, in their own order.
func Choose(names []string) ([]Scenario, error) {
	var chosen []Scenario
	used := map[string]bool{}
	for _, s := range All() {
		if slices.Contains(names, s.Name) || slices.Contains(names, s.Group) {
			chosen = append(chosen, s)
			used[s.Name], used[s.Group] = true, true
		}
	}
	for _, name := range names {
		if !used[name] {
			return nil, fmt.Errorf("no scenario %q: there are %s", name, strings.Join(Names(), ", "))
		}
	}
	return chosen, nil
}

// Names returns the groups and names of all scenarios.
func Names() (list []string) {
	for _, s := range All() {
		for _, name := range []string{s.Group, s.Name} {
			if !slices.Contains(list, name) {
				list = append(list, name)
			}
		}
	}
	return list
}
