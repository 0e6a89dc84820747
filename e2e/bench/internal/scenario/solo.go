package scenario

import (
	"context"

	"chunkcp/e2e/bench/internal/lab"
	"chunkcp/e2e/bench/internal/probe"
	"chunkcp/e2e/bench/internal/report"
	"chunkcp/e2e/bench/internal/tool"
)

// solo is one run of one tool with a lab to itself.
type solo struct {
	hosts  []lab.Host
	tool   tool.Tool
	source tool.Source
	turn   int  // the lab's seed
	probed bool // by small packets between the client and the first server
}

// alone makes the run. What went wrong, with the lab too, is told in it.
func (s Settings) alone(ctx context.Context, o solo) (r report.Run, commands []string) {
	f, err := s.stand(ctx, o.hosts, o.turn)
	if err != nil {
		return report.Run{Error: err.Error()}, nil
	}
	r, commands, err = f.play(ctx, o, s)
	links, struck := f.strike()
	if err == nil {
		err = struck // what went wrong before says more
	}
	r.SetLinks(links, o.hosts[1].Name)
	if err != nil && r.Error == "" {
		r.Error = err.Error()
	}
	return r, commands
}

// play runs the tool in the lab.
func (f *field) play(ctx context.Context, o solo, s Settings) (r report.Run, commands []string, err error) {
	x, err := f.open(ctx, o.tool, o.source, 0)
	if err != nil {
		return r, nil, err
	}
	defer x.Close()
	if o.probed {
		p, err := probe.Start(f.lab.Netns("c"), f.lab.Netns("s1"), o.hosts[1].Addr)
		if err != nil {
			return r, nil, err
		}
		defer func() { r.RTTSeconds = p.Stop().Seconds() }()
	}
	r = x.Run(ctx, s.Cut)
	return r, x.Commands(), nil
}
