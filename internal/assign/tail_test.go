package assign

import (
	"slices"
	"testing"
	"time"

	"chunkcp/internal/rangeset"
)

// tableTime is when the tests of a table begin.
var tableTime = time.Unix(1e9, 0)

// table is an assigner of which every session is at a point that a test names.
type table struct {
	*Assigner
	t   *testing.T
	now time.Time
}

// seat has sessions hold as many pieces each, from the first on, of a file that
// has no more; all is begun of the first begun pieces of each.
func seat(t *testing.T, rate []float64, held, begun []int64) *table {
	var pieces int64
	for _, n := range held {
		pieces += n
	}
	a := New(pieces*PieceBytes, len(held))
	at := int64(0)
	for i, n := range held {
		id := SessionID(i)
		a.Join(id, int(id), 0)
		for range firstSamples {
			a.Measured(tableTime, id, rate[i], time.Millisecond, 0)
		}
		if n > 0 {
			a.lease(id, rangeset.Range{Start: at * PieceBytes, End: (at + n) * PieceBytes})
		}
		for p := range begun[i] {
			a.Begun(id, PieceRange(at+p, a.size))
		}
		at += n
	}
	return &table{a, t, tableTime}
}

// indivisible has every piece be one that was wrong once.
func (s *table) indivisible() *table {
	s.reopened.Add(rangeset.Range{End: s.size})
	return s
}

func (s *table) gets(id SessionID, want Work) {
	s.t.Helper()
	if got, ok := s.Next(s.now, id); !ok || got != want {
		s.t.Errorf("session %d got %+v (%v), want %+v", id, got, ok, want)
	}
}

func (s *table) getsNothing(id SessionID) {
	s.t.Helper()
	if got, ok := s.Next(s.now, id); ok {
		s.t.Errorf("session %d got %+v", id, got)
	}
}

func pieces(from, to int64) rangeset.Range {
	return rangeset.Range{Start: from * PieceBytes, End: to * PieceBytes}
}

// TestHalfIsTakenFromAnEqual: from the end, so that both end together; and none
// of what has been begun.
func TestHalfIsTakenFromAnEqual(t *testing.T) {
	s := seat(t, []float64{10 * mb, 10 * mb}, []int64{8, 0}, []int64{1, 0})
	s.gets(1, Work{Data: pieces(4, 8), Victim: 0})
	s.getsNothing(1)
	if s.workers[0].held != 4*PieceBytes {
		t.Errorf("the victim holds %d bytes", s.workers[0].held)
	}
	s = seat(t, []float64{10 * mb, 10 * mb}, []int64{8, 0}, []int64{7, 0})
	s.gets(1, Work{Data: pieces(7, 8), Victim: 0})
}

// TestTheLastToEndIsHelpedFirst: of two that are equal in bytes.
func TestTheLastToEndIsHelpedFirst(t *testing.T) {
	s := seat(t, []float64{10 * mb, 5 * mb, 10 * mb}, []int64{6, 6, 0}, []int64{1, 1, 0})
	s.gets(2, Work{Data: pieces(8, 12), Victim: 1})
	s = seat(t, []float64{5 * mb, 10 * mb, 10 * mb}, []int64{6, 6, 0}, []int64{1, 1, 0})
	s.gets(2, Work{Data: pieces(2, 6), Victim: 0})
}

// TestASlowSessionTakesNothing that the others would have sooner without it: no piece,
// and of one no more than it would have when they have the rest.
func TestASlowSessionTakesNothing(t *testing.T) {
	s := seat(t, []float64{100 * mb, 100 * mb, 1 * mb}, []int64{50, 50, 0}, []int64{1, 1, 0})
	got, ok := s.Next(s.now, 2)
	if !ok || got.Victim != 0 || float64(got.Data.Len()) > float64(s.size)/201 {
		t.Errorf("got %+v", got)
	}
	s = seat(t, []float64{100 * mb, 100 * mb, 1 * mb}, []int64{50, 50, 0}, []int64{1, 1, 0}).indivisible()
	s.getsNothing(2)
}

// TestEqualsDoNotRepeatEachOther, nor does one whose copy would come later.
func TestEqualsDoNotRepeatEachOther(t *testing.T) {
	s := seat(t, []float64{10 * mb, 10 * mb, 11 * mb, 1 * mb}, []int64{1, 1, 0, 0}, []int64{1, 1, 0, 0}).indivisible()
	s.getsNothing(2)
	s.getsNothing(3)
}

// TestTheLastPieceIsRepeated by the one that would have it sooner, once, and the
// first copy ends the other's lease.
func TestTheLastPieceIsRepeated(t *testing.T) {
	s := seat(t, []float64{1 * mb, 10 * mb, 10 * mb}, []int64{1, 0, 0}, []int64{1, 0, 0}).indivisible()
	s.gets(1, Work{Data: pieces(0, 1), Victim: 0, Shared: true})
	s.getsNothing(2)
	news, losers := s.Received(1, pieces(0, 1))
	if !news || !slices.Equal(losers, []SessionID{0}) || s.workers[0].held != 0 || !s.Complete() {
		t.Errorf("news %v, losers %v, %d bytes held, %d left", news, losers, s.workers[0].held, s.left)
	}
}

// TestNoPieceIsRepeatedTwice: two sessions repeat two pieces of a third.
func TestNoPieceIsRepeatedTwice(t *testing.T) {
	s := seat(t, []float64{1 * mb, 10 * mb, 10 * mb, 10 * mb}, []int64{2, 0, 0, 0}, []int64{2, 0, 0, 0}).indivisible()
	s.gets(1, Work{Data: pieces(1, 2), Victim: 0, Shared: true})
	s.gets(2, Work{Data: pieces(0, 1), Victim: 0, Shared: true})
	s.getsNothing(3)
}

// TestWhatIsOnItsWayIsNotTaken: of what a session would receive within a round
// trip it cannot be stopped in time, so that to take it is to repeat it.
func TestWhatIsOnItsWayIsNotTaken(t *testing.T) {
	s := seat(t, []float64{10 * mb, 10 * mb}, []int64{4, 0}, []int64{1, 0}).indivisible()
	s.Measured(s.now, 0, 10*mb, 400*time.Millisecond, 0)
	s.gets(1, Work{Data: pieces(3, 4), Victim: 0, Shared: true})
	s = seat(t, []float64{10 * mb, 10 * mb}, []int64{4, 0}, []int64{1, 0})
	s.Measured(s.now, 0, 10*mb, 250*time.Millisecond, 0)
	s.gets(1, Work{Data: pieces(3, 4), Victim: 0})
}

// TestASlowSessionIsTriedAgain after a while, and not where little is left.
func TestASlowSessionIsTriedAgain(t *testing.T) {
	for _, size := range []int64{100, 20} {
		a := New(size*PieceBytes, 2)
		s := &table{a, t, tableTime}
		a.Join(0, 0, 0)
		for range firstSamples {
			a.Measured(tableTime, 0, 100, time.Millisecond, 0)
		}
		a.Join(1, 1, 10*mb)
		s.gets(1, Work{Data: pieces(0, 9), Victim: Nobody})
		s.getsNothing(0)
		s.now = s.now.Add(retryAfter - 1)
		s.getsNothing(0)
		s.now = s.now.Add(1)
		if size < 50 {
			s.getsNothing(0)
		} else {
			s.gets(0, Work{Data: pieces(9, 10), Victim: Nobody})
		}
	}
}

// TestHowNearTheEndAPieceIs: a piece of which most has come is not repeated.
func TestHowNearTheEndAPieceIs(t *testing.T) {
	s := seat(t, []float64{1 * mb, 10 * mb}, []int64{1, 0}, []int64{1, 0}).indivisible()
	s.Measured(s.now, 0, 1*mb, time.Millisecond, PieceBytes*19/20)
	s.getsNothing(1)
	s.Measured(s.now, 0, 1*mb, time.Millisecond, PieceBytes/2)
	s.gets(1, Work{Data: pieces(0, 1), Victim: 0, Shared: true})
}

// TestRepeatsAreBounded to 1 % of a file that is not small, but for those of
// sessions that hardly move.
func TestRepeatsAreBounded(t *testing.T) {
	begun := func(slow float64) (repeated int64) {
		s := seat(t, []float64{slow, 100 * mb}, []int64{200, 0}, []int64{200, 0})
		for {
			got, ok := s.Next(s.now, 1)
			if !ok {
				return repeated
			}
			if got.Shared {
				repeated += got.Data.Len()
			}
			s.Received(1, got.Data)
		}
	}
	if got := begun(10 * mb); got != 2*PieceBytes {
		t.Errorf("%d bytes of 200 pieces were repeated, want two", got)
	}
	if got := begun(1 * mb); got < 190*PieceBytes {
		t.Errorf("%d bytes of 200 pieces were repeated of a session that hardly moves, want nearly all", got)
	}
}

// TestWhoIsSilentIsNotWaitedFor: a piece that a fast session would have first is
// left to it, but not once it was silent, or has not asked for long.
func TestWhoIsSilentIsNotWaitedFor(t *testing.T) {
	for _, silent := range []bool{true, false} {
		a := New(PieceBytes, 2)
		a.Join(0, 0, 100*mb)
		a.Join(1, 1, 1*mb)
		s := &table{a, t, tableTime}
		s.gets(0, Work{Data: pieces(0, 1), Victim: Nobody})
		a.Received(0, pieces(0, 1))
		a.Reopen(pieces(0, 1))
		s.getsNothing(1)
		if silent {
			a.Release(0)
			s.now = s.now.Add(Patience) // nor for those who are expected
		} else {
			s.now = s.now.Add(Patience + 1)
		}
		s.gets(1, Work{Data: pieces(0, 1), Victim: Nobody})
	}
}

// TestTwoThatTrickleDoNotKeepAPiece from a session that works: it takes the
// place of the slower, and nobody takes the place of one that moves.
func TestTwoThatTrickleDoNotKeepAPiece(t *testing.T) {
	s := seat(t, []float64{1000, 10 * mb, 10 * mb}, []int64{1, 0, 0}, []int64{1, 0, 0}).indivisible()
	s.gets(1, Work{Data: pieces(0, 1), Victim: 0, Shared: true})
	s.Measured(s.now, 1, 1*mb, time.Millisecond, 0)
	s.getsNothing(2)
	s.Measured(s.now, 1, 2000, time.Millisecond, 0)
	s.gets(2, Work{Data: pieces(0, 1), Victim: 0})
	s.getsNothing(0)
	if news, losers := s.Received(2, pieces(0, 1)); !news || !slices.Equal(losers, []SessionID{1}) || !s.Complete() {
		t.Errorf("news %v, losers %v", news, losers)
	}
}

// TestNoMoreRangesThanAServerTakes: each of them a piece between two that are
// there.
func TestNoMoreRangesThanAServerTakes(t *testing.T) {
	const n = 1000
	a := New(n*PieceBytes, 1)
	for i := int64(0); i < n; i += 2 {
		a.Have(pieces(i, i+1))
	}
	if a.left != n/2*PieceBytes {
		t.Fatalf("%d bytes are left", a.left)
	}
	a.Join(0, 0, 1e12)
	now, out := tableTime, 0
	for ; out <= n; out++ {
		if _, ok := a.Next(now, 0); !ok {
			break
		}
	}
	if out != maxGrants {
		t.Errorf("%d ranges are out, want %d", out, maxGrants)
	}
	a.Received(0, pieces(1, 2))
	if got, ok := a.Next(now, 0); !ok || got.Data != pieces(2*maxGrants+1, 2*maxGrants+2) {
		t.Errorf("after one has come: %+v, %v", got, ok)
	}
}

// TestWhatIsThereIsNotFetched, and what proves bad is fetched again.
func TestWhatIsThereIsNotFetched(t *testing.T) {
	const size = 10*PieceBytes + 5
	a := New(size, 1)
	a.Have(pieces(0, 4))
	a.Have(pieces(2, 5))
	a.Have(rangeset.Range{Start: 10 * PieceBytes, End: 100 * PieceBytes}) // the last, short one
	if a.left != 5*PieceBytes || a.done.Len() != size-a.left {
		t.Fatalf("%d bytes left, %d done", a.left, a.done.Len())
	}
	a.Join(0, 0, 100*mb)
	now := tableTime
	if got, ok := a.Next(now, 0); !ok || got.Data != pieces(5, 10) {
		t.Fatalf("got %+v, %v", got, ok)
	}
	for i := int64(5); i < 10; i++ {
		a.Received(0, pieces(i, i+1))
	}
	if !a.Complete() {
		t.Fatalf("%d bytes left", a.left)
	}
	a.Reopen(pieces(3, 4))
	if a.Complete() || a.left != PieceBytes {
		t.Fatalf("%d bytes left", a.left)
	}
	a.Reopen(pieces(3, 4)) // tells nothing new
	if got, ok := a.Next(now, 0); !ok || got.Data != pieces(3, 4) {
		t.Fatalf("got %+v, %v", got, ok)
	}
	if news, _ := a.Received(0, pieces(3, 4)); !news || !a.Complete() {
		t.Errorf("news %v, %d bytes left", news, a.left)
	}
}

// TestWhoHadItStolenMayYetBeFirst: the last bytes of a piece were on their way
// when it was taken over.
func TestWhoHadItStolenMayYetBeFirst(t *testing.T) {
	s := seat(t, []float64{10 * mb, 10 * mb}, []int64{8, 0}, []int64{1, 0})
	s.gets(1, Work{Data: pieces(4, 8), Victim: 0})
	s.Begun(0, pieces(4, 5)) // too late
	news, losers := s.Received(0, pieces(4, 5))
	if !news || !slices.Equal(losers, []SessionID{1}) {
		t.Errorf("news %v, losers %v", news, losers)
	}
	if news, losers := s.Received(1, pieces(4, 5)); news || losers != nil {
		t.Errorf("the second copy: news %v, losers %v", news, losers)
	}
}

// TestAPriorRateIsAGuess that two samples outweigh.
func TestAPriorRateIsAGuess(t *testing.T) {
	a := New(1<<30, 1)
	a.Join(0, 0, 90*mb)
	w := a.workers[0]
	for i, want := range []float64{90 * mb, 90 * mb, 50 * mb, 10 * mb} {
		if got := w.speed(); got != want {
			t.Errorf("call %d: %v B/s, want %v", i, got, want)
		}
		rate := 10 * mb
		if i == 0 {
			rate = 0 // the first round trip
		}
		a.Measured(tableTime, 0, rate, time.Millisecond, 0)
	}
}
