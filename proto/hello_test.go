package proto

import (
	"bytes"
	"slices"
	"strings"
	"testing"
)

func parseHello(b []byte) (encoder, error)      { m, err := ParseHello(b); return &m, err }
func parseHelloReply(b []byte) (encoder, error) { m, err := ParseHelloReply(b); return &m, err }
func parseFinish(b []byte) (encoder, error)     { m, err := ParseFinish(b); return &m, err }

func helloVectors() []vector {
	return []vector{
		{
			name: "padded",
			msg:  &Hello{Version: Version, ID: 0x0102030405060708, Cookie: []byte{}, Noise: []byte{0xaa, 0xbb, 0xcc}},
			wire: "01" + // kind
				"636b6370" + // magic
				"0003" + // version
				"0102030405060708" + // hello
				"00" + // cookie: length
				"0003" + "aabbcc" + // noise
				strings.Repeat("00", 1200-21), // padding
		},
		{
			name: "with a cookie",
			msg:  &Hello{Version: Version, ID: 9, Cookie: bytes.Repeat([]byte{0xc0}, 64), Noise: []byte{0xaa}},
			wire: "01" + "636b6370" + "0003" + "0000000000000009" +
				"40" + strings.Repeat("c0", 64) + // cookie, the longest
				"0001" + "aa" + // noise
				strings.Repeat("00", 1200-83),
		},
		{
			name: "exactly full",
			msg:  &Hello{Version: Version, ID: 9, Cookie: []byte{}, Noise: bytes.Repeat([]byte{0xaa}, 1182)},
			wire: "01" + "636b6370" + "0003" + "0000000000000009" + "00" +
				"049e" + strings.Repeat("aa", 1182),
		},
		{
			name: "longer than any padding",
			msg:  &Hello{Version: Version, ID: 9, Cookie: []byte{}, Noise: bytes.Repeat([]byte{0xaa}, 1300)},
			wire: "01" + "636b6370" + "0003" + "0000000000000009" + "00" +
				"0514" + strings.Repeat("aa", 1300),
		},
	}
}

func helloReplyVectors() []vector {
	return []vector{{
		name: "reply",
		msg:  &HelloReply{Version: Version, ID: 0x0102030405060708, Noise: []byte{0xaa, 0xbb}},
		wire: "02" + // kind
			"0003" + // version
			"0102030405060708" + // hello
			"aabb", // noise
		least: 11,
	}}
}

func finishVectors() []vector {
	return []vector{{
		name: "finish",
		msg:  &Finish{Session: 0xf1f2f3f4f5f6, Noise: []byte{0xaa, 0xbb}},
		wire: "03" + // kind
			"f1f2f3f4f5f6" + // session
			"aabb", // noise
		least: 7,
	}}
}

func TestHello(t *testing.T)      { testVectors(t, parseHello, helloVectors()) }
func TestHelloReply(t *testing.T) { testVectors(t, parseHelloReply, helloReplyVectors()) }
func TestFinish(t *testing.T)     { testVectors(t, parseFinish, finishVectors()) }

func TestMalformedHello(t *testing.T) {
	valid := (&Hello{Version: Version, ID: 9, Cookie: make([]byte, 64), Noise: []byte{0xaa}}).Append(nil)
	long := (&Hello{Version: Version, ID: 9, Noise: make([]byte, 1300)}).Append(nil)
	const cookie, noise, padding = 15, 80, 83
	testMalformed(t, parseHello, valid, []malformed{
		{"empty", nil},
		{"another kind", with(valid, 0, byte(KindHelloReply))},
		{"bad magic", with(valid, 1, []byte("ckcq")...)},
		{"short", valid[:MinHello-1]},
		{"cookie too long", with(valid, cookie, 65)},
		{"noise longer than the datagram", with(valid, noise, 0xff, 0xff)},
		{"noise one byte longer than the datagram", with(valid, noise, 0x04, 0x5f)},
		{"first byte of the padding not zero", with(valid, padding, 1)},
		{"last byte of the padding not zero", with(valid, MinHello-1, 1)},
		{"padded beyond need", append(slices.Clone(valid), 0)},
		{"padded where there is no need", append(slices.Clone(long), 0)},
		{"of another version and short", with(valid, 5, 0, 2)[:MinHello-1]},
		{"of another version and bad magic", with(with(valid, 5, 0, 2), 1, 'C')},
	})
}

func TestMalformedHelloReply(t *testing.T) {
	valid := (&HelloReply{Version: Version, ID: 9}).Append(nil)
	testMalformed(t, parseHelloReply, valid, []malformed{
		{"empty", nil},
		{"another kind", with(valid, 0, byte(KindHello))},
		{"short", valid[:10]},
	})
}

func TestMalformedFinish(t *testing.T) {
	valid := (&Finish{Session: 9}).Append(nil)
	testMalformed(t, parseFinish, valid, []malformed{
		{"empty", nil},
		{"another kind", with(valid, 0, byte(KindClientSealed))},
		{"short", valid[:6]},
	})
}

// A server must be able to answer a Hello of any version with Versions, so of
// one that it does not speak nothing is read that a later version may change.
func TestHelloOfAnotherVersion(t *testing.T) {
	for _, version := range []uint16{0, 1, 2, 4, 0xffff} {
		b := (&Hello{Version: version, ID: 7}).Append(nil)
		for i := 15; i < len(b); i++ {
			b[i] = 0xff
		}
		for _, b := range [][]byte{b, append(b, 0xff)} {
			h, err := ParseHello(b)
			if err != nil || h.Version != version || h.ID != 7 || h.Cookie != nil || h.Noise != nil {
				t.Errorf("version %d, %d bytes: %+v, %v; want version and id only", version, len(b), h, err)
			}
		}
	}
}

func TestPrologueIsWhatEveryHelloHas(t *testing.T) {
	h := Hello{Version: Version, ID: 0x0102030405060708, Cookie: []byte{1}, Noise: []byte{2}}
	if got, want := h.Prologue(), h.Append(nil)[1:15]; !bytes.Equal(got, want) {
		t.Errorf("prologue %x, want %x", got, want)
	}
}

// helloAndRest is a Hello of another version, with the bytes that only a parser
// of that version reads.
type helloAndRest struct {
	Hello
	rest string
}

func (h *helloAndRest) Append(dst []byte) []byte {
	return append(append(dst, h.Hello.Append(nil)[:15]...), h.rest...)
}

func FuzzHello(f *testing.F) {
	f.Add((&Hello{Version: Version + 1, ID: 7}).Append(nil))
	fuzzRoundTrip(f, func(b []byte) (encoder, error) {
		h, err := ParseHello(b)
		if err == nil && h.Version != Version {
			return &helloAndRest{h, string(b[15:])}, nil
		}
		return &h, err
	}, helloVectors())
}

func FuzzHelloReply(f *testing.F) { fuzzRoundTrip(f, parseHelloReply, helloReplyVectors()) }
func FuzzFinish(f *testing.F)     { fuzzRoundTrip(f, parseFinish, finishVectors()) }
