package scenario

import (
	"context"
	"fmt"
	"os"

	"chunkcp/e2e/bench/internal/report"
	"chunkcp/e2e/bench/internal/stats"
	"chunkcp/e2e/bench/internal/tool"
)

// The line whose use is measured against the number of channels.
const (
	channelsRate  = 20e6 // bit/s
	channelsRTT   = 0.040
	channelsLink  = "rate=20mbit,delay=20ms"
	channelsTitle = "Stop-and-wait channels of one segment: 20 Mbit/s, 40 ms"
	// frameBits is a packet that fills the MTU, which nearly all do.
	frameBits = 1500 * 8
	// mostChannels is the first power of two at which theory has the line full:
	// 1+2a is 67.7.
	mostChannels = 128
)

// channels measures what share of the time a line is in use, for textbook
// stop-and-wait and for more and more of it side by side.
func channels(ctx context.Context, s Settings) (report.Scenario, error) {
	place := hosts("", channelsLink)
	result := report.Scenario{
		Name: "channels", Title: channelsTitle, Kind: report.Channels,
		Bytes: s.size(channelsRate), RateBitsPerSec: channelsRate, Links: labLinks(place),
	}
	const a = channelsRTT / 2 / (frameBits / channelsRate)
	for n := 1; n <= mostChannels; n *= 2 {
		result.Contenders = append(result.Contenders, report.Contender{
			Name: fmt.Sprintf("--channels %d", n), Channels: n, Theory: stats.Utilisation(n, a),
		})
	}
	for turn := 1; turn <= s.Runs; turn++ {
		for i := range result.Contenders {
			c := &result.Contenders[i]
			r, commands, err := s.channelsOnce(ctx, *c, turn)
			if err != nil {
				return result, err
			}
			if ctx.Err() != nil {
				return result, context.Cause(ctx)
			}
			c.Runs = append(c.Runs, r)
			c.Commands = commands
			s.log(&result, c.Name, turn, r)
		}
	}
	result.Summarize()
	return result, nil
}

// channelsOnce fetches as much as should take the settings' time.
func (s Settings) channelsOnce(ctx context.Context, c report.Contender, turn int) (report.Run, []string, error) {
	const least = 64 << 10 // some ten round trips of a few channels; arbitrary
	dir, source, err := s.source(max(least, int64(c.Theory*float64(s.size(channelsRate)))))
	defer os.RemoveAll(dir)
	if err != nil {
		return report.Run{}, nil, err
	}
	textbook := tool.Chunkcp{
		Program: s.Chunkcp, Sessions: 1,
		Flags: []string{"--channels", fmt.Sprint(c.Channels), "--burst", "1"},
	}.Tool()
	// Probes would use the line too.
	r, commands := s.alone(ctx, solo{hosts: hosts("", channelsLink), tool: textbook, source: source, turn: turn})
	return r, commands, nil
}
