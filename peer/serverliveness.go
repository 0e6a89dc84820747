package peer

import (
	"errors"
	"time"
)

const (
	// idleTime is how long a session may be silent.
	idleTime = 60 * time.Second

	// unansweredTime is how long it may be at least while something is in flight, which
	// counts against the sessions that the client has opened in its place: the
	// client gives a session up after silentEnd, on a path that is not very long.
	unansweredTime = silentEnd + 2*time.Second

	// stalledTime is how long a client that is there may take nothing of what it
	// has asked for: one whose user has stopped reading has no memory left, and a
	// session that is ended is opened anew. Arbitrary.
	stalledTime = 5 * time.Minute
)

var (
	errIdle    = errors.New("nothing heard for too long")
	errStalled = errors.New("nothing taken for too long")
)

// patience returns how long the client may be silent.
func (c *serverSession) patience() time.Duration {
	if c.sender.Idle() {
		return idleTime
	}
	return max(unansweredTime, 3*c.sender.ProbeTimeout())
}

// givenUpAt returns when the session ends if nothing happens before.
func (c *serverSession) givenUpAt() time.Time {
	silent := c.heard.Add(c.patience())
	if c.sender.Idle() {
		return silent
	}
	return earlier(silent, c.movedAt.Add(stalledTime))
}

// overdue returns why the session is to end by now, nil if it is not.
func (c *serverSession) overdue(now time.Time) error {
	acked := c.sender.Stats().Acked
	if acked != c.acked {
		c.used.Store(now.UnixNano())
	}
	if acked != c.acked || c.sender.Idle() {
		c.acked, c.movedAt = acked, now
	}
	switch {
	case c.expelled.Load():
		return errNotAllowed
	case c.evicted.Load():
		return errEvicted
	case now.Sub(c.heard) >= c.patience():
		return errIdle
	case now.Sub(c.movedAt) >= stalledTime:
		return errStalled
	}
	return nil
}
