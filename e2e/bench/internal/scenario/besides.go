package scenario

import (
	"context"
	"os"
	"sync"

	"chunkcp/e2e/bench/internal/lab"
	"chunkcp/e2e/bench/internal/report"
	"chunkcp/e2e/bench/internal/tool"
	"chunkcp/e2e/bench/internal/transfer"
)

// beside is two flows that share the client's link, each with a server of its
// own, from the same moment on until they are cut off.
type beside struct {
	name, title string
	tools       func(Settings) [2]tool.Tool
}

func besides() []beside {
	ours := func(s Settings) tool.Tool { return tool.Chunkcp{Program: s.Chunkcp}.Tool() }
	return []beside{
		{"beside-cubic", "chunkcp beside one TCP cubic flow", func(s Settings) [2]tool.Tool {
			return [2]tool.Tool{ours(s), tool.TCP("cubic", cubicName)}
		}},
		{"beside-bbr", "chunkcp beside one TCP BBR flow", func(s Settings) [2]tool.Tool {
			return [2]tool.Tool{ours(s), tool.TCP("bbr", bbrName)}
		}},
		{"beside-itself", "two chunkcp fetches side by side", func(s Settings) [2]tool.Tool {
			first, second := ours(s), ours(s)
			first.Name, second.Name = "chunkcp, first", "chunkcp, second"
			return [2]tool.Tool{first, second}
		}},
	}
}

// The link that is shared: its queue holds 50 ms, one bandwidth-delay product.
const (
	sharedRate  = 100e6 // bit/s
	sharedLink  = "rate=100mbit,delay=25ms,queue=625000"
	sharedTitle = ": 100 Mbit/s, 50 ms, queue of one BDP"
)

func (b beside) run(ctx context.Context, s Settings) (report.Scenario, error) {
	tools := b.tools(s)
	place := hosts(sharedLink, "", "")
	result := report.Scenario{
		Name: b.name, Title: b.title + sharedTitle, Kind: report.Shares,
		// More than the link can bring, so that none is done before the other.
		Bytes:          int64(sharedRate / 8 * 1.1 * s.Beside.Seconds()),
		RateBitsPerSec: sharedRate, Links: labLinks(place),
	}
	for _, t := range tools {
		c := report.Contender{Name: t.Name}
		if err := missing(t); err != nil {
			// One flow alone shares with nobody.
			c.Skipped = err.Error()
			result.Contenders = append(result.Contenders, c)
			s.Log("%s: skipped: %s", result.Name, c.Skipped)
			return result, nil
		}
		result.Contenders = append(result.Contenders, c)
	}
	dir, source, err := s.source(result.Bytes)
	defer os.RemoveAll(dir)
	if err != nil {
		return result, err
	}
	for turn := 1; turn <= s.Runs; turn++ {
		runs, commands := s.together(ctx, place, tools, source, turn)
		if ctx.Err() != nil {
			return result, context.Cause(ctx)
		}
		for i := range result.Contenders {
			c := &result.Contenders[i]
			c.Runs = append(c.Runs, runs[i])
			c.Commands = commands[i]
			s.log(&result, c.Name, turn, runs[i])
		}
	}
	result.Summarize()
	return result, nil
}

// together runs two tools at once, each with its own server, in one lab.
func (s Settings) together(ctx context.Context, place []lab.Host, tools [2]tool.Tool, source tool.Source, turn int) (runs [2]report.Run, commands [2][]string) {
	failed := func(err error) ([2]report.Run, [2][]string) {
		for i := range runs {
			runs[i].Error = err.Error()
		}
		return runs, commands
	}
	f, err := s.stand(ctx, place, turn)
	if err != nil {
		return failed(err)
	}
	var flows [2]*transfer.Transfer
	for i, t := range tools {
		if flows[i], err = f.open(ctx, t, source, i); err != nil {
			_, _ = f.strike() // ends the other's server too
			return failed(err)
		}
		defer flows[i].Close()
	}
	var both sync.WaitGroup
	for i, x := range flows {
		both.Go(func() { runs[i] = x.Run(ctx, s.Beside) })
	}
	both.Wait()
	for i, x := range flows {
		commands[i] = x.Commands()
		x.Close()
	}
	links, err := f.strike()
	if err != nil {
		return failed(err)
	}
	for i := range runs {
		runs[i].SetLinks(links, place[1+i].Name)
	}
	return runs, commands
}
