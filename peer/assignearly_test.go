package peer

import (
	"slices"
	"testing"
	"time"

	"chunkcp/internal/rangeset"
)

// early is a table for a file of n pieces, of which sessions 1 and 2 have asked for
// four each that are to join, and session 0, which has joined, for the four before.
func early(t *testing.T, n int64) *table {
	a := newAssigner(n*PieceBytes, 3)
	a.reserve(pieces(0, 4))
	a.reserve(pieces(4, 8))
	a.reserve(pieces(8, 12))
	s := &table{a, t, time.Unix(1e9, 0)}
	s.joins(0, pieces(0, 4), min(n, 4))
	return s
}

// joins has a session join and claim r, of which it gets the first n pieces.
func (s *table) joins(id workerID, r rangeset.Range, n int64) {
	s.t.Helper()
	s.join(id, int(id), 0)
	want := rangeset.Range{Start: r.Start, End: r.Start + n*PieceBytes}
	if got := s.claim(s.now, id, r); !slices.Equal(got, []rangeset.Range{want}) || s.workers[id].held != want.Len() {
		s.t.Errorf("session %d claimed %v and got %v, which is %d bytes", id, r, got, s.workers[id].held)
	}
}

// knows has a session's rate be known well.
func (s *table) knows(id workerID, rate float64) {
	for range firstSamples {
		s.measured(id, rate, time.Millisecond, 0)
	}
}

// TestWhatIsAskedForEarlyIsLeft to those who have asked, until they take it or
// will not.
func TestWhatIsAskedForEarlyIsLeft(t *testing.T) {
	s := early(t, 100)
	s.knows(0, 10*mb)
	s.gets(0, assignment{data: pieces(12, 17), victim: nobody})
	s.joins(2, pieces(8, 12), 4)
	s.unreserve(pieces(4, 8))
	s.knows(2, 10*mb)
	s.gets(2, assignment{data: pieces(4, 8), victim: nobody})
	if got := s.reserved.Ranges(); len(got) > 0 {
		t.Errorf("%v is reserved", got)
	}
}

// TestALateOneIsNotWaitedForLong: as long as for those who are expected.
func TestALateOneIsNotWaitedForLong(t *testing.T) {
	s := early(t, 100)
	s.knows(0, 1*mb)
	s.received(0, pieces(0, 4))
	s.gets(0, assignment{data: pieces(12, 13), victim: nobody})
	s.received(0, pieces(12, 13))
	s.now = s.now.Add(patience - 1)
	s.gets(0, assignment{data: pieces(13, 14), victim: nobody})
	s.received(0, pieces(13, 14))
	s.now = s.now.Add(1)
	s.gets(0, assignment{data: pieces(4, 5), victim: nobody})
	s.joins(2, pieces(8, 12), 4) // it may come yet
}

// TestNobodyIdlesForWhatIsAskedForEarly: where nothing else is left, a session
// gets of it by the time that it runs dry, from the end on; whose it was get the
// rest.
func TestNobodyIdlesForWhatIsAskedForEarly(t *testing.T) {
	s := early(t, 12)
	s.knows(0, 12*mb)
	s.getsNothing(0)
	s.received(0, pieces(0, 3))
	s.gets(0, assignment{data: pieces(10, 12), victim: nobody}) // its third
	s.joins(2, pieces(8, 12), 2)
	s.joins(1, pieces(4, 8), 3) // the fourth would come later from it than from session 0
	s.unreserve(pieces(4, 8))
	if s.freeBytes != PieceBytes || len(s.reserved.Ranges()) > 0 {
		t.Errorf("%d bytes are free, %v is reserved", s.freeBytes, s.reserved.Ranges())
	}
}

// TestInOrderTheFirstIsTaken of what is asked for early, where the window has
// nothing else.
func TestInOrderTheFirstIsTaken(t *testing.T) {
	s := early(t, 100)
	s.window(14 * PieceBytes)
	s.knows(0, 10*mb)
	s.received(0, pieces(0, 4))
	s.gets(0, assignment{data: pieces(12, 14), victim: nobody})
	s.getsNothing(0)
	s.received(0, pieces(12, 14))
	s.gets(0, assignment{data: pieces(4, 6), victim: nobody})
}

// TestWhatIsThereIsNotReserved: neither what lies past the end, nor what has
// come, nor what others hold.
func TestWhatIsThereIsNotReserved(t *testing.T) {
	a := newAssigner(6*PieceBytes+1, 3)
	a.have(pieces(1, 2))
	a.join(0, 0, 0)
	a.lease(0, pieces(5, 6))
	a.reserve(pieces(0, 4))
	a.reserve(pieces(4, 8))
	a.reserve(pieces(8, 12))
	a.have(pieces(3, 4))
	want := []rangeset.Range{pieces(0, 1), pieces(2, 3), pieces(4, 5), {Start: 6 * PieceBytes, End: a.size}}
	if got := a.reserved.Ranges(); !slices.Equal(got, want) || a.reservedPieces() != 4 || a.freePieces() != 4 {
		t.Errorf("%v is reserved, want %v; %d pieces of %d", got, want, a.reservedPieces(), a.freePieces())
	}
	if got := a.claim(time.Unix(1e9, 0), 7, pieces(0, 4)); got != nil {
		t.Errorf("one that is not there got %v", got)
	}
}
