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
