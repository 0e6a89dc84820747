package e2e

import (
	"math/rand/v2"
	"os"
	"strings"
	"testing"

	"chunkcp/e2e/relay"
	"chunkcp/internal/netsim"
)

const (
	garbageSize = 64 << 20

	// garbageShare is the least that a fetch must have of its rate when nobody
	// disturbs it. Arbitrary, and far below what was measured: whoever sends the
	// garbage shares the machine.
	garbageShare = 0.005

	garbageLimit = 2 * fetchLimit

	// garbageLines is the most that a program may have to say of it.
	garbageLines = 60
)

// TestGarbage: while a file is fetched, both sides get datagrams as fast as they
// can be sent that are noise, and others that bear the session's id.
func TestGarbage(t *testing.T) {
	skipSlow(t)
	r := newRig(t, 1, garbageSize, netsim.Link{})
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	f := newForger(t, r.servers[0].addr, seed)
	var err error
	r.relays[0], err = relay.Start(relay.Config{Target: r.servers[0].addr, Watch: f.watch})
	r.check(err)
	t.Cleanup(func() { r.check(r.relays[0].Close()) })
	quiet := r.finish(r.fetch())
	r.check(os.Remove(r.out()))

	said := strings.Count(r.servers[0].stderr.String(), "\n")
	f.forget() // those who have left
	f.start(r.relays[0], seed)
	p := r.fetch()
	var peak int64
	err = await(garbageLimit, func() bool {
		peak = max(peak, peakMemory(p))
		return !p.running()
	})
	f.finish()
	r.check(err)
	got := r.finish(p)

	for what, n := range map[string]*tally{"the server": &f.toServer, "clients": &f.toClients} {
		noise, forged := n.noise.Load(), n.forged.Load()
		t.Logf("to %s: %d datagrams of noise, %d forged ones", what, noise, forged)
		if noise < 10_000 || forged < 10_000 {
			t.Error("that is little")
		}
	}
	share := quiet.Seconds / got.Seconds
	t.Logf("%.2f s, %.2f s without the garbage: %.3f of the rate", got.Seconds, quiet.Seconds, share)
	if share < garbageShare {
		t.Errorf("%.4f of the rate that it has without the garbage", share)
	}
	r.bounded("client", peak, clientMemory, strings.Count(p.stderr.String(), "\n"))
	r.bounded("server", peakMemory(r.servers[0].process), serverMemory, strings.Count(r.servers[0].stderr.String(), "\n")-said)
}

// bounded checks what a program took of memory and wrote of log.
func (r *rig) bounded(who string, memory, most int64, lines int) {
	r.t.Helper()
	r.t.Logf("the %s took %d MiB, and wrote %d lines", who, memory>>20, lines)
	if !raceEnabled && (memory == 0 || memory > most) {
		r.t.Errorf("the %s took %d MiB, want at most %d", who, memory>>20, most>>20)
	}
	if lines > garbageLines {
		r.t.Errorf("the %s wrote %d lines, want at most %d", who, lines, garbageLines)
	}
}
