package e2e

import (
	"errors"
	"fmt"
	"net/netip"
	"sync"
	"testing"
	"time"

	"chunkcp/e2e/relay"
	"chunkcp/internal/netsim"
	"chunkcp/internal/secure"
	"chunkcp/internal/udp"
	"chunkcp/proto"
)

// TestInteropHandshake: one session, and the file's bytes come in the second
// flight of the server: a Hello is answered, and what follows the answer (the
// Finish, the first requests and the KEM key) is answered with bytes. That is two
// round trips to the first byte, as many as QUIC needs without 0-RTT.
func TestInteropHandshake(t *testing.T) {
	t.Parallel()
	const size = 1024
	i := newInterop(t, "127.0.0.1:0", relay.Config{})
	i.file("small", size)
	r := i.finish(i.fetch("small"))
	i.once()
	if len(i.wire.attempts) != 1 || i.wire.of(proto.KindHelloReply) == 0 {
		t.Errorf("%d attempts, %d answers", len(i.wire.attempts), i.wire.of(proto.KindHelloReply))
	}
	if i.wire.second < size {
		t.Errorf("%d bytes came before the client had answered anything under the mixed keys, want the file's %d", i.wire.second, size)
	}
	i.tell(r, "the file came in the second round trip; all was over in %.1f of 30 ms", r.Seconds/0.030)
}

// TestInteropRetry: a server that has many handshakes of the client's address half
// open asks for a cookie.
func TestInteropRetry(t *testing.T) {
	t.Parallel()
	i := newInterop(t, "127.0.0.1:0", relay.Config{})
	i.file("small", 1024)
	others := i.crowd()
	r := i.finish(i.fetch("small"))
	i.once()
	if n := i.wire.of(proto.KindRetry); n == 0 || i.wire.cookies == 0 || len(i.wire.attempts) != 1 {
		t.Errorf("%d Retries, %d Hellos with a cookie, %d attempts", n, i.wire.cookies, len(i.wire.attempts))
	}
	i.tell(r, "%d other handshakes half open, %d Retry, %d of %d Hellos with a cookie",
		others, i.wire.of(proto.KindRetry), i.wire.cookies, i.wire.of(proto.KindHello))
}

// crowd opens handshakes at the server, and finishes none, until it asks for
// cookies, and goes on so until the end of the test: each is forgotten after ten
// seconds. It returns how many were half open when the first cookie was asked for.
func (i *interop) crowd() int {
	i.t.Helper()
	conn, err := udp.Dial(i.server.addr, udp.Options{})
	i.check(err)
	id, err := secure.NewIdentity(nil)
	i.check(err)
	h := proto.Hello{Version: proto.Version}
	noise, err := secure.NewInitiator(secure.HandshakeConfig{Identity: id, Prologue: h.Prologue()})
	i.check(err)
	h.Noise, err = noise.WriteMessage(nil, nil) // says nothing of the attempt yet
	i.check(err)
	knock := func() error {
		h.ID++
		b := h.Append(nil)
		return conn.Write(b, len(b), netip.AddrPort{})
	}
	msgs := []udp.Message{{Buf: make([]byte, udp.MaxRead)}}
	const most = 300 // more than may be half open
	half := 0
	for ; half == 0 || proto.KindOf(msgs[0].Buf) != proto.KindRetry; half++ {
		if half == most {
			i.t.Fatalf("%d handshakes are half open, and no cookie is asked for", half)
		}
		i.check(knock())
		i.check(conn.SetReadDeadline(time.Now().Add(startLimit)))
		_, err = conn.Read(msgs)
		i.check(err)
	}
	stop, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		ticker := time.NewTicker(10 * time.Millisecond) // arbitrary: soon, beside ten seconds
		defer ticker.Stop()
		for {
			select {
			case <-stop:
				return
			case <-ticker.C:
				_ = knock() // as good as lost on the way
			}
		}
	}()
	i.t.Cleanup(func() {
		close(stop)
		<-ended
		conn.Close()
	})
	return half - 1
}

// TestInteropAmplificationLimit: of the client's datagrams only the Hello reaches the
// server until its Finish has been sent three times. A server does not send more
// than it has received before that.
func TestInteropAmplificationLimit(t *testing.T) {
	t.Parallel()
	i := newInterop(t, "127.0.0.1:0", relay.Config{LoseUp: []uint64{2, 3, 4, 5, 6, 7}})
	i.file("small", 5<<10)
	r := i.finish(i.fetch("small"))
	if lost := i.relay.Counters().Up.Lost; lost != 6 {
		t.Errorf("%d datagrams of the client were lost, want 6", lost)
	}
	w := i.wire
	if w.overAllowed || w.fromServer == 0 || !w.reached {
		t.Errorf("to an address not proven the server sent %d bytes, of %d that had come", w.fromServer, w.toServer)
	}
	// Where the first round trip took long the third Finish comes after three seconds of
	// silence, in another session.
	if n := w.handshakes(); n > 2 {
		t.Errorf("%d sessions were opened", n)
	}
	i.tell(r, "until the address was proven the server had sent %d bytes and received %d", w.fromServer, w.toServer)
}

// TestInteropHandshakeTrouble: fifty sessions, one after the other on each of ten
// links, of which a third of the datagrams are lost, or damaged in their head. As in
// TestInteropTransferTrouble damage reaches the programs.
func TestInteropHandshakeTrouble(t *testing.T) {
	const links, each, size = 10, 5, 1024
	for _, c := range []struct {
		name     string
		change   func(*netsim.Link)
		happened func(netsim.Counters) uint64
	}{
		{
			"loss", func(l *netsim.Link) { l.Loss, l.LossRun = 0.3, 3 },
			func(c netsim.Counters) uint64 { return c.Lost },
		},
		{
			"corruption", func(l *netsim.Link) { l.Corrupt, l.CorruptRun, l.CorruptHead = 0.3, 3, 50 },
			func(c netsim.Counters) uint64 { return c.Corrupted },
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			long(t)
			link := interopLink()
			c.change(&link)
			i := newInterop(t, "127.0.0.1:0", relay.Config{})
			i.file("small", size)
			relays := make([]*relay.Relay, links)
			for n := range relays {
				relays[n] = i.link(i.server.addr, i.wire, relay.Config{Up: link, Down: link, Seed: uint64(n)})
			}
			took, err := i.inTurn(relays, each)
			i.check(err)
			var up, down, sent uint64
			for n, l := range relays {
				counts := l.Counters()
				if c.happened(counts.Up) == 0 || c.happened(counts.Down) == 0 {
					t.Errorf("link %d: it never happened", n)
				}
				up, down = up+c.happened(counts.Up), down+c.happened(counts.Down)
				sent += counts.Up.Sent + counts.Down.Sent
			}
			var all, longest float64
			for _, s := range took {
				all, longest = all+s, max(longest, s)
			}
			// Fetches whose session was given up have opened another one.
			if n := i.wire.handshakes(); n < len(took) || len(took) != links*each {
				t.Errorf("%d sessions for %d fetches", n, len(took))
			}
			t.Logf("%d fetches of %d bytes, %.2f s on average, %.2f s at most; it happened to %d datagrams up and %d down of %d; %d sessions",
				len(took), size, all/float64(len(took)), longest, up, down, sent, i.wire.handshakes())
		})
	}
}

// inTurn fetches each times over each link, and returns how long all took.
func (i *interop) inTurn(links []*relay.Relay, each int) (seconds []float64, err error) {
	var mu sync.Mutex // guards the results, and i
	var wg sync.WaitGroup
	for n, l := range links {
		wg.Go(func() {
			for range each {
				mu.Lock()
				d, failed := i.fetchBy(l, "small")
				mu.Unlock()
				var r report
				if failed == nil {
					r, failed = d.result()
				}
				mu.Lock()
				seconds = append(seconds, r.Seconds)
				if failed != nil {
					err = errors.Join(err, fmt.Errorf("link %d, of that seed: %w", n, failed))
				}
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	return seconds, err
}
