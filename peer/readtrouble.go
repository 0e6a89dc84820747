package peer

import "time"

const (
	// patientReads is how many reads of a socket may fail in a row before it is
	// read less often: what a burst of ICMP messages makes (arbitrary).
	patientReads = 16

	// maxReadPause is the longest wait between reads that fail: one that fails
	// for good costs next to nothing then, and one that recovers is late by no
	// more (arbitrary).
	maxReadPause = 100 * time.Millisecond

	// deafTime is how long a server reads a socket that only fails before it
	// ends: whoever supervises it can start it anew (arbitrary).
	deafTime = 30 * time.Second
)

// readTrouble follows the errors of a socket that say nothing of what is to
// come: most pass, one that does not must not make its reader spin.
type readTrouble struct {
	failed int // in a row
	since  time.Time
}

// over notes that a read did not fail.
func (r *readTrouble) over() { r.failed = 0 }

// lasts reports whether so many reads have failed in a row that nothing more will come.
func (r *readTrouble) lasts() bool { return r.failed > patientReads }

// pause notes a failed read and returns how long to wait until the next.
func (r *readTrouble) pause(now time.Time) time.Duration {
	if r.failed == 0 {
		r.since = now
	}
	r.failed++
	if r.failed <= patientReads {
		return 0
	}
	return min(time.Millisecond<<min(r.failed-patientReads-1, 10), maxReadPause)
}

// deaf reports whether the socket has only failed for long.
func (r *readTrouble) deaf(now time.Time) bool {
	return r.failed > 0 && now.Sub(r.since) >= deafTime
}
