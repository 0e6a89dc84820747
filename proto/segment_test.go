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
				Index: 2, Count: 5, Channel: 0xa0b, Burst: 0xffe,
				Request: 0x01020304, Offset: 0x11121314, Payload: []byte("data"),
			},
			wire: "42" + // type, index
				"04" + // count, less one
				"a0b" + // channel
				"ffe" + // burst
				"01020304" + // request
				"11121314" + // offset
				"64617461", // payload
			least: 14,
		},
		{
			name:  "sent before",
			msg:   &Segment{Index: 4, Count: 5, Repeat: true, Burst: 1, Request: 2, Payload: []byte{0xff}},
			wire:  "44" + "84" + "000" + "001" + "00000002" + "00000000" + "ff",
			least: 14,
		},
		{
			name:  "all zero, as the first of a control stream",
			msg:   &Segment{Count: 1, Request: Control, Payload: []byte{0}},
			wire:  "40" + "00" + "000" + "000" + "00000000" + "00000000" + "00",
			least: 14,
		},
		{
			name: "the most of everything",
			msg: &Segment{
				Index: 63, Count: 64, Channel: 4095, Burst: 4095,
				Request: math.MaxUint32, Offset: math.MaxUint32, Payload: []byte{0xff},
			},
			wire:  "7f" + "3f" + "fff" + "fff" + "ffffffff" + "ffffffff" + "ff",
			least: 14,
		},
	}
}

func TestSegment(t *testing.T) { testVectors(t, parseSegment, segmentVectors()) }

func TestMalformedSegment(t *testing.T) {
	valid := segmentVectors()[0].bytes(t)
	const index, count = 0, 1
	testMalformed(t, parseSegment, valid, []malformed{
		{"empty", nil},
		{"another type", with(valid, 0, byte(FrameClose))},
		{"an extension", with(valid, 0, 0xc2)},
		{"index equal to count", with(valid, index, 0x45)},
		{"index above count", with(valid, index, 0x7f)},
		{"index equal to count, sent before", with(valid, index, 0x45, 0x84)},
		{"count 65", with(valid, count, 64)},
		{"count 128", with(valid, count, 127)},
		{"payload empty", valid[:SegmentHeaderLen]},
	})
}

// TestOffsetsAreExpanded: a segment tells the low 32 bits of where it belongs.
func TestOffsetsAreExpanded(t *testing.T) {
	for _, tt := range []struct{ offset, from, want int64 }{
		{0, 0, 0},
		{5, 5, 5},
		{4, 5, 1<<32 + 4},
		{0xffffffff, 0, 0xffffffff},
		{3, 0xffffffff, 1<<32 + 3},
		{0x12_00000001, 0x34_00000000, 0x34_00000001},
		{MaxFileBytes - 1, MaxFileBytes - MaxGetBytes, MaxFileBytes - 1},
		{MaxFileBytes - MaxGetBytes, MaxFileBytes - MaxGetBytes, MaxFileBytes - MaxGetBytes},
	} {
		s, err := ParseSegment((&Segment{Count: 1, Request: 1, Offset: tt.offset, Payload: []byte{1}}).Append(nil))
		if err != nil || s.At(tt.from) != tt.want {
			t.Errorf("offset %#x from %#x on: %#x (%v), want %#x", tt.offset, tt.from, s.At(tt.from), err, tt.want)
		}
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
