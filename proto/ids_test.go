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
		{0, 65535, true}, // past the wrap
		{65535, 0, false},
		{5, 65530, true},
		{65530, 5, false},
		{32767, 0, true}, // as far ahead as can be told
		{0, 32767, false},
		{32768, 0, false}, // half way round neither is newer (RFC 1982 section 3.2)
		{0, 32768, false},
		{0, 32769, true},
		{32769, 0, false},
	} {
		if got := tt.b.Newer(tt.o); got != tt.want {
			t.Errorf("Burst(%d).Newer(%d) = %t, want %t", tt.b, tt.o, got, tt.want)
		}
	}
}

func TestExpand(t *testing.T) {
	for _, tt := range []struct{ low, next, want PacketNumber }{
		{0, 0, 0},
		{7, 0, 7},
		{0xffffffff, 1, 0xffffffff}, // nearest to 1 would be -1
		{0x9b32, 0xa82f_30eb, 0x1_0000_9b32},
		{0, 0xffffffff, 1 << 32},
		{0xffffffff, 1 << 32, 0xffffffff}, // overtaken
		{5, 3<<32 - 1, 3<<32 + 5},
		{0x7fffffff, 3 << 32, 3<<32 + 0x7fffffff}, // as far ahead as can be told
		{0x80000000, 3 << 32, 2<<32 + 0x80000000}, // or behind
	} {
		if got := tt.low.Expand(tt.next); got != tt.want {
			t.Errorf("PacketNumber(%#x).Expand(%#x) = %#x, want %#x", uint64(tt.low), uint64(tt.next), uint64(got), uint64(tt.want))
		}
	}
}
