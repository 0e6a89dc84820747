package peer

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"sync"
	"testing"
	"time"

	"chunkcp/internal/assign"
	"chunkcp/internal/netsim"
)

// faultTime is when the last fault of a run is over.
const faultTime = 4 * time.Second

// faultRun is one fetch through mixed faults. All of it is drawn from the seed.
type faultRun struct {
	servers int
	size    int
	links   []netsim.Link // to and from each server
	limits  Limits
	n       int
	plain   bool // sockets without offloads
	faults  []fault
}

// fault is something that befalls one server.
type fault struct {
	kind     faultKind
	server   int
	at, ends time.Duration
}

type faultKind string

const (
	faultCut     faultKind = "cut"
	faultDown    faultKind = "down"    // the host dies and returns
	faultRestart faultKind = "restart" // the process ends with a goodbye and is started again
	faultKill    faultKind = "kill"    // the same without a goodbye
	faultLate    faultKind = "late"    // not there at first
	faultGone    faultKind = "gone"    // dies and does not return
)

var faultKinds = []faultKind{faultCut, faultDown, faultRestart, faultKill, faultLate, faultGone}

func drawFaults(seed uint64) *faultRun {
	rng := rand.New(rand.NewPCG(seed, 3))
	upTo := func(d time.Duration) time.Duration { return time.Duration(rng.Int64N(int64(d) + 1)) }
	one := func(in int) bool { return rng.IntN(in) == 0 }
	r := &faultRun{servers: 1 + rng.IntN(4), n: rng.IntN(7), plain: one(3)}
	switch rng.IntN(8) {
	case 0:
		r.size = 0
	case 1:
		r.size = 1 + rng.IntN(5000)
	case 2:
		r.size = assign.PieceBytes * (1 + rng.IntN(3))
	default:
		r.size = rng.IntN(3*assign.PieceBytes + 12345)
	}
	if one(5) {
		r.limits.Channels = 1 + rng.IntN(8)
	}
	if one(5) {
		r.limits.Burst = 1 + rng.IntN(64)
	}
	for range 2 * r.servers {
		l := netsim.Link{Delay: upTo(80 * time.Millisecond), MTU: []int{0, 1280, 1500, 1500, 9000}[rng.IntN(5)]}
		if !one(4) {
			l.Rate = 300_000 + rng.Int64N(10_000_000)
		}
		if one(3) {
			l.Queue = 4000 + rng.Int64N(60_000)
		}
		if one(2) {
			l.Loss = rng.Float64() * 0.3
			l.BurstLen = rng.Float64() * 2
		}
		if one(2) {
			l.Duplicate = rng.Float64() * 0.5
		}
		if one(2) {
			l.Reorder, l.ReorderBy = rng.Float64(), 1+upTo(2*l.Delay)
		}
		if one(3) {
			l.Corrupt = rng.Float64() * 0.05
		}
		if one(3) {
			l.Jitter = upTo(50 * time.Millisecond)
		}
		r.links = append(r.links, l)
	}
	if one(8) {
		for server := range r.servers {
			at := upTo(300 * time.Millisecond)
			r.faults = append(r.faults, fault{kind: faultGone, server: server, at: at, ends: at})
		}
		return r
	}
	for server := range r.servers {
		if !one(2) {
			continue
		}
		f := fault{kind: faultKinds[rng.IntN(len(faultKinds))], server: server, at: upTo(faultTime / 2)}
		if f.kind == faultLate {
			f.at = 0
		}
		f.ends = f.at + upTo(faultTime/2)
		r.faults = append(r.faults, f)
	}
	return r
}

// lasting returns how many servers are there for good.
func (r *faultRun) lasting() int {
	n := r.servers
	for _, f := range r.faults {
		if f.kind == faultGone {
			n--
		}
	}
	return n
}

// prepare sets the links and has the faults happen.
func (r *faultRun) prepare(w *world, count func(faultKind)) {
	for i, s := range w.servers {
		w.net.SetLink(w.client.Addr(), s.host.Addr(), r.links[2*i])
		w.net.SetLink(s.host.Addr(), w.client.Addr(), r.links[2*i+1])
	}
	for _, f := range r.faults {
		s := w.servers[f.server]
		begin, end := func() {}, func() {}
		switch f.kind {
		case faultCut:
			begin = func() { w.net.Cut(w.client.Addr(), s.host.Addr()) }
			end = func() { w.net.Heal(w.client.Addr(), s.host.Addr()) }
		case faultDown:
			begin, end = s.host.Down, s.host.Up
		case faultRestart, faultLate:
			begin, end = func() { w.halt(s) }, func() { w.serve(s) }
		case faultKill:
			begin, end = func() { w.kill(s) }, func() { w.serve(s) }
		case faultGone:
			begin = s.host.Down
		}
		happen := func() {
			begin()
			count(f.kind)
		}
		if f.at == 0 {
			happen()
		} else {
			w.after(f.at, happen)
		}
		w.after(f.ends, end)
	}
}

// faultCount is what happened in all runs.
type faultCount struct {
	mu       sync.Mutex
	runs     int
	longest  time.Duration // in virtual time
	failed   int           // for want of a live server
	plain    int
	limited  int
	byKind   map[faultKind]int
	datagram netsim.Counters
}

// TestFaults runs whole fetches through mixed faults: each ends with the right
// bytes, or, where no server is left, with the right error in bounded time.
// One run alone: go test -run 'TestFaults/all/seed=123$'.
func TestFaults(t *testing.T) {
	seeds := 500
	if testing.Short() {
		seeds = 40
	}
	count := &faultCount{byKind: map[faultKind]int{}}
	t.Run("all", func(t *testing.T) {
		for seed := range uint64(seeds) {
			t.Run(fmt.Sprintf("seed=%d", seed), func(t *testing.T) {
				t.Parallel()
				drawFaults(seed).run(t, seed, count)
			})
		}
	})
	if count.runs == seeds && !t.Failed() {
		count.check(t)
	}
}

func (r *faultRun) run(t *testing.T, seed uint64, count *faultCount) {
	var mu sync.Mutex
	happened := map[faultKind]int{}
	inWorld(t, seed, r.servers, r.size, netsim.Link{}, func(w *world) {
		if r.plain {
			for _, h := range append([]*netsim.Host{w.client}, hostsOf(w)...) {
				h.SetSocketOptions(netsim.SocketOptions{NoOffload: true})
			}
			for _, s := range w.servers { // with a socket of the new kind
				w.halt(s)
				w.serve(s)
			}
		}
		r.prepare(w, func(k faultKind) {
			mu.Lock()
			defer mu.Unlock()
			happened[k]++
		})
		o := w.options()
		o.Sessions, o.Limits = r.n, r.limits
		f, took, err := w.run(o)
		switch {
		case err == nil:
			got, err := os.ReadFile(o.Out)
			if err != nil || !bytes.Equal(got, w.content) {
				t.Errorf("%d bytes came of %d (%v), or other ones", len(got), len(w.content), err)
			}
			if took > r.limit() {
				t.Errorf("took %v, limit %v", took, r.limit())
			}
		case errors.Is(err, ErrNoPeers) && r.lasting() == 0:
			w.absent(o.Out)
			if limit := r.limit() + defaultTimeout; took > limit {
				t.Errorf("gave up after %v, limit %v", took, limit)
			}
		default:
			t.Errorf("after %v: %v\n%+v", took, err, f.Snapshot())
		}
		if t.Failed() {
			t.Logf("seed %d: %+v", seed, r)
		}
		mu.Lock()
		defer mu.Unlock()
		count.mu.Lock()
		defer count.mu.Unlock()
		count.longest = max(count.longest, took)
		count.add(r, happened, w.net, err)
	})
}

func hostsOf(w *world) (hosts []*netsim.Host) {
	for _, s := range w.servers {
		hosts = append(hosts, s.host)
	}
	return hosts
}

// limit returns how long a run may take: far longer than it should, far
// shorter than for ever.
func (r *faultRun) limit() time.Duration {
	if r.limits != (Limits{}) {
		return time.Hour
	}
	return 10 * time.Minute
}

func (c *faultCount) add(r *faultRun, happened map[faultKind]int, n *netsim.Network, err error) {
	c.runs++
	if err != nil {
		c.failed++
	}
	if r.plain {
		c.plain++
	}
	if r.limits != (Limits{}) {
		c.limited++
	}
	for k, v := range happened {
		c.byKind[k] += v
	}
	d := n.Counters()
	c.datagram.Lost += d.Lost
	c.datagram.Duplicated += d.Duplicated
	c.datagram.Reordered += d.Reordered
	c.datagram.Corrupted += d.Corrupted
	c.datagram.QueueDropped += d.QueueDropped
	c.datagram.TooLong += d.TooLong
	c.datagram.Cut += d.Cut
}

// check makes sure that every kind of fault has happened.
func (c *faultCount) check(t *testing.T) {
	t.Logf("%+v", c)
	for _, k := range faultKinds {
		if c.byKind[k] == 0 && !testing.Short() { // forty runs need not have them all
			t.Errorf("no fault of the kind %q in %d runs", k, c.runs)
		}
	}
	for what, n := range map[string]uint64{
		"lost": c.datagram.Lost, "duplicated": c.datagram.Duplicated, "reordered": c.datagram.Reordered,
		"damaged": c.datagram.Corrupted, "dropped by a queue": c.datagram.QueueDropped,
		"too long for the path": c.datagram.TooLong, "cut off": c.datagram.Cut,
	} {
		if n < uint64(c.runs) {
			t.Errorf("%d datagrams %s in %d runs", n, what, c.runs)
		}
	}
	if c.failed == 0 || c.plain == 0 || c.limited == 0 {
		t.Errorf("of %d runs %d failed, %d had plain sockets, %d had limits", c.runs, c.failed, c.plain, c.limited)
	}
}
