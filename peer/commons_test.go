package peer

import (
	"sync"
	"testing"
)

// TestCommonsLeaveSome: who wants all that there is has no more than is left then,
// however many do.
func TestCommonsLeaveSome(t *testing.T) {
	for _, greedy := range []int{1, 2, 9, 99, 999} {
		c := newCommons(10_000)
		held := make([]int64, greedy)
		for took := true; took; {
			took = false
			for i := range held {
				if c.take(held[i], 1) {
					held[i]++
					took = true
				}
			}
		}
		fair := int64(10_000 / (greedy + 1))
		left := c.size - c.used.Load()
		if left < fair || left > fair+int64(greedy) {
			t.Errorf("%d that want all leave %d, want about %d", greedy, left, fair)
		}
		for _, n := range held {
			if n < fair-1 || n > fair+1 {
				t.Fatalf("of %d that want all one has %d, want about %d", greedy, n, fair)
			}
		}
		if !c.take(0, 1) {
			t.Errorf("beside %d that want all nobody else gets any", greedy)
		}
	}
}

// TestCommonsRoom: what room says take gives, and not much more.
func TestCommonsRoom(t *testing.T) {
	c := newCommons(1000)
	for held := int64(0); ; {
		room := c.room(held)
		if room == 0 {
			if c.take(held, 1) {
				t.Error("there was no room, and some was given")
			}
			return
		}
		if c.take(held, room+1) {
			t.Fatalf("room for %d, and %d were given", room, room+1)
		}
		n := (room + 1) / 2
		if !c.take(held, n) {
			t.Fatalf("room for %d, and not %d were given", room, n)
		}
		held += n
	}
}

// TestCommonsOfManyGoroutines is for the race detector, and for the books.
func TestCommonsOfManyGoroutines(t *testing.T) {
	c := newCommons(100)
	var running sync.WaitGroup
	for range 8 {
		running.Go(func() {
			for range 10_000 {
				held := int64(0)
				for c.take(held, 1) {
					held++
				}
				c.give(held)
			}
		})
	}
	running.Wait()
	if n := c.used.Load(); n != 0 {
		t.Errorf("%d are held after all were given back", n)
	}
}

// TestAShareIsOnesOwn: what a session has of its own it has when nothing is left of
// the commons too, and does not take from them.
func TestAShareIsOnesOwn(t *testing.T) {
	c := newCommons(1000)
	c.used.Store(1000)
	s := &share{own: controlShare, commons: c}
	if s.Room() != controlShare || !s.Take(controlShare) {
		t.Fatalf("room for %d, want %d", s.Room(), controlShare)
	}
	if s.Room() != 0 || s.Take(1) {
		t.Error("more than its own was given of nothing")
	}
	c.used.Store(0)
	if s.Room() != 500 || !s.Take(500) || c.used.Load() != 500 {
		t.Errorf("of 1000 it has %d", c.used.Load())
	}
	s.Give(600)
	if c.used.Load() != 0 || s.held != controlShare-100 {
		t.Errorf("it holds %d, and %d of the commons", s.held, c.used.Load())
	}
	s.Take(200)
	s.release()
	if c.used.Load() != 0 || s.held != 0 {
		t.Errorf("after the end it holds %d, and %d of the commons", s.held, c.used.Load())
	}
}
