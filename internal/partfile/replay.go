package partfile

import (
	"cmp"
	"errors"
	"io"
	"slices"
)

// slotsAtOnce is how many records are read at once: 56 KiB. Arbitrary.
const slotsAtOnce = 1 << 10

// errOtherJournal reports a journal of another file, size or version, or one
// whose header is damaged.
var errOtherJournal = errors.New("not a journal of this file")

// replay returns the id and the records of a journal of length bytes, the last
// record of each piece, sorted by piece; after an error those that came before.
//
// A record that does not check is skipped, and those after it count: each is in
// its slot and answers for itself, so that a damaged block, or the end that a
// crash has torn and a later run has written behind, costs its own records
// only. Where the skipped one was the last of its piece the one before it
// stands: as true when it was written, and to be hashed as all are.
func replay(r io.ReaderAt, length int64, want header) (journalID, []Record, error) {
	var b [headerSize]byte
	if n, err := r.ReadAt(b[:], 0); n < len(b) {
		if err == io.EOF {
			err = errOtherJournal
		}
		return journalID{}, nil, err
	}
	h, ok := parseHeader(b[:])
	want.id = h.id
	if !ok || h != want {
		return journalID{}, nil, errOtherJournal
	}
	last := map[int64][hashSize]byte{}
	err := eachRecord(r, h, min(slotsIn(length), h.slots()), func(r Record) { last[r.Piece] = r.Hash })
	records := make([]Record, 0, len(last))
	for piece, hash := range last {
		records = append(records, Record{piece, hash})
	}
	slices.SortFunc(records, func(a, b Record) int { return cmp.Compare(a.Piece, b.Piece) })
	return h.id, records, err
}

// eachRecord calls yield with the records that check of the first end slots.
func eachRecord(r io.ReaderAt, h header, end slot, yield func(Record)) error {
	buf := make([]byte, min(end, slotsAtOnce)*recordSize)
	pieces := h.pieces()
	for at := slot(0); at < end; at += slotsAtOnce {
		want := buf[:min(end-at, slotsAtOnce)*recordSize]
		n, err := r.ReadAt(want, offset(at))
		for i := range slot(n / recordSize) {
			record, ok := parseRecord(want[i*recordSize:][:recordSize], h.id, at+i)
			if ok && record.Piece >= 0 && record.Piece < pieces {
				yield(record)
			}
		}
		if err == io.EOF {
			return nil // the last slot is torn
		}
		if err != nil {
			return err
		}
	}
	return nil
}
