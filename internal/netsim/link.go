package netsim

import (
	"errors"
	"fmt"
	"math"
	"time"
)

// HeaderBytes is what each datagram takes on a link beside its payload: an
// IPv4 header without options (RFC 791 section 3.1) and a UDP header (RFC 768).
const HeaderBytes = 20 + 8

const (
	// A queue of one bandwidth-delay product is the classic rule (RFC 3439
	// section 2.2.2 recalls it); 100 ms is the round trip of a long path.
	defaultQueueTime = 100 * time.Millisecond
	// Arbitrary: room for one burst of a fast sender on a slow link.
	minDefaultQueue = 64 << 10
)

// Link is one direction of a path. The zero Link is instant, perfect and
// unlimited. Probabilities are of one datagram and lie in [0, 1].
type Link struct {
	// Rate is in bytes per second, headers included. 0 is no limit.
	Rate int64
	// Queue is how many bytes, headers included, may wait before a
	// rate-limited link, the datagram being sent among them; what finds no room
	// is dropped. A datagram always passes an idle link. 0 is what the link sends
	// in 100 ms, and 64 KiB at least.
	Queue int64
	// QueuePackets is the same in packets, however long they are: the usual measure
	// of simulators. Where it is given, a Queue of 0 is no bound.
	QueuePackets int

	// Delay is from the end of sending to the arrival.
	Delay time.Duration
	// Jitter is the most that is added to Delay. The addition is drawn anew each
	// time a Jitter has passed, so that neighbours share it, and a datagram never
	// overtakes another by it.
	Jitter time.Duration

	// Loss is the share of datagrams lost on the link, after they have used
	// their share of Rate.
	Loss float64
	// BurstLen is the mean number of datagrams lost in a row; 1 or less makes
	// losses independent.
	BurstLen float64
	// LossRun is the most that are lost in a row; 0 is no limit. With one, fewer
	// than Loss are lost in all.
	LossRun int

	// Duplicate is the probability that a datagram arrives twice.
	Duplicate float64
	// Reorder is the probability that a datagram is held back by up to
	// ReorderBy, while others pass it.
	Reorder   float64
	ReorderBy time.Duration
	// Corrupt is the probability that one bit of the payload is flipped.
	Corrupt float64
	// CorruptRun is the most that are damaged in a row; 0 is no limit.
	CorruptRun int
	// CorruptHead makes damage another value of one byte, one of the first
	// CorruptHead of the payload; 0 is one bit anywhere.
	CorruptHead int

	// MTU is the largest packet the link takes, headers included; longer ones
	// vanish without a sign. 0 is no limit.
	MTU int
}

// Validate reports every problem of l.
func (l Link) Validate() error {
	var problems []error
	report := func(bad bool, format string, args ...any) {
		if bad {
			problems = append(problems, fmt.Errorf(format, args...))
		}
	}
	for _, p := range []struct {
		name  string
		value float64
	}{
		{"Loss", l.Loss}, {"Duplicate", l.Duplicate}, {"Reorder", l.Reorder}, {"Corrupt", l.Corrupt},
	} {
		report(!(p.value >= 0 && p.value <= 1), "%s is %v: give a probability in [0, 1]", p.name, p.value)
	}
	report(l.Rate < 0, "Rate is %d: give bytes per second, or 0 for no limit", l.Rate)
	report(l.Queue < 0, "Queue is %d: give bytes, or 0 for the default", l.Queue)
	report(l.QueuePackets < 0, "QueuePackets is %d: give packets, or 0 for no limit", l.QueuePackets)
	report(l.LossRun < 0, "LossRun is %d: give datagrams, or 0 for no limit", l.LossRun)
	report(l.CorruptRun < 0, "CorruptRun is %d: give datagrams, or 0 for no limit", l.CorruptRun)
	report(l.CorruptHead < 0, "CorruptHead is %d: give bytes, or 0 for all", l.CorruptHead)
	report(l.MTU < 0, "MTU is %d: give bytes, or 0 for no limit", l.MTU)
	report(l.Delay < 0 || l.Jitter < 0 || l.ReorderBy < 0, "a negative Delay, Jitter or ReorderBy")
	report(l.Reorder > 0 && l.ReorderBy == 0, "Reorder without ReorderBy: say for how long at most a datagram is held back")
	report(l.BurstLen > 1 && l.Loss < 1 && l.Loss > l.BurstLen/(l.BurstLen+1),
		"Loss %v cannot come in bursts of %v: at least one datagram passes between two bursts", l.Loss, l.BurstLen)
	return errors.Join(problems...)
}

// queueBytes is Queue or its default.
func (l Link) queueBytes() int64 {
	switch {
	case l.Queue > 0:
		return l.Queue
	case l.QueuePackets > 0:
		return math.MaxInt64
	}
	return max(minDefaultQueue, l.Rate/int64(time.Second/defaultQueueTime))
}

// sameTiming reports whether the two links let datagrams arrive at the same times.
func (l Link) sameTiming(o Link) bool {
	return l.Rate == o.Rate && l.Delay == o.Delay && l.Jitter == o.Jitter
}
