package arq

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"chunkcp/internal/rangeset"
	"chunkcp/proto"
)

// TestShrinkUnderFaults: on a bad path, under a Model, the segment size goes up
// and down in mid-transfer. Every byte arrives, the books balance, and each
// request is finished once.
func TestShrinkUnderFaults(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		seed := rapid.Uint64().Draw(rt, "seed")
		rng := rand.New(rand.NewPCG(seed, 4))
		m := newSim(t, seed, Config{Channels: 1 + rng.IntN(60), Random: oftenSkipping(seed)})
		m.segmentTime = time.Duration(rng.IntN(300)) * time.Microsecond
		m.delay = time.Duration(rng.IntN(40)) * time.Millisecond
		m.loss, m.ackLoss, m.duplicate, m.reorder = rng.Float64()*0.3, rng.Float64()*0.3, rng.Float64()*0.3, rng.Float64()
		m.reorderBy = time.Duration(rng.Float64() * 2 * float64(m.delay))
		sizes := map[proto.ID]int64{}
		end := int64(0)
		for id := proto.ID(1); id <= proto.ID(1+rng.IntN(6)); id++ {
			sizes[id] = 1 + rng.Int64N(80*simSegment)
			m.sender.Send(id, rangeset.Range{Start: end, End: end + sizes[id]})
			end += sizes[id]
		}
		finished := map[proto.ID]int{}
		for !m.sender.Idle() {
			switch rng.IntN(30) {
			case 0:
				m.sender.SetSegment(300 + rng.IntN(4*simSegment))
			case 1:
				m.sender.Shrink(200 + rng.IntN(simSegment))
			}
			m.step()
			audit(t, m.sender)
			for id, ok := m.sender.Finished(); ok; id, ok = m.sender.Finished() {
				finished[id]++
			}
			if m.now.Sub(m.start) > 1000*time.Second {
				rt.Fatalf("not done: %+v", m.sender.Stats())
			}
		}
		if want := (rangeset.Range{End: end}); m.got.Len() != end || !m.got.Contains(want) {
			rt.Errorf("%d bytes of %d came", m.got.Len(), end)
		}
		for id := range sizes {
			if finished[id] != 1 {
				rt.Errorf("request %d finished %d times", id, finished[id])
			}
		}
		if len(finished) != len(sizes) {
			rt.Errorf("%d requests finished, %d were made", len(finished), len(sizes))
		}
	})
}

// TestAbortUnderFaults: aborted requests are finished at once, and once; the
// others arrive whole, and nothing stays in flight.
func TestAbortUnderFaults(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		seed := rapid.Uint64().Draw(rt, "seed")
		rng := rand.New(rand.NewPCG(seed, 5))
		m := newSim(t, seed, Config{})
		m.segmentTime, m.delay = 100*time.Microsecond, time.Duration(1+rng.IntN(30))*time.Millisecond
		m.loss, m.ackLoss = rng.Float64()*0.3, rng.Float64()*0.3
		const requests, size = 6, 60 * simSegment
		for id := range proto.ID(requests) {
			start := int64(id) * size
			m.sender.Send(id+1, rangeset.Range{Start: start, End: start + size})
		}
		finished, aborted := map[proto.ID]int{}, map[proto.ID]bool{}
		collect := func() {
			for id, ok := m.sender.Finished(); ok; id, ok = m.sender.Finished() {
				finished[id]++
			}
		}
		for !m.sender.Idle() {
			if rng.IntN(60) == 0 {
				id := proto.ID(1 + rng.IntN(requests))
				collect()
				if finished[id] == 0 {
					aborted[id] = true
				}
				m.sender.Abort(id)
				if collect(); finished[id] != 1 {
					rt.Fatalf("request %d is aborted and finished %d times", id, finished[id])
				}
				audit(t, m.sender)
				continue
			}
			m.step()
			audit(t, m.sender)
			collect()
		}
		for id := proto.ID(1); id <= requests; id++ {
			r := rangeset.Range{Start: int64(id-1) * size, End: int64(id) * size}
			if finished[id] != 1 || !aborted[id] && !m.got.Contains(r) {
				rt.Errorf("request %d: finished %d times, aborted %v", id, finished[id], aborted[id])
			}
		}
		if st := m.sender.Stats(); st.InFlight != 0 || st.Channels != 0 {
			rt.Errorf("left over: %+v", st)
		}
	})
}

// TestShrinkOfManyHoles: a receiver that acknowledges every other segment has what is
// outstanding fall into no more ranges than a queue may have, and one for each burst.
func TestShrinkOfManyHoles(t *testing.T) {
	now := time.Unix(1e9, 0)
	s := NewSender(Config{
		SegmentBytes: 1433, BurstBytes: 65487, OverheadBytes: 39, Credit: 1 << 30,
		Controller: &Fixed{WindowBytes: 1 << 30},
	})
	s.Send(5, rangeset.Range{End: 1 << 30})
	var bursts []Transmission
	for x, ok := s.Poll(now); ok; x, ok = s.Poll(now) {
		bursts = append(bursts, x)
	}
	const rationed = 1 << 14
	counted := ration{left: rationed}
	s.work.records = &counted
	last := bursts[len(bursts)-1]
	latest := last.First + proto.PacketNumber(last.Count) - 1
	now = now.Add(time.Millisecond)
	for some := range slices.Chunk(bursts, 80) {
		a := proto.Ack{Latest: latest, Credit: 1 << 30}
		for _, x := range some {
			a.Entries = append(a.Entries, proto.Entry{Channel: x.Channel, Burst: x.Burst, Bitmap: 0x5555555555555555 & (1<<x.Count - 1)})
		}
		if err := s.HandleAck(now, &a); err != nil {
			t.Fatal(err)
		}
	}
	s.Shrink(1193)
	audit(t, s)
	if n := len(s.work.items); n < len(bursts) || n > rationed/workBytes+len(bursts) {
		t.Errorf("%d ranges of %d bursts wait", n, len(bursts))
	}
	if counted.left > rationed/2 || counted.refused == 0 {
		t.Errorf("%d of %d bytes are left, asked in vain %d times", counted.left, rationed, counted.refused)
	}
}
