package peer

import (
	"testing"
	"time"
)

// TestWhenAPeerIsDoubted: half way to where it counts as silent, and twice as late each time
// that it has answered and sent nothing else.
func TestWhenAPeerIsDoubted(t *testing.T) {
	b := bare(t, 4<<20, 1)
	c := b.opened(0, 4<<20)
	c.sender.ObserveRTT(10 * time.Millisecond)
	silence := c.silence()
	if silence < minSilence || silence > maxDoubt {
		t.Fatalf("silence of %v", silence)
	}
	now := time.Unix(1e9, 0)
	expect := func(doubt time.Duration) {
		t.Helper()
		if got := c.doubtAt().Sub(now); got != doubt {
			t.Errorf("doubted after %v, want %v", got, doubt)
		}
		if got := c.silentAt().Sub(now); got != doubt+silence/2 {
			t.Errorf("silent after %v, want %v", got, doubt+silence/2)
		}
	}
	for wait := silence / 2; ; wait *= 2 {
		c.heard = now
		if wait >= maxDoubt {
			expect(maxDoubt)
			break
		}
		expect(wait)
		now = now.Add(wait)
		if err := c.doubt(now); err != nil {
			t.Fatal(err)
		}
		if got := c.silentAt().Sub(now); got != silence/2 {
			t.Errorf("asked, it is silent after %v, want %v", got, silence/2)
		}
		now = now.Add(time.Millisecond) // it answers
	}
	c.placed++ // and now something else came
	expect(silence / 2)
	if got, want := c.endAt().Sub(c.heard), max(silentEnd, 2*silence); got != want {
		t.Errorf("over after %v, want %v", got, want)
	}
	far := b.session(0)
	far.sender.ObserveRTT(5 * time.Second)
	if got := far.endAt().Sub(far.heard); got < 20*time.Second {
		t.Errorf("over after %v, where a round trip is five seconds", got)
	}
}
