package main

import (
	"errors"
	"flag"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestOptions(t *testing.T) {
	o, err := parseOptions([]string{
		"-seed", "7", "-prefix", "bench-1", "-stats", "-json", "out.json",
		"-host", "c=10.77.0.1",
		"-host", "s=10.77.0.2,rate=100mbit,delay=25ms,up.loss=0.01,burst=4,down.rate=8kbit,mtu=9000,cut=2s:500ms",
		"--", "ip", "netns", "-h",
	}, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	if o.seed != 7 || o.prefix != "bench-1" || !o.stats || o.json != "out.json" {
		t.Errorf("flags: %+v", o)
	}
	if !slices.Equal(o.command, []string{"ip", "netns", "-h"}) {
		t.Errorf("command %q", o.command)
	}
	c, s := o.hosts[0], o.hosts[1]
	if c.name != "c" || c.addr.String() != "10.77.0.1" || c.mtu != 1500 || c.up.rateBytesPerSec != 0 {
		t.Errorf("plain host: %+v", c)
	}
	both := shape{delay: 25 * time.Millisecond, burst: 4, cutAt: 2 * time.Second, cutFor: 500 * time.Millisecond}
	up, down := both, both
	up.rateBytesPerSec, up.loss, up.queueBytes = 12.5e6, 0.01, 1_250_000
	down.rateBytesPerSec, down.queueBytes = 1000, 64<<10
	if !sameShape(s.up, up) || !sameShape(s.down, down) || s.mtu != 9000 {
		t.Errorf("up %+v\nwant %+v\ndown %+v\nwant %+v", s.up, up, s.down, down)
	}
}

// sameShape compares all but the trace, which a struct comparison cannot.
func sameShape(a, b shape) bool {
	return a.rateBytesPerSec == b.rateBytesPerSec && a.queueBytes == b.queueBytes &&
		a.delay == b.delay && a.jitter == b.jitter && a.loss == b.loss && a.burst == b.burst &&
		a.dup == b.dup && a.reorder == b.reorder && a.corrupt == b.corrupt &&
		a.cutAt == b.cutAt && a.cutFor == b.cutFor
}

func TestRates(t *testing.T) {
	for text, want := range map[string]float64{
		"8": 1, "8kbit": 1e3, "1.5mbit": 187500, "10gbit": 1.25e9,
	} {
		if got, err := parseRate(text); err != nil || got != want {
			t.Errorf("%s: %v bytes/s (%v), want %v", text, got, err, want)
		}
	}
}

func TestOptionsRefused(t *testing.T) {
	trace := filepath.Join(t.TempDir(), "trace")
	if err := os.WriteFile(trace, []byte("1\n2\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct{ spec, want string }{
		{"=10.0.0.1", "want NAME=ADDR"},
		{"a/b=10.0.0.1", "want NAME=ADDR"},
		{"c=10.0.0", "no IPv4 address"},
		{"c=fd00::1", "no IPv4 address"},
		{"c=10.0.0.1,speed=1", `unknown option "speed"`},
		{"c=10.0.0.1,up.mtu=1500", `unknown option "mtu"`},
		{"c=10.0.0.1,mtu=20", "want 68 to 65535"},
		{"c=10.0.0.1,rate", "positive number"},
		{"c=10.0.0.1,rate=0", "positive number"},
		{"c=10.0.0.1,rate=10mb", "positive number"},
		{"c=10.0.0.1,rate=NaN", "positive number"},
		{"c=10.0.0.1,queue=-1", "positive number"},
		{"c=10.0.0.1,delay=25", "missing unit"},
		{"c=10.0.0.1,delay=-1ms", "0 or more"},
		{"c=10.0.0.1,loss=1.01", "share of 0 to 1"},
		{"c=10.0.0.1,dup=NaN", "share of 0 to 1"},
		{"c=10.0.0.1,burst=0.5", "1 packet or more"},
		{"c=10.0.0.1,loss=0.9,burst=2", "needs a burst of 9"},
		{"c=10.0.0.1,cut=2s", "want AT:FOR"},
		{"c=10.0.0.1,cut=2s:x", "invalid duration"},
		{"c=10.0.0.1,trace=" + trace + ".gone", "no such file"},
		{"c=10.0.0.1,rate=1mbit,trace=" + trace, "exclude each other"},
	} {
		_, err := parseOptions([]string{"-host", test.spec}, io.Discard)
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: error %v, want one with %q", test.spec, err, test.want)
		}
	}
	for _, test := range []struct {
		args []string
		want string
	}{
		{nil, "no hosts"},
		{[]string{"-host", "c"}, "no IPv4 address"},
		{[]string{"-prefix", "../x", "-host", "c=10.0.0.1"}, "prefix"},
		{[]string{"-host", "c=10.0.0.1", "-host", "c=10.0.0.2"}, "two hosts are named c"},
		{[]string{"-host", "c=10.0.0.1", "-host", "d=10.0.0.1"}, "two hosts have the address"},
		{[]string{"-host", "c=10.0.0.1", "-host", "d=10.0.1.1"}, "outside 10.0.0.0/24"},
		{[]string{"-seed", "x", "-host", "c=10.0.0.1"}, "invalid value"},
	} {
		_, err := parseOptions(test.args, io.Discard)
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%q: error %v, want one with %q", test.args, err, test.want)
		}
	}
	if _, err := parseOptions([]string{"-h"}, io.Discard); !errors.Is(err, flag.ErrHelp) {
		t.Errorf("-h: %v", err)
	}
}

// TestAllMistakesAtOnce keeps people from fixing a long command line one error
// at a time.
func TestAllMistakesAtOnce(t *testing.T) {
	_, err := parseOptions([]string{"-host", "c=10.0.0.1,loss=2,delay=x", "-host", "d=1.2"}, io.Discard)
	for _, want := range []string{"loss=2", "delay=x", "host d"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v: %q is missing", err, want)
		}
	}
}
