package arq

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"testing"

	"chunkcp/internal/rangeset"

	"pgregory.net/rapid"
)

// pattern returns the bytes of a stream from offset on: each depends on where it is.
func pattern(offset, n int64) []byte {
	p := make([]byte, n)
	for i := range p {
		x := uint64(offset+int64(i)) * 0x9e3779b97f4a7c15
		p[i] = byte(x >> 56)
	}
	return p
}

// TestControlInAnyOrder: pieces that overlap, come twice and in any order give
// the stream, whatever is consumed in between.
func TestControlInAnyOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		size := rapid.Int64Range(1, 3000).Draw(t, "size")
		var pieces []rangeset.Range
		for at := int64(0); at < size; { // all of it once, with overlap
			r := rangeset.Range{Start: at, End: min(size, at+rapid.Int64Range(1, 400).Draw(t, "length"))}
			at = r.End
			r.Start -= min(r.Start, rapid.Int64Range(0, 100).Draw(t, "overlap"))
			pieces = append(pieces, r)
			if rapid.IntRange(0, 3).Draw(t, "twice") == 0 {
				pieces = append(pieces, r)
			}
		}
		pieces = rapid.Permutation(pieces).Draw(t, "order")
		var c ControlReader
		var got []byte
		for _, r := range pieces {
			if err := c.Add(r.Start, pattern(r.Start, r.Len())); err != nil {
				t.Fatalf("%v: %v", r, err)
			}
			for {
				if more, err := c.More(); err != nil {
					t.Fatal(err)
				} else if !more {
					break
				}
			}
			b := c.Bytes()
			if n := int64(len(got)); !bytes.Equal(b, pattern(n, int64(len(b)))) {
				t.Fatalf("after %v: not the stream from %d on", r, n)
			}
			for _, h := range c.have.Ranges() {
				if h.Start <= c.next {
					t.Fatalf("%v is kept, though all before %d is in order", h, c.next)
				}
			}
			take := rapid.IntRange(0, len(b)).Draw(t, "consumed")
			got = append(got, b[:take]...)
			c.Consume(b[take:])
		}
		if got = append(got, c.Bytes()...); !bytes.Equal(got, pattern(0, size)) {
			t.Fatalf("%d bytes of %d", len(got), size)
		}
	})
}

// TestControlWindow: a burst beyond what is in order is kept, no byte more.
func TestControlWindow(t *testing.T) {
	var c ControlReader
	if err := c.Add(0, pattern(0, 100)); err != nil {
		t.Fatal(err)
	}
	if err := c.Add(100+controlBurst-1, []byte{1}); err != nil {
		t.Fatalf("the last byte of the window: %v", err)
	}
	for _, tc := range []struct{ offset, n int64 }{{100 + controlBurst, 1}, {100 + controlBurst - 1, 2}, {200, controlBurst}, {1 << 62, 1}} {
		if err := c.Add(tc.offset, make([]byte, tc.n)); !errors.Is(err, ErrViolation) {
			t.Errorf("%d bytes at %d: %v", tc.n, tc.offset, err)
		}
	}
	if err := c.Add(0, pattern(0, 100)); err != nil || len(c.Bytes()) != 100 {
		t.Errorf("a repeat: %v, %d bytes", err, len(c.Bytes()))
	}
}

// TestControlNotConsumed: a reader that finds no end of a message keeps no more
// than a bound.
func TestControlNotConsumed(t *testing.T) {
	var c ControlReader
	at := int64(0)
	for range 2 * controlBuffer / 1000 {
		if err := c.Add(at, make([]byte, 1000)); err != nil {
			if at < controlBuffer || !errors.Is(err, ErrViolation) {
				t.Fatalf("at %d: %v", at, err)
			}
			return
		}
		at += 1000
	}
	t.Fatalf("%d bytes kept", len(c.Bytes()))
}

// TestControlOut: what is written comes out of bytes until it is acknowledged.
func TestControlOut(t *testing.T) {
	const seed = 5
	rng := rand.New(rand.NewPCG(seed, 5))
	var c controlOut
	end := int64(0)
	for step := range 2000 {
		n := rng.Int64N(1000)
		if err := c.write(pattern(end, n)); err != nil {
			t.Fatalf("seed %d, step %d: %v", seed, step, err)
		}
		end += n
		r := c.waiting()
		if r.Start != c.sent || r.Len() > controlBurst || r.End != min(end, r.Start+controlBurst) {
			t.Fatalf("seed %d, step %d: %v waits of [%d, %d)", seed, step, r, c.sent, end)
		}
		r.End = r.Start + rng.Int64N(r.Len()+1)
		c.sent = r.End
		if !bytes.Equal(c.bytes(r), pattern(r.Start, r.Len())) {
			t.Fatalf("seed %d, step %d: %v is not the stream", seed, step, r)
		}
		c.acknowledged(r)
	}
	if err := c.write(make([]byte, 2*controlBurst)); err != nil {
		t.Fatal(err)
	}
	if n := c.waiting().Len(); n != controlBurst {
		t.Errorf("%d bytes at once, the reader's window is %d", n, controlBurst)
	}
}

// FuzzControlReader: no input makes it panic, keep more than its window or give
// anything but the stream's bytes.
func FuzzControlReader(f *testing.F) {
	f.Add([]byte{0, 0, 5, 0, 3, 9, 0xff, 0xff, 1})
	f.Add([]byte{0, 10, 5, 0, 0, 20})
	f.Fuzz(func(t *testing.T, in []byte) {
		var c ControlReader
		for ; len(in) >= 3; in = in[3:] {
			offset, n := int64(in[0])<<8|int64(in[1]), int64(in[2])
			if err := c.Add(offset, pattern(offset, n)); err != nil {
				return
			}
			if b := c.Bytes(); !bytes.Equal(b, pattern(0, int64(len(b)))) {
				t.Fatal("not the stream")
			}
			if len(c.ahead) > controlBurst || c.have.Len() > controlBurst {
				t.Fatalf("%d bytes kept", c.have.Len())
			}
		}
	})
}

// TestControlStreamInCrumbs: one byte in two costs a reader no more than the
// segments of a burst do.
func TestControlStreamInCrumbs(t *testing.T) {
	var c ControlReader
	for i := range maxGaps {
		if err := c.Add(int64(2*i+1), []byte{1}); err != nil {
			t.Fatalf("run %d: %v", i, err)
		}
	}
	if err := c.Add(2*maxGaps+1, []byte{1}); err != ErrViolation {
		t.Errorf("one run too many: %v", err)
	}
}
