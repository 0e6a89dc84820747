package arq

import (
	"fmt"
	"testing"
	"time"
)

// bbr1 is BBR of version 1 (draft-cardwell-iccrg-bbr-congestion-control-00), as
// much of Linux's as decides what it leaves to others: it does not mind loss.
type bbr1 struct {
	segment  float64
	pacer    pacer
	delivery deliveryMeter
	rounds   roundMeter
	inFlight int
	window   float64       // bytes
	rtt      time.Duration // before the first sample of a rate

	rates    [10]float64 // the highest of each of the last rounds
	minRTT   time.Duration
	minRTTAt time.Time

	state      string
	gain       float64 // of pacing
	full       float64 // startup: the most that has been seen to grow
	fullRounds int
	cycle      int // probe-bw: which of its eight parts, and since when
	since      time.Time
	probeEnd   time.Time // probe-rtt: zero until the window has shrunk
}

func newBBR1(rtt time.Duration) *bbr1 {
	return &bbr1{
		segment: simSegment, window: 10 * simSegment, rtt: rtt,
		gain: 2.885, state: "startup",
	}
}

func (c *bbr1) bandwidth() (most float64) {
	for _, r := range c.rates {
		most = max(most, r)
	}
	return most
}

// bdp returns gain times what the path holds, and three bursts, in bytes.
func (c *bbr1) bdp(gain float64) float64 {
	if c.minRTT == 0 || c.bandwidth() == 0 {
		return 10 * c.segment
	}
	return gain*c.bandwidth()*c.minRTT.Seconds() + 3*(64<<10)
}

func (c *bbr1) Window() int { return int(c.window) }

func (c *bbr1) PacingRate() float64 {
	if b := c.bandwidth(); b > 0 {
		return 0.99 * c.gain * b
	}
	return c.gain * c.window / c.rtt.Seconds()
}

func (c *bbr1) SendAt(now time.Time) time.Time {
	return c.pacer.next(now, c.PacingRate(), int(c.segment))
}

func (c *bbr1) OnSend(now time.Time, bytes int) Delivery {
	c.pacer.take(bytes)
	d := c.delivery.sending(now, c.inFlight == 0)
	c.inFlight += bytes
	return d
}

func (c *bbr1) OnLoss(_ time.Time, l LossSample) { c.inFlight -= l.Bytes }
func (c *bbr1) OnRecall(bytes int)               { c.inFlight -= bytes }
func (c *bbr1) OnSilence(time.Time)              {}
func (c *bbr1) SetSegment(int)                   {}
func (c *bbr1) SetLimited(limited bool) bool     { return limited }
func (c *bbr1) Phase() string                    { return c.state }

func (c *bbr1) OnAck(now time.Time, a AckSample) {
	a.InFlight = c.inFlight
	c.inFlight -= a.Bytes - a.Unlost
	rate := c.delivery.acknowledged(now, a.Bytes, a.SentAt, a.Sent, a.MinRTT)
	c.rates[0] = max(c.rates[0], rate)
	if c.rounds.acked(now, a, c.delivery.delivered, rate) {
		copy(c.rates[1:], c.rates[:])
		c.rates[0] = 0
		c.endRound(now)
	}
	expired := !c.minRTTAt.IsZero() && now.Sub(c.minRTTAt) > 10*time.Second
	if a.RTT > 0 && (c.minRTT == 0 || a.RTT <= c.minRTT || expired) {
		c.minRTT, c.minRTTAt = a.RTT, now
	}
	c.advance(now, expired)
	c.resize(float64(a.Bytes))
}

func (c *bbr1) endRound(now time.Time) {
	if c.state != "startup" {
		return
	}
	if b := c.bandwidth(); b >= 1.25*c.full {
		c.full, c.fullRounds = b, 0
	} else if c.fullRounds++; c.fullRounds >= 3 {
		c.state, c.gain = "drain", 1/2.885
	}
}

func (c *bbr1) advance(now time.Time, expired bool) {
	in := float64(c.inFlight)
	switch {
	case c.state == "drain" && in <= c.bdp(1):
		c.cruise(now, 2+int(now.UnixMicro())%6)
	case c.state == "probe-bw":
		long := now.Sub(c.since) > c.minRTT
		switch {
		case c.gain > 1:
			long = long && in >= c.bdp(c.gain)
		case c.gain < 1:
			long = long || in <= c.bdp(1)
		}
		if long {
			c.cruise(now, (c.cycle+1)%8)
		}
	case c.state == "probe-rtt":
		if c.probeEnd.IsZero() && in <= 4*c.segment {
			c.probeEnd = now.Add(200 * time.Millisecond)
		}
		if !c.probeEnd.IsZero() && !now.Before(c.probeEnd) {
			c.minRTTAt = now
			c.window = c.bdp(2)
			c.cruise(now, 2)
		}
	}
	if expired && c.state != "probe-rtt" && c.state != "startup" {
		c.state, c.gain, c.probeEnd = "probe-rtt", 1, time.Time{}
	}
}

// cruise begins one of the eight parts of probing for bandwidth.
func (c *bbr1) cruise(now time.Time, cycle int) {
	c.state, c.cycle, c.since = "probe-bw", cycle, now
	c.gain = [8]float64{1.25, 0.75, 1, 1, 1, 1, 1, 1}[cycle]
}

func (c *bbr1) resize(acked float64) {
	switch c.state {
	case "startup":
		c.window += acked
	case "probe-rtt":
		c.window = 0
	default:
		c.window = min(c.window+acked, c.bdp(2))
	}
	c.window = max(c.window, 4*c.segment)
}

// TestBesideBBR: a flow that gives up nothing and remembers the best of ten rounds
// takes no more and more of the line: what a probe has found is held (see held).
// Without that the Model has 0.22 and then 0.18 over a queue of one BDP, 0.18 and
// 0.15 over two.
func TestBesideBBR(t *testing.T) {
	if testing.Short() || raceEnabled {
		t.Skip("seconds of computing")
	}
	for _, queue := range []float64{1, 2} {
		t.Run(fmt.Sprintf("queue=%v", queue), func(t *testing.T) {
			b := newBottleneck(t, 100*mbit, 50*ms, 0)
			b.queue = queue * b.bdp()
			model := b.joinModel()
			bbr := b.join(newBBR1(b.delay))
			bbr.send(1 << 40)
			first := model.shareOver(30*time.Second, bbr)
			then := model.shareOver(40*time.Second, bbr)
			t.Logf("the model has %.2f of thirty seconds and %.2f of the next forty", first, then)
			if first < 0.22 || first > 0.7 || then < 0.22 || then > 0.7 {
				t.Errorf("the model has %.2f and %.2f", first, then)
			}
		})
	}
}
