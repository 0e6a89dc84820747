package arq

import (
	"math/bits"
	"math/rand/v2"
	"testing"
	"time"

	"chunkcp/internal/rangeset"
	"chunkcp/proto"
)

// pair is a Sender and a Receiver on a path that holds all that the window
// admits: it delivers the oldest burst when no more may be sent. It allocates
// nothing itself, and encodes every acknowledgement as the wire does.
type pair struct {
	t        testing.TB
	sender   *Sender
	receiver *Receiver
	now      time.Time
	path     []Transmission // a ring
	sent     int
	arrived  int
	frame    []byte
	ack      proto.Ack
	end      int64
}

// newPair returns a pair with so many channels busy with bursts of so many segments.
func newPair(t testing.TB, channels, burst int, cc Controller) *pair {
	p := &pair{
		t:        t,
		receiver: NewReceiver(ms),
		now:      time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC),
		path:     make([]Transmission, MaxDataChannels+1),
		frame:    make([]byte, 0, 1500),
	}
	p.sender = NewSender(Config{
		Channels: channels, Burst: burst, SegmentBytes: simSegment, Credit: 1 << 30, Controller: cc,
		Random: rand.New(rand.NewPCG(1, 7)).Uint64,
	})
	p.sender.ObserveRTT(ms)
	return p
}

// run sends and delivers so many segments. Of every drop-th burst the first
// segment is lost on its way; 0 for none.
func (p *pair) run(segments, drop int) {
	p.sender.Send(1, rangeset.Range{Start: p.end, End: p.end + int64(segments)*simSegment})
	p.end += int64(segments) * simSegment
	for !p.sender.Idle() {
		for tr, ok := p.sender.Poll(p.now); ok; tr, ok = p.sender.Poll(p.now) {
			p.path[p.sent%len(p.path)] = tr
			p.sent++
		}
		if p.arrived == p.sent {
			p.now = p.sender.NextTimeout()
			p.sender.HandleTimeout(p.now)
			continue
		}
		p.now = p.now.Add(time.Microsecond)
		p.sender.HandleTimeout(p.now)
		p.deliver(&p.path[p.arrived%len(p.path)], drop)
		p.arrived++
	}
	for _, ok := p.sender.Finished(); ok; _, ok = p.sender.Finished() {
	}
}

func (p *pair) deliver(tr *Transmission, drop int) {
	pn, mask := tr.First, tr.Mask
	if drop > 0 && p.arrived%drop == 0 {
		mask &= mask - 1
		pn++
	}
	for ; mask != 0; mask &= mask - 1 {
		seg := proto.Segment{
			Index: uint8(bits.TrailingZeros64(mask)), Count: uint8(tr.Count),
			Channel: tr.Channel, Burst: tr.Burst, Request: tr.Request,
		}
		if _, err := p.receiver.HandleSegment(p.now, pn, &seg); err != nil {
			p.t.Fatal(err)
		}
		pn++
		if p.receiver.AckFull() {
			p.acknowledge()
		}
	}
	if !p.receiver.NextTimeout().IsZero() { // the path is silent for longer than the delay
		p.acknowledge()
	}
}

func (p *pair) acknowledge() {
	p.frame = p.receiver.Ack(p.now, 1<<30).Append(p.frame[:0])
	if err := p.ack.Parse(p.frame); err != nil {
		p.t.Fatal(err)
	}
	if err := p.sender.HandleAck(p.now, &p.ack); err != nil {
		p.t.Fatal(err)
	}
}
