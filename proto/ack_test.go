package proto

import (
	"math"
	"slices"
	"strings"
	"testing"
	"time"
)

func parseAck(b []byte) (encoder, error) {
	var m Ack
	err := m.Parse(b)
	return &m, err
}

func ackVectors() []vector {
	return []vector{
		{
			name: "of two channels",
			msg: &Ack{
				Latest: 0x0102030405060708, Delay: 258 * time.Microsecond, Repeats: 0x11121314, Credit: 0x21222324,
				Entries: []Entry{
					{Channel: 0x0a0b, Burst: 0xffe, Complete: true},
					{Channel: 3, Burst: 4, Bitmap: 0x8000000000000005},
				},
			},
			wire: "01" + // type
				"02" + // count
				"0102030405060708" + // latest
				"00000102" + // delay
				"11121314" + // repeats
				"21222324" + // credit
				"8a0b" + "0ffe" + // channel, all of the burst; burst
				"0003" + "0004" + // channel, not all of the burst; burst
				"8000000000000005", // bitmap: segments 0, 2 and 63
		},
		{
			name: "of none",
			msg:  &Ack{Delay: math.MaxUint32 * time.Microsecond},
			wire: "01" + "00" + "0000000000000000" + "ffffffff" + "00000000" + "00000000",
		},
		{
			name: "of the most there can be",
			msg:  &Ack{Latest: math.MaxUint64, Entries: slices.Repeat([]Entry{{Channel: 4095, Burst: 4095}}, MaxEntries)},
			wire: "01" + "ff" + "ffffffffffffffff" + "00000000" + "00000000" + "00000000" +
				strings.Repeat("0fff"+"0fff"+"0000000000000000", 255),
		},
	}
}

func TestAck(t *testing.T) { testVectors(t, parseAck, ackVectors()) }

func TestMalformedAck(t *testing.T) {
	valid := ackVectors()[0].bytes(t)
	const count, whole, partial = 1, 22, 26
	testMalformed(t, parseAck, valid, []malformed{
		{"empty", nil},
		{"another type", with(valid, 0, byte(FrameSegment))},
		{"more entries counted than there are", with(valid, count, 3)},
		{"as many entries counted as can be", with(valid, count, 255)},
		{"fewer entries counted than there are", with(valid, count, 1)},
		{"reserved bit 12 of an entry", with(valid, whole, 0x9a)},
		{"reserved bit 13 of an entry", with(valid, whole, 0xaa)},
		{"reserved bit 14 of an entry", with(valid, whole, 0xca)},
		{"channel 4096", with(valid, partial, 0x10, 0)},
		{"burst 4096", with(valid, whole+2, 0x10)},
		{"a bitmap where none is due", with(valid, partial, 0x80)},
		{"no bitmap where one is due", with(with(valid, count, 1), whole, 0x0a)[:partial]},
	})
}

func TestAckDelayIsCutToItsRange(t *testing.T) {
	const most = math.MaxUint32 * time.Microsecond
	for _, tt := range []struct{ delay, want time.Duration }{
		{-time.Second, 0},
		{999 * time.Nanosecond, 0},
		{1999 * time.Nanosecond, time.Microsecond},
		{most, most},
		{most + time.Microsecond, most},
		{math.MaxInt64, most},
		{math.MinInt64, 0},
	} {
		var got Ack
		if err := got.Parse((&Ack{Delay: tt.delay}).Append(nil)); err != nil || got.Delay != tt.want {
			t.Errorf("a delay of %v arrives as %v, %v; want %v", tt.delay, got.Delay, err, tt.want)
		}
	}
}

func TestEntryLen(t *testing.T) {
	for _, e := range []Entry{{Complete: true}, {Bitmap: 1}} {
		empty, one := (&Ack{}).Append(nil), (&Ack{Entries: []Entry{e}}).Append(nil)
		if len(empty) != AckHeaderLen || e.Len() != len(one)-len(empty) {
			t.Errorf("%+v: Len %d, but an ack grows from %d bytes to %d", e, e.Len(), len(empty), len(one))
		}
	}
}

// One Ack serves for every ack of a session: nothing of the last is left in it.
func TestAckIsReused(t *testing.T) {
	var a Ack
	for _, v := range slices.Backward(ackVectors()) {
		wire := v.bytes(t)
		if err := a.Parse(wire); err != nil || string(a.Append(nil)) != string(wire) {
			t.Errorf("%s, into a used Ack: %+v, %v", v.name, a, err)
		}
	}
}

// ackOf64 is a usual ack: most of its bursts have arrived whole.
func ackOf64() *Ack {
	a := &Ack{Latest: 1 << 20, Delay: time.Millisecond, Credit: 1 << 24}
	for i := range 64 {
		e := Entry{Channel: Channel(i), Burst: 9, Complete: i%8 != 0}
		if !e.Complete {
			e.Bitmap = 0xfff
		}
		a.Entries = append(a.Entries, e)
	}
	return a
}

func TestAckAllocatesNothing(t *testing.T) {
	a := ackOf64()
	wire := a.Append(nil)
	buf := make([]byte, 0, len(wire))
	for name, f := range map[string]func(){
		"Append":    func() { buf = a.Append(buf[:0]) },
		"Parse":     func() { _ = a.Parse(wire) },
		"NextFrame": func() { _, _, _, _ = NextFrame(wire) },
	} {
		if n := testing.AllocsPerRun(100, f); n != 0 {
			t.Errorf("%s allocates %v times", name, n)
		}
	}
}

func FuzzAck(f *testing.F) { fuzzRoundTrip(f, parseAck, ackVectors()) }

func BenchmarkAckAppend64(b *testing.B) {
	a := ackOf64()
	buf := a.Append(nil)
	for b.Loop() {
		buf = a.Append(buf[:0])
	}
}

func BenchmarkAckParse64(b *testing.B) {
	a := ackOf64()
	wire := a.Append(nil)
	for b.Loop() {
		if err := a.Parse(wire); err != nil {
			b.Fatal(err)
		}
	}
}
