package tree

import (
	"bytes"
	"context"
	"strings"
	"testing"

	"lukechampine.com/blake3"
)

func sizes(t *testing.T) []int {
	list := []int{
		0, 1, 63, 64, 65, 1023, 1024, 1025, 2048, 16<<10 - 1, 16 << 10, 16<<10 + 1, 64<<10 - 1, 64 << 10, 64<<10 + 1,
		1<<20 - 1, 1 << 20, 1<<20 + 1, 2 << 20, 3<<20 + 5, 5 << 20, 17<<20 + 123,
	}
	random := generator(t)
	for range 30 {
		list = append(list, random.IntN(1<<random.IntN(23)))
	}
	return list
}

// TestSameAsBLAKE3 compares with the library's own tree.
func TestSameAsBLAKE3(t *testing.T) {
	all := content(17<<20 + 123)
	for _, size := range sizes(t) {
		data := all[:size]
		want := Hash(blake3.Sum256(data))
		if got := rootOf(t, listOf(data, false)); got != want {
			t.Errorf("%d bytes: root %v, want %v", size, got, want)
		}
		if got := rootOf(t, listOf(data, true)); got != want {
			t.Errorf("%d bytes, last piece first: root %v, want %v", size, got, want)
		}
		got, err := Sum(context.Background(), bytes.NewReader(data), int64(size), nil)
		if err != nil || got != want {
			t.Errorf("%d bytes: Sum is %v, %v, want %v", size, got, err, want)
		}
	}
}

// TestVectors has the test vectors of the BLAKE3 authors: input byte i is i mod
// 251.
func TestVectors(t *testing.T) {
	for _, v := range []struct {
		size int
		hash string
	}{
		{0, "af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262"},
		{1, "2d3adedff11b61f14c886e35afa036736dcd87a74d27b5c1510225d0f592e213"},
		{1023, "10108970eeda3eb932baac1428c7a2163b0e924c9a9e25b35bba72b28f70bd11"},
		{1024, "42214739f095a406f3fc83deb889744ac00df831c10daa55189b5d121c855af7"},
		{1025, "d00278ae47eb27b34faecf67b4fe263f82d5412916c1ffd97c8cb7fb814b8444"},
		{2048, "e776b6028c7cd22a4d0ba182a8bf62205d2ef576467e838ed6f2529b85fba24a"},
		{2049, "5f4d72f40d7a5f82b15ca2b2e44b1de3c2ef86c426c95c1af0b6879522563030"},
		{16384, "f875d6646de28985646f34ee13be9a576fd515f76b5b0a26bb324735041ddde4"},
		{31744, "62b6960e1a44bcc1eb1a611a8d6235b6b4b78f32e7abc4fb4c6cdcce94895c47"},
		{102400, "bc3e3d41a1146b069abffad3c0d44860cf664390afce4d9661f7902e7943e085"},
	} {
		data := make([]byte, v.size)
		for i := range data {
			data[i] = byte(i % 251)
		}
		if got := PieceHash(data, 0, 1).String(); got != v.hash {
			t.Errorf("%d bytes: %s, want %s", v.size, got, v.hash)
		}
	}
}

// TestEveryByteCounts changes single bytes: the piece's hash and the root
// change, no other piece's does.
func TestEveryByteCounts(t *testing.T) {
	const size = 2*PieceBytes + 1500
	data := content(size)
	before := listOf(data, false)
	random := generator(t)
	places := []int{0, 1023, 1024, PieceBytes - 1, PieceBytes, 2*PieceBytes - 1, 2 * PieceBytes, size - 1}
	for range 8 {
		places = append(places, random.IntN(size))
	}
	for _, at := range places {
		data[at] ^= 1 << random.IntN(8)
		after := listOf(data, false)
		if rootOf(t, after) == rootOf(t, before) {
			t.Errorf("byte %d changed, and the root did not", at)
		}
		for i := range after.Len() {
			old, _ := before.Get(i)
			h, _ := after.Get(i)
			if changed := h != old; changed != (i == int64(at/PieceBytes)) {
				t.Errorf("byte %d changed: piece %d changed is %v", at, i, changed)
			}
		}
		before = after
	}
}

// The same bytes at another place, or as the only piece, are another piece.
func TestPlaceCounts(t *testing.T) {
	data := content(PieceBytes)
	seen := map[Hash]bool{PieceHash(data, 0, 1): true}
	for i := range int64(3) {
		seen[PieceHash(data, i, 3)] = true
	}
	if len(seen) != 4 {
		t.Errorf("%d hashes, not 4", len(seen))
	}
	if PieceHash(data, 1, 2) != PieceHash(data, 1, 1<<40) {
		t.Error("a full piece's hash depends on how many follow")
	}
}

func TestPieces(t *testing.T) {
	for size, want := range map[int64]int64{
		0: 1, 1: 1, PieceBytes - 1: 1, PieceBytes: 1, PieceBytes + 1: 2, 5 * PieceBytes: 5,
		1 << 60: 1 << 40, 1<<63 - 1: 1 << 43,
	} {
		if got := Pieces(size); got != want {
			t.Errorf("%d bytes have %d pieces, want %d", size, got, want)
		}
	}
}

func TestNoSuchPiece(t *testing.T) {
	full := make([]byte, PieceBytes+1)
	for _, c := range []struct{ size, index, pieces int64 }{
		{5, -1, 1}, {5, 1, 1}, {5, 0, 0}, {5, 0, 2}, {0, 1, 2}, {PieceBytes + 1, 0, 1}, {PieceBytes - 1, 0, 2},
	} {
		func() {
			defer func() {
				if text, _ := recover().(string); !strings.HasPrefix(text, "BUG: ") {
					t.Errorf("%v: panic %q", c, text)
				}
			}()
			PieceHash(full[:c.size], c.index, c.pieces)
		}()
	}
}

func TestPieceHashAllocatesNothing(t *testing.T) {
	data := content(PieceBytes)
	for _, size := range []int{0, 1, 1024, 40_000, PieceBytes - 1, PieceBytes} {
		if n := testing.AllocsPerRun(10, func() { PieceHash(data[:size], 0, 1) }); n != 0 {
			t.Errorf("%d bytes: %v allocations", size, n)
		}
	}
	if n := testing.AllocsPerRun(10, func() { PieceHash(data, 7, 9) }); n != 0 {
		t.Errorf("a piece of many: %v allocations", n)
	}
}

func BenchmarkPieceHash(b *testing.B) {
	data := content(PieceBytes)
	b.SetBytes(PieceBytes)
	b.ReportAllocs()
	for b.Loop() {
		PieceHash(data, 1, 3)
	}
}

// BenchmarkLibrary is what BenchmarkPieceHash is to be compared with. The
// library starts a goroutine for every 16 KiB: set GOMAXPROCS=1.
func BenchmarkLibrary(b *testing.B) {
	data := content(PieceBytes)
	b.SetBytes(PieceBytes)
	b.ReportAllocs()
	for b.Loop() {
		blake3.Sum256(data)
	}
}

// TestAPieceThatComesBitByBit has the hash of the whole, however its beginning grows, also
// after one that was given up; and is not looked at again where it was hashed.
func TestAPieceThatComesBitByBit(t *testing.T) {
	random := generator(t)
	data := content(3*PieceBytes + 12_345)
	pieces := Pieces(int64(len(data)))
	var h PieceHasher
	for range 40 {
		index := random.Int64N(pieces)
		piece := data[index*PieceBytes : min(int64(len(data)), (index+1)*PieceBytes)]
		for n := 0; n < len(piece); n += random.IntN(100_000) {
			h.Advance(piece[:n], index)
		}
		if random.IntN(4) == 0 {
			h.Reset()
			continue
		}
		if got, want := h.Sum(piece, index, pieces), PieceHash(piece, index, pieces); got != want {
			t.Fatalf("piece %d: %v, want %v", index, got, want)
		}
	}
	only := data[:PieceBytes]
	h.Advance(only, 0)
	if got, want := h.Sum(only, 0, 1), PieceHash(only, 0, 1); got != want {
		t.Errorf("the only piece: %v, want %v", got, want)
	}
}
