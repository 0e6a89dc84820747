package scenario

import (
	"context"

	"chunkcp/e2e/bench/internal/profile"
	"chunkcp/e2e/bench/internal/report"
)

// sample lets each run in turn while perf samples the processors. These runs are not
// counted: sampling slows them. The entrants are the scenario's contenders.
func (s Settings) sample(ctx context.Context, scenario *report.Scenario, entrants []entrant) error {
	if s.Sampled == 0 {
		return nil
	}
	if err := profile.Missing(); err != nil {
		s.Log("%s: no profile: %v", scenario.Name, err)
		return nil
	}
	for turn := 1; turn <= s.Sampled; turn++ {
		for i, e := range entrants {
			c := &scenario.Contenders[i]
			if c.Skipped != "" {
				continue
			}
			if err := s.sampleOne(ctx, c, e, turn); err != nil {
				return err
			}
			s.Log("%s: %s, sample %d of %d", scenario.Name, c.Name, turn, s.Sampled)
		}
	}
	return nil
}

// sampleOne lets one of them run once.
func (s Settings) sampleOne(ctx context.Context, c *report.Contender, e entrant, turn int) error {
	recorder, err := profile.Start(ctx, s.Dir)
	if err != nil {
		return err
	}
	r, _ := e.run(ctx, turn)
	seconds, err := recorder.Stop(ctx)
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if err == nil && r.Error == "" {
		c.Profiles = append(c.Profiles, seconds)
	}
	return err
}
