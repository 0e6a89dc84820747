package tree

import (
	"encoding/binary"
	"fmt"

	"lukechampine.com/blake3/guts"
)

// PieceBytes is the size of every piece but the last: lists of hashes
// that programs exchange depend on it.
const PieceBytes = 1 << 20

const (
	pieceChunks = PieceBytes / guts.ChunkSize
	groupBytes  = guts.MaxSIMD * guts.ChunkSize // what one call of the library compresses
	pieceGroups = PieceBytes / groupBytes
)

// value is a chaining value as the library has it.
type value = [8]uint32

// Pieces returns how many pieces a file of size bytes has. An empty file has
// one, of no bytes.
func Pieces(size int64) int64 {
	if size <= 0 {
		return 1
	}
	return (size-1)/PieceBytes + 1
}

// PieceHash returns the chaining value of piece index of a file of pieces
// pieces; of the only piece of a file, its root. Every piece but the last has
// PieceBytes bytes, and only the empty file has a piece of none.
func PieceHash(data []byte, index, pieces int64) Hash {
	checkPiece(len(data), index, pieces)
	n := pieceNode(data, uint64(index)*pieceChunks)
	if pieces == 1 {
		n.Flags |= guts.FlagRoot
	}
	return fromValue(guts.ChainingValue(n))
}

// A PieceHasher is [PieceHash] of a piece that comes from its beginning on: what has come
// is hashed while it is in the cache. The zero value has hashed nothing.
type PieceHasher struct{ joiner rowJoiner }

// Advance hashes what can be of data, the first bytes of piece index; what it was given
// before is not looked at again.
func (h *PieceHasher) Advance(data []byte, index int64) {
	if wide() {
		h.joiner.add(data, uint64(index)*pieceChunks)
	}
}

// Reset forgets what was hashed: the bytes may be others now.
func (h *PieceHasher) Reset() { h.joiner.rows = 0 }

// Sum returns what PieceHash does, of a piece whose beginning may have been hashed, and
// begins anew.
func (h *PieceHasher) Sum(data []byte, index, pieces int64) Hash {
	defer h.Reset()
	if len(data) < PieceBytes || pieces == 1 || !wide() {
		return PieceHash(data, index, pieces)
	}
	checkPiece(len(data), index, pieces)
	h.Advance(data, index)
	return fromValue(guts.ChainingValue(h.joiner.node()))
}

func checkPiece(n int, index, pieces int64) {
	last := index == pieces-1
	switch {
	case index < 0 || index >= pieces:
		panic(fmt.Sprintf("BUG: piece %d of %d", index, pieces))
	case n > PieceBytes, n < PieceBytes && !last, n == 0 && pieces > 1:
		panic(fmt.Sprintf("BUG: piece %d of %d has %d bytes", index, pieces, n))
	}
}

// pieceNode returns the top of the tree over data, whose first chunk is number
// chunk of the file.
func pieceNode(data []byte, chunk uint64) guts.Node {
	if len(data) == PieceBytes && wide() {
		return wholePieceNode((*[PieceBytes]byte)(data), chunk)
	}
	return pieceNodeByGroups(data, chunk)
}

// pieceNodeByGroups is [pieceNode] with what the library has. All groups but the
// last are full subtrees, so that joining neighbours level by level, the odd one
// left for the next level, makes the tree that is full on its left.
func pieceNodeByGroups(data []byte, chunk uint64) guts.Node {
	if len(data) <= groupBytes {
		return groupNode(data, chunk)
	}
	var values [pieceGroups]value
	n := 0
	for ; len(data) > 0; n++ {
		group := data[:min(groupBytes, len(data))]
		values[n] = guts.ChainingValue(groupNode(group, chunk))
		chunk += guts.MaxSIMD
		data = data[len(group):]
	}
	for n > 2 {
		for i := range n / 2 {
			values[i] = join(values[2*i], values[2*i+1])
		}
		if n%2 == 1 {
			values[n/2] = values[n-1]
		}
		n = (n + 1) / 2
	}
	return guts.ParentNode(values[0], values[1], &guts.IV, 0)
}

func groupNode(group []byte, chunk uint64) guts.Node {
	if len(group) < groupBytes {
		return shortGroupNode(group, chunk)
	}
	return guts.CompressBuffer((*[groupBytes]byte)(group), groupBytes, &guts.IV, chunk, 0)
}

// shortGroupNode copies what is less than a group: the library reads a whole
// one whatever length it is told. Not inlined, so that the copy's 16 KiB are
// cleared for the last group only.
//
//go:noinline
func shortGroupNode(group []byte, chunk uint64) guts.Node {
	var padded [groupBytes]byte
	copy(padded[:], group)
	return guts.CompressBuffer(&padded, len(group), &guts.IV, chunk, 0)
}

// join returns the chaining value of the parent of two neighbours.
func join(left, right value) value {
	return guts.ChainingValue(guts.ParentNode(left, right, &guts.IV, 0))
}

// joinRoot returns the root over the two halves of a whole file.
func joinRoot(left, right value) Hash {
	return fromValue(guts.ChainingValue(guts.ParentNode(left, right, &guts.IV, guts.FlagRoot)))
}

func fromValue(v value) (h Hash) {
	for i, word := range v {
		binary.LittleEndian.PutUint32(h[4*i:], word)
	}
	return h
}

func toValue(h Hash) (v value) {
	for i := range v {
		v[i] = binary.LittleEndian.Uint32(h[4*i:])
	}
	return v
}
