package proto

import (
	"bytes"
	"encoding/hex"
	"errors"
	"reflect"
	"slices"
	"testing"
)

// encoder is any message.
type encoder interface {
	Append(dst []byte) []byte
}

// vector is a message and its bytes, written by hand from doc.go.
type vector struct {
	name string
	msg  encoder
	wire string // in hex
	// least is the length of the shortest prefix of wire that is a message by
	// itself, for one whose last field reaches to the end; 0 for others.
	least int
}

func (v vector) bytes(t testing.TB) []byte {
	t.Helper()
	b, err := hex.DecodeString(v.wire)
	if err != nil {
		t.Fatalf("vector %s: %v", v.name, err)
	}
	return b
}

// testVectors checks each vector both ways, and what becomes of it when bytes
// are missing or one is added.
func testVectors(t *testing.T, parse func([]byte) (encoder, error), vectors []vector) {
	for _, v := range vectors {
		t.Run(v.name, func(t *testing.T) {
			wire := v.bytes(t)
			if got := v.msg.Append([]byte("before")); string(got) != "before"+string(wire) {
				t.Errorf("encoded\n%x, want\n%x after what was there before", got, wire)
			}
			got, err := parse(wire)
			if err != nil {
				t.Fatalf("parse: %v", err)
			}
			if !reflect.DeepEqual(got, v.msg) {
				t.Errorf("parsed\n%+v, want\n%+v", got, v.msg)
			}
			reachesEnd := v.least > 0
			for n := range len(wire) {
				got, err := parse(wire[:n:n])
				if !reachesEnd || n < v.least {
					wantMalformed(t, err, "the first %d of %d bytes", n, len(wire))
				} else if err != nil || !bytes.Equal(got.Append(nil), wire[:n]) {
					t.Errorf("the first %d of %d bytes, of which %d are a message: %v, %v", n, len(wire), v.least, got, err)
				}
			}
			if _, err := parse(append(slices.Clone(wire), 0)); !reachesEnd {
				wantMalformed(t, err, "one byte more")
			}
		})
	}
}

// malformed is bytes that are not a message, and the reason.
type malformed struct {
	why  string
	wire []byte
}

// testMalformed checks that each row is refused. Rows are made from valid, by a
// change of nothing but what the reason says.
func testMalformed(t *testing.T, parse func([]byte) (encoder, error), valid []byte, rows []malformed) {
	t.Helper()
	if _, err := parse(valid); err != nil {
		t.Fatalf("what the rows are made from is malformed itself: %x: %v", valid, err)
	}
	for _, row := range rows {
		_, err := parse(row.wire)
		wantMalformed(t, err, "%s: %x", row.why, row.wire)
	}
}

func wantMalformed(t *testing.T, err error, format string, args ...any) {
	t.Helper()
	if !errors.Is(err, ErrMalformed) {
		t.Errorf(format+": error %v, want %v", append(args, err, ErrMalformed)...)
	}
}

// with returns a copy of b with v written over it at i.
func with(b []byte, i int, v ...byte) []byte {
	b = slices.Clone(b)
	if n := copy(b[i:], v); n != len(v) {
		panic("BUG: the change does not fit into the message")
	}
	return b
}

// fuzzRoundTrip checks that whatever parse takes encodes to the same bytes.
func fuzzRoundTrip(f *testing.F, parse func([]byte) (encoder, error), vectors []vector) {
	for _, v := range vectors {
		f.Add(v.bytes(f))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		before := slices.Clone(b)
		m, err := parse(b)
		if !bytes.Equal(b, before) {
			t.Fatalf("parsing changed its input\n%x to\n%x", before, b)
		}
		if err != nil {
			wantMalformed(t, err, "%x", b)
			return
		}
		if got := m.Append(nil); !bytes.Equal(got, b) {
			t.Fatalf("%+v was parsed from\n%x and encodes to\n%x", m, b, got)
		}
	})
}
