package peer

import (
	"errors"
	"testing"
	"time"
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
