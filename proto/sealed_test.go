package proto

import (
	"slices"
	"strings"
	"testing"
)

// sealed is a sealed datagram with a body that nothing here can open.
type sealed struct {
	SealedHeader
	body string
}

func (s *sealed) Append(dst []byte) []byte { return append(s.SealedHeader.Append(dst), s.body...) }

func parseSealed(b []byte) (encoder, error) {
	h, _, body, err := ParseSealed(b)
	return &sealed{h, string(body)}, err
}

func sealedVectors() []vector {
	return []vector{
		{
			name: "of a client",
			msg:  &sealed{SealedHeader{KindClientSealed, 0xe, 0xf1f2f3f4f5f6, 0x060708}, "frame" + strings.Repeat("T", 16)},
			wire: "2e" + // kind, phase
				"f1f2f3f4f5f6" + // session
				"060708" + // number
				"6672616d65" + // frames
				strings.Repeat("54", 16), // tag
			least: 26,
		},
		{
			name: "of a server, no frames",
			msg:  &sealed{SealedHeader{KindServerSealed, 0, 1, 0xffffff}, strings.Repeat("T", 16)},
			wire: "30" + "000000000001" + "ffffff" +
				strings.Repeat("54", 16),
			least: 26,
		},
	}
}

func TestSealed(t *testing.T) { testVectors(t, parseSealed, sealedVectors()) }

func TestMalformedSealed(t *testing.T) {
	valid := sealedVectors()[0].bytes(t)
	rows := []malformed{{"empty", nil}, {"header only", valid[:10]}, {"tag cut short", valid[:25]}}
	for kind := range 256 {
		if kind>>4 != 2 && kind>>4 != 3 {
			rows = append(rows, malformed{"another kind", with(valid, 0, byte(kind))})
		}
	}
	testMalformed(t, parseSealed, valid, rows)
}

// The header that ParseSealed returns goes to the AEAD as additional data while
// the body is opened in place: it is the bytes as they came, and appending to
// it does not reach the body.
func TestSealedHeaderIsAdditionalData(t *testing.T) {
	b := sealedVectors()[0].bytes(t)
	whole := slices.Clone(b)
	_, header, _, err := ParseSealed(b)
	if err != nil || string(header) != string(whole[:SealedHeaderLen]) {
		t.Fatalf("header %x, %v; want %x", header, err, whole[:SealedHeaderLen])
	}
	if _ = append(header, 0xee); string(b) != string(whole) {
		t.Errorf("appending to the header changed the body: %x", b)
	}
}

func FuzzSealed(f *testing.F) { fuzzRoundTrip(f, parseSealed, sealedVectors()) }
