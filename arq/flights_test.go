package arq

import (
	"math/bits"
	"testing"

	"chunkcp/proto"

	"pgregory.net/rapid"
)

// TestFlightsAgainstAList runs the log beside a plain list of packets.
func TestFlightsAgainstAList(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		type packet struct {
			seq uint64
			bit uint64
		}
		var log flights
		next := proto.PacketNumber(0)
		list := map[proto.PacketNumber]packet{} // every packet of the log
		first := uint64(0)                      // the oldest in the log
		live := map[uint64]uint64{}             // in flight, by seq
		for range rapid.IntRange(1, 300).Draw(t, "steps") {
			switch rapid.IntRange(0, 3).Draw(t, "step") {
			case 0, 1:
				mask := rapid.Uint64Range(1, 1<<8-1).Draw(t, "mask") << rapid.IntRange(0, 56).Draw(t, "shift")
				seq := log.push(flight{first: next, sent: mask, inFlight: mask})
				live[seq] = mask
				for m := mask; m != 0; m &= m - 1 {
					list[next] = packet{seq, m & -m}
					if n := log.at(seq).number(m & -m); n != next {
						t.Fatalf("segment %b of %b is packet %d, want %d", m&-m, mask, n, next)
					}
					next++
				}
			case 2:
				next += proto.PacketNumber(rapid.IntRange(1, 3).Draw(t, "other datagrams"))
			case 3: // some arrive
				for seq := first; seq < log.tail; seq++ {
					m := live[seq]
					if m == 0 {
						continue
					}
					m &= rapid.Uint64().Draw(t, "left")
					log.at(seq).inFlight = m
					if live[seq] = m; m == 0 {
						delete(live, seq)
					}
				}
				log.trim()
				for first < log.tail && live[first] == 0 {
					first++
				}
			}
			if log.head != first {
				t.Fatalf("the log begins with %d, want %d", log.head, first)
			}
			if n := len(log.ring); bits.OnesCount(uint(n)) > 1 {
				t.Fatalf("a ring of %d", n)
			}
		}
		for pn := range next + 3 {
			f := log.find(pn)
			p, ok := list[pn]
			if ok = ok && p.seq >= first; !ok {
				if f != nil {
					t.Fatalf("packet %d found in %+v", pn, *f)
				}
				continue
			}
			if f != log.at(p.seq) || f.number(p.bit) != pn {
				t.Fatalf("packet %d not found", pn)
			}
		}
	})
}

// TestFlightsKeepTheirSpace: a log that stays short does not grow.
func TestFlightsKeepTheirSpace(t *testing.T) {
	var log flights
	for i := range 100000 {
		log.push(flight{first: proto.PacketNumber(i), sent: 1, inFlight: 1})
		if i >= 50 {
			log.at(uint64(i - 50)).inFlight = 0
		}
		log.trim()
	}
	if len(log.ring) != 64 {
		t.Errorf("a ring of %d for 51 transmissions", len(log.ring))
	}
}
