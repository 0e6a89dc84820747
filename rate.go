package main

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// units of a rate, the longer ones first.
var units = []struct {
	suffix string
	bytes  float64
}{
	{"KiB", 1 << 10}, {"MiB", 1 << 20}, {"GiB", 1 << 30},
	{"kB", 1e3}, {"KB", 1e3}, {"MB", 1e6}, {"GB", 1e9},
	{"k", 1e3}, {"K", 1e3}, {"M", 1e6}, {"G", 1e9}, {"B", 1},
}

// minRate is the least rate that a fetch may be limited to, in bytes per second: a
// burst of two packets takes three seconds then.
const minRate = 1000

// parseRate reads bytes a second: a number, with a unit or without.
func parseRate(text string) (int64, error) {
	number, unit := strings.TrimSuffix(text, "/s"), 1.0
	for _, u := range units {
		if rest, ok := strings.CutSuffix(number, u.suffix); ok {
			number, unit = strings.TrimRight(rest, " "), u.bytes
			break
		}
	}
	n, err := strconv.ParseFloat(number, 64)
	rate := n * unit
	switch {
	case err == nil && rate >= minRate && rate < math.MaxInt64:
		return int64(rate), nil
	case err == nil && rate > 0 && rate < minRate:
		return 0, fmt.Errorf("rate %q: want %d bytes a second or more", text, minRate)
	}
	return 0, fmt.Errorf("rate %q: want bytes a second, such as 500k, 10M or 2.5MiB", text)
}
