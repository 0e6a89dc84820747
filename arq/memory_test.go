package arq

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"testing"

	"chunkcp/internal/rangeset"
	"chunkcp/proto"
)

// ration is a Memory of so many bytes.
type ration struct{ left, refused int }

func (r *ration) Take(n int) bool {
	if n > r.left {
		r.refused++
		return false
	}
	r.left -= n
	return true
}
func (r *ration) Give(n int) { r.left += n }
func (r *ration) Room() int  { return r.left }

// TestControlOutOfMemory: what is written takes no more than there is, what there is
// is used to the full, and given back when the peer has acknowledged all.
func TestControlOutOfMemory(t *testing.T) {
	m := &ration{left: 5000}
	c := controlOut{memory: m}
	end := int64(0)
	for c.room() >= 100 {
		if err := c.write(pattern(end, 100)); err != nil {
			t.Fatalf("room for %d: %v", c.room(), err)
		}
		end += 100
	}
	if end != 5000 || m.left != 0 {
		t.Errorf("%d bytes of 5000 are written, %d are left", end, m.left)
	}
	if err := c.write([]byte{1}); !errors.Is(err, ErrNoMemory) || m.refused == 0 {
		t.Errorf("one byte more: %v", err)
	}
	if got := c.bytes(rangeset.Range{End: end}); !bytes.Equal(got, pattern(0, end)) {
		t.Error("what waits is not what was written")
	}
	c.acknowledged(rangeset.Range{End: 4000})
	if m.left != 0 || c.room() != 4000 {
		t.Errorf("after 4000 bytes: %d are left, room for %d", m.left, c.room())
	}
	c.acknowledged(rangeset.Range{Start: 4000, End: 5000})
	if m.left != 5000 {
		t.Errorf("after all bytes: %d are left", m.left)
	}
}

// TestControlReaderOutOfMemory: a segment for which there is no memory changes
// nothing, and can come again.
func TestControlReaderOutOfMemory(t *testing.T) {
	m := &ration{left: 3100}
	c := ControlReader{Memory: m}
	if c.Reserve(20_000, 1000) || m.refused == 0 {
		t.Fatal("there is memory for what comes 21,000 bytes ahead")
	}
	if err := c.Add(20_000, pattern(20_000, 1000)); !errors.Is(err, ErrNoMemory) {
		t.Fatalf("it is taken all the same: %v", err)
	}
	for _, at := range []int64{1000, 0} {
		if !c.Reserve(at, 1000) {
			t.Fatalf("no memory for the segment at %d: %d bytes", at, m.left)
		}
		if err := c.Add(at, pattern(at, 1000)); err != nil {
			t.Fatal(err)
		}
	}
	c.Consume(nil)
	for more := true; more; {
		var err error
		if more, err = c.More(); err != nil {
			t.Fatal(err)
		}
		if b := c.Bytes(); more && !bytes.Equal(b, pattern(1000, int64(len(b)))) {
			t.Error("not the stream")
		}
		if c.next == 2000 {
			c.Consume(nil)
		}
	}
	if c.next != 2000 || m.left != 3100 {
		t.Errorf("%d bytes are in order, %d of memory are left", c.next, m.left)
	}
}

// TestControlReaderStuck: what came ahead cannot be taken where it is too much
// together with a message that does not end.
func TestControlReaderStuck(t *testing.T) {
	m := &ration{left: 4096}
	c := ControlReader{Memory: m}
	if err := c.Add(500, pattern(500, 1500)); err != nil {
		t.Fatal(err)
	}
	if err := c.Add(0, pattern(0, 500)); err != nil {
		t.Fatal(err)
	}
	var err error
	for more := true; more && err == nil; {
		more, err = c.More()
	}
	if err != nil {
		t.Fatalf("2000 bytes, of which none is consumed: %v", err)
	}
	m.left = 0
	if err := c.Add(2000, pattern(2000, 2000)); !errors.Is(err, ErrNoMemory) {
		t.Errorf("2000 more: %v", err)
	}
}

// TestControlBooks: whatever comes and goes, what was taken of the memory is what
// the buffers hold.
func TestControlBooks(t *testing.T) {
	for seed := range uint64(20) {
		rng := rand.New(rand.NewPCG(seed, 7))
		const all = 70_000
		m := &ration{left: all}
		out, in := controlOut{memory: m}, ControlReader{Memory: m}
		written, short := int64(0), 0
		for step := range 3000 {
			switch rng.IntN(4) {
			case 0:
				n := rng.Int64N(5000)
				if err := out.write(pattern(written, n)); err == nil {
					written += n
				} else {
					short++
				}
			case 1:
				if r := out.waiting(); !r.Empty() {
					r.End = r.Start + rng.Int64N(r.Len()+1)
					out.sent = r.End
					out.acknowledged(r)
				}
			case 2:
				at, n := in.next+rng.Int64N(2)*rng.Int64N(controlBurst-2000), 1+rng.Int64N(2000)
				if in.Reserve(at, int(n)) {
					if err := in.Add(at, pattern(at, n)); err != nil {
						t.Fatalf("seed %d, step %d: %v", seed, step, err)
					}
				} else {
					short++
				}
			case 3:
				for more := true; more; {
					in.Consume(in.Bytes()[max(0, len(in.Bytes())-rng.IntN(proto.MaxMessage)):])
					var err error
					if more, err = in.More(); err != nil {
						short++
					}
				}
			}
			if held := cap(out.buf) + cap(in.ready) + cap(in.ahead); held != all-m.left || m.left < 0 {
				t.Fatalf("seed %d, step %d: the buffers hold %d bytes, %d were taken", seed, step, held, all-m.left)
			}
		}
		if short == 0 {
			t.Errorf("seed %d: memory was never short", seed)
		}
	}
}
