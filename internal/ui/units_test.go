package ui

import (
	"math"
	"testing"
	"time"
)

func TestBytes(t *testing.T) {
	for n, want := range map[int64]string{
		-1: "-", 0: "0 B", 1: "1 B", 999: "999 B", 1000: "1.00 kB",
		9_994: "9.99 kB", 9_995: "10.0 kB", 99_949: "99.9 kB", 99_950: "100 kB",
		999_499: "999 kB", 999_500: "1.00 MB", 1 << 20: "1.05 MB", 1_500_000_000: "1.50 GB",
		2_000_000_000_000: "2.00 TB", 3_000_000_000_000_000: "3.00 PB", math.MaxInt64: "9.22 EB",
	} {
		if got := Bytes(n); got != want {
			t.Errorf("Bytes(%d) = %q, want %q", n, got, want)
		}
	}
}

func TestRate(t *testing.T) {
	for _, c := range []struct {
		rate float64
		want string
	}{
		{0, "0 B/s"}, {0.4, "0 B/s"}, {28e3, "28.0 kB/s"}, {1.25e8, "125 MB/s"}, {1e30, "1000000000000 EB/s"},
		{-5, "0 B/s"}, {math.NaN(), "0 B/s"}, {math.Inf(1), "0 B/s"},
	} {
		if got := Rate(c.rate); got != c.want {
			t.Errorf("Rate(%v) = %q, want %q", c.rate, got, c.want)
		}
	}
}

func TestPercentIsWholeOnlyForTheWhole(t *testing.T) {
	for _, c := range []struct {
		part, whole int64
		want        string
	}{
		{0, -1, "-"}, {0, 0, "100%"}, {0, 10, "0.0%"}, {-3, 10, "0.0%"}, {1, 3, "33.3%"}, {2, 3, "66.6%"},
		{9_999, 10_000, "99.9%"}, {math.MaxInt64 - 1, math.MaxInt64, "99.9%"}, {10, 10, "100%"}, {11, 10, "100%"},
	} {
		if got := percent(c.part, c.whole); got != c.want {
			t.Errorf("percent(%d, %d) = %q, want %q", c.part, c.whole, got, c.want)
		}
	}
}

func TestETA(t *testing.T) {
	for _, c := range []struct {
		name        string
		total, done int64
		rate        float64
		want        string
	}{
		{"size unknown", -1, 0, 5, "-"},
		{"standing still", 10, 0, 0, "-"},
		{"no number", 10, 0, math.NaN(), "-"},
		{"done", 10, 10, 0, "0:00"},
		{"empty file", 0, 0, 0, "0:00"},
		{"rounded up", 10, 0, 9, "0:02"},
		{"minutes", 1000, 0, 10, "1:40"},
		{"hours", 36610, 0, 10, "1:01:01"},
		{"days", 448 * 3600, 0, 1, "18d16h"},
		{"for ever", math.MaxInt64, 0, 1e-9, ">99d"},
	} {
		if got := eta(Snapshot{Total: c.total, Done: c.done, RateBytesPerSec: c.rate}); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

func TestSpanAndRoundTrip(t *testing.T) {
	for d, want := range map[time.Duration]string{
		-1: "0.00 s", 0: "0.00 s", 1234 * time.Millisecond: "1.23 s", 37200 * time.Millisecond: "37.2 s",
		59949 * time.Millisecond: "59.9 s", 59950 * time.Millisecond: "0:59", 3661 * time.Second: "1:01:01",
	} {
		if got := span(d); got != want {
			t.Errorf("span(%v) = %q, want %q", d, got, want)
		}
	}
	for d, want := range map[time.Duration]string{
		0: "-", 85 * time.Microsecond: "0.09 ms", 850 * time.Microsecond: "0.85 ms",
		20300 * time.Microsecond: "20.3 ms", 2 * time.Second: "2000 ms",
	} {
		if got := RoundTrip(d); got != want {
			t.Errorf("RoundTrip(%v) = %q, want %q", d, got, want)
		}
	}
}
