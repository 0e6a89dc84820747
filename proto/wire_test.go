package proto

import "testing"

// What a length or a count claims costs nothing until the bytes are there.
func TestClaimsAllocateNothing(t *testing.T) {
	hello := (&Hello{Version: Version}).Append(nil)
	hello[16], hello[17] = 0xff, 0xff // the length of its Noise message
	ack := with((&Ack{}).Append(nil), 1, MaxEntries)
	for name, parse := range map[string]func(){
		"Hello with Noise of 65535 bytes":    func() { _, _ = ParseHello(hello) },
		"Ack of 255 entries":                 func() { _ = new(Ack).Parse(ack) },
		"ack frame of 255 entries":           func() { _, _, _, _ = NextFrame(ack) },
		"Close with a reason of 255 bytes":   func() { _, _ = ParseClose([]byte{3, 0, 0, 255}) },
		"extension frame of 65535 bytes":     func() { _, _, _, _ = NextFrame([]byte{0x80, 0xff, 0xff}) },
		"extension message of 65535 bytes":   func() { _, _, _ = NextMessage([]byte{0x80, 0xff, 0xff}) },
		"Open of 4100 bytes, yet to come":    func() { _, _, _ = NextMessage([]byte{1, 0x10, 0x04}) },
		"Open of 65535 bytes, refused first": func() { _, _, _ = NextMessage([]byte{1, 0xff, 0xff}) },
	} {
		if n := testing.AllocsPerRun(100, parse); n != 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
}

// An ack's entries are 4 bytes or more on the wire and 16 in memory: room for
// them is made at once, not by growing to twice the size again and again.
func TestFreshAckMakesRoomAtOnce(t *testing.T) {
	wire := ackVectors()[2].bytes(t)
	n := testing.AllocsPerRun(100, func() {
		var a Ack
		if err := a.Parse(wire); err != nil {
			t.Error(err)
		}
	})
	if n > 2 { // 1, and 1 more in slices.Grow when instrumented by -race
		t.Errorf("an ack of %d entries: %v allocations", MaxEntries, n)
	}
}
