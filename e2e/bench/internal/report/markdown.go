package report

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"chunkcp/e2e/bench/internal/stats"
)

// WriteMarkdown writes the tables, the machine and the commands.
func (r *Results) WriteMarkdown(w io.Writer) {
	fmt.Fprintf(w, "# chunkcp beside other tools\n\n")
	fmt.Fprintf(w, "%s, commit %s, by `%s`\n\n", r.Started.UTC().Format(time.RFC3339), r.Commit, r.Command)
	m := r.Machine
	fmt.Fprintf(w, "%s, %d cores; %s; %s\n\n", m.CPU, m.Cores, m.System, m.Go)
	for _, name := range slices.Sorted(maps.Keys(m.Versions)) {
		fmt.Fprintf(w, "- %s: %s\n", name, m.Versions[name])
	}
	fmt.Fprintln(w)
	r.writeOverview(w)
	for _, s := range r.Scenarios {
		s.write(w)
	}
}

// writeOverview puts the races over links into one table.
func (r *Results) writeOverview(w io.Writer) {
	var names []string
	var races []Scenario
	for _, s := range r.Scenarios {
		if s.Kind != Race || s.RateBitsPerSec == 0 {
			continue
		}
		races = append(races, s)
		for _, c := range s.Contenders {
			if !slices.Contains(names, c.Name) {
				names = append(names, c.Name)
			}
		}
	}
	if len(races) == 0 {
		return
	}
	fmt.Fprintf(w, "## Goodput over the rate of the link\n\nThe median of the runs. Cut: it was not done in time, and is measured until then.\n\n")
	t := table{head: append([]string{"path"}, names...)}
	for _, s := range races {
		row := []string{s.Title}
		for _, name := range names {
			row = append(row, s.cell(name))
		}
		t.add(row...)
	}
	t.write(w)
}

// cell is what the overview says of a contender.
func (s Scenario) cell(name string) string {
	for _, c := range s.Contenders {
		switch {
		case c.Name != name:
			continue
		case c.Goodput.N == 0:
			return c.missing()
		case slices.ContainsFunc(c.Runs, func(r Run) bool { return r.Cut }):
			return percent(s.ofLink(c.Goodput.Median)) + " (cut)"
		}
		return percent(s.ofLink(c.Goodput.Median))
	}
	return ""
}

// ofLink returns a goodput in bytes per second as a share of the link's rate.
func (s Scenario) ofLink(bytesPerSec float64) float64 { return bytesPerSec * 8 / s.RateBitsPerSec }

func (s Scenario) write(w io.Writer) {
	fmt.Fprintf(w, "## %s\n\n%s; a file of %d bytes; load of the machine before: %.2f\n\n", s.Name, s.Title, s.Bytes, s.Load)
	for _, link := range s.Links {
		fmt.Fprintf(w, "- `%s`\n", link)
	}
	if len(s.Links) > 0 {
		fmt.Fprintln(w)
	}
	switch s.Kind {
	case Race:
		s.writeRace(w)
		s.writeProfiles(w)
	case Shares:
		s.writeShares(w)
	case Channels:
		s.writeChannels(w)
	}
	s.writeFailures(w)
	s.writeCommands(w)
}

func (s Scenario) writeRace(w io.Writer) {
	u := s.unit()
	t := table{head: []string{
		"tool", u.name, "min to max", "of " + s.Contenders[0].Name + "'s", "in pairs",
		"client CPU", "server CPU", "client memory", "server memory",
	}}
	linked := s.RateBitsPerSec > 0
	if linked {
		t.head = append(t.head, "of the link", "RTT beside it", "RTT it saw")
	}
	for _, c := range s.Contenders {
		if c.Goodput.N == 0 {
			t.add(c.Name, c.missing())
			continue
		}
		row := []string{
			c.Name + c.cut(),
			u.format(c.Goodput.Median), u.span(c.Goodput.Min, c.Goodput.Max),
			fmt.Sprintf("%.2f", c.Ratio.OfMedians), fmt.Sprintf("%.2f", c.Ratio.OfPairs),
			seconds(c.median(func(r Run) float64 { return r.ClientCPUSeconds })),
			seconds(c.median(func(r Run) float64 { return r.ServerCPUSeconds })),
			memory(c.median(func(r Run) float64 { return float64(r.ClientPeakRSS) })),
			memory(c.median(func(r Run) float64 { return float64(r.ServerPeakRSS) })),
		}
		if linked {
			row = append(row, percent(s.ofLink(c.Goodput.Median)),
				milliseconds(c.median(func(r Run) float64 { return r.RTTSeconds })),
				milliseconds(c.median(func(r Run) float64 { return r.ToolRTTSeconds })))
		}
		t.add(row...)
	}
	t.write(w)
}

func (s Scenario) writeShares(w io.Writer) {
	u := s.unit()
	t := table{head: []string{"flow", u.name, "min to max", "share of both", "of the link", "share of what was sent"}}
	var sum, sent float64
	for _, c := range s.Contenders {
		sum += c.Goodput.Median
		sent += c.median(Run.Wire)
	}
	for _, c := range s.Contenders {
		if c.Goodput.N == 0 {
			t.add(c.Name, c.missing())
			continue
		}
		t.add(c.Name, u.format(c.Goodput.Median), u.span(c.Goodput.Min, c.Goodput.Max),
			percent(c.Goodput.Median/sum), percent(s.ofLink(c.Goodput.Median)), percent(c.median(Run.Wire)/sent))
	}
	t.write(w)
	if j := stats.Summarize(s.jain()); j.N > 0 {
		fmt.Fprintf(w, "Jain's index: %.3f (%.3f to %.3f)\n\n", j.Median, j.Min, j.Max)
	}
}

// jain returns the index of each run in which no flow failed.
func (s Scenario) jain() (list []float64) {
	for i := range s.Contenders[0].Runs {
		var flows []float64
		for _, c := range s.Contenders {
			if i < len(c.Runs) && c.Runs[i].Error == "" {
				flows = append(flows, c.Runs[i].Goodput())
			}
		}
		if len(flows) == len(s.Contenders) {
			list = append(list, stats.Jain(flows))
		}
	}
	return list
}

func (s Scenario) writeChannels(w io.Writer) {
	u := s.unit()
	t := table{head: []string{"channels", u.name, "line in use", "min to max", "theory"}}
	for _, c := range s.Contenders {
		used := stats.Summarize(c.values(func(r Run) float64 { return s.ofLink(r.Wire()) }))
		if used.N == 0 {
			t.add(fmt.Sprint(c.Channels), c.missing())
			continue
		}
		t.add(fmt.Sprint(c.Channels), u.format(c.Goodput.Median),
			percent(used.Median), percent(used.Min)+" to "+percent(used.Max), percent(c.Theory))
	}
	t.write(w)
}

// writeFailures says who did not take part and what went wrong in which run.
func (s Scenario) writeFailures(w io.Writer) {
	found := false
	for _, c := range s.Contenders {
		if c.Skipped != "" {
			fmt.Fprintf(w, "- %s skipped: %s\n", c.Name, strings.Join(strings.Fields(c.Skipped), " "))
			found = true
		}
		for i, r := range c.Runs {
			if r.Error != "" {
				fmt.Fprintf(w, "- %s, run %d failed: %s\n", c.Name, i+1, strings.Join(strings.Fields(r.Error), " "))
				found = true
			}
		}
	}
	if found {
		fmt.Fprintln(w)
	}
}

func (s Scenario) writeCommands(w io.Writer) {
	fmt.Fprintf(w, "```sh\n")
	for _, c := range s.Contenders {
		if len(c.Commands) == 0 {
			continue
		}
		fmt.Fprintf(w, "# %s\n", c.Name)
		for _, command := range c.Commands {
			fmt.Fprintln(w, command)
		}
	}
	fmt.Fprintf(w, "```\n\n")
}

// missing says why there is no number, in a word.
func (c Contender) missing() string {
	if c.Skipped != "" {
		return "skipped"
	}
	return "failed"
}

// cut marks a contender of whose runs some were cut off.
func (c Contender) cut() string {
	n := 0
	for _, r := range c.Runs {
		if r.Cut {
			n++
		}
	}
	if n == 0 {
		return ""
	}
	return fmt.Sprintf(" (cut off in %d of %d)", n, len(c.Runs))
}
