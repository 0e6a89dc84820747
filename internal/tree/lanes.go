package tree

import "lukechampine.com/blake3/guts"

const (
	lanes     = 16                     // compressions side by side
	rowBytes  = lanes * guts.ChunkSize // what the chaining values of a row stand for
	pieceRows = PieceBytes / rowBytes
	rowLevels = 6 // of the tree, from pieceRows rows to one
)

// row is the chaining values of sixteen neighbours, one in each lane: the first
// word of all, then the second word, and so on.
type row [8][lanes]uint32

func (r *row) value(lane int) (v value) {
	for i := range v {
		v[i] = r[i][lane]
	}
	return v
}

// wholePieceNode is [pieceNode] of a whole piece in rows of sixteen chunks.
// Rows are joined as carries go up when i is counted in binary: at level l,
// below[l] waits for its right neighbour.
func wholePieceNode(data *[PieceBytes]byte, chunk uint64) guts.Node {
	var (
		below [rowLevels]row
		r     row
	)
	for i := range pieceRows {
		compressChunks(&r, (*[rowBytes]byte)(data[i*rowBytes:]), chunk+uint64(i)*lanes)
		level := 0
		for ; i>>level&1 == 1; level++ {
			compressParents(&r, &below[level], &r)
		}
		if level < rowLevels {
			below[level] = r
		}
	}
	for n := lanes; n > 2; n /= 2 {
		compressParents(&r, &r, &r)
	}
	return guts.ParentNode(r.value(0), r.value(1), &guts.IV, 0)
}
