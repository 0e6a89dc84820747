package assign

import (
	"slices"
	"testing"
	"time"

	"chunkcp/internal/rangeset"
)

// early is a table for a file of n pieces, of which sessions 1 and 2 have asked for
// four each that are to join, and session 0, which has joined, for the four before.
func early(t *testing.T, n int64) *table {
	a := New(n*PieceBytes, 3)
	a.Reserve(pieces(0, 4))
	a.Reserve(pieces(4, 8))
	a.Reserve(pieces(8, 12))
	s := &table{a, t, tableTime}
	s.joins(0, pieces(0, 4), min(n, 4))
	return s
}

// joins has a session join and claim r, of which it gets the first n pieces.
func (s *table) joins(id SessionID, r rangeset.Range, n int64) {
	s.t.Helper()
	s.Join(id, int(id), 0)
	want := rangeset.Range{Start: r.Start, End: r.Start + n*PieceBytes}
	if got := s.Claim(s.now, id, r); !slices.Equal(got, []rangeset.Range{want}) || s.workers[id].held != want.Len() {
		s.t.Errorf("session %d claimed %v and got %v, which is %d bytes", id, r, got, s.workers[id].held)
	}
}

// knows has a session's rate be known well.
func (s *table) knows(id SessionID, rate float64) {
	for range firstSamples {
		s.Measured(s.now, id, rate, time.Millisecond, 0)
	}
}

// TestWhatIsAskedForEarlyIsLeft to those who have asked, until they take it or
// will not.
func TestWhatIsAskedForEarlyIsLeft(t *testing.T) {
	s := early(t, 100)
	s.knows(0, 10*mb)
	s.gets(0, Work{Data: pieces(12, 17), Victim: Nobody})
	s.joins(2, pieces(8, 12), 4)
	s.Unreserve(pieces(4, 8))
	s.knows(2, 10*mb)
	s.gets(2, Work{Data: pieces(4, 8), Victim: Nobody})
	if got := s.reserved.Ranges(); len(got) > 0 {
		t.Errorf("%v is reserved", got)
	}
}

// TestALateOneIsNotWaitedForLong: as long as for those who are expected.
func TestALateOneIsNotWaitedForLong(t *testing.T) {
	s := early(t, 100)
	s.knows(0, 1*mb)
	s.Received(0, pieces(0, 4))
	s.gets(0, Work{Data: pieces(12, 13), Victim: Nobody})
	s.Received(0, pieces(12, 13))
	s.now = s.now.Add(Patience - 1)
	s.gets(0, Work{Data: pieces(13, 14), Victim: Nobody})
	s.Received(0, pieces(13, 14))
	s.now = s.now.Add(1)
	s.gets(0, Work{Data: pieces(4, 5), Victim: Nobody})
	s.joins(2, pieces(8, 12), 4) // it may come yet
}

// TestNobodyIdlesForWhatIsAskedForEarly: where nothing else is left, a session
// gets of it by the time that it runs dry, from the end on; whose it was get the
// rest.
func TestNobodyIdlesForWhatIsAskedForEarly(t *testing.T) {
	s := early(t, 12)
	s.knows(0, 12*mb)
	s.getsNothing(0)
	s.Received(0, pieces(0, 3))
	s.gets(0, Work{Data: pieces(10, 12), Victim: Nobody}) // its third
	s.joins(2, pieces(8, 12), 2)
	s.joins(1, pieces(4, 8), 3) // the fourth would come later from it than from session 0
	s.Unreserve(pieces(4, 8))
	if s.freeBytes != PieceBytes || len(s.reserved.Ranges()) > 0 {
		t.Errorf("%d bytes are free, %v is reserved", s.freeBytes, s.reserved.Ranges())
	}
}

// TestInOrderTheFirstIsTaken of what is asked for early, where the window has
// nothing else.
func TestInOrderTheFirstIsTaken(t *testing.T) {
	s := early(t, 100)
	s.Window(14 * PieceBytes)
	s.knows(0, 10*mb)
	s.Received(0, pieces(0, 4))
	s.gets(0, Work{Data: pieces(12, 14), Victim: Nobody})
	s.getsNothing(0)
	s.Received(0, pieces(12, 14))
	s.gets(0, Work{Data: pieces(4, 6), Victim: Nobody})
}

// TestWhatIsThereIsNotReserved: neither what lies past the end, nor what has
// come, nor what others hold.
func TestWhatIsThereIsNotReserved(t *testing.T) {
	a := New(6*PieceBytes+1, 3)
	a.Have(pieces(1, 2))
	a.Join(0, 0, 0)
	a.lease(0, pieces(5, 6))
	a.Reserve(pieces(0, 4))
	a.Reserve(pieces(4, 8))
	a.Reserve(pieces(8, 12))
	a.Have(pieces(3, 4))
	want := []rangeset.Range{pieces(0, 1), pieces(2, 3), pieces(4, 5), {Start: 6 * PieceBytes, End: a.size}}
	if got := a.reserved.Ranges(); !slices.Equal(got, want) || a.reservedPieces() != 4 || a.freePieces() != 4 {
		t.Errorf("%v is reserved, want %v; %d pieces of %d", got, want, a.reservedPieces(), a.freePieces())
	}
	if got := a.Claim(tableTime, 7, pieces(0, 4)); got != nil {
		t.Errorf("one that is not there got %v", got)
	}
}

// TestSessionsOfOnePeerAreNotWaitedFor: they share its path. A short file is begun by the
// first session with each peer, as if it were the only one; the second finds what is left.
func TestSessionsOfOnePeerAreNotWaitedFor(t *testing.T) {
	s := &table{New(8*PieceBytes, 1), t, tableTime}
	s.joins(0, pieces(0, 4), 4)
	s.Join(1, 0, 0)
	s.gets(1, Work{Data: pieces(4, 8), Victim: Nobody})

	s = &table{New(8*PieceBytes, 2), t, tableTime}
	s.joins(0, pieces(0, 4), 4)
	s.getsNothing(0) // the other half is for the other peer's
	s.Join(2, 0, 0)
	s.Next(s.now, 2)
	if s.absent != 1 {
		t.Errorf("%d peers are waited for, with two sessions of one of two there", s.absent)
	}
}

// TestOfAPieceInPartsNothingIsReserved: what is left of it would be leased apart from the part
// that comes back, and a piece that was wrong once counts only whole.
func TestOfAPieceInPartsNothingIsReserved(t *testing.T) {
	a := New(3*PieceBytes, 2)
	a.Join(0, 0, 0)
	a.Reserve(pieces(0, 3))
	if !a.Reclaim(0, []rangeset.Range{{Start: PieceBytes, End: PieceBytes + shareBytes}}) {
		t.Fatal("a part of what is free cannot be leased again")
	}
	a.Leave(0)
	if got, want := a.Reserved(), []rangeset.Range{pieces(0, 1), pieces(2, 3)}; !slices.Equal(got, want) {
		t.Errorf("%v is reserved, want %v", got, want)
	}
}
