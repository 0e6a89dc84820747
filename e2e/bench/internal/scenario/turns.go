package scenario

import (
	"context"

	"chunkcp/e2e/bench/internal/report"
	"chunkcp/e2e/bench/internal/tool"
)

// entrant is a contender and how it runs once. The turn counts from 1; 0 warms
// up.
type entrant struct {
	tool tool.Tool
	run  func(ctx context.Context, turn int) (report.Run, []string)
	// skipped says why it cannot run.
	skipped error
}

// takeTurns lets each run in turn, after a turn that warms up if it is asked
// for.
func (s Settings) takeTurns(ctx context.Context, scenario *report.Scenario, entrants []entrant, warm bool) error {
	for _, e := range entrants {
		c := report.Contender{Name: e.tool.Name}
		if e.skipped != nil {
			c.Skipped = e.skipped.Error()
			s.Log("%s: %s skipped: %s", scenario.Name, c.Name, c.Skipped)
		}
		scenario.Contenders = append(scenario.Contenders, c)
	}
	first := 1
	if warm {
		first = 0
	}
	for turn := first; turn <= s.Runs; turn++ {
		for i, e := range entrants {
			c := &scenario.Contenders[i]
			if c.Skipped != "" {
				continue
			}
			r, commands := e.run(ctx, turn)
			if ctx.Err() != nil {
				return context.Cause(ctx)
			}
			s.log(scenario, c.Name, turn, r)
			c.Commands = commands
			if turn > 0 {
				c.Runs = append(c.Runs, r)
			}
		}
	}
	scenario.Summarize()
	return nil
}

// log tells whoever waits of a run.
func (s Settings) log(scenario *report.Scenario, name string, turn int, r report.Run) {
	switch {
	case r.Error != "":
		s.Log("%s: %s, run %d of %d failed: %s", scenario.Name, name, turn, s.Runs, r.Error)
	case turn == 0:
		s.Log("%s: %s is warm", scenario.Name, name)
	default:
		cut := ""
		if r.Cut {
			cut = ", cut off"
		}
		s.Log("%s: %s, run %d of %d: %d bytes in %.2f s, %.2f Mbit/s%s",
			scenario.Name, name, turn, s.Runs, r.Bytes, r.Seconds, r.Goodput()*8/1e6, cut)
	}
}
