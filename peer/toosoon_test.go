package peer

import (
	"slices"
	"testing"
	"time"

	"chunkcp/internal/assign"
	"chunkcp/internal/netsim"
	"chunkcp/internal/rangeset"
	"chunkcp/proto"
)

// TestWhatASessionBeginsWithIsLost, one datagram after another, in either direction:
// after the first message and its answer, which nothing is known before, that costs a
// round trip at most.
func TestWhatASessionBeginsWithIsLost(t *testing.T) {
	heavy(t)
	const rtt = 100 * time.Millisecond
	link := netsim.Link{Rate: 12_500_000, Delay: rtt / 2, MTU: 1500}
	fetch := func(lose func(w *world)) (took time.Duration) {
		inWorld(t, 1, 1, 8<<20, link, func(w *world) {
			lose(w)
			_, took = w.fetch(w.options())
		})
		return took
	}
	clean := fetch(func(*world) {})
	for n := uint64(2); n <= 12; n++ {
		down := fetch(func(w *world) { w.net.Lose(w.servers[0].addr.Addr(), w.client.Addr(), n) })
		up := fetch(func(w *world) { w.net.Lose(w.client.Addr(), w.servers[0].addr.Addr(), n) })
		t.Logf("datagram %d lost: %v later from the server, %v to it", n, down-clean, up-clean)
		if most := clean + rtt; down > most || up > most {
			t.Errorf("without datagram %d of the server it took %v, without that of the client %v, else %v", n, down, up, clean)
		}
	}
}

// early returns a segment of the first request, with payload bytes from offset on.
func early(offset, payload int64) *proto.Segment {
	return &proto.Segment{Request: clientFile + 1, Channel: 1, Count: 1, Offset: offset, Payload: make([]byte, payload)}
}

// takes hands a session a segment as its loop does, and reports whether it had room.
func (c *clientSession) takes(seg *proto.Segment) bool {
	if !c.room(seg) {
		return false
	}
	c.place(seg)
	for i := range seg.Payload {
		seg.Payload[i] = 0xff // the buffer is used again
	}
	return true
}

// come returns what has come to a session of pieces that are not complete.
func (c *clientSession) come() (out []rangeset.Range) {
	for _, p := range c.pieces {
		for _, r := range p.have.Ranges() {
			out = append(out, r)
			if slices.Contains(p.bytes(r), 0xff) {
				panic("the bytes are not those that came")
			}
		}
	}
	return out
}

// TestBytesBeforeTheSize are placed when it is known.
func TestBytesBeforeTheSize(t *testing.T) {
	b := bare(t, 40<<20, 1)
	c := b.asks(0, pieces(0, 4))
	for _, at := range []int64{3000, 0, 1000} {
		if !c.takes(early(at, 1000)) {
			t.Fatal("no room")
		}
	}
	if err := c.answers(40 << 20); err != nil {
		t.Fatal(err)
	}
	if got, want := c.come(), []rangeset.Range{{Start: 0, End: 2000}, {Start: 3000, End: 4000}}; !slices.Equal(got, want) {
		t.Errorf("%v has come, want %v", got, want)
	}
	if c.unsized.waiting != nil || c.unsized.bytes != 0 {
		t.Errorf("%d bytes are still kept", c.unsized.bytes)
	}
}

// TestBytesBeforeTheSizeAreBounded, and none are kept that were not asked for.
func TestBytesBeforeTheSizeAreBounded(t *testing.T) {
	b := bare(t, 40<<20, 2)
	c := b.asks(0, pieces(0, 4))
	n := int64(0)
	for ; n <= maxTooSoon/tooSoonOverhead && c.takes(early(n, 1)); n++ {
	}
	if n != maxTooSoon/(tooSoonOverhead+1) {
		t.Errorf("%d segments of one byte were kept", n)
	}
	if uninvited := b.session(1); uninvited.takes(early(0, 1000)) {
		t.Error("a segment of no request was kept")
	}
}

// TestNoMemoryForBytesBeforeTheSize: they have been acknowledged, and wait for some.
func TestNoMemoryForBytesBeforeTheSize(t *testing.T) {
	b := bare(t, 40<<20, 1)
	c := b.asks(0, pieces(0, 4))
	c.takes(early(0, 1000))
	c.takes(early(2*assign.PieceBytes, 1000))
	b.pool.limit = 1
	if err := c.answers(40 << 20); err != nil {
		t.Fatal(err)
	}
	if got := c.come(); !slices.Equal(got, []rangeset.Range{{Start: 0, End: 1000}}) {
		t.Errorf("%v has come", got)
	}
	b.pool.limit = 2
	c.placeUnsized()
	if got := c.come(); len(got) != 2 {
		t.Errorf("%v has come", got)
	}
}

// TestDatagramsBeforeTheKeysAreBounded.
func TestDatagramsBeforeTheKeysAreBounded(t *testing.T) {
	var s session
	for range 2 * maxTooSoon / 1000 {
		s.keepUnopened(make([]byte, 1000))
	}
	if n := len(s.unopened.waiting); n != maxTooSoon/(1000+tooSoonOverhead) {
		t.Errorf("%d datagrams are kept", n)
	}
}
