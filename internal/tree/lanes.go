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
func wholePieceNode(data *[PieceBytes]byte, chunk uint64) guts.Node {
	var j rowJoiner
	j.add(data[:], chunk)
	return j.node()
}

// rowJoiner joins the rows of a whole piece as carries go up when they are counted in
// binary: at level l, below[l] waits for its right neighbour.
type rowJoiner struct {
	rows  int // so many have been joined
	below [rowLevels]row
	top   row // of all of them
}

// add joins the rows that lie in data, the beginning of a piece whose first chunk is number
// chunk of the file, and have not been joined.
func (j *rowJoiner) add(data []byte, chunk uint64) {
	for ; (j.rows+1)*rowBytes <= len(data); j.rows++ {
		r := &j.top
		compressChunks(r, (*[rowBytes]byte)(data[j.rows*rowBytes:]), chunk+uint64(j.rows)*lanes)
		level := 0
		for ; j.rows>>level&1 == 1; level++ {
			compressParents(r, &j.below[level], r)
		}
		if level < rowLevels {
			j.below[level] = *r
		}
	}
}

// node returns the top of the tree once all rows have been added.
func (j *rowJoiner) node() guts.Node {
	r := &j.top
	for n := lanes; n > 2; n /= 2 {
		compressParents(r, r, r)
	}
	return guts.ParentNode(r.value(0), r.value(1), &guts.IV, 0)
}
