package e2e

import (
	"testing"
	"time"

	"chunkcp/internal/netsim"
)

// A path that flaps: it is up for onTime and down for offTime, by turns.
const (
	onTime  = 3 * time.Second
	offTime = 2 * time.Second

	// flapRate is that of the links, in bytes a second: little, so that it is the
	// path that matters, and not how busy the machine is.
	flapRate = 2 << 20

	// takesPart is what must have come in an on-time for the peer to count as
	// taking part in it: arbitrary, a fiftieth of what the link carries.
	takesPart = 128 << 10

	// flapSessions is few: each loses the piece that it has in part when another
	// one of the same peer is first to revive.
	flapSessions = "2"

	flapLimit = 2 * fetchLimit
)

// flap cuts and heals a relay until the fetch has ended. It returns what came in
// each on-time, in bytes, and what came while the path was down.
func (r *rig) flap(p *process, i int) (on []int64, off int64) {
	r.t.Helper()
	clock, end := time.NewTimer(onTime), time.NewTimer(flapLimit)
	defer clock.Stop()
	defer end.Stop()
	defer r.relays[i].Heal()
	for before, up := r.delivered(i), true; ; up = !up {
		select {
		case <-p.exited:
			if up {
				on = append(on, r.delivered(i)-before)
			}
			return on, off
		case <-end.C:
			r.t.Fatalf("the fetch goes on after %v:\n%s", flapLimit, p.stderr.String())
		case <-clock.C:
		}
		if up {
			r.relays[i].Cut(0)
			clock.Reset(offTime)
		}
		now := r.delivered(i)
		if up {
			on = append(on, now-before)
		} else {
			off += now - before
			r.relays[i].Heal()
			clock.Reset(onTime)
		}
		before = now
	}
}

// TestFlaps: a peer whose path is down 2 s in every 5 takes part again each time
// that it is up.
func TestFlaps(t *testing.T) {
	skipSlow(t)
	t.Parallel()
	for name, c := range map[string]struct {
		peers int
		size  int64
	}{"alone": {1, 7 * flapRate}, "beside a steady one": {2, 20 * flapRate}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, c.peers, c.size, netsim.Link{MTU: mtu, Delay: delay, Rate: flapRate})
			p := r.fetch("-n", flapSessions)
			r.awaitDelivered(p, 0, 64<<10) // the clock begins with the fetch
			on, off := r.flap(p, 0)
			got := r.finish(p)
			t.Logf("%.1f s; came in each time that the path was up: %d; else: %d; %+v", got.Seconds, on, off, got.Peers)
			if n := r.relays[0].Counters().Down.Cut; n == 0 || len(on) < 2 || off > 64<<10 {
				t.Fatalf("%d datagrams met a path that was down, in %d turns; %d bytes passed it", n, len(on), off)
			}
			turns := 0
			for _, bytes := range on[1:] { // after the path was down
				if bytes >= takesPart {
					turns++
				}
			}
			if turns < 2 || got.Peers[0].Bytes < int64(turns)*takesPart/2 {
				t.Errorf("it had a part in the fetch %d times of %d that its path was up again: %+v", turns, len(on)-1, got.Peers[0])
			}
		})
	}
}
