package main

import (
	"os"
	"path/filepath"
	"testing"
	"time"
)

func TestTraceFormat(t *testing.T) {
	got, err := parseTrace("0\n5\n5\n12\n")
	want := trace{0, 5 * time.Millisecond, 5 * time.Millisecond, 12 * time.Millisecond}
	if err != nil || len(got) != len(want) {
		t.Fatalf("%v (%v), want %v", got, err, want)
	}
	for i := range want {
		if got[i] != want[i] {
			t.Fatalf("%v, want %v", got, want)
		}
	}
	for _, bad := range []string{"", "0\n0\n", "-1\n", "3\n2\n", "1.5\n", "x"} {
		if got, err := parseTrace(bad); err == nil {
			t.Errorf("%q taken as %v", bad, got)
		}
	}
}

// TestTraceCursor follows one link through its opportunities.
func TestTraceCursor(t *testing.T) {
	ms := time.Millisecond
	c := traceCursor{trace: trace{5 * ms, 10 * ms, 20 * ms}}
	const start = time.Second // the trace begins with the first packet
	for _, step := range []struct {
		at   time.Duration
		n    int
		want time.Duration
		why  string
	}{
		{0, 1000, 5 * ms, "the first opportunity"},
		{0, 504, 5 * ms, "the rest of it"},
		{0, 1, 10 * ms, "it was used up"},
		{6 * ms, 2000, 20 * ms, "1503 left at 10, the rest at 20"},
		{21 * ms, 100, 25 * ms, "what 20 had left is gone; the next repetition"},
		{47 * ms, 100, 50 * ms, "nothing is saved while idle"},
		{20005 * ms, 100, 20005 * ms, "an opportunity right now, many repetitions later"},
		{20005 * ms, 1504, 20010 * ms, "1404 then, 100 now"},
	} {
		if got := c.take(start+step.at, step.n) - start; got != step.want {
			t.Errorf("%d bytes at %v leave at %v, want %v: %s", step.n, step.at, got, step.want, step.why)
		}
	}
}

func TestTracedLinkBoundsItsQueue(t *testing.T) {
	path := filepath.Join(t.TempDir(), "trace")
	if err := os.WriteFile(path, []byte("10\n20\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	l := linkOf(t, "trace="+path+",queue=3000,delay=1ms")
	// 1,504 bytes leave at 10 ms and again at 20 ms; a fourth packet finds no room.
	want := []time.Duration{11 * time.Millisecond, 21 * time.Millisecond, 21 * time.Millisecond, -1}
	for i, due := range spread(l, 4, 0) {
		if due != want[i] {
			t.Errorf("packet %d arrives at %v, want %v", i, due, want[i])
		}
	}
	if l.QueueDropped != 1 {
		t.Errorf("dropped %d, want 1", l.QueueDropped)
	}
	if _, copies := l.admit(15*time.Millisecond, udpPacket(1000)); copies != 1 {
		t.Error("no room although a packet has left")
	}
}
