package peer

import (
	"testing"
	"time"

	"chunkcp/internal/netsim"
)

// TestASlowLineCarriesEachPieceOnce: four sessions with the one peer share a megabit.
func TestASlowLineCarriesEachPieceOnce(t *testing.T) {
	const size = 2 << 20
	inWorld(t, 1, 1, size, netsim.Link{Rate: 125_000, Delay: 30 * time.Millisecond, MTU: 1500}, func(w *world) {
		o := w.options()
		o.Sessions = defaultSessions
		f, took := w.fetch(o)
		if n := f.Snapshot().Peers[0].Bytes; n != size {
			t.Errorf("%d bytes came, of %d", n, size)
		}
		within(t, "the fetch", took, size*time.Second/125_000*115/100)
	})
}
