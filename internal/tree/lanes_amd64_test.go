package tree

import (
	"strconv"
	"testing"

	"lukechampine.com/blake3/guts"
)

// TestLanesAgreeWithTheLibrary hashes pieces both ways, also where the numbers
// of chunks need more than 32 bits.
func TestLanesAgreeWithTheLibrary(t *testing.T) {
	random := generator(t)
	data := make([]byte, PieceBytes)
	pieces := []uint64{0, 1, 1<<22 - 1, 1 << 22, 1<<28 - 1}
	for range 20 {
		pieces = append(pieces, random.Uint64N(1<<28))
	}
	for _, piece := range pieces {
		for i := range data {
			data[i] = byte(random.Uint32())
		}
		chunk := piece * pieceChunks
		want := pieceNodeByGroups(data, chunk)
		inEachWidth(t, func(bits int) {
			if got := wholePieceNode((*[PieceBytes]byte)(data), chunk); got != want {
				t.Errorf("%d bits, piece %d: %v, want %v", bits, piece, got, want)
			}
		})
	}
}

// TestLanesStandAlone compresses rows lane by lane with the library: what goes
// wrong in one lane, or two that are exchanged, show here by number.
func TestLanesStandAlone(t *testing.T) {
	const chunk = 1<<32 - lanes
	data := content(2 * rowBytes)
	var want [2 * lanes]value
	for i := range want {
		n := guts.CompressChunk(data[i*guts.ChunkSize:][:guts.ChunkSize], &guts.IV, chunk+uint64(i), 0)
		want[i] = guts.ChainingValue(n)
	}
	inEachWidth(t, func(bits int) {
		var rows [2]row
		for i := range rows {
			compressChunks(&rows[i], (*[rowBytes]byte)(data[i*rowBytes:]), chunk+uint64(i)*lanes)
		}
		for i := range want {
			if got := rows[i/lanes].value(i % lanes); got != want[i] {
				t.Errorf("%d bits, chunk %d: %x, want %x", bits, i, got, want[i])
			}
		}
		var low, high, third row
		for name, to := range map[string]*row{"a third": &third, "the low one": &low, "the high one": &high} {
			low, high = rows[0], rows[1]
			compressParents(to, &low, &high)
			for i := range lanes {
				if got, want := to.value(i), join(want[2*i], want[2*i+1]); got != want {
					t.Errorf("%d bits, into %s, parent %d: %x, want %x", bits, name, i, got, want)
				}
			}
		}
	})
}

// inEachWidth calls f once for each kind of vectors that this processor has, which
// alone are used meanwhile. It has none in a test that runs beside others.
func inEachWidth(t testing.TB, f func(bits int)) {
	t.Helper()
	if !wide() {
		t.Skip("this processor has neither AVX-512 nor AVX2")
	}
	has512, has256 := vectors512, vectors256
	defer func() { vectors512, vectors256 = has512, has256 }()
	if has512 {
		f(512)
	}
	if vectors512 = false; has256 {
		f(256)
	}
}

func BenchmarkLanes(b *testing.B) {
	data := content(PieceBytes)
	inEachWidth(b, func(bits int) {
		b.Run(strconv.Itoa(bits), func(b *testing.B) {
			b.SetBytes(PieceBytes)
			for b.Loop() {
				wholePieceNode((*[PieceBytes]byte)(data), 0)
			}
		})
	})
}
