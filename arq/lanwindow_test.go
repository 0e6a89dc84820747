package arq

import (
	"testing"
	"time"
)

// lan is a Model on a path of 200 microseconds.
type lan struct {
	m   *Model
	now time.Time
	rtt time.Duration // of the rounds to come
}

const lanTrip = 200 * time.Microsecond

func newLAN() *lan {
	l := &lan{rtt: lanTrip, m: NewModel(simSegment, lanTrip, 1), now: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)}
	l.round(true)
	return l
}

// round sends a window and has it acknowledged a round trip later.
func (l *lan) round(limited bool) {
	sent, bytes := l.now, l.m.Window()
	d := l.m.OnSend(sent, bytes)
	l.now = l.now.Add(l.rtt)
	l.m.OnAck(l.now, AckSample{
		Bytes: bytes, SentAt: sent, Sent: d, WindowLimited: limited,
		RTT: l.rtt, SmoothedRTT: l.rtt, MinRTT: lanTrip,
	})
}

func (l *lan) lose(sent time.Time) {
	l.m.OnSend(sent, simSegment)
	l.m.OnLoss(l.now, LossSample{Bytes: simSegment, SentAt: sent})
}

// TestLANIsNotPaced: below 2 ms the window is all there is.
func TestLANIsNotPaced(t *testing.T) {
	l := newLAN()
	if r := l.m.PacingRate(); r != 0 || l.m.Phase() != "local" {
		t.Errorf("%.0f bytes per second, phase %q", r, l.m.Phase())
	}
	for range 1000 {
		if at := l.m.SendAt(l.now); !at.Equal(l.now) {
			t.Fatalf("a burst waits for %v", at.Sub(l.now))
		}
		l.m.OnSend(l.now, 64<<10)
	}
}

// TestLANWindowDoubles until something is lost, if it is what holds the sender
// back.
func TestLANWindowDoubles(t *testing.T) {
	l := newLAN()
	for range 8 {
		before := l.m.Window()
		if l.round(true); l.m.Window() != 2*before {
			t.Errorf("%d after %d", l.m.Window(), before)
		}
		before = l.m.Window()
		if l.round(false); l.m.Window() != before {
			t.Errorf("%d after %d, though the credit was the bound", l.m.Window(), before)
		}
	}
}

// TestLANWindowHalves once for all that is lost of a round trip, and then opens
// by a segment in each.
func TestLANWindowHalves(t *testing.T) {
	l := newLAN()
	for range 6 {
		l.round(true)
	}
	l.rtt = 2 * lanTrip // a queue
	l.round(false)
	before, sent := l.m.Window(), l.now
	l.now = l.now.Add(lanTrip)
	for i := range 10 {
		l.lose(sent.Add(time.Duration(i) * time.Microsecond))
	}
	if got := l.m.Window(); got != before/2 {
		t.Fatalf("%d after %d and ten losses of one round trip", got, before)
	}
	for range 5 {
		before = l.m.Window()
		if l.round(true); l.m.Window() != before+simSegment {
			t.Errorf("%d after %d", l.m.Window(), before)
		}
	}
	before = l.m.Window()
	sent = l.now
	l.now = l.now.Add(lanTrip)
	if l.lose(sent); l.m.Window() != before/2 {
		t.Errorf("%d after %d and a loss of the next round trip", l.m.Window(), before)
	}
	for range 20 {
		sent = l.now
		l.now = l.now.Add(lanTrip)
		l.lose(sent)
	}
	if got := l.m.Window(); got != 2*simSegment {
		t.Errorf("%d after many losses", got)
	}
}

// TestLANLossByChance: without a queue it costs nothing, unless it is more than chance has it.
func TestLANLossByChance(t *testing.T) {
	l := newLAN()
	for range 6 {
		l.round(true)
	}
	before, sent := l.m.Window(), l.now
	acked := 0
	for range 100 {
		acked += l.m.Window()
		l.round(false)
	}
	for lost := 0; float64(lost) < lanLoss*float64(min(acked, lanMemory/2*before)); lost += simSegment {
		l.lose(sent)
	}
	if got := l.m.Window(); got != before {
		t.Fatalf("%d after %d and some losses by chance", got, before)
	}
	sent = l.now
	l.now = l.now.Add(lanTrip)
	for range lanMemory * before / simSegment / 20 { // a twentieth
		l.lose(sent)
	}
	if got := l.m.Window(); got != before/2 {
		t.Errorf("%d after %d and far more losses", got, before)
	}
}

// TestLANSilence begins anew.
func TestLANSilence(t *testing.T) {
	l := newLAN()
	for range 6 {
		l.round(true)
	}
	l.m.OnSilence(l.now)
	if got := l.m.Window(); got != 14720 {
		t.Errorf("%d", got)
	}
	if l.round(true); l.m.Window() != 2*14720 {
		t.Errorf("%d a round trip later", l.m.Window())
	}
	l.m.SetSegment(20000)
	if got := l.m.Window(); got != 2*20000 {
		t.Errorf("%d with segments of 20,000", got)
	}
}
