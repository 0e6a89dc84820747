package arq

import (
	"fmt"
	"math/bits"
	"strings"
	"testing"
	"time"

	"chunkcp/internal/rangeset"
	"chunkcp/proto"
)

// The path of a story: its round trip is known from the handshake. With one
// sample the variance is half of it (RFC 6298), so that
//
//	the reordering window is 25 ms: lost 125 ms after it was sent
//	the probe timeout is 100 + 4*50 + 5 (the peer's delay) = 305 ms
const (
	storyRTT   = 100 * time.Millisecond
	storyLost  = 125 * time.Millisecond
	storyProbe = 305 * time.Millisecond
)

// ledger is a controller that does nothing but write down what it is told.
type ledger struct {
	Fixed
	acks    []AckSample
	losses  []LossSample
	silence int
}

func (l *ledger) OnAck(_ time.Time, a AckSample)   { l.acks = append(l.acks, a) }
func (l *ledger) OnLoss(_ time.Time, x LossSample) { l.losses = append(l.losses, x) }
func (l *ledger) OnSilence(time.Time)              { l.silence++ }

// story drives a Sender by hand, and fails on any transmission or timer that
// the test does not claim.
//
// A burst is written as its channel, its number and a mark for each of its
// segments: "1/1 xx.x" is burst 1 of channel 1 with segments 0, 1 and 3.
type story struct {
	t     *testing.T
	s     *Sender
	cc    *ledger
	start time.Time
	now   time.Time
	end   int64 // of the file bytes queued so far
	last  Transmission

	// The rest of the acknowledgements to come.
	delay   time.Duration
	repeats uint32
	credit  uint32
}

func newStory(t *testing.T, cfg Config) *story {
	t.Helper()
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	st := &story{t: t, cc: &ledger{Fixed: Fixed{WindowBytes: 1 << 30}}, start: start, now: start, credit: 1 << 30}
	cfg.SegmentBytes = simSegment
	if cfg.Controller == nil {
		cfg.Controller = st.cc
	}
	if cfg.Credit == 0 {
		cfg.Credit = 1 << 30
	}
	st.s = NewSender(cfg)
	st.s.ObserveRTT(storyRTT)
	t.Cleanup(func() {
		if !t.Failed() {
			st.quiet()
		}
	})
	return st
}

// send queues so many full segments of request 1.
func (st *story) send(segments int) {
	st.t.Helper()
	st.quiet()
	st.queue(1, segments)
}

func (st *story) queue(request proto.ID, segments int) {
	r := rangeset.Range{Start: st.end, End: st.end + int64(segments)*simSegment}
	st.end = r.End
	st.s.Send(request, r)
}

// sends claims what Poll returns now: exactly these, in this order.
func (st *story) sends(want ...string) {
	st.t.Helper()
	for _, w := range want {
		t, ok := st.s.Poll(st.now)
		if !ok {
			st.t.Fatalf("at %v: nothing is sent, want %q", st.elapsed(), w)
		}
		if got := describe(&t); got != w {
			st.t.Fatalf("at %v: %q is sent, want %q", st.elapsed(), got, w)
		}
		st.last = t
		audit(st.t, st.s)
	}
}

// quiet fails if anything is sent.
func (st *story) quiet() {
	st.t.Helper()
	if t, ok := st.s.Poll(st.now); ok {
		st.t.Fatalf("at %v: %q is sent, which nobody expects", st.elapsed(), describe(&t))
	}
	audit(st.t, st.s)
}

func (st *story) elapsed() time.Duration { return st.now.Sub(st.start) }

// at moves to a time after the start, over which no timer may run out, and
// reports a timer that runs out at it.
func (st *story) at(d time.Duration) {
	st.t.Helper()
	st.quiet()
	if next := st.s.NextTimeout(); !next.IsZero() && next.Before(st.start.Add(d)) {
		st.t.Fatalf("a timer runs out at %v, before %v", next.Sub(st.start), d)
	}
	st.now = st.start.Add(d)
	st.s.HandleTimeout(st.now)
	audit(st.t, st.s)
}

// timer claims the next timeout: a time after the start.
func (st *story) timer(d time.Duration) {
	st.t.Helper()
	st.quiet()
	if next := st.s.NextTimeout(); next.IsZero() || next.Sub(st.start) != d {
		st.t.Fatalf("at %v: next timeout is at %v (%v), want %v", st.elapsed(), next.Sub(st.start), next, d)
	}
}

func (st *story) noTimer() {
	st.t.Helper()
	st.quiet()
	if next := st.s.NextTimeout(); !next.IsZero() {
		st.t.Fatalf("at %v: a timer for %v, want none", st.elapsed(), next.Sub(st.start))
	}
}

// ack hands in an acknowledgement.
func (st *story) ack(latest proto.PacketNumber, entries ...string) {
	st.t.Helper()
	if err := st.tryAck(latest, entries...); err != nil {
		st.t.Fatal(err)
	}
}

func (st *story) tryAck(latest proto.PacketNumber, entries ...string) error {
	st.t.Helper()
	st.quiet()
	a := proto.Ack{Latest: latest, Delay: st.delay, Repeats: st.repeats, Credit: st.credit}
	for _, text := range entries {
		var e proto.Entry
		var marks string
		if _, err := fmt.Sscanf(text, "%d/%d %s", &e.Channel, &e.Burst, &marks); err != nil {
			st.t.Fatalf("%q: %v", text, err)
		}
		if e.Complete = !strings.Contains(marks, "."); !e.Complete {
			for i, m := range marks {
				if m == 'x' {
					e.Bitmap |= 1 << i
				}
			}
		}
		a.Entries = append(a.Entries, e)
	}
	err := st.s.HandleAck(st.now, &a)
	if err == nil {
		audit(st.t, st.s)
	}
	return err
}

// done claims that all is acknowledged and nothing is left over.
func (st *story) done() {
	st.t.Helper()
	st.noTimer()
	if s := st.s.Stats(); !st.s.Idle() || s.InFlight != 0 || s.Channels != 0 {
		st.t.Fatalf("at %v: not done: %+v", st.elapsed(), s)
	}
}

func describe(t *Transmission) string {
	marks := make([]byte, t.Count)
	for i := range marks {
		marks[i] = '.'
		if t.Mask>>i&1 == 1 {
			marks[i] = 'x'
		}
	}
	again := ""
	if t.Repeat {
		again = " again"
	}
	if t.Mask>>t.Count != 0 {
		again += fmt.Sprintf(" and %d past its end", bits.OnesCount64(t.Mask>>t.Count))
	}
	return fmt.Sprintf("%d/%d %s%s", t.Channel, t.Burst, marks, again)
}
