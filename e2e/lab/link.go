package main

import (
	"hash/fnv"
	"math/rand/v2"
	"time"
)

// counters is what a link did. Packets and bytes are those of whole IP packets.
type counters struct {
	PacketsIn    uint64 `json:"packets_in"`
	BytesIn      uint64 `json:"bytes_in"`
	PacketsOut   uint64 `json:"packets_out"` // without the second copies
	BytesOut     uint64 `json:"bytes_out"`
	Lost         uint64 `json:"lost"`
	Cut          uint64 `json:"cut"`           // dropped by the black-out
	QueueDropped uint64 `json:"queue_dropped"` // the queue was full
	TooLong      uint64 `json:"too_long"`      // for the receiver's MTU
	Refused      uint64 `json:"refused"`       // by the receiver's kernel
	Duplicated   uint64 `json:"duplicated"`
	HeldBack     uint64 `json:"held_back"` // for others to overtake
	Corrupted    uint64 `json:"corrupted"`
}

// link is one direction of a host's access link. It is told the time, never
// asks for it; now must not fall from call to call.
type link struct {
	shape
	counters
	rng      *rand.Rand
	loss     loss
	cursor   traceCursor
	backlog  backlog       // of a traced link
	nextFree time.Duration // when a rated link has sent what it holds
	begun    bool
	first    time.Duration // when the first packet came
	lastDue  time.Duration // of packets that were not held back

	drawn      time.Duration // the jitter
	drawnUntil time.Duration // of what leaves the queue by then
}

// newLink returns a link whose randomness hangs on the seed, the host's name
// and the direction alone: another host more changes nothing for the rest.
func newLink(s shape, seed uint64, host, direction string) *link {
	h := fnv.New64a()
	h.Write([]byte(host + " " + direction))
	return &link{
		shape:  s,
		rng:    rand.New(rand.NewPCG(seed, h.Sum64())),
		loss:   loss{share: s.loss, burst: s.burst},
		cursor: traceCursor{trace: s.trace},
	}
}

// admit takes a packet at now and returns when it arrives at the other end and
// how often: 0 is lost, 2 a duplicate. It may change the packet's bytes.
func (l *link) admit(now time.Duration, packet []byte) (due time.Duration, copies int) {
	l.PacketsIn++
	l.BytesIn += uint64(len(packet))
	if !l.begun {
		l.begun, l.first = true, now
	}
	if at := now - l.first; at >= l.cutAt && at-l.cutAt < l.cutFor {
		l.Cut++
		return 0, 0
	}
	sent, ok := l.serialise(now, len(packet))
	if !ok {
		l.QueueDropped++
		return 0, 0
	}
	if l.loss.next(l.rng) {
		l.Lost++
		return 0, 0
	}
	copies = 1
	if l.chance(l.dup) {
		l.Duplicated++
		copies = 2
	}
	if l.chance(l.corrupt) && corruptUDP(packet, l.rng) {
		l.Corrupted++
	}
	l.PacketsOut++
	l.BytesOut += uint64(len(packet))
	return l.propagate(sent), copies
}

// serialise returns when n bytes have left the queue, false when they found no
// room in it.
func (l *link) serialise(now time.Duration, n int) (time.Duration, bool) {
	switch {
	case l.trace != nil:
		if l.backlog.expire(now)+n > l.queueBytes {
			return 0, false
		}
		sent := l.cursor.take(now, n)
		l.backlog.add(sent, n)
		return sent, true
	case l.rateBytesPerSec > 0:
		start := max(now, l.nextFree)
		if int((start-now).Seconds()*l.rateBytesPerSec)+n > l.queueBytes {
			return 0, false
		}
		l.nextFree = start + time.Duration(float64(n)/l.rateBytesPerSec*float64(time.Second))
		return l.nextFree, true
	default:
		return now, true
	}
}

// reorderSlack is how much longer than one delay a packet may be held back, so
// that links without delay reorder too; arbitrary.
const reorderSlack = 2 * time.Millisecond

// propagate returns when a packet arrives that left the queue at sent.
func (l *link) propagate(sent time.Duration) time.Duration {
	due := sent + l.delay
	if l.jitter > 0 { // alone it does not reorder
		due = max(due+l.jitterAt(sent), l.lastDue)
	}
	if l.chance(l.reorder) {
		l.HeldBack++
		return due + time.Duration(l.rng.Float64()*float64(l.delay+reorderSlack))
	}
	l.lastDue = due
	return due
}

// jitterAt draws once for each span of jitter, not for each packet: kept in
// order, independent draws would all end near their maximum and vary little.
func (l *link) jitterAt(sent time.Duration) time.Duration {
	if sent >= l.drawnUntil {
		l.drawn = time.Duration(l.rng.Float64() * float64(l.jitter))
		l.drawnUntil = sent + l.jitter
	}
	return l.drawn
}

// chance draws nothing for an impairment that is off, so that switching one on
// leaves the others' draws as they were as far as possible.
func (l *link) chance(p float64) bool { return p > 0 && l.rng.Float64() < p }
