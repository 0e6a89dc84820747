package tree

import (
	"testing"

	"lukechampine.com/blake3/guts"
)

// TestLanesAgreeWithTheLibrary hashes pieces both ways, also where the numbers
// of chunks need more than 32 bits.
func TestLanesAgreeWithTheLibrary(t *testing.T) {
	skipUnlessWide(t)
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
		if got, want := wholePieceNode((*[PieceBytes]byte)(data), chunk), pieceNodeByGroups(data, chunk); got != want {
			t.Errorf("piece %d: %v, want %v", piece, got, want)
		}
	}
}

// TestLanesStandAlone compresses rows lane by lane with the library: what goes
// wrong in one lane, or two that are exchanged, show here by number.
func TestLanesStandAlone(t *testing.T) {
	skipUnlessWide(t)
	const chunk = 1<<32 - lanes
	data := content(2 * rowBytes)
	var rows [2]row
	var want [2 * lanes]value
	for i := range rows {
		compressChunks(&rows[i], (*[rowBytes]byte)(data[i*rowBytes:]), chunk+uint64(i)*lanes)
	}
	for i := range want {
		n := guts.CompressChunk(data[i*guts.ChunkSize:][:guts.ChunkSize], &guts.IV, chunk+uint64(i), 0)
		want[i] = guts.ChainingValue(n)
		if got := rows[i/lanes].value(i % lanes); got != want[i] {
			t.Errorf("chunk %d: %x, want %x", i, got, want[i])
		}
	}
	var parents row
	compressParents(&parents, &rows[0], &rows[1])
	for i := range lanes {
		if got, want := parents.value(i), join(want[2*i], want[2*i+1]); got != want {
			t.Errorf("parent %d: %x, want %x", i, got, want)
		}
	}
}

func skipUnlessWide(t *testing.T) {
	t.Helper()
	if !wide() {
		t.Skip("this processor has no AVX-512")
	}
}
