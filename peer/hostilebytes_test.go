package peer

import (
	"encoding/binary"
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"chunkcp/internal/assign"
	"chunkcp/internal/rangeset"
	"chunkcp/proto"
)

// addScripts gives a fuzzer something to begin with, and a test without one
// something to run.
func addScripts(f *testing.F) {
	rng := rand.New(rand.NewPCG(1, 6))
	for range 200 {
		b := make([]byte, 1500)
		for i := range b {
			b[i] = byte(rng.Uint32())
		}
		f.Add(b)
	}
}

// script draws a hostile peer's choices from a fuzzer's bytes. At their end it
// draws zeros.
type script struct {
	b           []byte
	opens, gets int // ids that were used in turn
}

// firstGet is the id of the first Get; those of Opens are below it.
const firstGet = 1000

func (s *script) over() bool { return len(s.b) == 0 }

func (s *script) byte() byte {
	if len(s.b) == 0 {
		return 0
	}
	c := s.b[0]
	s.b = s.b[1:]
	return c
}

// of chooses one of n.
func (s *script) of(n int) int { return int(s.byte()) % n }

func (s *script) bytes(n int) []byte {
	n = min(n, len(s.b))
	b := s.b[:n]
	s.b = s.b[n:]
	return b
}

// number returns one that is likely to be a boundary.
func (s *script) number() int64 {
	var base int64
	switch c := s.byte(); {
	case c < 64:
		return int64(c)
	case c < 128:
		base = int64(c-64) * assign.PieceBytes / 8
	case c < 160:
		base = 1 << (2 * (c - 128))
	case c < 176:
		base = math.MaxInt64
	case c < 184:
		base = math.MaxInt64 - assign.PieceBytes
	case c < 192:
		base = proto.MaxFileBytes
	case c < 208:
		base = math.MaxUint32
	default:
		var b [8]byte
		copy(b[:], s.bytes(8))
		return int64(binary.BigEndian.Uint64(b[:]) >> 1)
	}
	return max(0, base-2+int64(s.of(3))) // one less, the same, or two less
}

// file returns the id of a file, and request that of a request: most likely.
func (s *script) file() proto.ID { return s.id(1, 3) }

func (s *script) request() proto.ID {
	if s.of(8) == 0 {
		return s.id(1, max(1, s.opens))
	}
	return s.id(firstGet, max(1, s.gets))
}

func (s *script) id(first, n int) proto.ID {
	if c := int(s.byte()); c < 250 {
		return proto.ID(first + c%n)
	}
	return proto.ID(max(1, s.number()&math.MaxUint32))
}

// opened and got return the next id for an Open or a Get, most likely.
func (s *script) opened() proto.ID {
	if s.opens++; s.of(64) > 0 {
		return proto.ID(s.opens)
	}
	return s.file()
}

func (s *script) got() proto.ID {
	if s.gets++; s.of(64) > 0 {
		return proto.ID(firstGet + s.gets - 1)
	}
	return s.request()
}

// span returns a range that is not empty.
func (s *script) span() rangeset.Range {
	a, b := s.number(), s.number()
	if a > b {
		a, b = b, a
	}
	if a == b {
		if b == math.MaxInt64 {
			a--
		} else {
			b++
		}
	}
	return rangeset.Range{Start: a, End: b}
}

func (s *script) text() string {
	return string(s.bytes(s.of(40)))
}

// message returns any control message, most likely one of a client's, or of a
// server's.
func (s *script) message(client bool) proto.Message {
	if s.of(256) == 255 {
		client = !client
	}
	kind := 7 + s.of(4)
	if client {
		kind = s.of(7)
	}
	switch kind {
	case 0, 1:
		if name := s.of(8); name < 6 {
			return &proto.Open{ID: s.opened(), Name: string(rune('a' + name))}
		}
		return &proto.Open{ID: s.opened(), Name: s.text()}
	case 2:
		return &proto.Get{ID: s.got(), File: s.file(), Range: s.span()}
	case 3:
		return &proto.Cancel{ID: s.request()}
	case 4:
		return &proto.Ping{}
	case 5:
		return &proto.Drop{ID: s.request(), Range: s.span()}
	case 6:
		return &proto.Tree{File: s.file(), Pieces: s.span()}
	case 7:
		return &proto.Opened{ID: s.file(), Size: s.number(), Version: proto.FileVersion{s.byte()}}
	case 8:
		return &proto.Failed{ID: s.request(), Code: proto.FailCode(s.of(8)), Reason: s.text()}
	case 9:
		h := &proto.Hashes{File: s.file(), First: s.number()}
		for range 1 + s.of(proto.MaxHashes) {
			h.Hashes = append(h.Hashes, [32]byte{s.byte()})
		}
		return h
	}
	return &proto.Root{File: s.file(), Root: [32]byte{s.byte()}}
}

// frame returns any frame. Numbers of packets are below next, or not quite.
func (s *script) frame(next proto.PacketNumber) []byte {
	switch s.of(16) {
	case 0, 1, 2, 3, 4, 5:
		ack := proto.Ack{
			Latest:  next - proto.PacketNumber(s.of(4)) + proto.PacketNumber(s.of(2)),
			Delay:   time.Duration(s.number()&math.MaxUint32) * time.Microsecond,
			Repeats: uint32(s.number()), Credit: uint32(s.number()),
		}
		for range max(0, s.of(8)-5) {
			e := proto.Entry{Channel: proto.Channel(s.of(2)), Burst: proto.Burst(s.of(2)), Complete: s.of(2) == 0}
			if s.of(256) == 255 {
				e.Channel, e.Burst = proto.Channel(s.number()%proto.MaxChannels), proto.Burst(s.number())
			}
			if !e.Complete {
				e.Bitmap = uint64(s.number())
			}
			ack.Entries = append(ack.Entries, e)
		}
		return ack.Append(nil)
	case 6, 7, 8, 9:
		return s.segment(s.request())
	case 10:
		if s.of(16) > 0 {
			break
		}
		c := proto.Close{Code: proto.CloseCode(s.of(9)), Reason: s.text()}
		return c.Append(nil)
	case 11, 12:
		reply := proto.MTUReply{Size: uint16(s.number())}
		probe := proto.MTUProbe{Size: max(1, uint16(s.number()))}
		return reply.Append(probe.Append(nil))
	}
	if s.of(32) > 0 {
		return []byte{byte(proto.FramePadding), 0x80, 0, 1, s.byte()} // and an extension
	}
	return s.bytes(s.of(200))
}

// segment returns a segment of a request, most likely one that can be placed.
func (s *script) segment(request proto.ID) []byte {
	seg := proto.Segment{
		Request: request, Channel: proto.Channel(1 + s.of(3)), Burst: proto.Burst(s.byte()), Count: uint8(1 + s.of(64)),
		Offset: s.number(), Payload: make([]byte, 1+s.of(8)*150), Repeat: s.of(2) == 1,
	}
	seg.Index = uint8(s.of(int(seg.Count)))
	switch s.of(256) {
	case 0:
		seg.Channel = proto.Channel(s.number() % proto.MaxChannels)
	case 1:
		seg.Request = proto.Control
	case 2:
		seg.Request, seg.Channel = proto.Control, 0
	}
	return seg.Append(nil)
}

// wait returns how long nothing happens.
func (s *script) wait() time.Duration {
	c := s.byte()
	if c > 250 {
		return time.Duration(c-250) * 13 * time.Second
	}
	return []time.Duration{0, time.Microsecond, time.Millisecond, 10 * time.Millisecond, 300 * time.Millisecond}[c%5]
}
