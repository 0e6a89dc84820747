package e2e

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"chunkcp/internal/netsim"
)

const (
	greedySize    = 64 << 20
	greedyCredit  = 64 << 20
	greedyClients = 8 // of each kind: arbitrary

	// dropLimit is when a client that is gone must have been dropped. The server
	// gives it 5 s (peer/serverliveness.go); one that has nothing in flight has 60.
	dropLimit = 30 * time.Second
)

// greedy returns the ways to ask for much and take nothing of it.
func greedy() map[string]rogueClient {
	return map[string]rogueClient{
		"is gone":              {credit: greedyCredit, gets: 200, gone: true},
		"acknowledges nothing": {credit: greedyCredit, gets: 200, mute: true, pings: time.Second / 2},
		"gives no credit":      {gets: 200, pings: time.Second / 2},
	}
}

// TestGreedyClients: they hold no more of a server's memory than it gives them,
// one that is gone is dropped soon, and who is beside them is served. Those that
// show that they are there have five minutes, which package peer tests in virtual
// time.
func TestGreedyClients(t *testing.T) {
	skipSlow(t)
	t.Parallel()
	r := newRig(t, 1, greedySize, netsim.Link{})
	stop, lives := make(chan struct{}), sync.WaitGroup{}
	clients := map[string][]*rogueClient{}
	for kind, like := range greedy() {
		for range greedyClients {
			c := like
			clients[kind] = append(clients[kind], &c)
			r.check(c.join(r.servers[0].addr))
			defer c.conn.Close()
			lives.Go(func() {
				if err := c.live(stop); err != nil {
					t.Errorf("a client that %s: %v", kind, err)
				}
			})
		}
	}
	asked := time.Now()
	got := r.finish(r.fetch())
	if p := got.Peers[0]; p.State != "live" || p.Bytes < greedySize {
		t.Errorf("the peer of an honest client: %+v", p)
	}
	t.Logf("an honest fetch beside %d of them took %.2f s", len(greedy())*greedyClients, got.Seconds)

	dropped := func() int { return len(r.dropped(clients["is gone"])) }
	if err := await(dropLimit, func() bool { return dropped() == greedyClients }); err != nil {
		t.Errorf("%d of %d that are gone were dropped: %v", dropped(), greedyClients, err)
	}
	t.Logf("those that are gone were dropped after %v", time.Since(asked))
	close(stop)
	lives.Wait()
	for kind, list := range clients {
		for _, c := range list {
			if kind != "is gone" && c.closed != nil {
				t.Errorf("a client that %s was closed: %+v", kind, c.closed)
			}
			if c.taken > 1<<20 { // of the first window, and what asks for credit
				t.Errorf("%d bytes came to a client that %s", c.taken, kind)
			}
		}
		t.Logf("a client that %s: %d bytes came", kind, list[0].taken)
	}
	for _, line := range r.dropped(clients["is gone"]) {
		if line.Bytes == 0 || line.Bytes > greedyCredit+1<<20 || !strings.Contains(line.Reason, "nothing heard") {
			t.Errorf("a client that is gone: %+v", line)
		}
	}
	peak := peakMemory(r.servers[0].process)
	if !raceEnabled && (peak == 0 || peak > serverMemory) {
		t.Errorf("the server took %d MiB, want at most %d", peak>>20, serverMemory>>20)
	}
	t.Logf("the server took %d MiB", peak>>20)
}

// dropped returns what the server's log says of the ends of these clients'
// sessions.
func (r *rig) dropped(clients []*rogueClient) (out []logLine) {
	r.t.Helper()
	lines, err := parseLog(r.servers[0].stderr.String())
	r.check(err)
	for _, line := range lines {
		for _, c := range clients {
			if line.Msg == "session ended" && line.Client == fmt.Sprint(c.conn.LocalAddr()) {
				out = append(out, line)
			}
		}
	}
	return out
}
