package arq

import (
	"maps"
	"math/bits"
	"testing"

	"chunkcp/proto"
)

// audit checks what holds of a Sender between any two calls: every segment of
// an outstanding burst is in flight once, or acknowledged, or waits for its
// repair, or is withheld while another is in flight or waits; and the sums are the sums of their parts.
func audit(t testing.TB, s *Sender) {
	t.Helper()
	inFlight := make([]uint64, len(s.channels))
	sum := 0
	for seq := s.log.head; seq < s.log.tail; seq++ {
		f := s.log.at(seq)
		if f.inFlight&^f.sent != 0 {
			t.Fatalf("transmission %d: %b in flight, but %b sent", f.first, f.inFlight, f.sent)
		}
		if inFlight[f.channel]&f.inFlight != 0 {
			t.Fatalf("channel %d: a segment is in flight twice", f.channel)
		}
		inFlight[f.channel] |= f.inFlight
		if f.inFlight != 0 {
			sum += s.channels[f.channel].bytes(f.inFlight)
		}
	}
	if sum != s.inFlight {
		t.Fatalf("%d bytes in flight, the log says %d", s.inFlight, sum)
	}
	if m, ok := s.cc.(*Model); ok && m.InFlight() != sum {
		t.Fatalf("%d bytes in flight, the model has %d", sum, m.InFlight())
	}
	auditChannels(t, s, inFlight)

	waiting := int64(0)
	open := map[proto.ID]int64{} // as it must be: what waits, and all of the bursts that are under way
	for _, w := range s.work.items {
		if w.data.Empty() {
			t.Fatalf("request %d: nothing waits", w.request)
		}
		waiting += w.data.Len()
		open[w.request] += w.data.Len()
	}
	for i := range s.channels {
		if c := &s.channels[i]; i > 0 && c.busy {
			open[c.request] += int64(c.bytes(c.all()))
		}
	}
	if !maps.Equal(open, s.work.open) {
		t.Fatalf("of the requests there are open %v, the queue says %v", open, s.work.open)
	}
	if waiting != s.work.bytes {
		t.Fatalf("%d bytes wait, the queue says %d", waiting, s.work.bytes)
	}
}

func auditChannels(t testing.TB, s *Sender, inFlight []uint64) {
	t.Helper()
	queued := map[proto.Channel]int{}
	for _, ch := range s.repairs {
		queued[ch]++
	}
	idle := map[proto.Channel]int{}
	for _, ch := range s.idle {
		idle[ch]++
	}
	if len(s.channels)-1 > s.cfg.Channels {
		t.Fatalf("%d channels, %d allowed", len(s.channels)-1, s.cfg.Channels)
	}
	for i := range s.channels {
		c, ch := &s.channels[i], proto.Channel(i)
		if !c.busy {
			if inFlight[i] != 0 || c.queued || i > 0 && idle[ch] != 1 || queued[ch] != 0 {
				t.Fatalf("channel %d is free, but: %+v, in flight %b, %d times idle, %d times in repair",
					i, *c, inFlight[i], idle[ch], queued[ch])
			}
			continue
		}
		held := c.withheld &^ c.lost // else it is to be sent next
		n := bits.OnesCount64(c.acked) + bits.OnesCount64(c.lost) + bits.OnesCount64(inFlight[i]) + bits.OnesCount64(held)
		if c.count < 1 || c.acked|c.lost|inFlight[i]|held != c.all() || n != c.count || c.acked == c.all() {
			t.Fatalf("channel %d, %d segments: acknowledged %b, lost %b, in flight %b, withheld %b",
				i, c.count, c.acked, c.lost, inFlight[i], held)
		}
		if held != 0 && c.acked|held == c.all() {
			t.Fatalf("channel %d waits for nothing, and withholds %b", i, held)
		}
		repairs := 0
		if c.lost != 0 {
			repairs = 1
		}
		if idle[ch] != 0 || queued[ch] != repairs || c.queued != (c.lost != 0) {
			t.Fatalf("channel %d is busy: %d times idle, %d times in repair, lost %b", i, idle[ch], queued[ch], c.lost)
		}
	}
}
