package main

import (
	"bytes"
	"fmt"
	"math"
	"strings"
	"testing"
)

// written is a trace of two sessions, the second of which sends 1 MB in a
// second; its last line is cut off.
func written() string {
	var b strings.Builder
	b.WriteString(`{"t_seconds":0,"session":1,"kind":"sent","bytes":10}` + "\n")
	for i := range 101 {
		t := float64(i) / 100
		fmt.Fprintf(&b, `{"t_seconds":%v,"session":2,"kind":"sent","bytes":10000,"in_flight_bytes":20480,"window_bytes":40960,"rate_bytes_per_sec":2e6}`+"\n", t)
		fmt.Fprintf(&b, `{"t_seconds":%v,"session":2,"kind":"acked","bytes":10000,"rtt_seconds":0.05}`+"\n", t)
	}
	b.WriteString(`{"t_seconds":2,"sess`)
	return b.String()
}

func TestTheSessionThatSentMost(t *testing.T) {
	events, err := read(strings.NewReader(written()), 0)
	if err != nil || len(events) != 202 || events[0].Session != 2 {
		t.Fatalf("%d events, %v", len(events), err)
	}
	if events, err := read(strings.NewReader(written()), 1); err != nil || len(events) != 1 {
		t.Errorf("%d events of session 1, %v", len(events), err)
	}
	if _, err := read(strings.NewReader(written()), 3); err == nil {
		t.Error("there is no session 3")
	}
	if _, err := read(strings.NewReader("nonsense\n"), 0); err == nil || !strings.Contains(err.Error(), "line 1") {
		t.Errorf("nonsense: %v", err)
	}
}

func TestDelivered(t *testing.T) {
	events, err := read(strings.NewReader(written()), 0)
	if err != nil {
		t.Fatal(err)
	}
	var sum float64
	points := delivered(events)
	for _, p := range points {
		sum += p.Y
	}
	if mean := sum / float64(len(points)); math.Abs(mean-8) > 0.1 {
		t.Errorf("%.2f Mbit/s on average, want 8", mean)
	}
}

func TestDraw(t *testing.T) {
	events, err := read(strings.NewReader(written()), 0)
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := draw(&out, events); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"<svg", "acknowledged", "window", "round trip, ms", "seconds"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in the drawing", want)
		}
	}
}
