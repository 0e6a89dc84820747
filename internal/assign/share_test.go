package assign

import (
	"slices"
	"testing"
	"time"

	"chunkcp/internal/rangeset"
)

// kib returns a range of KiB.
func kib(from, to int64) rangeset.Range { return rangeset.Range{Start: from << 10, End: to << 10} }

// TestTheLastPieceIsShared so that both have their parts at once, by what their rates
// are, what has come, and the round trip that the one which begins has to wait.
func TestTheLastPieceIsShared(t *testing.T) {
	for name, tc := range map[string]struct {
		v, w     float64
		wRTT     time.Duration
		vRTT     time.Duration
		come     int64 // bytes of the piece
		since    time.Duration
		want     rangeset.Range
		nothing  bool
		samePeer bool
	}{
		"equals":                   {v: 10, w: 10, want: kib(512, 1024)},
		"three times as fast":      {v: 5, w: 15, want: kib(256, 1024)},
		"half of it has come":      {v: 10, w: 10, come: 512 << 10, want: kib(768, 1024)},
		"half has by now":          {v: 5, w: 5, since: 100 * time.Millisecond, want: kib(768, 1024)},
		"a round trip to wait":     {v: 10, w: 10, wRTT: 50 * time.Millisecond, want: kib(768, 1024)},
		"too far away":             {v: 10, w: 10, wRTT: 100 * time.Millisecond, nothing: true},
		"what cannot be stopped":   {v: 10, w: 90, vRTT: 50 * time.Millisecond, want: kib(512, 1024)},
		"less than is worth it":    {v: 10, w: 0.5, nothing: true},
		"nearly all has come":      {v: 10, w: 10, come: 950 << 10, nothing: true},
		"over the path of the one": {v: 10, w: 10, samePeer: true, nothing: true},
	} {
		t.Run(name, func(t *testing.T) {
			s := seat(t, []float64{tc.v * (1 << 20), tc.w * (1 << 20)}, []int64{1, 0}, []int64{1, 0})
			s.Measured(s.now, 0, tc.v*(1<<20), tc.vRTT, tc.come)
			s.Measured(s.now, 1, tc.w*(1<<20), tc.wRTT, 0)
			if tc.samePeer {
				s.workers[1].peer = 0
			}
			s.now = s.now.Add(tc.since)
			if tc.nothing {
				s.getsNothing(1)
				return
			}
			s.gets(1, Work{Data: tc.want, Victim: 0})
			if held := s.Lease(0); !slices.Equal(held, []rangeset.Range{{End: tc.want.Start}}) {
				t.Errorf("the other holds %v", held)
			}
		})
	}
}

// shared has two sessions share a piece, each half of it.
func shared(t *testing.T) *table {
	s := seat(t, []float64{10 * mb, 10 * mb}, []int64{1, 0}, []int64{1, 0})
	for id := range SessionID(2) {
		s.Measured(s.now, id, 10*mb, 0, 0)
	}
	s.gets(1, Work{Data: kib(512, 1024), Victim: 0})
	return s
}

// TestPartsMakeAPiece, in any order, and also where whoever was to fetch the first part
// only had the rest as well before it was told.
func TestPartsMakeAPiece(t *testing.T) {
	first, second, all := kib(0, 512), kib(512, 1024), kib(0, 1024)
	for name, tc := range map[string]struct {
		came   []rangeset.Range
		by     []SessionID
		losers [][]SessionID
	}{
		"in order":             {[]rangeset.Range{first, second}, []SessionID{0, 1}, [][]SessionID{nil, nil}},
		"the last first":       {[]rangeset.Range{second, first}, []SessionID{1, 0}, [][]SessionID{nil, nil}},
		"all of it at once":    {[]rangeset.Range{all}, []SessionID{0}, [][]SessionID{{1}}},
		"all of it after half": {[]rangeset.Range{second, all}, []SessionID{1, 0}, [][]SessionID{nil, nil}},
	} {
		t.Run(name, func(t *testing.T) {
			s := shared(t)
			for i, r := range tc.came {
				if s.divided.Len() != PieceBytes {
					t.Errorf("%v is divided", s.divided.Ranges())
				}
				if news, losers := s.Received(tc.by[i], r); !news || !slices.Equal(losers, tc.losers[i]) {
					t.Errorf("%v from %d: news %v, losers %v, want %v", r, tc.by[i], news, losers, tc.losers[i])
				}
			}
			if !s.Complete() || s.divided.Len() != 0 || s.workers[0].held != 0 || s.workers[1].held != 0 {
				t.Errorf("%d left, %v divided, %d and %d held", s.left, s.divided.Ranges(), s.workers[0].held, s.workers[1].held)
			}
		})
	}
}

// TestAPartOfOneThatIsGone is fetched by another, as a piece is, and so is one that
// hardly comes any more.
func TestAPartOfOneThatIsGone(t *testing.T) {
	s := shared(t)
	if n := s.Leave(1); n != 512<<10 {
		t.Errorf("%d bytes came back", n)
	}
	s.now = s.now.Add(Patience)
	s.gets(0, Work{Data: kib(512, 1024), Victim: Nobody})

	s = shared(t)
	s.Begun(1, kib(512, 1024))
	s.Received(0, kib(0, 512))
	s.Measured(s.now, 1, 1000, time.Millisecond, 500<<10)
	s.gets(0, Work{Data: kib(512, 1024), Victim: 1, Shared: true})
	if news, losers := s.Received(0, kib(512, 1024)); !news || !slices.Equal(losers, []SessionID{1}) || !s.Complete() {
		t.Errorf("news %v, losers %v, %d left", news, losers, s.left)
	}
}

// TestAPieceThatWasWrongIsNotShared: whoever sends it again is to answer for it.
func TestAPieceThatWasWrongIsNotShared(t *testing.T) {
	s := seat(t, []float64{10 * mb, 10 * mb}, []int64{1, 0}, []int64{1, 0})
	s.Received(0, pieces(0, 1))
	s.Reopen(pieces(0, 1))
	s.gets(0, Work{Data: pieces(0, 1), Victim: Nobody})
	s.Begun(0, pieces(0, 1))
	s.getsNothing(1)
}

// TestPiecesThatAreDividedAtOnce are few: a part that has come waits in memory.
func TestPiecesThatAreDividedAtOnce(t *testing.T) {
	const n = maxDivided + 2
	rate, held := make([]float64, 2*n), make([]int64, 2*n)
	for i := range n {
		rate[i], rate[n+i], held[i] = 10*mb, 10*mb, 1
	}
	s := seat(t, rate, held, held)
	shared := 0
	for id := SessionID(n); id < 2*n; id++ {
		got, ok := s.Next(s.now, id)
		if ok && got.Data.Len() < PieceBytes {
			shared++
		}
	}
	if got := s.divided.Len() / PieceBytes; got != maxDivided || shared < maxDivided {
		t.Errorf("%d pieces are divided, %d parts given, want %d pieces", got, shared, maxDivided)
	}
}

// TestALatePartOfAPieceThatWasWrong does not count, though the session that has it may
// have been asked for it before: whoever fetches the piece anew gives all of it.
func TestALatePartOfAPieceThatWasWrong(t *testing.T) {
	s := shared(t)
	s.Release(1) // silent
	s.now = s.now.Add(Patience)
	s.gets(0, Work{Data: kib(512, 1024), Victim: Nobody})
	s.Received(0, kib(0, 512))
	s.Received(0, kib(512, 1024))
	s.Reopen(pieces(0, 1))
	s.gets(0, Work{Data: pieces(0, 1), Victim: Nobody})
	if news, losers := s.Received(1, kib(512, 1024)); news || losers != nil {
		t.Errorf("news %v, losers %v", news, losers)
	}
	if news, _ := s.Received(0, pieces(0, 1)); !news || !s.Complete() {
		t.Errorf("news %v, %d left", news, s.left)
	}
}
