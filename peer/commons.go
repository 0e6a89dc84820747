package peer

import (
	"sync/atomic"

	"chunkcp/arq"
)

const (
	// Of the datagrams that wait in a server each session may have inboxShare in any
	// case: an acknowledgement and a request (arbitrary). What goes beyond comes from
	// inboxCommons, of all sessions. All of it is 28,192 datagrams of 2,304 bytes,
	// 62 MiB.
	inboxShare   = 2
	inboxCommons = 8192

	// The same in bytes of control messages: one of the longest, and some short ones.
	// All of it is 64 MiB.
	controlShare   = 5 << 10
	controlCommons = 15 << 20

	// The same in bytes of what is remembered of the datagrams that are in flight. A
	// gigabit and 100 ms takes some 90 KiB. All of it is 188.5 MiB.
	recordShare   = arq.LeastRecords
	recordCommons = 64 << 20
)

// commons is what the sessions of a server share of something that is scarce,
// beyond what each has of its own. Nobody gets more of it than is left then, so that
// some is left however many do their worst: n that want all have 1/(n+1) each
// (Choudhury and Hahne, "Dynamic queue length thresholds for shared-memory packet
// switches", 1998). Any number of goroutines may use it.
type commons struct {
	size int64
	used atomic.Int64
}

func newCommons(size int64) *commons { return &commons{size: size} }

// take gives n more to who has held of it, and reports whether it does.
func (c *commons) take(held, n int64) bool {
	used := c.used.Add(n)
	if held+n <= c.size-used {
		return true
	}
	c.used.Add(-n)
	return false
}

// give takes n back.
func (c *commons) give(n int64) { c.used.Add(-n) }

// room returns how much take would give to who has held of it.
func (c *commons) room(held int64) int64 { return max(0, (c.size-c.used.Load()-held)/2) }

// share is a session's part of some memory: what is its own, and some of the commons.
// It implements arq.Memory.
type share struct {
	own     int64
	commons *commons
	held    int64
}

// beyond returns how much of held is of the commons.
func (s *share) beyond(held int64) int64 { return max(0, held-s.own) }

// Take implements arq.Memory.
func (s *share) Take(n int) bool {
	before, after := s.beyond(s.held), s.beyond(s.held+int64(n))
	if after > before && !s.commons.take(before, after-before) {
		return false
	}
	s.held += int64(n)
	return true
}

// Give implements arq.Memory.
func (s *share) Give(n int) {
	before := s.beyond(s.held)
	s.held -= int64(n)
	if after := s.beyond(s.held); after < before {
		s.commons.give(before - after)
	}
}

// Room implements arq.Memory.
func (s *share) Room() int {
	return int(max(0, s.own-s.held) + s.commons.room(s.beyond(s.held)))
}

// release gives all back, at the end of the session.
func (s *share) release() { s.Give(int(s.held)) }
