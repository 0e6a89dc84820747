package proto

import (
	"encoding/binary"

	"chunkcp/internal/rangeset"
)

const (
	// PieceBytes is the length of a piece, the unit of verification: an aligned
	// subtree of 1,024 chunks of a file's BLAKE3 tree. The last may be shorter.
	PieceBytes = 1 << 20

	// HashLen is the length in bytes of a BLAKE3 hash or chaining value.
	HashLen = 32

	// MaxHashes is how many hashes one message holds at the most: what fits the
	// longest message.
	MaxHashes = (MaxMessage - messageHeaderLen - 12) / HashLen
)

// Tree asks for a file's hashes as the server comes to know them: the root, and
// those of Pieces, which counts pieces, not bytes, and may be empty. What of it
// lies past the end of the file is not told, and not complained of.
type Tree struct {
	File   ID
	Pieces rangeset.Range
}

// Hashes tells the hashes of pieces First, First+1, and so on: BLAKE3's
// chaining values, or, of a file's only piece, the root.
type Hashes struct {
	File   ID
	First  int64
	Hashes [][HashLen]byte // 1 to MaxHashes
}

// Root tells the BLAKE3 hash of a file.
type Root struct {
	File ID
	Root [HashLen]byte
}

// Append appends the message to dst.
func (m *Tree) Append(dst []byte) []byte {
	return appendRange(appendMessage(dst, MessageTree, 20, m.File), m.Pieces)
}

// Append appends the message to dst.
func (m *Hashes) Append(dst []byte) []byte {
	dst = appendMessage(dst, MessageHashes, 12+len(m.Hashes)*HashLen, m.File)
	dst = binary.BigEndian.AppendUint64(dst, uint64(m.First))
	for i := range m.Hashes {
		dst = append(dst, m.Hashes[i][:]...)
	}
	return dst
}

// Append appends the message to dst.
func (m *Root) Append(dst []byte) []byte {
	return append(appendMessage(dst, MessageRoot, 4+HashLen, m.File), m.Root[:]...)
}

// parseHashes leaves r bad if it holds no whole number of hashes, 1 at least.
func parseHashes(r *reader) *Hashes {
	m := &Hashes{File: r.id(), First: r.offset()}
	n := len(r.b) / HashLen
	if n == 0 {
		r.bad = true
		return m
	}
	m.Hashes = make([][HashLen]byte, n)
	for i := range m.Hashes {
		copy(m.Hashes[i][:], r.take(HashLen))
	}
	return m
}
