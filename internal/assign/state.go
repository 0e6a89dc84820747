package assign

import "chunkcp/internal/rangeset"

// Left returns how many bytes have not been received.
func (a *Assigner) Left() int64 { return a.left }

// Complete reports whether every byte has been received.
func (a *Assigner) Complete() bool { return a.left == 0 }

// Done reports whether all bytes of r have been received.
func (a *Assigner) Done(r rangeset.Range) bool { return a.done.Contains(r) }

// Free returns how many bytes have not been received and are held by nobody.
func (a *Assigner) Free() int64 { return a.freeBytes }

// Reserved returns what is left to sessions that are to join.
func (a *Assigner) Reserved() []rangeset.Range { return a.reserved.Ranges() }

// Hedged returns how many bytes were ever given to a second holder.
func (a *Assigner) Hedged() int64 { return a.hedged }

// Lease returns what a session holds.
func (a *Assigner) Lease(id SessionID) []rangeset.Range {
	if w := a.workers[id]; w != nil {
		return w.lease.Ranges()
	}
	return nil
}

// Started reports whether bytes have come of a piece that a session holds.
func (a *Assigner) Started(id SessionID) bool {
	w := a.workers[id]
	return w != nil && w.begunBytes > 0
}
