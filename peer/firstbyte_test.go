package peer

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"chunkcp/internal/assign"
	"chunkcp/internal/netsim"
)

// firstBytes notes when the first bytes come, and takes no more.
type firstBytes struct{ at time.Time }

func (f *firstBytes) Write([]byte) (int, error) {
	f.at = time.Now()
	return 0, errEnough
}

// TestTheFirstByteDoesNotWaitForTheHash: a server has never seen the file, which
// takes it seconds to hash. The first piece is there, and verified, in four round
// trips and the time that it takes on the line; or some more, where the sessions that
// join use the line before it is whole, which is the scheduler's choice.
func TestTheFirstByteDoesNotWaitForTheHash(t *testing.T) {
	const size, rtt = 10 << 30, 50 * time.Millisecond
	link := netsim.Link{Rate: 12_500_000, Delay: rtt / 2, MTU: 1500}
	inWorld(t, 1, 1, 0, link, func(w *world) {
		s := w.servers[0]
		if err := os.Truncate(filepath.Join(s.root, fileName), size); err != nil {
			t.Fatal(err)
		}
		w.slowHashing(s, 500*time.Microsecond)
		var first firstBytes
		o := w.options()
		o.Out, o.Stream = "", &first
		began := time.Now()
		if _, _, err := w.run(o); !errors.Is(err, errEnough) {
			t.Fatal(err)
		}
		line := time.Duration(assign.PieceBytes * int64(time.Second) / link.Rate)
		took := first.at.Sub(began)
		t.Logf("the first verified byte came after %v: %.1f round trips and a piece at the line's rate", took, float64(took-line)/float64(rtt))
		within(t, "the first verified byte", took, 6*rtt+line)
	})
}
