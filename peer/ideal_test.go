package peer

import (
	"testing"
	"time"

	"chunkcp/internal/netsim"
)

const (
	// fileShare is what an Ethernet frame leaves of a link's rate to file bytes:
	// 1,433 of 1,500, after IP, UDP, header, sealing and segment header.
	fileShare = 1433.0 / 1500

	idealSize = 192 << 20
)

// idealLink is one of three that the tests of this file fetch over.
var idealLink = netsim.Link{Rate: 12_500_000, Delay: 20 * time.Millisecond, MTU: 1500}

// capacity returns how many file bytes a link of idealLink's rate carries in d.
func capacity(d time.Duration) float64 { return fileShare * float64(idealLink.Rate) * d.Seconds() }

// against compares a fetch's time with what the links could carry.
func against(t *testing.T, took, ideal time.Duration, limit float64) {
	t.Helper()
	ratio := took.Seconds() / ideal.Seconds()
	t.Logf("took %v, the links could do it in %v: %.3f", took, ideal, ratio)
	if ratio > limit {
		t.Errorf("%.3f of the ideal time, want %.2f at most", ratio, limit)
	}
}

// wasted returns how many bytes came for nothing.
func (w *world) wasted(f *Fetch) {
	w.t.Helper()
	n := came(f) - int64(len(w.content))
	w.t.Logf("%d bytes came twice, %.2f %%", n, 100*float64(n)/float64(len(w.content)))
	if n < 0 || float64(n) > 0.01*float64(len(w.content)) {
		w.t.Errorf("%d of %d bytes came twice, want 1 %% at most", n, len(w.content))
	}
}

// TestOneOfThreeIsKilled in the middle.
func TestOneOfThreeIsKilled(t *testing.T) {
	heavy(t)
	inWorld(t, 1, 3, idealSize, idealLink, func(w *world) {
		dies := 3 * time.Second
		w.after(dies, func() { w.servers[1].host.Down() })
		f, took := w.fetch(w.options())
		left := idealSize - 3*capacity(dies)
		ideal := dies + time.Duration(left/(2*capacity(time.Second))*float64(time.Second))
		against(t, took, ideal, 1.10)
		w.wasted(f)
	})
}

// TestOneOfThreeSlowsDown to a hundredth in the middle.
func TestOneOfThreeSlowsDown(t *testing.T) {
	heavy(t)
	inWorld(t, 1, 3, idealSize, idealLink, func(w *world) {
		slows := 3 * time.Second
		slow := idealLink
		slow.Rate /= 100
		w.after(slows, func() { w.net.SetPath(w.client.Addr(), w.servers[1].host.Addr(), slow) })
		f, took := w.fetch(w.options())
		left := idealSize - 3*capacity(slows)
		ideal := slows + time.Duration(left/(2.01*capacity(time.Second))*float64(time.Second))
		against(t, took, ideal, 1.15)
		w.wasted(f)
	})
}

// TestAHundredthOfTheOther: beside a peer with a hundredth of the other's rate a
// fetch is as fast as both are, one after the other.
func TestAHundredthOfTheOther(t *testing.T) {
	heavy(t)
	slow := idealLink
	slow.Rate /= 100
	rate := func(size, fast, slowOnes int) (bytesPerSec float64) {
		inWorld(t, 1, fast+slowOnes, size, idealLink, func(w *world) {
			for _, s := range w.servers[fast:] {
				w.net.SetPath(w.client.Addr(), s.host.Addr(), slow)
			}
			f, took := w.fetch(w.options())
			if fast+slowOnes > 1 {
				w.wasted(f)
			}
			bytesPerSec = float64(size) / took.Seconds()
		})
		return bytesPerSec
	}
	one, other, both := rate(idealSize, 1, 0), rate(idealSize/100, 0, 1), rate(idealSize, 1, 1)
	t.Logf("%.2f MB/s and %.2f MB/s, together %.2f MB/s: %.4f of the sum", one/1e6, other/1e6, both/1e6, both/(one+other))
	// What a session has is told every assign.RateInterval: by chance of the phases the fast
	// one takes over the last piece a tenth of a second later, 0.6 % of the whole.
	if both < 0.985*(one+other) {
		t.Errorf("%.4f of the sum of both, want 0.985", both/(one+other))
	}
}

// TestTheLastTwentieth takes no longer than its share: no peer keeps the others
// waiting at the end.
func TestTheLastTwentieth(t *testing.T) {
	heavy(t)
	inWorld(t, 1, 3, idealSize, idealLink, func(w *world) {
		for i, s := range w.servers {
			l := idealLink
			l.Rate /= int64(1 << (2 * i)) // 100, 25 and 6 Mbit/s
			w.net.SetPath(w.client.Addr(), s.host.Addr(), l)
		}
		o := w.options()
		var began, at time.Time
		o.OnStart = func(f *Fetch) {
			began = time.Now()
			w.watch(func() bool {
				s := f.Snapshot()
				if s.Total > 0 && s.Done >= s.Total/20*19 && at.IsZero() {
					at = time.Now()
				}
				return at.IsZero()
			})
		}
		f, took := w.fetch(o)
		last := took - at.Sub(began)
		share := took / 20
		t.Logf("of %v the last twentieth took %v: %.2f of its share", took, last, float64(last)/float64(share))
		if float64(last) > 1.2*float64(share) {
			t.Errorf("the last twentieth took %v, its share is %v", last, share)
		}
		w.wasted(f)
	})
}

// TestEightAreNotSlowerThanTheBest of them alone.
func TestEightAreNotSlowerThanTheBest(t *testing.T) {
	heavy(t)
	const size = 96 << 20
	links := make([]netsim.Link, 8)
	for i := range links {
		links[i] = idealLink
		links[i].Rate = idealLink.Rate / int64(1+i*i)
		links[i].Delay = time.Duration(5+13*i) * time.Millisecond
		links[i].Loss = 0.002 * float64(i)
	}
	fetch := func(links []netsim.Link) (took time.Duration) {
		inWorld(t, 1, len(links), size, idealLink, func(w *world) {
			for i, s := range w.servers {
				w.net.SetPath(w.client.Addr(), s.host.Addr(), links[i])
			}
			_, took = w.fetch(w.options())
		})
		return took
	}
	best, all := fetch(links[:1]), fetch(links)
	t.Logf("the best alone %v, all eight %v", best, all)
	if all > best {
		t.Errorf("eight took %v, the best of them alone %v", all, best)
	}
}
