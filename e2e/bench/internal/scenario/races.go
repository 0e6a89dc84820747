package scenario

import (
	"context"
	"os"

	"chunkcp/e2e/bench/internal/lab"
	"chunkcp/e2e/bench/internal/report"
	"chunkcp/e2e/bench/internal/tool"
)

// race is one path on which tools run one after another.
type race struct {
	name, title string
	rate        float64 // bit/s of the link, or of all together
	loss        float64 // %, where the plot shows it; negative where not
	hosts       []lab.Host
	tools       func(Settings) []tool.Tool
	bytes       int64 // of the file; 0 for as many as take the settings' time
}

// shortFile has been fetched before a long path is full.
const shortFile = 8 << 20

// races returns all of them. A link's delay, loss and queue are those of both
// directions; its queue holds 100 ms where nothing is said.
func races() []race {
	return []race{
		{"loss-0", "100 Mbit/s, 50 ms", 100e6, 0, hosts("", "rate=100mbit,delay=25ms"), single, 0},
		{"loss-1", "100 Mbit/s, 50 ms, 1 % lost", 100e6, 1, hosts("", "rate=100mbit,delay=25ms,loss=0.01"), single, 0},
		{"loss-5", "100 Mbit/s, 50 ms, 5 % lost", 100e6, 5, hosts("", "rate=100mbit,delay=25ms,loss=0.05"), single, 0},
		{"loss-20", "100 Mbit/s, 50 ms, 20 % lost", 100e6, 20, hosts("", "rate=100mbit,delay=25ms,loss=0.2"), single, 0},
		{"bursts", "100 Mbit/s, 50 ms, 2 % lost in bursts of 5", 100e6, -1, hosts("", "rate=100mbit,delay=25ms,loss=0.02,burst=5"), single, 0},
		{"far", "100 Mbit/s, 300 ms, 1 % lost", 100e6, -1, hosts("", "rate=100mbit,delay=150ms,loss=0.01"), single, 0},
		{"short", "8 MiB over 100 Mbit/s, 100 ms, 0.5 % lost", 100e6, -1, hosts("", "rate=100mbit,delay=50ms,loss=0.005"), single, shortFile},
		{"short-far", "8 MiB over 100 Mbit/s, 300 ms, 0.5 % lost", 100e6, -1, hosts("", "rate=100mbit,delay=150ms,loss=0.005"), single, shortFile},
		{"shallow", "20 Mbit/s, 40 ms, queue of 16 KiB", 20e6, -1, hosts("", "rate=20mbit,delay=20ms,queue=16384"), single, 0},
		{"deep", "100 Mbit/s, 50 ms, queue of 1 s", 100e6, -1, hosts("", "rate=100mbit,delay=25ms,queue=12500000"), single, 0},
		{"fast", "500 Mbit/s, 20 ms", 500e6, -1, hosts("", "rate=500mbit,delay=10ms"), single, 0},
		{"three", "Three servers: 100, 100 and 50 Mbit/s, 40, 60 and 80 ms, 1 % lost", 250e6, -1, hosts("",
			"rate=100mbit,delay=20ms,loss=0.01",
			"rate=100mbit,delay=30ms,loss=0.01",
			"rate=50mbit,delay=40ms,loss=0.01"), several, 0},
	}
}

// The names under which TCP is shown.
const (
	cubicName = "TCP cubic"
	bbrName   = "TCP BBR"
)

// single are the tools that fetch from one server.
func single(s Settings) []tool.Tool {
	return []tool.Tool{
		tool.Chunkcp{Program: s.Chunkcp}.Tool(),
		tool.TCP("cubic", cubicName),
		tool.TCP("bbr", bbrName),
		tool.HTTP3(s.HTTP3),
	}
}

// several are the tools that fetch from three, and TCP from the best of them.
func several(s Settings) []tool.Tool {
	list := []tool.Tool{tool.Chunkcp{Program: s.Chunkcp, Servers: 3}.Tool()}
	for _, congestion := range []struct{ control, name string }{{"cubic", "aria2c, TCP cubic"}, {"bbr", "aria2c, TCP BBR"}} {
		t := tool.Aria2()
		t.Name, t.Congestion = congestion.name, congestion.control
		list = append(list, t)
	}
	return append(list, tool.TCP("bbr", bbrName))
}

// size returns the bytes of a file that takes the settings' time at the rate.
func (s Settings) size(bitsPerSec float64) int64 {
	const least = 1 << 20 // a piece of chunkcp's
	return max(least, int64(bitsPerSec/8*s.LinkSeconds))
}

func (r race) run(ctx context.Context, s Settings) (report.Scenario, error) {
	bytes := r.bytes
	if bytes == 0 {
		bytes = s.size(r.rate)
	}
	result := report.Scenario{
		Name: r.name, Title: r.title, Kind: report.Race,
		Bytes: bytes, RateBitsPerSec: r.rate, Links: labLinks(r.hosts),
	}
	if r.loss >= 0 {
		result.LossPercent = &r.loss
	}
	dir, source, err := s.source(result.Bytes)
	defer os.RemoveAll(dir)
	if err != nil {
		return result, err
	}
	var entrants []entrant
	for _, t := range r.tools(s) {
		if !s.wants(t.Name) {
			continue
		}
		entrants = append(entrants, entrant{tool: t, skipped: missing(t),
			run: func(ctx context.Context, turn int) (report.Run, []string) {
				return s.alone(ctx, solo{hosts: r.hosts, tool: t, source: source, turn: turn, probed: true})
			}})
	}
	return result, s.takeTurns(ctx, &result, entrants, false)
}
