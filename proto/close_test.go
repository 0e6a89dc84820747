package proto

import (
	"strings"
	"testing"
	"unicode/utf8"
)

func parseClose(b []byte) (encoder, error) { m, err := ParseClose(b); return &m, err }

func closeVectors() []vector {
	return []vector{
		{
			name: "without a reason",
			msg:  &Close{Code: CloseDone},
			wire: "03" + // type
				"0000" + // code
				"00", // reason: length
		},
		{
			name: "with a reason",
			msg:  &Close{Code: CloseProtocol, Reason: "ack?"},
			wire: "03" + "0001" + "04" + "61636b3f",
		},
		{
			name: "of an unknown code, with the longest reason",
			msg:  &Close{Code: 0xfedc, Reason: strings.Repeat("x", 255)},
			wire: "03" + "fedc" + "ff" + strings.Repeat("78", 255),
		},
	}
}

func TestClose(t *testing.T) { testVectors(t, parseClose, closeVectors()) }

func TestMalformedClose(t *testing.T) {
	valid := closeVectors()[1].bytes(t)
	testMalformed(t, parseClose, valid, []malformed{
		{"empty", nil},
		{"another type", with(valid, 0, byte(FrameAck))},
		{"reason longer than the frame", with(valid, 3, 5)},
		{"reason shorter than the frame", with(valid, 3, 3)},
	})
}

// A reason is often an error of the system, of any length: what is too long is
// cut, but never through a character.
func TestLongReasonIsCut(t *testing.T) {
	for _, tt := range []struct {
		reason string
		want   int // bytes left
	}{
		{strings.Repeat("x", 255), 255},
		{strings.Repeat("x", 256), 255},
		{strings.Repeat("x", 254) + "\u00e9", 254},
		{strings.Repeat("x", 253) + "\u00e9x", 255},
		{strings.Repeat("x", 252) + "\U0001f4a9", 252},
		{strings.Repeat("\u20ac", 100), 255},
	} {
		c, err := ParseClose((&Close{Reason: tt.reason}).Append(nil))
		if err != nil || len(c.Reason) != tt.want || !utf8.ValidString(c.Reason) || !strings.HasPrefix(tt.reason, c.Reason) {
			t.Errorf("%q was cut to %q (%d bytes), %v; want its first %d bytes", tt.reason, c.Reason, len(c.Reason), err, tt.want)
		}
		m, _, err := NextMessage((&Failed{ID: 1, Reason: tt.reason}).Append(nil))
		if f, ok := m.(*Failed); !ok || f.Reason != c.Reason {
			t.Errorf("a Failed has %+v, %v; a Close has the reason %q", m, err, c.Reason)
		}
	}
	notText := strings.Repeat("\x80", 300)
	if got := len(cutReason(notText)); got < 251 || got > 255 {
		t.Errorf("300 bytes that are not UTF-8 were cut to %d", got)
	}
}

func TestCloseCodeString(t *testing.T) {
	seen := map[string]CloseCode{}
	for c := CloseDone; c <= CloseInternal; c++ {
		s := c.String()
		if other, dup := seen[s]; dup || strings.HasPrefix(s, "code ") {
			t.Errorf("CloseCode %d is called %q, as %d is", c, s, other)
		}
		seen[s] = c
	}
	if got := (CloseInternal + 1).String(); got != "code 7" {
		t.Errorf("an unknown code is called %q, want %q", got, "code 7")
	}
}

func FuzzClose(f *testing.F) { fuzzRoundTrip(f, parseClose, closeVectors()) }
