package arq

import (
	"testing"
	"time"
)

// TestRounds: a round ends when something is acknowledged that was sent after it
// had begun. Ten segments are in flight; each acknowledgement sends another.
func TestRounds(t *testing.T) {
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	var m roundMeter
	var d deliveryMeter
	flights := make([]Delivery, 0, 100)
	for range 10 {
		flights = append(flights, d.sending(now, len(flights) == 0))
	}
	var ends []int
	for n := range 45 {
		at := now.Add(time.Duration(n) * ms)
		d.acknowledged(at, simSegment, now, flights[n], ms)
		a := AckSample{Bytes: simSegment, SentAt: now, Sent: flights[n], InFlight: 10 * simSegment, RTT: time.Duration(n) * ms}
		if m.acked(at, a, d.delivered, float64(n)) {
			ends = append(ends, n)
		}
		flights = append(flights, d.sending(at, false))
	}
	// The first acknowledgement ends the round before there was any.
	want := []int{0, 10, 20, 30, 40}
	if len(ends) != len(want) || m.count != len(want) {
		t.Fatalf("rounds end at %v", ends)
	}
	for i, n := range ends {
		if n != want[i] {
			t.Fatalf("rounds end at %v, want %v", ends, want)
		}
	}
	if m.last.acked != 10*simSegment || m.last.rate != 40 || m.before.rate != 30 || m.last.inFlight != 10*simSegment {
		t.Errorf("the last round: %+v, before: %+v", m.last, m.before)
	}
	if want := simSegment / ms.Seconds(); m.last.mean != want {
		t.Errorf("%v bytes per second, want %v", m.last.mean, want)
	}
	if got, want := m.last.rtt, (31+40)*ms/2; got != want {
		t.Errorf("mean round trip %v, want %v", got, want)
	}
}

// TestRoundWithoutSamples: what was declared lost and comes late ends no round
// and has no round trip.
func TestRoundWithoutSamples(t *testing.T) {
	var m roundMeter
	if m.acked(time.Unix(2, 0), AckSample{Bytes: simSegment, Unlost: simSegment}, simSegment, 0) {
		t.Error("it ends a round")
	}
	if !m.acked(time.Unix(2, 0), AckSample{Bytes: simSegment, SentAt: time.Unix(1, 0)}, 2*simSegment, 5) {
		t.Fatal("no round ends")
	}
	if m.last.rtt != 0 || m.last.mean != 0 || m.last.acked != 2*simSegment {
		t.Errorf("%+v", m.last)
	}
}

// TestRoundLimited: a round is application-limited if all of it was.
func TestRoundLimited(t *testing.T) {
	for _, tc := range []struct {
		limited []bool
		want    bool
	}{
		{[]bool{true, true, true}, true}, {[]bool{true, false, true}, false},
		{[]bool{false, true, true}, false}, {[]bool{true, true, false}, false},
	} {
		m := roundMeter{end: 1}
		for i, limited := range tc.limited {
			a := AckSample{Bytes: 1, SentAt: time.Unix(1, 0), Sent: Delivery{appLimited: limited}}
			if i == len(tc.limited)-1 {
				a.Sent.delivered = 1
			}
			m.acked(time.Unix(2, 0), a, int64(i+1), 1)
		}
		if m.count != 1 || m.last.appLimited != tc.want {
			t.Errorf("%v: %+v", tc.limited, m.last)
		}
	}
}

// TestLossBeyondChance: with ten segments two are no proof of 2 %; with ten
// thousand, 250 are.
func TestLossBeyondChance(t *testing.T) {
	for _, tc := range []struct {
		acked, lost int
		want        bool
	}{
		{8, 2, false}, {7, 3, false}, {6, 4, true}, {9800, 200, false}, {9770, 230, false}, {9750, 250, true}, {0, 0, false},
	} {
		r := roundStats{acked: tc.acked * simSegment, lost: tc.lost * simSegment}
		if got := r.lostMore(0.02, simSegment); got != tc.want {
			t.Errorf("%d of %d lost: %v", tc.lost, tc.acked+tc.lost, got)
		}
	}
	if got := (&roundStats{acked: 3, lost: 1}).lossShare(); got != 0.25 {
		t.Errorf("share %v", got)
	}
	if got := (&roundStats{}).lossShare(); got != 0 {
		t.Errorf("share %v of nothing", got)
	}
}

// TestRoundWithoutSamplesIsNoEvidence: a round of nothing but limited work stays one,
// though in the middle of it an acknowledgement tells of nothing that was sent.
func TestRoundWithoutSamplesIsNoEvidence(t *testing.T) {
	var m roundMeter
	limited := AckSample{Bytes: simSegment, SentAt: time.Unix(1, 0), Sent: Delivery{delivered: -1, appLimited: true}}
	m.acked(time.Unix(2, 0), limited, simSegment, 0)
	m.acked(time.Unix(2, 0), AckSample{Bytes: simSegment}, 2*simSegment, 0)
	limited.Sent.delivered = 2 * simSegment
	if !m.acked(time.Unix(2, 0), limited, 3*simSegment, 0) || !m.last.appLimited {
		t.Errorf("%+v", m.last)
	}
}
