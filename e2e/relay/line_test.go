package relay

import (
	"net/netip"
	"syscall"
	"testing"
	"time"

	"chunkcp/internal/netsim"
	"chunkcp/internal/udp"
)

// refusing is a socket whose port at the other end is closed.
type refusing struct{ udp.Conn }

func (refusing) Write([]byte, int, netip.AddrPort) error { return syscall.ECONNREFUSED }

// TestRefusedWriteIsCounted, for each datagram of its batch.
func TestRefusedWriteIsCounted(t *testing.T) {
	l := newLine(netsim.Link{}, nil, testSeed)
	to := &outlet{conn: refusing{}}
	l.forward(to, []udp.Message{
		{Buf: make([]byte, 250), N: 250, Segment: 100},
		{Buf: make([]byte, 100), N: 100, Segment: 100},
	})
	if want := (netsim.Counters{Sent: 4, SentBytes: 350, Unreachable: 4}); l.count() != want {
		t.Errorf("counters %+v\nwant %+v", l.count(), want)
	}
}

// TestUnderWayIsBounded: what a link without a rate limit holds is limited by
// its delay alone.
func TestUnderWayIsBounded(t *testing.T) {
	l := newLine(netsim.Link{Delay: time.Hour}, nil, testSeed)
	l.bytes = maxUnderWay - 250 // as if so much were there
	l.forward(&outlet{conn: refusing{}}, []udp.Message{{Buf: make([]byte, 400), N: 400, Segment: 100}})
	if c := l.count(); c.BufferDropped != 2 || len(l.underWay) != 2 {
		t.Errorf("dropped %d, kept %d of 4; room was for 2", c.BufferDropped, len(l.underWay))
	}
}
