package proto

import (
	"bytes"
	"strings"
	"testing"
)

func parseKEMKey(b []byte) (encoder, error)  { m, err := ParseKEMKey(b); return &m, err }
func parseKEMText(b []byte) (encoder, error) { m, err := ParseKEMText(b); return &m, err }

func kemKeyVectors() []vector {
	return []vector{{
		name: "a key",
		msg:  &KEMKey{Key: bytes.Repeat([]byte{0x01, 0x23, 0x45, 0x67}, 296)},
		wire: "06" + // type
			strings.Repeat("01234567", 296), // key
	}}
}

func kemTextVectors() []vector {
	return []vector{{
		name: "a text",
		msg:  &KEMText{Text: bytes.Repeat([]byte{0x89, 0xab, 0xcd, 0xef}, 272)},
		wire: "07" + strings.Repeat("89abcdef", 272),
	}}
}

func TestKEMKey(t *testing.T)  { testVectors(t, parseKEMKey, kemKeyVectors()) }
func TestKEMText(t *testing.T) { testVectors(t, parseKEMText, kemTextVectors()) }

func TestMalformedKEM(t *testing.T) {
	valid := kemKeyVectors()[0].bytes(t)
	testMalformed(t, parseKEMKey, valid, []malformed{
		{"empty", nil},
		{"a text", with(valid, 0, byte(FrameKEMText))},
		{"as short as a text", valid[:1+KEMTextLen]},
	})
	valid = kemTextVectors()[0].bytes(t)
	testMalformed(t, parseKEMText, valid, []malformed{
		{"empty", nil},
		{"a key", with(valid, 0, byte(FrameKEMKey))},
	})
}

// A path that carries the base datagram of an IPv6 packet of 1,280 bytes (RFC
// 8200, section 5) carries the exchange.
func TestKEMFitsIntoABaseDatagram(t *testing.T) {
	const base = 1280 - 40 - 8
	if n := SealedHeaderLen + 1 + KEMKeyLen + tagLen; n > base {
		t.Errorf("a sealed KEM key takes %d bytes, more than %d", n, base)
	}
}

func FuzzKEMKey(f *testing.F)  { fuzzRoundTrip(f, parseKEMKey, kemKeyVectors()) }
func FuzzKEMText(f *testing.F) { fuzzRoundTrip(f, parseKEMText, kemTextVectors()) }
