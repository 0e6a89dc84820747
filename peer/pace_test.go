package peer

import (
	"context"
	"fmt"
	"math"
	"slices"
	"testing"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"chunkcp/internal/netsim"
	"chunkcp/internal/secure"
)

func TestParts(t *testing.T) {
	for _, tc := range []struct {
		total float64
		wants []float64
		parts []float64
	}{
		{100, nil, []float64{}},
		{100, []float64{100}, []float64{100}},
		{100, []float64{100, 100}, []float64{50, 50}},
		{100, []float64{10, 100, 100}, []float64{10, 45, 45}},
		{100, []float64{100, 40, 10}, []float64{50, 40, 10}},
		{100, []float64{10, 20}, []float64{45, 55}},
	} {
		if got := parts(tc.total, tc.wants); !slices.Equal(got, tc.parts) {
			t.Errorf("%v of %v: %v, want %v", tc.wants, tc.total, got, tc.parts)
		}
	}
}

// TestLimitRate: a limit holds over all peers together, one of which is slower
// than its part, and is used.
func TestLimitRate(t *testing.T) {
	heavy(t)
	lan := netsim.Link{Rate: 125_000_000, Delay: 100 * time.Microsecond, MTU: 1500, Queue: 1 << 20}
	for name, tc := range map[string]struct {
		link  netsim.Link
		limit int64
		slow  int64 // rate of the last peer's link; 0: as the others
	}{
		"far":                {replicaLink, 6_000_000, 0},
		"near":               {lan, 6_000_000, 0},
		"beside a slow peer": {replicaLink, 6_000_000, 400_000},
		"a trickle":          {replicaLink, 300_000, 0},
	} {
		t.Run(name, func(t *testing.T) {
			size := int(10 * tc.limit)
			inWorld(t, 1, 3, size, tc.link, func(w *world) {
				if tc.slow > 0 {
					slow := tc.link
					slow.Rate = tc.slow
					w.net.SetPath(w.client.Addr(), w.servers[2].host.Addr(), slow)
				}
				o := w.options()
				o.LimitRate = tc.limit
				_, took := w.fetch(o)
				rate := float64(size) / took.Seconds()
				t.Logf("%.3f of the limit", rate/float64(tc.limit))
				// Pieces that are repeated at the end count too.
				if part := rate / float64(tc.limit); part > 1.01 || part < 0.87 {
					t.Errorf("%.3f of the limit", part)
				}
			})
		})
	}
}

// TestBackground: a fetch that others come before lets them have the path, and
// uses it when they are gone.
func TestBackground(t *testing.T) {
	heavy(t)
	const size = 48 << 20
	link := netsim.Link{Rate: 12_500_000, Delay: 25 * time.Millisecond, MTU: 1500, Queue: 625_000}
	var alone, beside, modest time.Duration
	inWorld(t, 1, 1, size, link, func(w *world) { _, alone = w.fetch(w.options()) })
	inWorld(t, 1, 1, size, link, func(w *world) {
		o := w.options()
		o.Background = true
		_, modest = w.fetch(o)
	})
	inWorld(t, 1, 1, size, link, func(w *world) {
		ctx, stop := context.WithCancel(context.Background())
		done := make(chan error)
		go func() {
			o := w.options()
			o.Identity, _ = secure.NewIdentity(nil)
			o.Out += "2"
			o.Background = true
			_, err := Run(ctx, o)
			done <- err
		}()
		time.Sleep(2 * time.Second)
		_, beside = w.fetch(w.options())
		stop()
		<-done
	})
	t.Logf("alone %v, beside a fetch in the background %v; that one alone %v", alone, beside, modest)
	if ratio := alone.Seconds() / beside.Seconds(); ratio < 0.8 {
		t.Errorf("%.2f of its rate beside a fetch in the background", ratio)
	}
	if ratio := alone.Seconds() / modest.Seconds(); ratio < 0.6 || math.IsNaN(ratio) {
		t.Errorf("in the background it had %.2f of the path when nobody else was there", ratio)
	}
}

// TestALimitIsNoSilence: a peer that may send no more than a burst in a second is not
// taken for one that has fallen silent, whose work others do again.
func TestALimitIsNoSilence(t *testing.T) {
	heavy(t)
	for _, tc := range []struct {
		servers, sessions int
		limit             int64
		size              int
		mtu               int
	}{
		{1, 4, 1000, 20 << 10, 65535},
		{2, 2, 10_000, 1 << 20, 1500},
		{5, 5, 25_000, 2 << 20, 1500},
		{3, 3, 100_000, 4 << 20, 9000},
		{3, 3, 200_000, 8 << 20, 65535},
		{1, 4, 100_000, 1 << 20, 65535},
	} {
		t.Run(fmt.Sprint(tc), func(t *testing.T) {
			link := netsim.Link{Rate: 12.5e6, Delay: 5 * time.Millisecond, MTU: tc.mtu}
			inWorld(t, 1, tc.servers, tc.size, link, func(w *world) {
				core, logs := observer.New(zap.DebugLevel)
				o := w.options()
				o.Log, o.LimitRate, o.Sessions = zap.New(core), tc.limit, tc.sessions
				f, took := w.fetch(o)
				if n := logs.FilterMessage("peer is silent").Len(); n > 0 {
					t.Errorf("silent %d times", n)
				}
				ideal := float64(tc.size) / float64(tc.limit)
				t.Logf("%v, %.2f of the limit; %d bytes came", took, ideal/took.Seconds(), came(f))
				if took.Seconds() > 1.25*ideal+3 {
					t.Errorf("%v, where %.0f s would do", took, ideal)
				}
				if over := came(f) - int64(tc.size); over > int64(tc.size)/8 {
					t.Errorf("%d bytes came twice", over)
				}
			})
		})
	}
}

// TestDatagramsUnderALimit: none takes longer than a fiftieth of a second, but for those of
// Ethernet's packets.
func TestDatagramsUnderALimit(t *testing.T) {
	for limit, want := range map[int64]uint16{
		0: maxServerDatagram, 1000: ethernetDatagram, 50 * ethernetDatagram: ethernetDatagram,
		500_000: 10_000, 10_000_000: maxServerDatagram,
	} {
		f := &Fetch{opt: FetchOptions{LimitRate: limit}}
		if got := f.longestDatagram(); got != want {
			t.Errorf("%d bytes per second: %d, want %d", limit, got, want)
		}
	}
}
