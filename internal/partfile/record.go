package partfile

import (
	"crypto/sha256"
	"encoding/binary"
)

// Record says that piece Piece of the file was verified with hash Hash and
// written.
type Record struct {
	Piece int64
	Hash  [32]byte
}

// The layout of a record in the journal, integers big-endian:
//
//	piece 8 | hash 32 | checksum 16
const (
	hashSize   = 32
	sumSize    = 16 // of SHA-256's 32 bytes: an accident passes once in 2^128
	recordSize = 8 + hashSize + sumSize
)

// slot is the place of a record in its journal: 0 for the first.
type slot int64

// journalID is what the checksums of one journal have in common, and no two
// journals: random.
type journalID [16]byte

// appendRecord appends r as it stands in a slot of the journal id.
func appendRecord(b []byte, r Record, id journalID, at slot) []byte {
	b = binary.BigEndian.AppendUint64(b, uint64(r.Piece))
	b = append(b, r.Hash[:]...)
	sum := recordSum(b[len(b)-recordSize+sumSize:], id, at)
	return append(b, sum[:]...)
}

// parseRecord returns the record of the recordSize bytes b, unless they were
// not written in this slot of this journal.
func parseRecord(b []byte, id journalID, at slot) (r Record, ok bool) {
	body := b[:recordSize-sumSize]
	if recordSum(body, id, at) != [sumSize]byte(b[len(body):]) {
		return Record{}, false
	}
	r.Piece = int64(binary.BigEndian.Uint64(body))
	copy(r.Hash[:], body[8:])
	return r, true
}

// recordSum covers the record's place too: a record that was copied to another
// slot, or is of another journal whose space this one got from the disk, does
// not count. SHA-256 because the standard library has no faster hash that
// nobody can steer: a whole journal of 102,400 records is read in 0.07 s.
func recordSum(body []byte, id journalID, at slot) [sumSize]byte {
	var b [len(id) + 8 + recordSize - sumSize]byte
	copy(b[:], id[:])
	binary.BigEndian.PutUint64(b[len(id):], uint64(at))
	copy(b[len(id)+8:], body)
	sum := sha256.Sum256(b[:])
	return [sumSize]byte(sum[:])
}
