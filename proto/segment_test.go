package proto

import (
	"bytes"
	"math"
	"testing"
)

func parseSegment(b []byte) (encoder, error) { m, err := ParseSegment(b); return &m, err }

func segmentVectors() []vector {
	return []vector{
		{
			name: "of a file",
			msg: &Segment{
				Index: 2, Count: 5, Channel: 0x0a0b, Burst: 0xfffe,
				Request: 0x01020304, Offset: 0x1112131415, Payload: []byte("data"),
			},
			wire: "02" + // type
				"02" + // index
				"05" + // count
				"0a0b" + // channel
				"fffe" + // burst
				"01020304" + // request
				"001112131415" + // offset
				"64617461", // payload
			least: 18,
		},
		{
			name:  "sent before",
			msg:   &Segment{Index: 4, Count: 5, Repeat: true, Burst: 1, Request: 2, Payload: []byte{0xff}},
			wire:  "02" + "84" + "05" + "0000" + "0001" + "00000002" + "000000000000" + "ff",
			least: 18,
		},
		{
			name:  "all zero, as the first of a control stream",
			msg:   &Segment{Count: 1, Request: Control, Payload: []byte{0}},
			wire:  "02" + "00" + "01" + "0000" + "0000" + "00000000" + "000000000000" + "00",
			least: 18,
		},
		{
			name: "the most of everything",
			msg: &Segment{
				Index: 63, Count: 64, Channel: 4095, Burst: 65535,
				Request: math.MaxUint32, Offset: MaxFileBytes - 1, Payload: []byte{0xff},
			},
			wire: "02" + "3f" + "40" + "0fff" + "ffff" + "ffffffff" +
				"ffffffffffff" + // the byte before the end of the longest file
				"ff",
			least: 18,
		},
	}
}

func TestSegment(t *testing.T) {
	vectors := segmentVectors()
	testVectors(t, parseSegment, vectors[:3])

	// One byte more would end after 2^48, so that this one does not grow.
	most := vectors[3]
	most.least = 0
	testVectors(t, parseSegment, []vector{most})
}

func TestMalformedSegment(t *testing.T) {
	valid := segmentVectors()[0].bytes(t)
	const index, count, channel, offset = 1, 2, 3, 11
	testMalformed(t, parseSegment, valid, []malformed{
		{"empty", nil},
		{"another type", with(valid, 0, byte(FrameClose))},
		{"index equal to count", with(valid, index, 5)},
		{"index above count", with(valid, index, 127)},
		{"index equal to count, sent before", with(valid, index, 0x85)},
		{"index above count, sent before", with(valid, index, 255)},
		{"count 0", with(valid, index, 0, 0)},
		{"count 65", with(valid, count, 65)},
		{"channel 4096", with(valid, channel, 0x10, 0)},
		{"channel 65535", with(valid, channel, 0xff, 0xff)},
		{"offset of all ones", with(valid, offset, bytes.Repeat([]byte{0xff}, 6)...)},
		{"offset+len above 2^48", with(valid, offset, 0xff, 0xff, 0xff, 0xff, 0xff, 0xfd)},
		{"payload empty", valid[:SegmentHeaderLen]},
	})
	last := with(valid, offset, 0xff, 0xff, 0xff, 0xff, 0xff, 0xfc)
	if _, err := ParseSegment(last); err != nil {
		t.Errorf("a segment that ends at 2^48 is refused: %v", err)
	}
}

// A sender writes headers into a buffer that already holds the payload.
func TestPutHeaderLeavesThePayload(t *testing.T) {
	for _, v := range segmentVectors() {
		want, s := v.bytes(t), *v.msg.(*Segment)
		got := append(bytes.Repeat([]byte{0xee}, SegmentHeaderLen), s.Payload...)
		s.Payload = nil
		if s.PutHeader(got); !bytes.Equal(got, want) {
			t.Errorf("%s: PutHeader made\n%x, want\n%x", v.name, got, want)
		}
	}
}

func TestSegmentAllocatesNothing(t *testing.T) {
	s := Segment{Count: 1, Payload: make([]byte, 1400)}
	wire := s.Append(nil)
	buf := make([]byte, 0, len(wire))
	for name, f := range map[string]func(){
		"Append":       func() { buf = s.Append(buf[:0]) },
		"PutHeader":    func() { s.PutHeader(buf[:SegmentHeaderLen]) },
		"ParseSegment": func() { s, _ = ParseSegment(wire) },
		"NextFrame":    func() { _, _, _, _ = NextFrame(wire) },
	} {
		if n := testing.AllocsPerRun(100, f); n != 0 {
			t.Errorf("%s allocates %v times", name, n)
		}
	}
}

func FuzzSegment(f *testing.F) { fuzzRoundTrip(f, parseSegment, segmentVectors()) }

func BenchmarkPutHeader(b *testing.B) {
	s := Segment{Index: 3, Count: 44, Channel: 7, Burst: 9, Request: 1, Offset: 1 << 30}
	var buf [SegmentHeaderLen]byte
	for b.Loop() {
		s.PutHeader(buf[:])
	}
}

func BenchmarkParseSegment(b *testing.B) {
	wire := (&Segment{Index: 3, Count: 44, Channel: 7, Request: 1, Payload: make([]byte, 1400)}).Append(nil)
	for b.Loop() {
		if _, err := ParseSegment(wire); err != nil {
			b.Fatal(err)
		}
	}
}
