package proto

import (
	"slices"
	"strings"
	"testing"
)

func parseVersions(b []byte) (encoder, error) { m, err := ParseVersions(b); return &m, err }

func versionsVectors() []vector {
	return []vector{
		{
			name: "one",
			msg:  &Versions{ID: 0x0102030405060708, Versions: []uint16{1}},
			wire: "05" + // kind
				"0102030405060708" + // hello
				"0001", // versions
		},
		{
			name: "sixteen",
			msg:  &Versions{ID: 9, Versions: slices.Repeat([]uint16{0x0a0b}, 16)},
			wire: "05" + "0000000000000009" + strings.Repeat("0a0b", 16),
		},
	}
}

func TestVersions(t *testing.T) {
	one, sixteen := versionsVectors()[0], versionsVectors()[1]
	testVectors(t, parseVersions, []vector{one})

	// Fewer of them are a list too, but not half of one.
	wire := sixteen.bytes(t)
	for n := range len(wire) + 1 {
		m, err := parseVersions(wire[:n:n])
		if n < 11 || n%2 == 0 {
			wantMalformed(t, err, "the first %d bytes of %x", n, wire)
		} else if err != nil || string(m.Append(nil)) != string(wire[:n]) {
			t.Errorf("the first %d bytes of %x: %+v, %v", n, wire, m, err)
		}
	}
}

func TestMalformedVersions(t *testing.T) {
	valid := versionsVectors()[1].bytes(t)
	testMalformed(t, parseVersions, valid, []malformed{
		{"empty", nil},
		{"another kind", with(valid, 0, byte(KindRetry))},
		{"no version", valid[:9]},
		{"seventeen versions", append(slices.Clone(valid), 0, 1)},
		{"half a version", valid[:len(valid)-1]},
	})
}

func FuzzVersions(f *testing.F) { fuzzRoundTrip(f, parseVersions, versionsVectors()) }
