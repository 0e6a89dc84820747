package arq

import (
	"testing"
	"time"
	"unsafe"

	"chunkcp/internal/rangeset"
	"chunkcp/proto"
)

// TestRecordsCost: what is asked for is what is used.
func TestRecordsCost(t *testing.T) {
	const numbers = 7 * 8 // of a channel's transmissions: several repeats
	if n := unsafe.Sizeof(channel{}) + numbers; n > channelBytes {
		t.Errorf("a channel takes %d bytes", n)
	}
	if n := unsafe.Sizeof(flight{}); n > flightBytes {
		t.Errorf("a transmission takes %d bytes", n)
	}
	if n := unsafe.Sizeof(work{}); n > workBytes {
		t.Errorf("a range takes %d bytes", n)
	}
}

// recordsHeld is what a Sender's records take, but for its first channel.
func recordsHeld(s *Sender) int {
	return len(s.log.ring)*flightBytes + (cap(s.channels)-1)*channelBytes
}

// TestLittleMemoryForRecords: a path that takes 2,000 bursts in flight, and memory for
// 64. The rest waits, and all comes.
func TestLittleMemoryForRecords(t *testing.T) {
	r := &ration{left: LeastRecords}
	m := newSim(t, 1, Config{Controller: &Fixed{WindowBytes: 1 << 30}, Burst: 2, Records: r})
	m.delay, m.loss, m.ackLoss = 50*time.Millisecond, 0.05, 0.05
	took := m.fetch(4000*simSegment, 1000*time.Second)
	t.Logf("took %v with %d channels at once", took, m.busyMax)
	if r.refused == 0 {
		t.Error("memory was never short")
	}
	if held := recordsHeld(m.sender); held+r.left != LeastRecords || m.busyMax < 2*leastChannels {
		t.Errorf("%d bytes are held, %d were taken, for %d channels", held, LeastRecords-r.left, m.busyMax)
	}
	free := newSim(t, 1, Config{Controller: &Fixed{WindowBytes: 1 << 30}, Burst: 2})
	free.delay, free.loss, free.ackLoss = m.delay, m.loss, m.ackLoss
	if in := free.fetch(4000*simSegment, 1000*time.Second); free.busyMax < 10*m.busyMax || in > took {
		t.Errorf("with memory: %v with %d channels at once", in, free.busyMax)
	}
}

// TestProbesWithoutMemory: the log is as full as it may be when the path goes dead. It
// is probed all the same.
func TestProbesWithoutMemory(t *testing.T) {
	r := &ration{left: LeastRecords}
	m := newSim(t, 1, Config{Controller: &Fixed{WindowBytes: 1 << 30}, Burst: 1, Records: r})
	m.sender.ObserveRTT(100 * time.Millisecond)
	m.delay, m.loss = 50*time.Millisecond, 1
	m.sender.Send(1, rangeset.Range{End: 200 * simSegment})
	m.after(3*time.Second, func() {
		if n := m.sender.Stats().Probes; n < 3 || r.left > leastFlights*flightBytes {
			t.Errorf("%d probes, %d bytes of memory are left", n, r.left)
		}
		m.loss = 0
	})
	m.run(10 * time.Second)
	if m.gotBytes != 200*simSegment {
		t.Errorf("%d bytes came", m.gotBytes)
	}
	if len(m.sender.log.ring) > leastFlights {
		t.Errorf("room for %d transmissions was made", len(m.sender.log.ring))
	}
}

// TestDropsWithoutMemory: what would be cut in two stays whole.
func TestDropsWithoutMemory(t *testing.T) {
	r := &ration{left: leastFlights * workBytes}
	s := NewSender(Config{SegmentBytes: simSegment, Records: r})
	s.Send(1, rangeset.Range{End: 1 << 20})
	before := s.Unsent()
	for at := int64(100); at < 1<<20; at += 1000 {
		s.Drop(1, rangeset.Range{Start: at, End: at + 1})
	}
	dropped := before - s.Unsent()
	if n := len(s.work.items); r.refused == 0 || n > 1+leastFlights || dropped < leastFlights/2 || dropped > leastFlights {
		t.Errorf("%d ranges, %d bytes dropped, memory refused %d times", n, dropped, r.refused)
	}
	s.Cancel(1)
	if id, ok := s.Finished(); !ok || id != proto.ID(1) {
		t.Error("it is not to be had any more, and not finished")
	}
}
