package peer

import (
	"bytes"
	"net/netip"
	"sync"
	"testing"
	"time"

	"chunkcp/proto"
)

// recording is all that was sent of a session, in the order of sending.
type recording struct {
	mu   sync.Mutex
	sent []tapped
}

func (r *recording) tap(w *world) {
	w.net.Tap(func(_ time.Time, from, to netip.AddrPort, b []byte) {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.sent = append(r.sent, tapped{from, to, bytes.Clone(b)})
	})
}

// take returns what was recorded so far, and begins anew.
func (r *recording) take() []tapped {
	r.mu.Lock()
	defer r.mu.Unlock()
	sent := r.sent
	r.sent = nil
	return sent
}

// replay sends what a client sent once more, from where it did, and returns what is
// answered.
func (w *world) replay(sent []tapped, answers *recording) []tapped {
	w.t.Helper()
	answers.take()
	n := 0
	for _, d := range sent {
		if d.to == w.servers[0].addr {
			w.net.Inject(d.from, d.to, d.datagram)
			n++
			time.Sleep(100 * time.Microsecond)
		}
	}
	if n < 100 {
		w.t.Fatalf("only %d datagrams were replayed", n)
	}
	time.Sleep(30 * time.Second)
	return answers.take()
}

// TestARecordedSessionIsWorthNothing: played back to the server that it was with,
// and to the same one started again, it opens no session and no file, and gets no
// byte but the answer to its Hello.
func TestARecordedSessionIsWorthNothing(t *testing.T) {
	inWorld(t, 1, 1, 3<<20, hostileLink, func(w *world) {
		s := w.servers[0]
		logs := w.logsOf(s)
		var r recording
		r.tap(w)
		w.fetch(w.options())
		time.Sleep(time.Second)
		session := r.take()
		check := func(when string, opened int) {
			t.Helper()
			asked, answered := 0, 0
			for _, d := range session {
				if d.to == s.addr && proto.KindOf(d.datagram) == proto.KindHello {
					asked += len(d.datagram)
				}
			}
			for _, d := range w.replay(session, &r) {
				answered += len(d.datagram)
				if k := proto.KindOf(d.datagram); k != proto.KindHelloReply {
					t.Errorf("%s: answered with a datagram of kind %#x", when, k)
				}
			}
			if answered == 0 || answered > asked {
				t.Errorf("%s: %d bytes of answers to %d", when, answered, asked)
			}
			if n := logs.FilterMessage("request").Len(); n != opened {
				t.Errorf("%s: %d files were opened, want %d", when, n, opened)
			}
			if n := logs.FilterMessage("session ended").Len(); n != opened {
				t.Errorf("%s: %d sessions have ended, want %d", when, n, opened)
			}
		}
		check("the same server", 1)
		logs = w.logsOf(s)
		check("started anew", 0)
	})
}

// TestARecordedSessionDoesNotDisturbAnother: its datagrams, of both directions, rain
// on the client and the server of a later one.
func TestARecordedSessionDoesNotDisturbAnother(t *testing.T) {
	inWorld(t, 1, 1, 3<<20, hostileLink, func(w *world) {
		var r recording
		r.tap(w)
		w.fetch(w.options())
		time.Sleep(time.Second)
		session := r.take()
		server, next := w.servers[0].addr, 0
		injected := w.meddle(func(d tapped) [][]byte {
			for range session {
				old := session[next%len(session)]
				next++
				if (old.to == server) == (d.to == server) {
					return [][]byte{old.datagram}
				}
			}
			return nil
		})
		w.undisturbed()
		if injected() < 1000 {
			t.Errorf("only %d datagrams were injected", injected())
		}
	})
}
