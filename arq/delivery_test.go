package arq

import (
	"math"
	"testing"
	"time"
)

// line is a deliveryMeter on a scripted trace. Times are since the start.
type line struct {
	t     *testing.T
	m     deliveryMeter
	start time.Time
	sent  []sentAt
}

type sentAt struct {
	at time.Duration
	d  Delivery
}

const lineRTT = 100 * ms

func newLine(t *testing.T) *line {
	return &line{t: t, start: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)}
}

// send notes a segment and returns its number.
func (l *line) send(at time.Duration) int {
	idle := l.m.delivered == int64(len(l.sent))*simSegment
	l.sent = append(l.sent, sentAt{at, l.m.sending(l.start.Add(at), idle)})
	return len(l.sent) - 1
}

// ack acknowledges so many segments, of which n is the last, and returns the
// rate in segments per second.
func (l *line) ack(at time.Duration, segments, n int) float64 {
	s := l.sent[n]
	return l.m.acknowledged(l.start.Add(at), segments*simSegment, l.start.Add(s.at), s.d, lineRTT) / simSegment
}

// is claims the rate of an acknowledgement, 0 for none.
func (l *line) is(got, want float64) {
	l.t.Helper()
	if math.Abs(got-want) > 1e-6*want {
		l.t.Errorf("%.4f segments per second, want %.4f", got, want)
	}
}

// TestDeliveryRate: a segment each 10 ms over a round trip of 100 ms is 100
// segments per second from the second round trip on, to the digit.
func TestDeliveryRate(t *testing.T) {
	l := newLine(t)
	for n := range 60 {
		at := time.Duration(n) * 10 * ms
		if n >= 10 {
			got := l.ack(at, 1, n-10)
			switch {
			case n < 20: // sent before the first acknowledgement: over n*10 ms
				l.is(got, float64(n-9)/at.Seconds())
			default: // 11 acknowledgements since the segment was sent, less the one before
				l.is(got, 100)
			}
		}
		l.send(at)
	}
}

// TestAckCompression: a segment each 10 ms. Acknowledgements are held up for
// 50 ms; one comes then, and the rest, all at once, with those that follow. What
// was sent when the one had come sees fifteen acknowledged in ten segments' time:
// it is the time that it took to send them that counts.
func TestAckCompression(t *testing.T) {
	l := newLine(t)
	most := 0.0
	next := 0
	for n := range 60 {
		at := time.Duration(n) * 10 * ms
		switch {
		case n < 10 || n >= 20 && n < 25: // under way, or held up
		case n == 25:
			most = max(most, l.ack(at, 1, next))
			next++
		case n > 25 && n < 30: // held up again
		default:
			for ; next <= n-10; next++ {
				most = max(most, l.ack(at, 1, next))
			}
		}
		l.send(at)
	}
	if most > 100.001 || most < 99.999 {
		t.Errorf("%.2f segments per second at the most, 100 were sent", most)
	}
}

// TestSendingInBursts: what is sent at once counts as the rate at which it is
// acknowledged.
func TestSendingInBursts(t *testing.T) {
	l := newLine(t)
	for range 10 {
		l.send(0)
	}
	most := 0.0
	for n := range 10 {
		most = max(most, l.ack(lineRTT+time.Duration(n+1)*10*ms, 1, n))
	}
	for range 10 {
		l.send(200 * ms)
	}
	for n := 10; n < 20; n++ {
		most = max(most, l.ack(200*ms+lineRTT+time.Duration(n-9)*10*ms, 1, n))
	}
	if most > 100 || most < 50 {
		t.Errorf("%.2f segments per second, the line has 100", most)
	}
}

// TestOneAckForMany has the rate of all of them.
func TestOneAckForMany(t *testing.T) {
	l := newLine(t)
	for n := range 10 {
		l.send(time.Duration(n) * 10 * ms)
	}
	l.is(l.ack(200*ms, 10, 9), 10/0.2)
}

// TestNothingMeasuredInNoTime: less than a round trip tells nothing, and neither
// does an acknowledgement of what had been declared lost.
func TestNothingMeasuredInNoTime(t *testing.T) {
	l := newLine(t)
	l.send(0)
	l.is(l.ack(99*ms, 1, 0), 0)
	l = newLine(t)
	l.send(0)
	if got := l.m.acknowledged(l.start.Add(lineRTT), simSegment, time.Time{}, Delivery{}, lineRTT); got != 0 || l.m.delivered != simSegment {
		t.Errorf("%.0f bytes per second, %d delivered", got, l.m.delivered)
	}
	if got := l.m.acknowledged(l.start, simSegment, l.start, l.sent[0].d, 0); got != 0 {
		t.Errorf("%.0f bytes per second in no time", got)
	}
}

// TestPausesAreNotMeasured: after a second without work the rate is that of the
// work.
func TestPausesAreNotMeasured(t *testing.T) {
	l := newLine(t)
	l.send(0)
	l.is(l.ack(lineRTT, 1, 0), 10)
	l.send(time.Second)
	l.is(l.ack(time.Second+lineRTT, 1, 1), 10)
}

// TestLimited: what is in flight when work runs out is marked, and what is sent
// until that is acknowledged; not what comes after.
func TestLimited(t *testing.T) {
	l := newLine(t)
	l.send(0)
	l.send(10 * ms)
	l.m.limit(2 * simSegment)
	l.send(20 * ms)
	l.ack(100*ms, 1, 0)
	l.send(100 * ms)
	l.ack(110*ms, 1, 1)
	l.send(110 * ms)
	l.ack(120*ms, 1, 2) // more than was in flight then
	l.send(120 * ms)
	for n, want := range []bool{false, false, true, true, true, false} {
		if got := l.sent[n].d.appLimited; got != want {
			t.Errorf("segment %d: limited %v, want %v", n, got, want)
		}
	}
	var m deliveryMeter
	if m.limit(0); !m.sending(l.start, true).appLimited {
		t.Error("the first segment of all, with no more to send, is not marked")
	}
}

// TestBandwidthFilter keeps the most of two cycles; a limited sample counts when
// it is more, and a cycle without samples does not end.
func TestBandwidthFilter(t *testing.T) {
	var f bandwidthFilter
	step := func(want float64) {
		t.Helper()
		if got := f.max(); got != want {
			t.Errorf("%v, want %v", got, want)
		}
	}
	step(0)
	f.add(100, false)
	f.add(60, true)
	step(100)
	f.nextCycle()
	f.add(60, true)
	f.nextCycle() // nothing but what was limited
	step(100)
	f.add(70, false)
	f.nextCycle()
	step(70)
	f.add(90, true)
	step(90)
	f.nextCycle()
	f.nextCycle()
	step(90)
}
