package peer

import (
	"testing"

	"chunkcp/proto"
)

// TestNumbersBeyondTheirHeader: a header has the low 24 bits of a packet number,
// and a session goes on when those come round, overtaken datagrams and all.
func TestNumbersBeyondTheirHeader(t *testing.T) {
	p := newPair()
	seal := func(pn proto.PacketNumber) []byte {
		h := p.server.header(pn).Append(nil)
		padding := []byte{byte(proto.FramePadding)}
		return append(h, p.server.sealer.Seal(nil, h, padding, uint64(pn))...)
	}
	const round = 1 << 24
	late := seal(round - 2)
	numbers := []proto.PacketNumber{round - 1, round, round + 40_000, 3 * round / 2, 2*round - 5, 2*round + 5}
	for i, pn := range numbers {
		taken := p.client.datagrams
		for _, b := range [][]byte{seal(pn), late} {
			if err := p.client.handle(p.now, b); err != nil {
				t.Fatal(err)
			}
		}
		if got := p.client.opener.Highest(); got != uint64(pn) {
			t.Fatalf("number %#x: the highest is %#x", pn, got)
		}
		want := taken + 1
		if i == 0 {
			want++ // the late one, for the only time
		}
		if p.client.datagrams != want {
			t.Fatalf("number %#x: %d datagrams were taken, want %d", pn, p.client.datagrams, want)
		}
	}
}
