package arq

import (
	"container/heap"
	"fmt"
	"math/bits"
	"math/rand/v2"
	"testing"
	"time"

	"chunkcp/internal/rangeset"
	"chunkcp/proto"
)

// sim joins a Sender and a Receiver by a simulated path in virtual time. The
// forward direction has a rate; both have a delay and faults of their own.
type sim struct {
	t   *testing.T
	rng *rand.Rand

	segmentTime time.Duration // to put one full segment on the line; 0 for an infinite rate
	queue       time.Duration // the longest wait for the line: what would wait longer is dropped; 0 for no limit
	delay       time.Duration // one way
	loss        float64       // of segments
	ackLoss     float64
	duplicate   float64       // of segments, in the network: the same datagram twice
	reorder     float64       // of segments held back
	reorderBy   time.Duration // for at most so long
	credit      uint32

	sender   *Sender
	receiver *Receiver
	start    time.Time
	now      time.Time
	events   eventQueue
	seq      int
	lineFree time.Time
	seen     map[proto.PacketNumber]bool // as the replay window does
	got      rangeset.Set
	gotBytes int64 // counts a byte twice if it comes twice as fresh

	dropped, overflowed, ackDropped, acks, busyMax int
	onSend                                         func(Transmission)
}

const simSegment = 1000

func newSim(t *testing.T, seed uint64, cfg Config) *sim {
	t.Helper()
	if cfg.SegmentBytes == 0 {
		cfg.SegmentBytes = simSegment
	}
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	m := &sim{
		t: t, rng: rand.New(rand.NewPCG(seed, 1)),
		credit: 1 << 30, start: start, now: start,
		seen: map[proto.PacketNumber]bool{},
	}
	if cfg.Credit == 0 {
		cfg.Credit = 1 << 30
	}
	m.sender = NewSender(cfg)
	m.receiver = NewReceiver(0)
	return m
}

type event struct {
	at  time.Time
	seq int
	do  func()
}
type eventQueue []event

func (q eventQueue) Len() int { return len(q) }
func (q eventQueue) Less(i, j int) bool {
	return q[i].at.Before(q[j].at) || q[i].at.Equal(q[j].at) && q[i].seq < q[j].seq
}
func (q eventQueue) Swap(i, j int) { q[i], q[j] = q[j], q[i] }
func (q *eventQueue) Push(x any)   { *q = append(*q, x.(event)) }
func (q *eventQueue) Pop() any     { o := *q; x := o[len(o)-1]; *q = o[:len(o)-1]; return x }

func (m *sim) after(d time.Duration, do func()) {
	m.seq++
	heap.Push(&m.events, event{m.now.Add(d), m.seq, do})
}

// run goes on until all that was queued is acknowledged, and fails the test
// after limit of virtual time.
func (m *sim) run(limit time.Duration) {
	m.t.Helper()
	for !m.sender.Idle() {
		m.step()
		if m.now.Sub(m.start) > limit {
			m.t.Fatalf("not done after %v: %+v", limit, m.sender.Stats())
		}
	}
}

// step sends what may be sent and moves to the next event.
func (m *sim) step() {
	m.t.Helper()
	for t, ok := m.sender.Poll(m.now); ok; t, ok = m.sender.Poll(m.now) {
		m.busyMax = max(m.busyMax, m.sender.Stats().Channels)
		if m.onSend != nil {
			m.onSend(t)
		}
		m.transmit(t)
	}
	if m.receiver.AckDue(m.now) {
		m.acknowledge()
	}
	next := earliest(m.sender.NextTimeout(), m.receiver.NextTimeout())
	if len(m.events) > 0 {
		next = earliest(next, m.events[0].at)
	}
	if next.IsZero() {
		m.t.Fatalf("nothing left to happen: %+v", m.sender.Stats())
	}
	if next.After(m.now) {
		m.now = next
	}
	for len(m.events) > 0 && !m.events[0].at.After(m.now) {
		heap.Pop(&m.events).(event).do()
	}
	m.sender.HandleTimeout(m.now)
}

func (m *sim) transmit(t Transmission) {
	pn := t.First
	for mask := t.Mask; mask != 0; mask &= mask - 1 {
		i := bits.TrailingZeros64(mask)
		r := t.Bytes(i)
		seg := proto.Segment{
			Index: uint8(i), Count: uint8(t.Count), Channel: t.Channel, Burst: t.Burst,
			Request: t.Request, Offset: r.Start, Payload: make([]byte, r.Len()),
		}
		m.put(pn, seg)
		pn++
	}
}

// put puts one segment on the line.
func (m *sim) put(pn proto.PacketNumber, seg proto.Segment) {
	if m.lineFree.Before(m.now) {
		m.lineFree = m.now
	}
	if m.queue > 0 && m.lineFree.Sub(m.now) > m.queue {
		m.overflowed++
		return
	}
	m.lineFree = m.lineFree.Add(m.segmentTime * time.Duration(len(seg.Payload)) / simSegment)
	d := m.lineFree.Sub(m.now) + m.delay
	if m.rng.Float64() < m.loss {
		m.dropped++
		return
	}
	if m.rng.Float64() < m.reorder {
		d += time.Duration(m.rng.Float64() * float64(m.reorderBy))
	}
	m.after(d, func() { m.arrive(pn, seg) })
	if m.rng.Float64() < m.duplicate {
		m.after(d+time.Duration(m.rng.Float64()*float64(m.delay)), func() { m.arrive(pn, seg) })
	}
}

func (m *sim) arrive(pn proto.PacketNumber, seg proto.Segment) {
	if m.seen[pn] {
		return
	}
	m.seen[pn] = true
	m.receiver.SetRTT(m.sender.Stats().SmoothedRTT)
	fresh, err := m.receiver.HandleSegment(m.now, pn, &seg)
	if err != nil {
		m.t.Fatalf("segment %+v: %v", seg, err)
	}
	if fresh {
		m.got.Add(rangeset.Range{Start: seg.Offset, End: seg.Offset + int64(len(seg.Payload))})
		m.gotBytes += int64(len(seg.Payload))
	}
	if m.receiver.AckFull() {
		m.acknowledge()
	}
}

func (m *sim) acknowledge() {
	frame := m.receiver.Ack(m.now, m.credit).Append(nil)
	m.acks++
	if m.rng.Float64() < m.ackLoss {
		m.ackDropped++
		return
	}
	m.after(m.delay, func() {
		var a proto.Ack
		if err := a.Parse(frame); err != nil {
			m.t.Fatal(err)
		}
		if err := m.sender.HandleAck(m.now, &a); err != nil {
			m.t.Fatalf("ack %+v: %v", a, err)
		}
	})
}

// fetch sends size bytes and checks that each came, and came once.
func (m *sim) fetch(size int64, limit time.Duration) time.Duration {
	m.t.Helper()
	m.sender.Send(1, rangeset.Range{End: size})
	m.run(limit)
	if m.gotBytes != size || m.got.Len() != size {
		m.t.Fatalf("%d bytes came, %d different ones; want %d", m.gotBytes, m.got.Len(), size)
	}
	return m.now.Sub(m.start)
}

// TestUtilisation compares stop-and-wait with its theory: one channel of
// one-segment bursts uses a line for (1-p)/(1+2a) of the time, N channels N
// times that, up to the whole line (Stallings, "Data and Computer
// Communications", section 7.A).
func TestUtilisation(t *testing.T) {
	const segmentTime = time.Millisecond
	for _, tc := range []struct {
		channels  int
		a, p      float64
		tolerance float64
	}{
		{1, 0, 0, 0.05}, {1, 5, 0, 0.05}, {1, 50, 0, 0.05}, {1, 200, 0, 0.05},
		{1, 50, 0.01, 0.05}, {1, 200, 0.05, 0.05}, {1, 50, 0.1, 0.05},
		{4, 50, 0, 0.1}, {16, 50, 0.01, 0.1}, {64, 50, 0.05, 0.1}, {64, 200, 0.05, 0.1},
		{256, 200, 0.01, 0.1}, {101, 50, 0, 0.1}, {200, 50, 0.01, 0.1}, {400, 50, 0.1, 0.1},
		{2000, 200, 0.05, 0.1},
	} {
		if testing.Short() && tc.channels > 100 {
			continue
		}
		t.Run(fmt.Sprintf("N=%d,a=%v,p=%v", tc.channels, tc.a, tc.p), func(t *testing.T) {
			m := newSim(t, 7, Config{
				Channels: tc.channels, Burst: 1,
				Controller: &Fixed{WindowBytes: 1 << 30},
			})
			m.segmentTime = segmentTime
			m.delay = time.Duration(tc.a * float64(segmentTime))
			m.loss = tc.p
			single := (1 - tc.p) / (1 + 2*tc.a)
			want := min(float64(tc.channels)*single, 1-tc.p)
			segments := max(3000, 40*tc.channels)
			m.sender.ObserveRTT(2*m.delay + segmentTime)
			took := m.fetch(int64(segments)*simSegment, 10000*time.Second)
			got := float64(segments) * segmentTime.Seconds() / took.Seconds()
			if got < want*(1-tc.tolerance) || got > want*(1+tc.tolerance) {
				t.Errorf("utilisation %.4f, theory %.4f", got, want)
			}
			if m.busyMax > tc.channels {
				t.Errorf("%d channels busy, %d allowed", m.busyMax, tc.channels)
			}
			if tc.p > 0 && m.dropped == 0 {
				t.Error("nothing was dropped")
			}
		})
	}
}

// TestEveryByteArrivesOnce runs whole transfers through mixed faults.
func TestEveryByteArrivesOnce(t *testing.T) {
	seeds := 300
	if testing.Short() {
		seeds = 30
	}
	for seed := range uint64(seeds) {
		rng := rand.New(rand.NewPCG(seed, 2))
		cfg := Config{Random: oftenSkipping(seed)}
		if rng.IntN(3) == 0 {
			cfg.Burst = 1 + rng.IntN(proto.MaxBurst)
		}
		if rng.IntN(3) == 0 {
			cfg.Channels = 1 + rng.IntN(10)
		}
		if rng.IntN(3) == 0 {
			cfg.Records = &ration{left: LeastRecords + rng.IntN(1<<14)}
		}
		m := newSim(t, seed, cfg)
		m.segmentTime = time.Duration(rng.IntN(1000)) * time.Microsecond
		m.delay = time.Duration(rng.IntN(100)) * time.Millisecond
		m.loss = rng.Float64() * 0.3
		m.ackLoss = rng.Float64() * 0.3
		m.duplicate = rng.Float64() * 0.5
		m.reorder = rng.Float64()
		m.reorderBy = time.Duration(rng.Float64() * 2 * float64(m.delay))
		size := rng.Int64N(300*simSegment) + 1
		if !t.Run(fmt.Sprintf("seed=%d", seed), func(t *testing.T) {
			m.t = t
			m.fetch(size, 1000*time.Second)
			if st := m.sender.Stats(); st.InFlight != 0 || st.Channels != 0 {
				t.Errorf("left over: %+v", st)
			}
		}) {
			return
		}
	}
}
