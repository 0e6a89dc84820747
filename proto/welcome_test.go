package proto

import (
	"testing"
	"time"
)

// greeting is a handshake's payload: a Welcome and what follows it.
type greeting struct {
	Welcome
	rest string
}

func (g *greeting) Append(dst []byte) []byte { return append(g.Welcome.Append(dst), g.rest...) }

func parseGreeting(b []byte) (encoder, error) {
	w, rest, err := ParseWelcome(b)
	return &greeting{w, string(rest)}, err
}

func welcomeVectors() []vector {
	return []vector{
		{
			name: "of a server",
			msg:  &greeting{Welcome{Session: 0xf1f2f3f4f5f6, Credit: 0x01020304, MaxDatagram: 65507}, ""},
			wire: "f1f2f3f4f5f6" + // session
				"01020304" + // credit
				"ffe3" + // maximum
				"00000000", // rtt
			least: 16,
		},
		{
			name:  "of a client, followed by a Ping",
			msg:   &greeting{Welcome{Credit: 1 << 31, MaxDatagram: 1252, RTT: 50 * time.Millisecond}, "\x04\x00\x00"},
			wire:  "000000000000" + "80000000" + "04e4" + "0000c350" + "040000",
			least: 16,
		},
	}
}

func TestWelcome(t *testing.T) { testVectors(t, parseGreeting, welcomeVectors()) }
func FuzzWelcome(f *testing.F) { fuzzRoundTrip(f, parseGreeting, welcomeVectors()) }
