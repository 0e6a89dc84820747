package peer

import "time"

// tokenBucket allows events up to a rate: perSec of them, and most at once.
type tokenBucket struct {
	perSec, most float64
	tokens       float64
	filled       time.Time
}

// take reports whether one more event is within the rate.
func (b *tokenBucket) take(now time.Time) bool {
	if b.filled.IsZero() {
		b.tokens = b.most
	} else {
		b.tokens = min(b.most, b.tokens+b.perSec*max(0, now.Sub(b.filled).Seconds()))
	}
	b.filled = now
	if b.tokens < 1 {
		return false
	}
	b.tokens--
	return true
}
