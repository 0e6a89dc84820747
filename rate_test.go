package main

import "testing"

func TestParseRate(t *testing.T) {
	for text, want := range map[string]int64{
		"1000": 1000, "1500": 1500, "500k": 500_000, "500kB/s": 500_000, "10M": 10_000_000, "10 MB/s": 10_000_000,
		"2.5MiB": 2_621_440, "1G": 1e9, "1GiB": 1 << 30, "64KiB/s": 65536, "7000B": 7000, "1k": 1000,
	} {
		if got, err := parseRate(text); err != nil || got != want {
			t.Errorf("%q: %d, %v; want %d", text, got, err, want)
		}
	}
	for _, text := range []string{"", "M", "0", "0.5", "1", "999B", "0.9k", "-1M", "NaN", "Inf", "1e30", "10X", "10M/m", "1 2", "0x10p2M "} {
		if got, err := parseRate(text); err == nil {
			t.Errorf("%q: %d", text, got)
		}
	}
}
