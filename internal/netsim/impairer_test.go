package netsim

import (
	"bytes"
	"math"
	"math/bits"
	"reflect"
	"testing"
	"time"
)

var start = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)

// passed admits count datagrams, gap apart, and reports which arrived.
func passed(im *Impairer, count int, gap time.Duration) []bool {
	arrived := make([]bool, count)
	for i := range arrived {
		arrived[i] = len(im.admit(start.Add(time.Duration(i)*gap), 1)) > 0
	}
	return arrived
}

func TestLossFrequency(t *testing.T) {
	const count = 20000
	for seed := range uint64(5) {
		for _, l := range []Link{{Loss: 0.01}, {Loss: 0.3}, {Loss: 0.05, BurstLen: 5}, {Loss: 0.5, BurstLen: 5}, {Loss: 1}} {
			im := NewImpairer(l, seed)
			passed(im, count, time.Millisecond)
			// Five standard deviations; a burst of mean length B has a variance of
			// about 2B-1 times that of independent losses.
			burst := max(1, 2*l.BurstLen-1)
			bound := 5 * math.Sqrt(burst*count*l.Loss*(1-l.Loss))
			lost := float64(im.Counters().Lost)
			if math.Abs(lost-count*l.Loss) > bound {
				t.Errorf("seed %d, %+v: %v of %d lost", seed, l, lost, count)
			}
		}
	}
}

func TestMeanBurstLength(t *testing.T) {
	for seed := range uint64(5) {
		for _, want := range []float64{2, 8} {
			bursts, lost, inBurst := 0, 0, false
			for _, ok := range passed(NewImpairer(Link{Loss: 0.1, BurstLen: want}, seed), 60_000, time.Millisecond) {
				if !ok {
					lost++
					if !inBurst {
						bursts++
					}
				}
				inBurst = !ok
			}
			mean := float64(lost) / float64(bursts)
			// The length is geometric: deviation sqrt(want*(want-1)) of one burst.
			bound := 5 * math.Sqrt(want*(want-1)/float64(bursts))
			if math.Abs(mean-want) > bound {
				t.Errorf("seed %d: mean burst %.2f in %d bursts, want %v within %.2f", seed, mean, bursts, want, bound)
			}
		}
	}
}

func TestSameSeedSameFate(t *testing.T) {
	l := Link{
		Rate: 1_000_000, Queue: 20_000, Delay: 5 * time.Millisecond, Jitter: 3 * time.Millisecond, Loss: 0.1, BurstLen: 2,
		Duplicate: 0.1, Reorder: 0.1, ReorderBy: time.Millisecond, Corrupt: 0.1,
	}
	story := func(seed uint64) (all []Delivery) {
		im := NewImpairer(l, seed)
		for i := range 500 {
			all = append(all, im.Admit(start.Add(time.Duration(i)*100*time.Microsecond), make([]byte, 200))...)
		}
		return all
	}
	if !reflect.DeepEqual(story(7), story(7)) {
		t.Error("the same seed gave two stories")
	}
	if reflect.DeepEqual(story(7), story(8)) {
		t.Error("two seeds gave the same story")
	}
}

func TestRateSerializes(t *testing.T) {
	im := NewImpairer(Link{Rate: 3_000_000, Delay: time.Second, Queue: math.MaxInt64}, 1)
	const size, count = 100 - HeaderBytes, 30_000 // each takes 33.3 us, which no integer holds
	var due time.Time
	for range count {
		due = im.Admit(start, make([]byte, size))[0].Due
	}
	if want := start.Add(2 * time.Second); !due.Equal(want) {
		t.Errorf("the last of 3 MB arrives at %v, want %v", due, want)
	}
	late := start.Add(time.Minute) // an idle link keeps no credit
	if got := im.Admit(late, make([]byte, size))[0].Due.Sub(late); got != time.Second+33333*time.Nanosecond {
		t.Errorf("a datagram after a pause takes %v", got)
	}
}

func TestQueueDropsItsTail(t *testing.T) {
	const size = 1000 - HeaderBytes
	im := NewImpairer(Link{Rate: 1_000_000, Queue: 5000}, 1) // a packet each millisecond
	arrived := 0
	for range 20 {
		arrived += len(im.Admit(start, make([]byte, size)))
	}
	if arrived != 5 || im.Counters().QueueDropped != 15 {
		t.Errorf("a queue of 5 packets took %d of 20: %+v", arrived, im.Counters())
	}
	// Two packets later there is room for two.
	for i, want := range []int{1, 1, 0} {
		if got := len(im.Admit(start.Add(2*time.Millisecond), make([]byte, size))); got != want {
			t.Errorf("datagram %d after two have left: %d arrivals, want %d", i, got, want)
		}
	}
	// A datagram longer than the queue passes an idle link.
	if got := len(im.Admit(start.Add(time.Second), make([]byte, 9000))); got != 1 {
		t.Error("an idle link dropped a datagram")
	}
}

// TestQueueOfPackets: a queue that is bounded in packets takes as many short ones
// as long ones.
func TestQueueOfPackets(t *testing.T) {
	for _, size := range []int{100, 1000, 60_000} {
		im := NewImpairer(Link{Rate: 1_000_000, QueuePackets: 5}, 1)
		each := time.Duration(size) * time.Microsecond
		arrived := 0
		for range 20 {
			arrived += len(im.Admit(start, make([]byte, size-HeaderBytes)))
		}
		if arrived != 5 || im.Counters().QueueDropped != 15 {
			t.Errorf("of %d bytes each, %d of 20 were taken: %+v", size, arrived, im.Counters())
		}
		for i, want := range []int{1, 1, 0} { // two have left
			if got := len(im.Admit(start.Add(2*each), make([]byte, size-HeaderBytes))); got != want {
				t.Errorf("of %d bytes each, number %d after two have left: %d arrivals, want %d", size, i, got, want)
			}
		}
	}
	both := NewImpairer(Link{Rate: 1_000_000, QueuePackets: 5, Queue: 3000}, 1)
	arrived := 0
	for range 5 {
		arrived += len(both.Admit(start, make([]byte, 1000-HeaderBytes)))
	}
	if arrived != 3 {
		t.Errorf("with both bounds %d were taken, want 3", arrived)
	}
}

func TestJitterVariesWithoutReordering(t *testing.T) {
	const delay, jitter = 20 * time.Millisecond, 10 * time.Millisecond
	for seed := range uint64(5) {
		im := NewImpairer(Link{Delay: delay, Jitter: jitter}, seed)
		var last time.Time
		least, most := time.Hour, time.Duration(0)
		for i := range 2000 {
			now := start.Add(time.Duration(i) * time.Millisecond)
			due := im.Admit(now, []byte{0})[0].Due
			if due.Before(last) {
				t.Fatalf("seed %d: datagram %d overtakes the one before", seed, i)
			}
			last = due
			least, most = min(least, due.Sub(now)), max(most, due.Sub(now))
		}
		if least < delay || most > delay+jitter || most-least < jitter*8/10 {
			t.Errorf("seed %d: delays from %v to %v", seed, least, most)
		}
	}
}

// Reordered is checked against what an observer of the arrivals sees.
func TestReorderCountsTheOvertaken(t *testing.T) {
	for seed := range uint64(5) {
		for _, probability := range []float64{0.05, 0.5, 1} {
			l := Link{Delay: 20 * time.Millisecond, Reorder: probability, ReorderBy: 5 * time.Millisecond}
			im := NewImpairer(l, seed)
			var dues []time.Time
			for i := range 2000 {
				now := start.Add(time.Duration(i) * 500 * time.Microsecond)
				due := im.Admit(now, []byte{0})[0].Due
				if extra := due.Sub(now) - l.Delay; extra < 0 || extra > l.ReorderBy {
					t.Fatalf("seed %d: held back by %v", seed, extra)
				}
				dues = append(dues, due)
			}
			want := uint64(0)
			earliest := dues[len(dues)-1]
			for i := len(dues) - 2; i >= 0; i-- {
				if earliest.Before(dues[i]) {
					want++
				} else {
					earliest = dues[i]
				}
			}
			if got := im.Counters().Reordered; got != want || want == 0 {
				t.Errorf("seed %d, probability %v: %d counted, %d overtaken", seed, probability, got, want)
			}
		}
	}
}

func TestDuplicatesAndDamage(t *testing.T) {
	const count = 10_000
	original := []byte("a datagram that depends on every bit")
	for seed := range uint64(3) {
		im := NewImpairer(Link{Duplicate: 0.2, Corrupt: 0.1}, seed)
		arrived, damaged, flips := 0, 0, make(map[int]bool)
		for range count {
			for _, d := range im.Admit(start, original) {
				arrived++
				differing := 0
				for i := range d.Datagram {
					differing += bits.OnesCount8(d.Datagram[i] ^ original[i])
					if d.Datagram[i] != original[i] {
						flips[i] = true
					}
				}
				if differing > 1 {
					t.Fatalf("seed %d: %d bits flipped", seed, differing)
				}
				damaged += differing
			}
		}
		c := im.Counters()
		if uint64(arrived) != count+c.Duplicated || c.Duplicated < count*18/100 || c.Duplicated > count*22/100 {
			t.Errorf("seed %d: %d arrived, %d duplicated", seed, arrived, c.Duplicated)
		}
		if uint64(damaged) != c.Corrupted || damaged < arrived*8/100 || damaged > arrived*12/100 {
			t.Errorf("seed %d: %d of %d damaged, %d counted", seed, damaged, arrived, c.Corrupted)
		}
		if len(flips) != len(original) {
			t.Errorf("seed %d: only %d of %d bytes were ever hit", seed, len(flips), len(original))
		}
	}
	im := NewImpairer(Link{Corrupt: 1}, 1)
	if d := im.Admit(start, nil); len(d) != 1 || im.Counters().Corrupted != 0 {
		t.Error("an empty datagram has no bit to flip")
	}
}

func TestDeliveriesAreCopies(t *testing.T) {
	im := NewImpairer(Link{Duplicate: 1}, 1)
	buf := []byte("first")
	ds := im.Admit(start, buf)
	copy(buf, "other")
	copy(ds[1].Datagram, "third")
	if !bytes.Equal(ds[0].Datagram, []byte("first")) {
		t.Errorf("a delivery changed to %q", ds[0].Datagram)
	}
}

func TestMTUIsABlackHole(t *testing.T) {
	im := NewImpairer(Link{MTU: 1500}, 1)
	if len(im.Admit(start, make([]byte, 1472))) != 1 || len(im.Admit(start, make([]byte, 1473))) != 0 {
		t.Error("an MTU of 1500 takes payloads of 1472 bytes and no more")
	}
	if got := im.Counters().TooLong; got != 1 {
		t.Errorf("%d counted as too long, want 1", got)
	}
}

// A link that was slow to the point of standstill serves at once when healed.
func TestSetLinkStartsAnEmptyQueue(t *testing.T) {
	im := NewImpairer(Link{Rate: 10, Delay: time.Hour}, 1)
	im.Admit(start, make([]byte, 1000))
	im.SetLink(Link{Rate: 1_000_000, Delay: time.Millisecond})
	if got, want := im.Admit(start, make([]byte, 972))[0].Due.Sub(start), 2*time.Millisecond; got != want {
		t.Errorf("a healed link takes %v, want %v", got, want)
	}
	// A change that leaves the timing alone leaves the queue alone.
	im.SetLink(Link{Rate: 1_000_000, Delay: time.Millisecond, Corrupt: 1})
	if got, want := im.Admit(start, make([]byte, 972))[0].Due.Sub(start), 3*time.Millisecond; got != want {
		t.Errorf("the second datagram takes %v, want %v", got, want)
	}
}
