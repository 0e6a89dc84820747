package peer

import (
	"bytes"
	"math/rand/v2"
	"testing"

	"chunkcp/internal/assign"
	"chunkcp/internal/rangeset"
	"chunkcp/internal/tree"
)

// TestWhatCameStays: bytes that come again, and are others, change nothing, and a piece is
// hashed as it is, in whatever order it came.
func TestWhatCameStays(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	pool := piecePool{limit: 1}
	for round := range 30 {
		at := pieces(int64(round), int64(round)+1)
		p := pool.get(at, false)
		first := bytes.Repeat([]byte{9}, assign.PieceBytes) // who came first to each byte
		for b := byte(10); !p.complete(); b++ {
			r := rangeset.Range{Start: at.Start + rng.Int64N(assign.PieceBytes)}
			if come := p.have.Ranges(); rng.IntN(3) > 0 && len(come) > 0 { // goes on, or begins before
				r.Start = max(at.Start, come[0].End-rng.Int64N(20_000)*rng.Int64N(2))
			} else if rng.IntN(2) == 0 {
				r.Start = at.Start
			}
			r.End = min(at.End, r.Start+1+rng.Int64N(65_000))
			if r.Empty() {
				continue
			}
			var want int64
			for _, m := range p.have.Missing(r) {
				want += m.Len()
				copy(first[m.Start-at.Start:m.End-at.Start], bytes.Repeat([]byte{b}, int(m.Len())))
			}
			if got := p.add(r, bytes.Repeat([]byte{b}, int(r.Len()))); got != want {
				t.Fatalf("%d bytes are news, want %d", got, want)
			}
		}
		if !bytes.Equal(p.buf, first) {
			t.Fatal("what came later was written over what came first")
		}
		if got, want := p.hasher.Sum(p.buf, int64(round), 100), tree.PieceHash(first, int64(round), 100); got != want {
			t.Fatalf("hashed as %v, want %v", got, want)
		}
		pool.put(p)
	}
}

// TestAPieceThatIsResizedIsHashedAnew: what was hashed may be written to by another.
func TestAPieceThatIsResizedIsHashedAnew(t *testing.T) {
	pool := piecePool{limit: 1}
	half := rangeset.Range{Start: assign.PieceBytes / 2, End: assign.PieceBytes}
	p := pool.get(pieces(0, 1), false)
	p.add(rangeset.Range{End: half.Start}, make([]byte, half.Start))
	p.resize(half)
	for i := range p.buf[:half.Start] {
		p.buf[i] = 1 // the other part
	}
	p.add(half, make([]byte, half.Len()))
	p.resize(pieces(0, 1))
	if got, want := p.hasher.Sum(p.buf, 0, 2), tree.PieceHash(p.buf, 0, 2); got != want {
		t.Errorf("hashed as %v, want %v", got, want)
	}
}
