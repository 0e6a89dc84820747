package peer

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"chunkcp/internal/netsim"
)

// stall has some bytes come and then none, so that the work is dealt anew, and
// returns when that was and whether the fetch has given up.
func (b *bareFetch) stall(now time.Time) (time.Time, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.moved = now
	now = now.Add(stallTime)
	b.unstick(now)
	if b.unstuck != now {
		b.t.Fatal("the work was not dealt anew")
	}
	return now, b.hopeless(now)
}

// TestBytesThatNeverMakeAPiece: a peer that sends the beginning of every range and
// then no more held a fetch up for ever, where its Timeout is longer than
// stallTime: bytes came each time that its work was dealt anew.
func TestBytesThatNeverMakeAPiece(t *testing.T) {
	b := bare(t, 4<<20, 1)
	b.opened(0, 4<<20)
	began := b.answered
	now, err := began, error(nil)
	for err == nil && now.Sub(began) < 10*b.opt.Timeout {
		now, err = b.stall(now)
	}
	if took := now.Sub(began); !errors.Is(err, ErrNoPeers) || took < b.opt.Timeout || took > b.opt.Timeout+2*stallTime {
		t.Errorf("%v after %v", err, took)
	}
}

// TestPiecesBetweenStalls: as long as a piece comes now and then, the fetch goes on.
func TestPiecesBetweenStalls(t *testing.T) {
	b := bare(t, 40<<20, 1)
	c := b.opened(0, 40<<20)
	now := b.answered
	for i := range int64(40) {
		var err error
		if now, err = b.stall(now); err != nil {
			t.Fatalf("after piece %d: %v", i, err)
		}
		b.give(c, b.content, i)
	}
}

// TestAStallOfASlowPeer: one whose piece takes longer than the Timeout stalls once,
// and is not taken for one that sends nothing but beginnings.
func TestAStallOfASlowPeer(t *testing.T) {
	b := bare(t, 4<<20, 1)
	b.opened(0, 4<<20)
	now, err := b.stall(b.answered)
	for end := now.Add(3 * b.opt.Timeout); err == nil && now.Before(end); now = now.Add(time.Second) {
		b.mu.Lock()
		b.moved = now
		b.unstick(now)
		err = b.hopeless(now)
		b.mu.Unlock()
	}
	if err != nil {
		t.Error(err)
	}
}

// TestAPathOfFiveSeconds: what was asked for is waited for, however long the round trip is.
func TestAPathOfFiveSeconds(t *testing.T) {
	heavy(t)
	for _, tc := range []struct {
		servers int
		queue   int64
		most    time.Duration
	}{
		{1, 64 << 10, 4 * time.Minute}, // 67 s are the link's
		{2, 64 << 10, 4 * time.Minute},
		{2, 640 << 10, 2 * time.Minute},
	} {
		t.Run(fmt.Sprint(tc.servers, tc.queue), func(t *testing.T) {
			link := netsim.Link{Rate: 125_000, Delay: 2500 * time.Millisecond, Queue: tc.queue}
			inWorld(t, 1, tc.servers, 8<<20, link, func(w *world) {
				f, took := w.fetch(w.options())
				t.Logf("%v, %d bytes came", took, came(f))
				if took > tc.most {
					t.Errorf("took %v, want %v at most", took, tc.most)
				}
				if over := came(f) - 8<<20; over > 2<<20 {
					t.Errorf("%d bytes came twice", over)
				}
			})
		})
	}
}
