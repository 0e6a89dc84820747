package main

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// opportunityBytes is what one line of a Mahimahi trace delivers at most:
// PACKET_SIZE in Mahimahi's link_queue.hh, an MTU of 1500 and its TUN header.
const opportunityBytes = 1504

// trace is the times of a link's delivery opportunities, not falling. It
// repeats with the period of its last time, as Mahimahi's mm-link does.
type trace []time.Duration

// parseTrace reads the Mahimahi format: one number of milliseconds a line.
func parseTrace(text string) (trace, error) {
	var t trace
	for i, field := range strings.Fields(text) {
		ms, err := strconv.ParseUint(field, 10, 32)
		if err != nil {
			return nil, fmt.Errorf("entry %d: %q is no number of milliseconds", i+1, field)
		}
		at := time.Duration(ms) * time.Millisecond
		if i > 0 && at < t[i-1] {
			return nil, fmt.Errorf("entry %d: %d ms comes before its predecessor", i+1, ms)
		}
		t = append(t, at)
	}
	if len(t) == 0 || t[len(t)-1] == 0 {
		return nil, errors.New("a trace needs an entry later than 0 ms")
	}
	return t, nil
}

// traceCursor is where a link stands in its trace.
type traceCursor struct {
	trace   trace
	started bool
	start   time.Duration // of the current repetition
	next    int           // the opportunity after the current one
	due     time.Duration // of the current opportunity
	left    int           // bytes of it that nobody has taken
}

// take returns when n bytes that arrive at now have left the link. Bytes that
// an opportunity offered while nothing waited are gone. The trace begins with
// the first call.
func (c *traceCursor) take(now time.Duration, n int) time.Duration {
	if !c.started {
		c.started, c.start = true, now
	}
	for n > 0 {
		if c.left == 0 || c.due < now {
			c.advance(now)
		}
		used := min(n, c.left)
		c.left -= used
		n -= used
	}
	return c.due
}

// advance goes on to the first untouched opportunity that is not before now.
func (c *traceCursor) advance(now time.Duration) {
	period := c.trace[len(c.trace)-1]
	if c.start+period < now { // skip whole idle repetitions at once
		if skip := (now - c.start) / period; skip > 1 {
			c.start, c.next = c.start+(skip-1)*period, 0
		}
	}
	for {
		c.due, c.left = c.start+c.trace[c.next], opportunityBytes
		if c.next++; c.next == len(c.trace) {
			c.next, c.start = 0, c.start+period
		}
		if c.due >= now {
			return
		}
	}
}
