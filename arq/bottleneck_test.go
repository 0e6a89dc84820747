package arq

import (
	"container/heap"
	"math/bits"
	"math/rand/v2"
	"testing"
	"time"

	"chunkcp/internal/rangeset"
	"chunkcp/proto"
)

// bottleneck joins several Senders to Receivers of their own over one line, in
// virtual time: a rate, a queue of so many bytes that drops what does not fit,
// and loss by chance behind it. The way back has a delay only.
type bottleneck struct {
	t       *testing.T
	rng     *rand.Rand
	rate    float64       // bytes per second
	queue   float64       // bytes that may wait for the line; 0 for no bound
	delay   time.Duration // round trip without a queue
	loss    float64       // by chance, share of segments
	jitter  time.Duration // acknowledgements are up to so much later, and overtake each other
	hiccup  time.Duration // in each span of this length the Senders' host is deaf for up to half of it, or not at all
	sway    time.Duration // the way back takes up to so much longer, drawn anew for each span of this length; nothing overtakes
	down    bool          // the line carries nothing
	polices bool          // what finds room in the queue passes at once: a policer's bucket
	seed    uint64        // of the Models that join: when they probe

	start, now, free time.Time
	events           eventQueue
	seq              int
	flows            []*flow

	swayed time.Time // when the last acknowledgement comes that is on its way

	dropped, overflowed int
	carried             int64   // bytes that the line has sent, lost behind it or not
	peak                float64 // the longest queue so far, bytes
}

// flow is one Sender and its Receiver.
type flow struct {
	b        *bottleneck
	sender   *Sender
	receiver *Receiver
	model    *Model // nil for another controller
	arrived  int64  // bytes, each once
	rttSum   time.Duration
	rtts     int
	queued   int64
}

const mbit = 125000 // bytes per second

func newBottleneck(t *testing.T, rate float64, rtt time.Duration, queue float64) *bottleneck {
	t.Helper()
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	return &bottleneck{
		t: t, rng: rand.New(rand.NewPCG(11, 1)), rate: rate, queue: queue, delay: rtt,
		start: start, now: start, free: start,
	}
}

// bdp returns what the line holds in a round trip, in bytes.
func (b *bottleneck) bdp() float64 { return b.rate * b.delay.Seconds() }

// join adds a Sender with a controller of its own and nothing to send.
func (b *bottleneck) join(cc Controller) *flow {
	f := &flow{b: b, receiver: NewReceiver(b.delay)}
	f.model, _ = cc.(*Model)
	f.sender = NewSender(Config{
		SegmentBytes: simSegment, Credit: 1 << 30, InitialRTT: b.delay, Controller: cc,
		Trace: func(e Event) {
			if e.RTT > 0 {
				f.rttSum += e.RTT
				f.rtts++
			}
		},
	})
	f.sender.ObserveRTT(b.delay)
	b.flows = append(b.flows, f)
	return f
}

// joinModel adds a Sender under a Model, with more to send than there is time.
func (b *bottleneck) joinModel() *flow {
	f := b.join(NewModel(simSegment, b.delay, b.seed+uint64(len(b.flows)+1)))
	f.send(1 << 40)
	return f
}

func (f *flow) send(bytes int64) {
	f.sender.Send(1, rangeset.Range{Start: f.queued, End: f.queued + bytes})
	f.queued += bytes
}

// until lets time pass until the Model is in a phase, to 10 ms; ten seconds at most.
func (f *flow) until(p phase) {
	f.b.t.Helper()
	for range 1000 {
		if f.model.phase == p {
			return
		}
		f.b.run(10 * ms)
	}
	f.b.t.Fatalf("in %v after ten seconds", f.model.phase)
}

// meanRTT returns the mean of the round trip samples since the last call.
func (f *flow) meanRTT() time.Duration {
	mean := f.rttSum / time.Duration(max(1, f.rtts))
	f.rttSum, f.rtts = 0, 0
	return mean
}

// rateOver lets so much time pass and returns what arrived in it, as a share of
// the line.
func (f *flow) rateOver(d time.Duration) float64 {
	before := f.arrived
	f.b.run(d)
	return float64(f.arrived-before) / (f.b.rate * d.Seconds())
}

// shareOver lets so much time pass and returns what arrived in it, as a share of
// what did for both.
func (f *flow) shareOver(d time.Duration, other *flow) float64 {
	x, y := f.arrived, other.arrived
	f.b.run(d)
	x, y = f.arrived-x, other.arrived-y
	return float64(x) / float64(x+y)
}

func (b *bottleneck) elapsed() time.Duration { return b.now.Sub(b.start) }

func (b *bottleneck) after(d time.Duration, do func()) {
	b.seq++
	heap.Push(&b.events, event{b.now.Add(d), b.seq, do})
}

// every has do run at each interval, for ever.
func (b *bottleneck) every(d time.Duration, do func()) {
	b.after(d, func() {
		do()
		b.every(d, do)
	})
}

// backlog returns how many bytes wait for the line.
func (b *bottleneck) backlog() float64 { return max(0, b.free.Sub(b.now).Seconds()) * b.rate }

// setRate changes the line's rate; what waits, waits for the new one.
func (b *bottleneck) setRate(rate float64) {
	waiting := b.backlog()
	b.rate = rate
	b.free = b.now.Add(time.Duration(waiting / rate * float64(time.Second)))
}

// run lets so much time pass.
func (b *bottleneck) run(d time.Duration) {
	b.t.Helper()
	end := b.now.Add(d)
	for b.now.Before(end) {
		next := end
		for _, f := range b.flows {
			f.poll()
			next = earliest(next, earliest(f.sender.NextTimeout(), f.receiver.NextTimeout()))
		}
		if len(b.events) > 0 {
			next = earliest(next, b.events[0].at)
		}
		if next.After(b.now) {
			b.now = next
		}
		for len(b.events) > 0 && !b.events[0].at.After(b.now) {
			heap.Pop(&b.events).(event).do()
		}
		for _, f := range b.flows {
			f.sender.HandleTimeout(b.now)
		}
	}
}

func (f *flow) poll() {
	for t, ok := f.sender.Poll(f.b.now); ok; t, ok = f.sender.Poll(f.b.now) {
		pn := t.First
		for mask := t.Mask; mask != 0; mask &= mask - 1 {
			f.put(pn, &t, bits.TrailingZeros64(mask))
			pn++
		}
	}
	if f.receiver.AckDue(f.b.now) {
		f.acknowledge()
	}
}

// put puts one segment on the line.
func (f *flow) put(pn proto.PacketNumber, t *Transmission, i int) {
	b, r := f.b, t.Bytes(i)
	if b.down {
		b.dropped++
		return
	}
	if b.free.Before(b.now) {
		b.free = b.now
	}
	size := float64(r.Len())
	waiting := b.backlog() + size
	if b.queue > 0 && waiting > b.queue {
		b.overflowed++
		return
	}
	b.peak = max(b.peak, waiting)
	b.free = b.free.Add(time.Duration(size / b.rate * float64(time.Second)))
	b.carried += r.Len()
	if b.rng.Float64() < b.loss {
		b.dropped++
		return
	}
	seg := proto.Segment{
		Index: uint8(i), Count: uint8(t.Count), Repeat: t.Repeat,
		Channel: t.Channel, Burst: t.Burst, Request: t.Request, Offset: r.Start,
	}
	wait := b.free.Sub(b.now)
	if b.polices {
		wait = 0
	}
	b.after(wait+b.delay/2, func() {
		f.receiver.SetRTT(f.sender.Stats().SmoothedRTT)
		fresh, err := f.receiver.HandleSegment(b.now, pn, &seg)
		if err != nil {
			b.t.Fatalf("segment %+v: %v", seg, err)
		}
		if fresh {
			f.arrived += r.Len()
		}
		if f.receiver.AckFull() {
			f.acknowledge()
		}
	})
}

// swaying returns after how long an acknowledgement comes that is sent now and would
// take d.
func (b *bottleneck) swaying(d time.Duration) time.Duration {
	if b.sway == 0 {
		return d
	}
	rng := rand.New(rand.NewPCG(b.seed, uint64(b.elapsed()/b.sway)))
	at := b.now.Add(d + time.Duration(rng.Float64()*float64(b.sway)))
	if at.Before(b.swayed) {
		at = b.swayed
	}
	b.swayed = at
	return at.Sub(b.now)
}

// heard returns after how long the Senders' host hears what reaches it after d: at
// once, or when it is not deaf any more.
func (b *bottleneck) heard(d time.Duration) time.Duration {
	if b.hiccup == 0 {
		return d
	}
	at := b.elapsed() + d
	span := at / b.hiccup
	rng := rand.New(rand.NewPCG(b.seed, uint64(span)))
	deaf := time.Duration(max(0, rng.Float64()-0.5) * float64(b.hiccup))
	return d + max(0, span*b.hiccup+deaf-at)
}

func (f *flow) acknowledge() {
	b := f.b
	frame := f.receiver.Ack(b.now, 1<<30).Append(nil)
	if b.down {
		return
	}
	late := time.Duration(0)
	if b.jitter > 0 {
		late = time.Duration(b.rng.Int64N(int64(b.jitter)))
	}
	b.after(b.heard(b.swaying(b.delay/2+late)), func() {
		var a proto.Ack
		if err := a.Parse(frame); err != nil {
			b.t.Fatal(err)
		}
		if err := f.sender.HandleAck(b.now, &a); err != nil {
			b.t.Fatalf("ack %+v: %v", a, err)
		}
	})
}
