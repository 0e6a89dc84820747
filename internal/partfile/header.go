package partfile

import (
	"crypto/sha256"
	"encoding/binary"
)

const (
	// journalMagic begins each journal, journalVersion follows: a program that
	// finds another one begins anew.
	journalMagic   = "chunkcpJ"
	journalVersion = 1

	// headerSize is that of this layout, integers big-endian:
	//
	//	magic 8 | version 8 | bytes of a piece 8 | of the file 8 | id 16 | checksum 16
	headerSize = 8 + 8 + 8 + 8 + 16 + sumSize

	// defaultPieceBytes is what a piece has unless Option says otherwise: what
	// chunkcp verifies at once.
	defaultPieceBytes = 1 << 20

	// A journal has room for each piece four times, that is for three fetches
	// that got to the end and were given up, and for slackSlots in small files.
	// It ends at maxSlots, 896 MiB, however large the file: the first 16 TiB of
	// pieces of 1 MiB can be resumed. All arbitrary.
	slotsPerPiece = 4
	slackSlots    = 1 << 10
	maxSlots      = 1 << 24
)

// header is the beginning of a journal: what file it is of, and its id.
type header struct {
	pieceBytes int64 // above 0
	fileBytes  int64
	id         journalID
}

// pieces returns how many pieces the file has.
func (h header) pieces() int64 {
	n := h.fileBytes / h.pieceBytes
	if h.fileBytes%h.pieceBytes > 0 {
		n++
	}
	return n
}

// slots returns how many records the journal may have.
func (h header) slots() slot {
	return slot(min(h.pieces(), maxSlots/slotsPerPiece)*slotsPerPiece + slackSlots)
}

// offset returns where a slot begins in the journal.
func offset(at slot) int64 { return headerSize + int64(at)*recordSize }

// slotsIn returns how many slots a journal of length bytes has, counting one
// that was begun.
func slotsIn(length int64) slot {
	return slot((max(length-headerSize, 0) + recordSize - 1) / recordSize)
}

func appendHeader(b []byte, h header) []byte {
	start := len(b)
	b = append(b, journalMagic...)
	b = binary.BigEndian.AppendUint64(b, journalVersion)
	b = binary.BigEndian.AppendUint64(b, uint64(h.pieceBytes))
	b = binary.BigEndian.AppendUint64(b, uint64(h.fileBytes))
	b = append(b, h.id[:]...)
	sum := sha256.Sum256(b[start:])
	return append(b, sum[:sumSize]...)
}

// parseHeader returns the header of the headerSize bytes b, if it is one.
func parseHeader(b []byte) (h header, ok bool) {
	body := b[:headerSize-sumSize]
	sum := sha256.Sum256(body)
	if [sumSize]byte(sum[:]) != [sumSize]byte(b[len(body):]) ||
		string(body[:8]) != journalMagic || binary.BigEndian.Uint64(body[8:]) != journalVersion {
		return header{}, false
	}
	h.pieceBytes = int64(binary.BigEndian.Uint64(body[16:]))
	h.fileBytes = int64(binary.BigEndian.Uint64(body[24:]))
	h.id = journalID(body[32:])
	return h, true
}
