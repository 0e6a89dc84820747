package peer

import (
	"fmt"
	"runtime"
	"testing"
	"unsafe"
)

// fill fills an inbox with as many datagrams as it takes, and returns how many.
func fill(b *inbox, from func() *datagram) (n int, why fate) {
	for {
		if why = b.put(from()); why != kept && why != keptOnly {
			return n, why
		}
		n++
	}
}

func TestInboxKeepsTheOrder(t *testing.T) {
	b := &inbox{commons: newCommons(inboxCommons)}
	for i := range 3 {
		if got, want := b.put(&datagram{n: i}), map[int]fate{0: keptOnly}[i]; got != want {
			t.Errorf("datagram %d: %d, want %d", i, got, want)
		}
	}
	for i := range 3 {
		if d := b.take(); d == nil || d.n != i || d.next != nil {
			t.Fatalf("%v, want datagram %d alone", d, i)
		}
	}
	if d := b.take(); d != nil {
		t.Errorf("%v of an empty inbox", d)
	}
	if got := b.put(&datagram{}); got != keptOnly {
		t.Errorf("the first after it was empty: %d", got)
	}
}

// TestAnInboxIsFull: one session alone is bounded by its inbox.
func TestAnInboxIsFull(t *testing.T) {
	b := &inbox{commons: newCommons(inboxCommons)}
	d := func() *datagram { return new(datagram) }
	if n, why := fill(b, d); n != inboxLen || why != full {
		t.Errorf("%d datagrams, then %d; want %d, then %d", n, why, inboxLen, full)
	}
	for b.take() != nil {
	}
	if n := b.commons.used.Load(); n != 0 {
		t.Errorf("all are taken, and %d of the commons are held", n)
	}
	fill(b, d)
	rest := 0
	for d := b.close(); d != nil; d = d.next {
		rest++
	}
	if rest != inboxLen || b.commons.used.Load() != 0 {
		t.Errorf("%d are left at the end, %d of the commons are held", rest, b.commons.used.Load())
	}
	if got := b.put(d()); got != ended {
		t.Errorf("after the end: %d", got)
	}
}

// TestTenThousandFullInboxes: all sessions that there may be get as much as they
// can hold, and read nothing. What waits is bounded, and each has its share, the last
// as well as the first.
func TestTenThousandFullInboxes(t *testing.T) {
	before := heapBytes()
	c := newCommons(inboxCommons)
	boxes := make([]inbox, maxServed)
	waiting, crowds := 0, 0
	for i := range boxes {
		boxes[i].commons = c
		n, why := fill(&boxes[i], func() *datagram { return new(datagram) })
		if n < inboxShare {
			t.Fatalf("session %d may have %d datagrams wait, %d are its own", i, n, inboxShare)
		}
		if why == crowded {
			crowds++
		}
		waiting += n
	}
	if most := maxServed*inboxShare + inboxCommons; waiting > most || waiting < most-inboxCommons/4 {
		t.Errorf("%d datagrams wait, want nearly %d", waiting, most)
	}
	if crowds < maxServed/2 {
		t.Errorf("%d sessions were refused for the others' sake only", crowds)
	}
	grown := heapBytes() - before
	t.Logf("%d datagrams of %d bytes wait: %d MiB", waiting, unsafe.Sizeof(datagram{}), grown>>20)
	if grown > 64<<20 {
		t.Errorf("they take %d MiB, want 64 at most", grown>>20)
	}
	// One that takes what waits for it, and others that do not: it has its share.
	honest := &boxes[maxServed-1]
	for honest.take() != nil {
	}
	for range 1000 {
		for range inboxShare {
			if got := honest.put(new(datagram)); got != kept && got != keptOnly {
				t.Fatalf("a session that takes what comes: %d", got)
			}
		}
		for honest.take() != nil {
		}
	}
	for i := range boxes {
		boxes[i].close()
	}
	if n := c.used.Load(); n != 0 {
		t.Errorf("%d of the commons are held after the end", n)
	}
	runtime.KeepAlive(boxes)
}

// BenchmarkInbox is a datagram's way through an inbox, and that through the channel
// of as many places that it was before.
func BenchmarkInbox(b *testing.B) {
	d := new(datagram)
	for _, burst := range []int{1, 16} {
		b.Run(fmt.Sprintf("inbox/burst=%d", burst), func(b *testing.B) {
			box, wake := &inbox{commons: newCommons(inboxCommons)}, make(chan struct{}, 1)
			space := make([]datagram, burst)
			for b.Loop() {
				for i := range space {
					if box.put(&space[i]) == keptOnly {
						wake <- struct{}{}
					}
				}
				<-wake
				for box.take() != nil {
				}
			}
		})
		b.Run(fmt.Sprintf("channel/burst=%d", burst), func(b *testing.B) {
			box := make(chan *datagram, inboxLen)
			for b.Loop() {
				for range burst {
					select {
					case box <- d:
					default:
					}
				}
				for range burst {
					select {
					case <-box:
					default:
					}
				}
			}
		})
	}
}
