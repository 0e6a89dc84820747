package peer

import (
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"chunkcp/internal/diskmodel"
	"chunkcp/internal/netsim"
)

// TestAHiccupIsNoSilence: that this host is held up, by a disk or by whoever stops the process for a
// while, says nothing of the peer, whose bytes wait in the socket.
func TestAHiccupIsNoSilence(t *testing.T) {
	lan := netsim.Link{Rate: 125_000_000, Delay: 100 * time.Microsecond, MTU: 9000, Queue: 1 << 20}
	for _, takes := range []time.Duration{400 * time.Millisecond, 3500 * time.Millisecond} {
		inWorld(t, 1, 1, 40<<20, lan, func(w *world) {
			core, logs := observer.New(zap.DebugLevel)
			var writes atomic.Int64 // of sessions
			o := w.options()
			o.Log = zap.New(core)
			o.Out, o.Disk = diskDest, &writtenDisk{diskmodel.New(), func(session bool) {
				if session && writes.Add(1) == 5 {
					time.Sleep(takes)
				}
			}}
			_, took, err := w.run(o)
			if err != nil || took < takes || took > takes+time.Second {
				t.Errorf("%v: took %v, %v", takes, took, err)
			}
			if writes.Load() < 5 {
				t.Errorf("%v: nothing was held up", takes)
			}
			for _, what := range []string{"peer is silent", "session over"} {
				if n := logs.FilterMessage(what).Len(); n > 0 {
					t.Errorf("%v: %d times %q", takes, n, what)
				}
			}
		})
	}
}

// TestADeadPeerIsSilentSoon: what is done to believe in a peer as long as it answers does
// not put off what is done about one that does not.
func TestADeadPeerIsSilentSoon(t *testing.T) {
	lan := netsim.Link{Rate: 12_500_000, Delay: 10 * time.Millisecond, MTU: 1500, Queue: 64 << 10}
	inWorld(t, 1, 2, 40<<20, lan, func(w *world) {
		core, logs := observer.New(zap.DebugLevel)
		o := w.options()
		o.Log = zap.New(core)
		const alive = 500 * time.Millisecond
		began := time.Now()
		w.after(alive, w.servers[1].host.Down)
		w.fetch(o)
		silent := logs.FilterMessage("peer is silent").All()
		if len(silent) == 0 {
			t.Fatal("nothing is said of the one that died")
		}
		within(t, "that it is silent", silent[0].Time.Sub(began)-alive, minSilence+100*time.Millisecond)
		w.servers[1].host.Up()
	})
}
