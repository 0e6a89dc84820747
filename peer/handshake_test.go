package peer

import (
	"errors"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"chunkcp/internal/netsim"
)

// TestEveryOtherWaitDoubles, up to a longest one, but to no less than the first.
func TestEveryOtherWaitDoubles(t *testing.T) {
	const ms = time.Millisecond
	for _, tc := range []struct {
		wait backoff
		want []time.Duration
	}{
		{backoff{wait: 500 * ms}, []time.Duration{500 * ms, 500 * ms, time.Second, time.Second, lastRepeat, lastRepeat, lastRepeat}},
		{backoff{first: 250 * ms, wait: 125 * ms}, []time.Duration{250 * ms, 125 * ms, 125 * ms, 250 * ms, 250 * ms, 500 * ms}},
		{backoff{wait: 5 * time.Second}, []time.Duration{5 * time.Second, 5 * time.Second, 5 * time.Second}},
	} {
		var got []time.Duration
		for range tc.want {
			got = append(got, tc.wait.next())
		}
		if !slices.Equal(got, tc.want) {
			t.Errorf("%v, want %v", got, tc.want)
		}
	}
}

// TestFirstDatagramsLost: a burst of losses takes the first messages of a fetch's only
// session. It is a second later.
func TestFirstDatagramsLost(t *testing.T) {
	inWorld(t, 1, 1, 1<<20, netsim.Link{Delay: 25 * time.Millisecond}, func(w *world) {
		w.net.SetLink(w.client.Addr(), w.servers[0].addr.Addr(), netsim.Link{Delay: 25 * time.Millisecond, Loss: 1})
		time.AfterFunc(999*time.Millisecond, func() {
			w.net.SetPath(w.client.Addr(), w.servers[0].addr.Addr(), netsim.Link{Delay: 25 * time.Millisecond})
		})
		_, took := w.fetch(w.options())
		within(t, "the fetch", took, 1300*time.Millisecond)
	})
}

// TestABurstTakesTheHellos: of a path that carries nothing else a burst of losses takes the
// first five messages, and the fetch is a second later.
func TestABurstTakesTheHellos(t *testing.T) {
	inWorld(t, 1, 1, 1<<20, netsim.Link{Delay: 25 * time.Millisecond}, func(w *world) {
		w.net.Lose(w.client.Addr(), w.servers[0].addr.Addr(), 1, 2, 3, 4, 5)
		_, took := w.fetch(w.options())
		within(t, "the fetch", took, 1300*time.Millisecond)
	})
}

// TestNoAnswerSaysWhy: what is known of it, though it may be forged.
func TestNoAnswerSaysWhy(t *testing.T) {
	for want, h := range map[string]*handshake{
		"no answer": {},
		"no answer, and that host says that nothing listens there":         {said: &os.SyscallError{Syscall: "write", Err: syscall.ECONNREFUSED}},
		"no answer: the server speaks protocol versions [9], this program": {versions: []uint16{9}, said: syscall.ECONNREFUSED},
		"no answer that can be read: does the server have this psk_file?":  {strange: true},
	} {
		if got := h.noAnswer(); !errors.Is(got, errNoAnswer) || !strings.HasPrefix(got.Error(), want) {
			t.Errorf("%v, want %s", got, want)
		}
	}
}
