package arq

import "time"

const (
	// trainGap is the part of a round trip for which nothing is sent that ends a
	// train, and trainSpan the least part that one must last to be measured: less
	// is as long as acknowledgements wait for each other.
	trainGap  = 1.0 / 8
	trainSpan = 1.0 / 16

	// The first acknowledgement that a train is counted from may have come later than it could,
	// by this part of a round trip, and trainLateMost at most: a host is busy for a while, and then reads all
	// that has come (docs/decisions/0031; what a train shows at least must not be more than there is).
	trainLateDivisor = 8
	trainLateMost    = 10 * time.Millisecond

	// trainSegments is the least that a train must have (arbitrary).
	trainSegments = 16

	// A path is full that spreads a train by trainSpread of the time in which it was sent, and
	// by trainQueue of a round trip: less may be jitter (both arbitrary).
	trainSpread = 0.2
	trainQueue  = 1.0 / 4
)

// trainMeter measures how fast a train is delivered: segments that were sent without
// a gap (Jain and Routhier, IEEE JSAC 4(6), 1986). While startup sends for a part of
// each round trip only, a rate that is taken over all of it, as a deliveryMeter's
// is, tells how little was sent, and a train what the path has carried. What shares the
// path spreads a train too, so that this is more than a share of it and less than
// all (Dovrolis, Ramanathan and Moore, INFOCOM 2001).
type trainMeter struct {
	sentAt, ackedAt time.Time // of the segment that it is counted from; zero before the first
	lastSentAt      time.Time
	bytes           int  // acknowledged since
	spread          bool // it arrives more slowly than it was sent
}

// acknowledged notes an acknowledgement, and returns the rate of the train that it
// belongs to, in bytes per second, over a round trip at most, and what that is at least;
// 0 if there is none that is long enough.
func (t *trainMeter) acknowledged(now time.Time, a AckSample, segment float64) (rate, least float64) {
	t.bytes += a.Bytes
	if a.SentAt.IsZero() {
		return 0, 0
	}
	gap := time.Duration(trainGap * float64(a.MinRTT))
	if t.sentAt.IsZero() || a.SentAt.Sub(t.lastSentAt) > gap {
		t.begin(now, a.SentAt)
		return 0, 0
	}
	if a.SentAt.After(t.lastSentAt) {
		t.lastSentAt = a.SentAt
	}
	// The slower of the two: see deliveryMeter.
	span := max(t.lastSentAt.Sub(t.sentAt), now.Sub(t.ackedAt))
	if span.Seconds() < trainSpan*a.MinRTT.Seconds() || span <= 0 || float64(t.bytes) < trainSegments*segment {
		return 0, 0
	}
	rate = float64(t.bytes) / span.Seconds()
	late := min(a.MinRTT/trainLateDivisor, trainLateMost)
	least = float64(t.bytes) / (span + late).Seconds()
	went, came := t.lastSentAt.Sub(t.sentAt).Seconds(), now.Sub(t.ackedAt).Seconds()
	t.spread = came-went > max(trainSpread*went, trainQueue*a.MinRTT.Seconds())
	if span > a.MinRTT {
		t.begin(now, t.lastSentAt)
	}
	return rate, least
}

func (t *trainMeter) begin(now, sentAt time.Time) {
	*t = trainMeter{sentAt: sentAt, ackedAt: now, lastSentAt: sentAt}
}
