package partfile

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"slices"
	"testing"
)

var (
	testID     = journalID{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}
	testHeader = header{pieceBytes: 1 << 20, fileBytes: 10<<20 + 1, id: testID}
)

// rec is a record whose hash tells the version of its piece.
func rec(piece int64, version byte) Record {
	return Record{piece, sha256.Sum256([]byte{byte(piece), version})}
}

// journalOf returns a journal as it stands on the disk.
func journalOf(h header, records ...Record) []byte {
	b := appendHeader(nil, h)
	for i, r := range records {
		b = appendRecord(b, r, h.id, slot(i))
	}
	return b
}

// replayed returns what a journal says; the id in want is not known before.
func replayed(b []byte, want header) ([]Record, error) {
	want.id = journalID{}
	_, records, err := replay(bytes.NewReader(b), int64(len(b)), want)
	return records, err
}

func wantRecords(t *testing.T, b []byte, want ...Record) {
	t.Helper()
	got, err := replayed(b, testHeader)
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("the journal has %v, %v; want %v", got, err, want)
	}
}

// The layout is a promise to later versions.
func TestJournalLayout(t *testing.T) {
	got := hex.EncodeToString(journalOf(testHeader, Record{Piece: 3, Hash: [32]byte{0xaa, 0xbb}}))
	const want = "6368756e6b63704a" + "0000000000000001" + // magic, version
		"0000000000100000" + "0000000000a00001" + // bytes of a piece, of the file
		"0102030405060708090a0b0c0d0e0f10" + // id
		"fc51e20c5ca8337bc9e47e41fb9c327f" + // SHA-256 of the above
		"0000000000000003" + // piece
		"aabb000000000000000000000000000000000000000000000000000000000000" +
		"b77a527eb764c0075d6462663e02aace" // SHA-256 of the id, the slot 0 and the record
	if got != want {
		t.Errorf("journal is\n%s, want\n%s", got, want)
	}
}

func TestLastRecordOfAPieceWins(t *testing.T) {
	b := journalOf(testHeader, rec(7, 1), rec(0, 1), rec(7, 2), rec(10, 1), rec(7, 3))
	wantRecords(t, b, rec(0, 1), rec(7, 3), rec(10, 1))
}

func TestOtherJournalIsNotBelieved(t *testing.T) {
	version := journalOf(testHeader, rec(1, 1))
	version[15]++
	sum := sha256.Sum256(version[:headerSize-sumSize])
	copy(version[headerSize-sumSize:], sum[:sumSize])
	for name, b := range map[string][]byte{
		"empty":              {},
		"other size of file": journalOf(header{1 << 20, 10<<20 + 2, testID}, rec(1, 1)),
		"other pieces":       journalOf(header{1 << 19, 10<<20 + 1, testID}, rec(1, 1)),
		"other version":      version,
		"no magic":           append([]byte("x"), journalOf(testHeader, rec(1, 1))[1:]...),
	} {
		if got, err := replayed(b, testHeader); !errors.Is(err, errOtherJournal) || len(got) > 0 {
			t.Errorf("%s: %v, %v; want errOtherJournal", name, got, err)
		}
	}
}

// A record counts in its own slot of its own journal only, and for a piece that
// the file has.
func TestRecordElsewhereIsSkipped(t *testing.T) {
	b := journalOf(testHeader, rec(1, 1), rec(1, 2), rec(3, 1))
	copied := slices.Clone(b)
	copy(copied[offset(2):], b[offset(0):offset(1)])
	wantRecords(t, copied, rec(1, 2))

	other := testHeader
	other.id[0]++
	foreign := slices.Clone(b)
	copy(foreign[offset(1):offset(2)], journalOf(other, rec(1, 1), rec(4, 1))[offset(1):])
	wantRecords(t, foreign, rec(1, 1), rec(3, 1))

	wantRecords(t, journalOf(testHeader, rec(-1, 1), rec(5, 1), rec(11, 1), rec(1<<62, 1)), rec(5, 1))
}

// history returns records of which some repeat a piece.
func history() []Record {
	return []Record{rec(7, 1), rec(0, 1), rec(7, 2), rec(10, 1), rec(3, 1), rec(0, 2)}
}

// checkTrue fails if a damaged journal says what the whole one never did.
func checkTrue(t *testing.T, b []byte) []Record {
	t.Helper()
	got, err := replayed(b, testHeader)
	if err != nil && !errors.Is(err, errOtherJournal) {
		t.Fatalf("replay = %v", err)
	}
	for _, r := range got {
		if !slices.Contains(history(), r) {
			t.Fatalf("the journal has a record of piece %d that was never noted", r.Piece)
		}
	}
	return got
}

func TestJournalCutAnywhere(t *testing.T) {
	b := journalOf(testHeader, history()...)
	for n := range b {
		got := checkTrue(t, b[:n])
		whole := map[int64]bool{} // of what is left uncut
		for i, r := range history() {
			if int64(n) >= offset(slot(i)+1) {
				whole[r.Piece] = true
			}
		}
		if len(got) != len(whole) {
			t.Errorf("cut at %d: %d pieces, want %d", n, len(got), len(whole))
		}
	}
}

func TestJournalFlippedAnywhere(t *testing.T) {
	b := journalOf(testHeader, history()...)
	for i := range b {
		for bit := range 8 {
			flipped := slices.Clone(b)
			flipped[i] ^= 1 << bit
			got := checkTrue(t, flipped)
			if i < headerSize && len(got) > 0 {
				t.Fatalf("bit %d of byte %d: the header is believed", bit, i)
			}
			if i >= headerSize && len(got) < 3 { // 4 pieces, one record damaged
				t.Fatalf("bit %d of byte %d: %d pieces are left, want 3", bit, i, len(got))
			}
		}
	}
}

// counter is a reader that fails from some byte on, and knows how far it was
// read.
type counter struct {
	b      []byte
	broken int64
	read   int64
}

func (c *counter) ReadAt(b []byte, off int64) (int, error) {
	if c.broken > 0 && off+int64(len(b)) > c.broken {
		return copy(b, c.b[off:c.broken]), io.ErrUnexpectedEOF
	}
	c.read = max(c.read, off+int64(len(b)))
	return bytes.NewReader(c.b).ReadAt(b, off)
}

func TestLongJournalIsNotReadPastItsBound(t *testing.T) {
	h := header{pieceBytes: 10, fileBytes: 20, id: testID}
	bound := 2*slotsPerPiece + slackSlots
	var records []Record
	for range bound + 5000 {
		records = append(records, rec(0, 1))
	}
	records[bound] = rec(1, 1)
	r := &counter{b: journalOf(h, records...)}
	_, got, err := replay(r, int64(len(r.b)), h)
	if err != nil || !slices.Equal(got, records[:1]) {
		t.Errorf("replay = %v, %v; want piece 0 only", got, err)
	}
	if want := offset(slot(bound)); r.read != want {
		t.Errorf("%d bytes were read, want %d", r.read, want)
	}
}

// What was read before an error counts: each record answers for itself.
func TestJournalThatCannotBeRead(t *testing.T) {
	r := &counter{b: journalOf(testHeader, rec(1, 1), rec(2, 1), rec(3, 1))}
	r.broken = offset(2) + 1
	_, got, err := replay(r, int64(len(r.b)), testHeader)
	if !errors.Is(err, io.ErrUnexpectedEOF) || !slices.Equal(got, []Record{rec(1, 1), rec(2, 1)}) {
		t.Errorf("replay = %v, %v; want pieces 1, 2 and the error", got, err)
	}
}

func TestSlotsAreBounded(t *testing.T) {
	for _, c := range []struct {
		piece, file int64
		want        slot
	}{
		{1 << 20, 0, slackSlots},
		{1 << 20, 1, slotsPerPiece + slackSlots},
		{1 << 20, 100 << 30, 102_400*slotsPerPiece + slackSlots},
		{1, 1<<63 - 1, maxSlots + slackSlots},
	} {
		if got := (header{pieceBytes: c.piece, fileBytes: c.file}).slots(); got != c.want {
			t.Errorf("%d bytes in pieces of %d have %d slots, want %d", c.file, c.piece, got, c.want)
		}
	}
}

func FuzzReplay(f *testing.F) {
	f.Add(journalOf(testHeader, history()...))
	f.Add(journalOf(testHeader))
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, want := range []header{testHeader, headerOf(b)} {
			got, err := replayed(b, want)
			if len(got) > len(b)/recordSize || err != nil && len(got) > 0 {
				t.Fatalf("%d records from %d bytes, %v", len(got), len(b), err)
			}
			last := int64(-1)
			for _, r := range got {
				if r.Piece <= last || r.Piece >= want.pieces() {
					t.Fatalf("piece %d of %d after piece %d", r.Piece, want.pieces(), last)
				}
				last = r.Piece
			}
		}
	})
}

// headerOf makes the header of b one that is believed, so that a fuzzer gets at
// the records.
func headerOf(b []byte) header {
	h := testHeader
	if len(b) >= headerSize {
		copy(b, appendHeader(nil, h))
	}
	return h
}

func BenchmarkReplay(b *testing.B) {
	const pieces = 102_400 // 100 GiB
	h := header{pieceBytes: 1 << 20, fileBytes: pieces << 20, id: testID}
	var records []Record
	for i := range int64(pieces) {
		records = append(records, rec(i*7919%pieces, 1))
	}
	text := journalOf(h, records...)
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		if _, got, err := replay(bytes.NewReader(text), int64(len(text)), h); err != nil || len(got) != pieces {
			b.Fatal(len(got), err)
		}
	}
}
