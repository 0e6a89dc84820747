package peer

import (
	"bytes"
	"testing"
	"time"

	"chunkcp/internal/assign"
	"chunkcp/internal/rangeset"
	"chunkcp/proto"
)

// runway is a client session that is sent the bytes of a file by hand, one
// segment in a datagram.
type runway struct {
	*byHand
	c     *clientSession
	t     *testing.T
	data  []byte       // the file
	came  rangeset.Set // what the session has been sent
	burst proto.Burst
}

func newRunway(t *testing.T, size int) *runway {
	l := newLender(t, int64(size))
	c := l.session()
	c.buffers = newBurstBuffers()
	c.gets[7] = newGet(rangeset.Range{End: int64(size)})
	data := make([]byte, size)
	for i := range data {
		data[i] = byte(i ^ i>>8*7)
	}
	h := newTwin(c.session, &wire{}, false, &sink{}, time.Unix(1e9, 0))
	return &runway{byHand: h, c: c, t: t, data: data}
}

// datagram returns the sealed datagram with the bytes r.
func (w *runway) datagram(r rangeset.Range) []byte {
	w.burst = w.burst.Next()
	seg := proto.Segment{Count: 1, Channel: 1, Burst: w.burst, Request: 7, Offset: r.Start, Payload: w.data[r.Start:r.End]}
	pn := w.twin.sender.NextNumber()
	b := w.twin.header(pn).Append(nil)
	return w.twin.sealer.Seal(b, b, seg.Append(nil), uint64(pn))
}

// take has the session handle a datagram, and checks whether it was opened where
// it lies and that no byte that has come is another one after it.
func (w *runway) take(datagram []byte, inPlace bool) {
	w.t.Helper()
	before := bytes.Clone(datagram)
	if err := w.handle(w.now, datagram); err != nil {
		w.t.Fatal(err)
	}
	if moved := !bytes.Equal(before[proto.SealedHeaderLen+proto.SegmentHeaderLen:], datagram[proto.SealedHeaderLen+proto.SegmentHeaderLen:]); moved != inPlace {
		w.t.Errorf("opened where it lay: %v, want %v", moved, inPlace)
	}
	w.check()
}

// send has it handle the bytes r.
func (w *runway) send(r rangeset.Range, inPlace bool) {
	w.t.Helper()
	b := w.datagram(r)
	w.came.Add(r)
	w.take(b, inPlace)
}

// check compares what has come with the file.
func (w *runway) check() {
	w.t.Helper()
	for _, p := range w.c.pieces {
		for _, r := range p.have.Ranges() {
			at := r.Start - p.data.Start
			if !bytes.Equal(p.buf[at:at+r.Len()], w.data[r.Start:r.End]) {
				w.t.Fatalf("the bytes %v are not the file's", r)
			}
		}
		if want := p.data.Intersect(rangeset.Range{End: int64(len(w.data))}).Len() - p.have.Len(); want < 0 {
			w.t.Fatalf("%d bytes too many", -want)
		}
	}
	var have int64
	for _, p := range w.c.pieces {
		have += p.have.Len()
	}
	for len(w.c.fetch.writes) > 0 { // whole
		p := <-w.c.fetch.writes
		if !bytes.Equal(p.buf[:p.data.Len()], w.data[p.data.Start:p.data.End]) {
			w.t.Fatalf("the piece %v is not the file's", p.data)
		}
		w.came.Remove(p.data)
	}
	if want := w.came.Len(); have != want {
		w.t.Fatalf("%d bytes have come, want %d", have, want)
	}
}

func span(start, n int64) rangeset.Range { return rangeset.Range{Start: start, End: start + n} }

// TestSegmentsLandWhereTheyBelong: one that follows the last one is opened into
// its piece, and what lies before it stays as it is.
func TestSegmentsLandWhereTheyBelong(t *testing.T) {
	const n = 1000
	w := newRunway(t, 3*assign.PieceBytes/2)
	w.send(span(0, n), true) // nothing is known
	for i := int64(1); i < 5; i++ {
		w.send(span(i*n, n), false)
	}
	w.send(span(5*n, n/3), false) // shorter than the last: the place is the same
	w.send(span(5*n+n/3, assign.PieceBytes-6*n), false)
	w.send(span(assign.PieceBytes-n+n/3, n), true)      // lies in two pieces
	w.send(span(assign.PieceBytes+n/3, n), false)       // in the second
	w.send(span(assign.PieceBytes+n/3+n, 100*n), false) // longer
}

// TestAGuessThatFails: the next segment is another one, or none.
func TestAGuessThatFails(t *testing.T) {
	const n = 1000
	w := newRunway(t, assign.PieceBytes)
	w.send(span(0, n), true)
	w.send(span(n, n), false)
	w.send(span(5*n, n), true) // opened to where [2n, 3n) belongs, and moved back
	w.send(span(6*n, n), false)
	w.send(span(2*n, n), true) // the guess was [7n, 8n)
	w.send(span(3*n, 2*n), false)
	w.send(span(5*n, n), true) // comes again; behind the last one lies what has come
	w.send(span(7*n, n), true)
}

// TestAGuessThatFailsNearby: the next segment lies over the place that was guessed, in two
// pieces.
func TestAGuessThatFailsNearby(t *testing.T) {
	const end = assign.PieceBytes
	for off := int64(100); off < 1700; off += 100 {
		w := newRunway(t, 2*assign.PieceBytes)
		w.send(span(0, end-2600), true) // begins the first piece
		w.send(span(end-2600, 1000), false)
		w.send(span(end-1600+off, 1400), true)
	}
}

// TestAForgeryLands: nothing that has come changes, and the right one is taken
// after it.
func TestAForgeryLands(t *testing.T) {
	const n = 1000
	w := newRunway(t, assign.PieceBytes)
	w.send(span(0, n), true)
	good := w.datagram(span(n, n))
	for i := range good {
		forged := bytes.Clone(good)
		forged[i] ^= 0x10
		if err := w.handle(w.now, forged); err != nil {
			t.Fatal(err)
		}
		w.check()
	}
	if w.opener.Failed() < n {
		t.Errorf("only %d of the forged ones were looked at", w.opener.Failed())
	}
	w.came.Add(span(n, n))
	w.take(good, false)
	w.take(bytes.Clone(good), false) // a copy is refused before it is opened
}

// TestOtherFramesLand: a datagram that is as long as the next segment may be
// anything.
func TestOtherFramesLand(t *testing.T) {
	const n = 1000
	w := newRunway(t, assign.PieceBytes)
	w.send(span(0, n), true)
	probe := proto.MTUProbe{Size: n}
	frames := probe.Append(nil)
	if err := w.frames(append(frames, make([]byte, n)...)); err != nil {
		t.Fatal(err)
	}
	w.check()
	if len(w.c.conn.(*wire).writes) == 0 {
		t.Error("a probe of the path was not answered")
	}
	w.send(span(n, n), false)
	malformed := proto.Segment{Count: 0, Channel: 1, Burst: 9, Request: 7, Payload: make([]byte, n)}
	if err := w.frames(malformed.Append(nil)); err == nil {
		t.Error("a malformed segment was taken")
	}
	w.check()
}
