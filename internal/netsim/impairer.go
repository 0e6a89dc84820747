package netsim

import (
	"encoding/binary"
	"math"
	"math/rand/v2"
	"slices"
	"time"
)

// Delivery is a datagram that arrives, or a copy of one.
type Delivery struct {
	Due      time.Time
	Datagram []byte // the receiver's to keep
}

// Impairer decides the fate of each datagram of one Link. It is deterministic:
// the same seed and the same calls give the same answers. It is not safe for
// concurrent use.
type Impairer struct {
	link     Link
	rng      *rand.Rand
	loss     lossChain
	damage   runLimit
	numbered map[uint64]bool // that are lost by their number
	counters Counters

	free      time.Time // when the last datagram taken has been sent
	remainder int64     // the part of a nanosecond by which free is too early, times Rate
	last      time.Time // the latest arrival among those not held back

	waiting []time.Time // when those of the queue have been sent, if it is bounded in packets

	jitter      time.Duration
	jitterUntil time.Time

	held  []time.Time // arrivals of those held back that may yet be overtaken
	fates [2]fate     // the answer's storage, reused
}

// fate is one arrival of an admitted datagram.
type fate struct {
	due  time.Time
	at   int  // the byte to damage
	flip byte // its bits to flip, 0 for none
}

// NewImpairer returns an Impairer for l. It panics when l is not valid.
func NewImpairer(l Link, seed uint64) *Impairer {
	var key [32]byte
	binary.LittleEndian.PutUint64(key[:], seed)
	im := &Impairer{rng: rand.New(rand.NewChaCha8(key))}
	im.SetLink(l)
	return im
}

// SetLink changes the link from now on. Where it changes Rate, Delay or Jitter
// it acts as a change of route does: the new queue is empty, what is under way
// keeps its arrival, and new datagrams may overtake it. It panics when l is not
// valid.
func (im *Impairer) SetLink(l Link) {
	if err := l.Validate(); err != nil {
		panic("BUG: invalid link: " + err.Error())
	}
	if !l.sameTiming(im.link) {
		im.free, im.last, im.jitterUntil = time.Time{}, time.Time{}, time.Time{}
		im.waiting = im.waiting[:0]
	}
	im.link = l
	im.loss.set(l.Loss, l.BurstLen, l.LossRun)
	im.damage.most = l.CorruptRun
}

// Lose has the datagrams of these numbers lost, whatever the link says. The first
// one that is admitted is number 1.
func (im *Impairer) Lose(numbers ...uint64) {
	if im.numbered == nil {
		im.numbered = map[uint64]bool{}
	}
	for _, n := range numbers {
		im.numbered[n] = true
	}
}

// Counters returns what happened so far.
func (im *Impairer) Counters() Counters { return im.counters }

// Admit hands datagram to the link and returns its arrivals: none when it is
// lost, two when it is duplicated. They hold copies. Calls must not go back in time.
func (im *Impairer) Admit(now time.Time, datagram []byte) []Delivery {
	var deliveries []Delivery
	for _, f := range im.admit(now, len(datagram)) {
		d := Delivery{Due: f.due, Datagram: slices.Clone(datagram)}
		f.damage(d.Datagram)
		deliveries = append(deliveries, d)
	}
	return deliveries
}

// admit is Admit for a payload of n bytes. The answer holds until the next call.
func (im *Impairer) admit(now time.Time, n int) []fate {
	im.counters.Sent++
	im.counters.SentBytes += uint64(n)
	if im.link.MTU > 0 && n+HeaderBytes > im.link.MTU {
		im.counters.TooLong++
		return nil
	}
	depart, ok := im.enqueue(now, int64(n+HeaderBytes))
	if !ok {
		im.counters.QueueDropped++
		return nil
	}
	if im.loss.next(im.rng) || im.numbered[im.counters.Sent] {
		im.counters.Lost++
		return nil
	}
	fates := im.fates[:1]
	if im.hit(im.link.Duplicate) {
		im.counters.Duplicated++
		fates = im.fates[:2]
	}
	for i := range fates {
		fates[i].due = im.arrival(depart)
		fates[i].at, fates[i].flip = im.chooseFlip(n)
	}
	return fates
}

// enqueue returns when a packet of size bytes has been sent, false when the
// queue has no room for it.
func (im *Impairer) enqueue(now time.Time, size int64) (depart time.Time, ok bool) {
	rate := im.link.Rate
	if rate == 0 {
		return now, true
	}
	if !im.free.After(now) {
		im.free, im.remainder = now, 0
	} else {
		// In floating point: a huge Queue would overflow the product.
		waiting := int64(math.Round(im.free.Sub(now).Seconds() * float64(rate)))
		if waiting > im.link.queueBytes()-size {
			return time.Time{}, false
		}
	}
	if !im.hasRoom(now) {
		return time.Time{}, false
	}
	// The remainder is carried, or rounding would falsify fast links by some percent.
	work := size*int64(time.Second) + im.remainder
	im.free = im.free.Add(time.Duration(work / rate))
	im.remainder = work % rate
	if im.link.QueuePackets > 0 {
		im.waiting = append(im.waiting, im.free)
	}
	return im.free, true
}

// hasRoom reports whether fewer than QueuePackets wait, and forgets those that
// have been sent.
func (im *Impairer) hasRoom(now time.Time) bool {
	sent := 0
	for sent < len(im.waiting) && !im.waiting[sent].After(now) {
		sent++
	}
	im.waiting = slices.Delete(im.waiting, 0, sent)
	return im.link.QueuePackets == 0 || len(im.waiting) < im.link.QueuePackets
}

// arrival draws when a datagram that was sent at depart arrives.
func (im *Impairer) arrival(depart time.Time) time.Time {
	due := depart.Add(im.link.Delay + im.jitterAt(depart))
	if due.Before(im.last) {
		due = im.last
	}
	im.last = due
	isHeld := im.hit(im.link.Reorder)
	if isHeld {
		due = due.Add(1 + time.Duration(im.rng.Int64N(int64(im.link.ReorderBy))))
	}
	im.countOvertaken(depart, due)
	if isHeld {
		im.held = append(im.held, due)
	}
	return due
}

// jitterAt is drawn once for each span of Jitter, not for each datagram: kept
// in order, independent draws would all end near their maximum and vary little.
func (im *Impairer) jitterAt(depart time.Time) time.Duration {
	if im.link.Jitter == 0 {
		return 0
	}
	if !depart.Before(im.jitterUntil) {
		im.jitter = time.Duration(im.rng.Int64N(int64(im.link.Jitter) + 1))
		im.jitterUntil = depart.Add(im.link.Jitter)
	}
	return im.jitter
}

// countOvertaken notes which of those held back a datagram overtakes, and
// forgets those that nothing sent from depart on can overtake.
func (im *Impairer) countOvertaken(depart, due time.Time) {
	if len(im.held) == 0 {
		return
	}
	im.held = slices.DeleteFunc(im.held, func(h time.Time) bool {
		if due.Before(h) {
			im.counters.Reordered++
			return true
		}
		return !h.After(depart)
	})
}

// chooseFlip draws the damage to a payload of n bytes.
func (im *Impairer) chooseFlip(n int) (at int, flip byte) {
	if n == 0 || !im.damage.allows(im.hit(im.link.Corrupt)) {
		return 0, 0
	}
	im.counters.Corrupted++
	if head := im.link.CorruptHead; head > 0 {
		return im.rng.IntN(min(head, n)), byte(1 + im.rng.IntN(255))
	}
	bit := im.rng.IntN(8 * n)
	return bit / 8, 1 << (bit % 8)
}

// hit draws an event of probability p, and nothing when it cannot happen.
func (im *Impairer) hit(p float64) bool { return p > 0 && im.rng.Float64() < p }

// damage flips f's bits of the payload.
func (f fate) damage(payload []byte) {
	if f.flip != 0 {
		payload[f.at] ^= f.flip
	}
}
