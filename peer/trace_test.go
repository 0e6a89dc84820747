package peer

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"chunkcp/arq"
	"chunkcp/internal/netsim"
)

// traceFields are those of every line.
var traceFields = []string{
	"burst", "bytes", "channel", "credit_bytes", "in_flight_bytes", "kind", "min_rtt_seconds", "number", "phase",
	"rate_bytes_per_sec", "rtt_seconds", "segments", "session", "smoothed_rtt_seconds", "t_seconds", "window_bytes",
}

// readTrace returns the lines of a trace, each of which must be one object with
// all fields and no other.
func readTrace(t *testing.T, text string) (lines []traceLine) {
	t.Helper()
	if !strings.HasSuffix(text, "\n") {
		t.Fatalf("the last line has no end: %q", text[max(0, len(text)-80):])
	}
	for s := range strings.Lines(text) {
		var fields map[string]any
		if err := json.Unmarshal([]byte(s), &fields); err != nil {
			t.Fatalf("%q: %v", s, err)
		}
		if got := slices.Sorted(maps.Keys(fields)); !slices.Equal(got, traceFields) {
			t.Fatalf("fields %v, want %v", got, traceFields)
		}
		var l traceLine
		if err := json.Unmarshal([]byte(s), &l); err != nil {
			t.Fatal(err)
		}
		lines = append(lines, l)
	}
	return lines
}

// TestTraceLine pins the format: names, units, and that nothing is left out when
// it is zero.
func TestTraceLine(t *testing.T) {
	var out bytes.Buffer
	tr := NewTrace(&out)
	tr.session(7)(arq.Event{
		At: tr.began.Add(1500 * time.Millisecond), Kind: arq.EventLost, Number: 11, Channel: 3, Burst: 5, Segments: 2, Bytes: 2000,
		RTT: 20 * time.Millisecond, SmoothedRTT: 25 * time.Millisecond, MinRTT: 10 * time.Millisecond,
		InFlight: 100, Window: 200, Credit: 300, RateBytesPerSec: 1.5, Phase: "cruise",
	})
	if out.Len() != 0 {
		t.Errorf("%d bytes written before Flush", out.Len())
	}
	if err := tr.Flush(); err != nil {
		t.Fatal(err)
	}
	want := `{"t_seconds":1.5,"session":7,"kind":"lost","number":11,"channel":3,"burst":5,"segments":2,"bytes":2000,` +
		`"rtt_seconds":0.02,"smoothed_rtt_seconds":0.025,"min_rtt_seconds":0.01,` +
		`"in_flight_bytes":100,"window_bytes":200,"credit_bytes":300,"rate_bytes_per_sec":1.5,"phase":"cruise"}` + "\n"
	if out.String() != want {
		t.Errorf("%s, want %s", out.String(), want)
	}
	out.Reset()
	tr.session(0)(arq.Event{At: tr.began})
	if err := tr.Flush(); err != nil {
		t.Fatal(err)
	}
	readTrace(t, out.String())
}

type brokenWriter struct{ err error }

func (f brokenWriter) Write([]byte) (int, error) { return 0, f.err }

// TestTraceTellsOfErrors: what could not be written is told by Flush, however
// much came after it.
func TestTraceTellsOfErrors(t *testing.T) {
	full := errors.New("no space")
	tr := NewTrace(brokenWriter{full})
	for range 100 {
		tr.session(1)(arq.Event{At: tr.began})
	}
	if err := tr.Flush(); !errors.Is(err, full) {
		t.Errorf("%v", err)
	}
	if err := NewTrace(io.Discard).Flush(); err != nil {
		t.Errorf("nothing to write: %v", err)
	}
}

// TestTraceOfAFetch: the bytes that were sent add up to the file, those that
// were acknowledged to as many, and what is in flight follows from them.
func TestTraceOfAFetch(t *testing.T) {
	const size = 16<<20 + 17
	link := netsim.Link{Rate: 12.5e6, Delay: 10 * time.Millisecond, Loss: 0.02}
	inWorld(t, 1, 1, size, link, func(w *world) {
		var out bytes.Buffer
		tr := NewTrace(&out)
		s := w.servers[0]
		w.halt(s)
		ctx, stop := context.WithCancel(context.Background())
		listens, done := make(chan struct{}), make(chan error, 1)
		go func() {
			done <- Serve(ctx, ServeOptions{
				Root: s.root, Listen: s.addr.String(), Identity: s.id, Network: simNetwork{s.host}, Trace: tr,
				OnListen: func(netip.AddrPort) { close(listens) },
			})
		}()
		<-listens
		o := w.options()
		o.Sessions = 2
		w.fetch(o)
		stop()
		if err := <-done; err != nil {
			t.Fatal(err)
		}
		if err := tr.Flush(); err != nil {
			t.Fatal(err)
		}
		checkTrace(t, readTrace(t, out.String()), size)
	})
}

func checkTrace(t *testing.T, lines []traceLine, size int) {
	t.Helper()
	type account struct{ sent, repeated, lost, acked int }
	sum := map[uint64]*account{}
	var data account
	last := 0.0
	for _, l := range lines {
		if l.Seconds < last || l.Session == 0 || l.Window < 0 || l.MinRTT > l.SmoothedRTT {
			t.Fatalf("after %v s: %+v", last, l)
		}
		if l.Window == 0 && l.Kind == arq.EventSent && l.Channel != 0 {
			t.Fatalf("the other session has the whole window: %+v", l)
		}
		last = l.Seconds
		a := sum[l.Session]
		if a == nil {
			a = &account{}
			sum[l.Session] = a
		}
		switch l.Kind {
		case arq.EventSent:
			a.sent += l.Bytes
			if l.Channel != 0 { // not the control stream
				data.sent += l.Bytes
			}
		case arq.EventRepeated:
			a.repeated += l.Bytes
		case arq.EventLost:
			a.lost += l.Bytes
		case arq.EventAcked:
			a.acked += l.Bytes
			if l.Phase == "" {
				t.Errorf("no phase: %+v", l)
			}
		}
	}
	lost, acked, sent := 0, 0, 0
	for id, a := range sum {
		if a.acked > a.sent {
			t.Errorf("session %d: %d bytes acknowledged, %d sent", id, a.acked, a.sent)
		}
		lost, acked, sent = lost+a.lost, acked+a.acked, sent+a.sent
	}
	if len(sum) != 2 {
		t.Errorf("%d sessions", len(sum))
	}
	// The end of the file may be fetched twice, and its last acknowledgement is
	// not waited for.
	if data.sent < size || data.sent > size+size/10 {
		t.Errorf("%d bytes of a file of %d were sent", data.sent, size)
	}
	if acked < sent-sent/10 || lost == 0 {
		t.Errorf("%d bytes sent, %d acknowledged, %d lost", sent, acked, lost)
	}
}
