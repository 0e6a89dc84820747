package proto

import "testing"

func TestBurstNewer(t *testing.T) {
	for _, tt := range []struct {
		b, o Burst
		want bool
	}{
		{0, 0, false},
		{1, 0, true},
		{0, 1, false},
		{0, 4095, true}, // past the wrap
		{4095, 0, false},
		{5, 4090, true},
		{4090, 5, false},
		{2047, 0, true}, // as far ahead as can be told
		{0, 2047, false},
		{2048, 0, false}, // half way round neither is newer (RFC 1982 section 3.2)
		{0, 2048, false},
		{0, 2049, true},
		{2049, 0, false},
	} {
		if got := tt.b.Newer(tt.o); got != tt.want {
			t.Errorf("Burst(%d).Newer(%d) = %t, want %t", tt.b, tt.o, got, tt.want)
		}
	}
}

func TestBurstNext(t *testing.T) {
	for _, tt := range [][2]Burst{{0, 1}, {4094, 4095}, {4095, 0}} {
		if got := tt[0].Next(); got != tt[1] || !got.Newer(tt[0]) {
			t.Errorf("Burst(%d).Next() = %d, newer: %v; want %d", tt[0], got, got.Newer(tt[0]), tt[1])
		}
	}
}

func TestExpand(t *testing.T) {
	for _, tt := range []struct{ low, next, want PacketNumber }{
		{0, 0, 0},
		{7, 0, 7},
		{0xffffff, 1, 0xffffff}, // nearest to 1 would be -1
		{0x9b32, 0xa8_30eb, 0x100_9b32},
		{0, 0xffffff, 1 << 24},
		{0xffffff, 1 << 24, 0xffffff}, // overtaken
		{5, 3<<24 - 1, 3<<24 + 5},
		{0x7fffff, 3 << 24, 3<<24 + 0x7fffff},                 // as far ahead as can be told
		{0x800000, 3 << 24, 2<<24 + 0x800000},                 // or behind
		{0x123456_789abc, 3<<40 | 0x789abb, 3<<40 | 0x789abc}, // what is above the low bits says nothing
	} {
		if got := tt.low.Expand(tt.next); got != tt.want {
			t.Errorf("PacketNumber(%#x).Expand(%#x) = %#x, want %#x", uint64(tt.low), uint64(tt.next), uint64(got), uint64(tt.want))
		}
	}
}
