//go:build unix

package e2e

import (
	"math/rand/v2"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"chunkcp/internal/netsim"
)

// A fetch is killed at random moments and begun again until it is whole, and
// then the next one, 100 kills in all; some of them find an old file in their
// place, and in some the servers are killed and started again too. At each kill:
//
//   - The final name shows nothing, or the old file, or all of the new one.
//   - What the journal says is in the part file is there, and grows.
//   - What came since the fetch was begun, and is not in the journal, is no more
//     than what came in two seconds, or 64 MiB, and what was in flight.
//
// And the run that ends it has resumed all that the journal had, and not been
// sent more than the rest.
func TestFetchKilledAgainAndAgain(t *testing.T) {
	slow, kills, fastKills := 12, 88, 12
	if testing.Short() {
		slow, kills, fastKills = 6, 7, 3
	}
	base := seed(t)
	var victims []*victim
	for i := range slow {
		// A fetch takes 4 s, so that some are killed before a checkpoint, and
		// some after two.
		link := netsim.Link{MTU: 9000, Delay: delay, Rate: 4 << 20}
		victims = append(victims, newVictim(t, 32<<20+4321, link, base, uint64(i)))
	}
	live(t, kills, victims...)
	fast := newVictim(t, 160<<20+4321, netsim.Link{}, base, uint64(slow))
	live(t, fastKills, fast)
	var sum toll
	for _, v := range append(victims, fast) {
		sum.add(v.toll)
	}
	t.Logf("%+v", sum)
	if want := kills + fastKills; sum.kills != want {
		t.Errorf("%d kills, want %d", sum.kills, want)
	}
	for what, n := range map[string]int64{
		"bytes resumed": sum.resumed, "servers killed": int64(sum.servers),
		"kills of a fetch with something in the journal": int64(sum.saved),
		"kills with an old file in place":                int64(sum.old),
	} {
		if n == 0 && !testing.Short() {
			t.Errorf("%s: none: the test has tried nothing", what)
		}
	}
}

// live has victims live beside each other until there were so many kills.
func live(t *testing.T, kills int, victims ...*victim) {
	t.Helper()
	var left atomic.Int64
	left.Store(int64(kills))
	var alive sync.WaitGroup
	for i, v := range victims {
		alive.Go(func() {
			if err := v.live(&left); err != nil {
				t.Errorf("victim %d, after %d kills: %v", i, v.kills, err)
			}
		})
	}
	alive.Wait()
	if t.Failed() {
		t.FailNow()
	}
}

// toll counts what was done to a victim.
type toll struct {
	kills, saved, old, whole, servers, fetches int
	resumed                                    int64 // bytes, by the runs that ended a fetch
	sent                                       int64 // bytes, by all servers, headers included
	lost                                       int64 // bytes that came for nothing
}

func (s *toll) add(o toll) {
	s.kills += o.kills
	s.saved += o.saved
	s.old += o.old
	s.whole += o.whole
	s.servers += o.servers
	s.fetches += o.fetches
	s.resumed += o.resumed
	s.sent += o.sent
	s.lost += o.lost
}

// moment is when a process is killed: a while after so many bytes came.
type moment struct {
	bytes int64
	after time.Duration
}

// moment chooses one: as the fetch begins, as it ends, or at any time.
func (v *victim) moment() moment {
	upTo := func(limit time.Duration) time.Duration { return time.Duration(v.rng.Int64N(int64(limit))) }
	switch v.rng.IntN(6) {
	case 0:
		return moment{0, upTo(60 * time.Millisecond)}
	case 1:
		return moment{v.size - v.journaled, upTo(400 * time.Millisecond)} // headers come too
	}
	if v.link == (netsim.Link{}) {
		return moment{v.rng.Int64N(v.size), 0}
	}
	return moment{0, upTo(3 * time.Second)}
}

// sample is how much the servers had sent at a time.
type sample struct {
	at    time.Time
	bytes int64
}

// await waits for a moment of a run, from now on, or for its end.
func (v *victim) await(p *process, m moment) {
	first := v.sentNow()
	ticker := time.NewTicker(5 * time.Millisecond) // arbitrary: small beside what is waited for
	defer ticker.Stop()
	var due time.Time
	for p.running() {
		now := sample{<-ticker.C, v.sentNow()}
		v.samples = append(v.samples, now)
		if due.IsZero() && now.bytes-first >= m.bytes {
			due = now.at.Add(m.after)
		}
		if !due.IsZero() && !now.at.Before(due) {
			return
		}
	}
}

// lately returns what came in the last two seconds of a run: what a checkpoint
// each second leaves in danger, and as much again for the disk.
func (v *victim) lately() int64 {
	const window = 2 * time.Second
	end := v.samples[len(v.samples)-1].at
	before := v.samples[0].bytes
	for _, s := range v.samples {
		if end.Sub(s.at) < window {
			break
		}
		before = s.bytes
	}
	return v.sentNow() - before
}

// killed ends a process by SIGKILL. It reports false if the process has ended of
// its own accord before.
func killed(p *process) bool {
	p.kill()
	status := p.cmd.ProcessState.Sys().(syscall.WaitStatus)
	return status.Signaled() && status.Signal() == syscall.SIGKILL
}

// seed returns the seed of a random test: $CHUNKCP_SEED, or a new one.
func seed(t *testing.T) uint64 {
	t.Helper()
	n, err := strconv.ParseUint(os.Getenv("CHUNKCP_SEED"), 10, 64)
	if err != nil {
		n = rand.Uint64()
	}
	t.Logf("CHUNKCP_SEED=%d", n)
	return n
}
