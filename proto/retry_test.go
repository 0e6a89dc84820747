package proto

import (
	"bytes"
	"slices"
	"strings"
	"testing"
)

func parseRetry(b []byte) (encoder, error) { m, err := ParseRetry(b); return &m, err }

func retryVectors() []vector {
	return []vector{
		{
			name: "short",
			msg:  &Retry{ID: 0x0102030405060708, Cookie: []byte{0xc1, 0xc2, 0xc3}},
			wire: "04" + // kind
				"0102030405060708" + // hello
				"c1c2c3", // cookie
			least: 10,
		},
		{
			name: "longest",
			msg:  &Retry{ID: 9, Cookie: bytes.Repeat([]byte{0xc0}, 64)},
			wire: "04" + "0000000000000009" + strings.Repeat("c0", 64),
		},
	}
}

func TestRetry(t *testing.T) {
	short, longest := retryVectors()[0], retryVectors()[1]
	testVectors(t, parseRetry, []vector{short})

	// Every shorter cookie is one too, down to a byte.
	wire := longest.bytes(t)
	for n := range len(wire) + 1 {
		m, err := parseRetry(wire[:n:n])
		if n < 10 {
			wantMalformed(t, err, "the first %d bytes of %x", n, wire)
		} else if err != nil || string(m.Append(nil)) != string(wire[:n]) {
			t.Errorf("the first %d bytes of %x: %+v, %v", n, wire, m, err)
		}
	}
}

func TestMalformedRetry(t *testing.T) {
	valid := retryVectors()[1].bytes(t)
	testMalformed(t, parseRetry, valid, []malformed{
		{"empty", nil},
		{"another kind", with(valid, 0, byte(KindVersions))},
		{"half an id", valid[:5]},
		{"no cookie", valid[:9]},
		{"a cookie of 65 bytes", append(slices.Clone(valid), 0)},
	})
}

// A server answers a Hello with no more bytes than that had.
func TestARetryIsShorterThanAnyHello(t *testing.T) {
	r := Retry{Cookie: make([]byte, MaxCookie)}
	if n := len(r.Append(nil)); n >= MinHello {
		t.Errorf("a Retry of %d bytes, for a Hello of %d", n, MinHello)
	}
}

func FuzzRetry(f *testing.F) { fuzzRoundTrip(f, parseRetry, retryVectors()) }
