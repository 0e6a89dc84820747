package peer

import (
	"bytes"
	"context"
	"fmt"
	"net/netip"
	"slices"
	"sync"
	"testing"
	"time"

	"chunkcp/internal/netsim"
	"chunkcp/proto"
)

// specimens returns datagrams of all kinds that a server or a client sends, up
// to so many of each.
func specimens(t *testing.T, most int) map[string][][]byte {
	t.Helper()
	var mu sync.Mutex
	all := map[string][][]byte{}
	inWorld(t, 1, 1, 3<<20, hostileLink, func(w *world) {
		server := w.servers[0]
		w.net.Tap(func(_ time.Time, from, _ netip.AddrPort, b []byte) {
			mu.Lock()
			defer mu.Unlock()
			name := fmt.Sprintf("kind %#02x of the client", proto.KindOf(b))
			if from == server.addr {
				name = fmt.Sprintf("kind %#02x of the server", proto.KindOf(b))
			}
			if len(b) <= 1472 && len(all[name]) < most {
				all[name] = append(all[name], b)
			}
		})
		w.fetch(w.options()) // ends with the client's Close
		next := hellos(t)
		future := next()
		future.Version = 99
		w.net.Inject(v4(1), server.addr, future.Append(nil)) // Versions
		for i := range 2 * freeHalfOpen {                    // Retries
			w.net.Inject(v4(2+i), server.addr, next().Append(nil))
			time.Sleep(time.Millisecond)
		}
		ctx, cancel := context.WithCancel(context.Background())
		o := w.options()
		o.Restart = true
		w.after(50*time.Millisecond, func() {
			mu.Lock()
			all["kind 0x30 of the server"] = nil
			mu.Unlock()
			w.halt(server) // with a Close to the client
			time.Sleep(time.Second)
			cancel()
		})
		_, _ = Run(ctx, o)
	})
	for _, name := range []string{
		"kind 0x01 of the client", "kind 0x02 of the server", "kind 0x03 of the client", "kind 0x04 of the server",
		"kind 0x05 of the server", "kind 0x20 of the client", "kind 0x30 of the server",
	} {
		if len(all[name]) == 0 {
			t.Fatalf("no specimen of %s among %d kinds", name, len(all))
		}
	}
	return all
}

// TestNoTwoAnswerEachOther: whatever a server or a client sends, another server
// and another client to which it is sent from a third address do not answer it
// (CVE-2024-2169 is about services that do). A Hello is what a server answers: once,
// and nobody answers that.
func TestNoTwoAnswerEachOther(t *testing.T) {
	for name, datagrams := range specimens(t, 200) {
		t.Run(name, func(t *testing.T) {
			inWorld(t, 2, 2, 4<<20, hostileLink, func(w *world) {
				// The client is in a session with one server, for longer than this
				// takes, and in a handshake with another, which does not hear it.
				other, busy := w.servers[0].addr, w.servers[1]
				third := netip.MustParseAddrPort("10.7.7.7:7440")
				var mu sync.Mutex
				var back [][]byte
				var clients []netip.AddrPort
				knocks := 0
				w.net.Tap(func(_ time.Time, from, to netip.AddrPort, b []byte) {
					mu.Lock()
					defer mu.Unlock()
					if to == third {
						back = append(back, b)
					} else if from.Addr() == w.client.Addr() && !slices.Contains(clients, from) {
						clients = append(clients, from)
					}
					if to == busy.addr {
						knocks++
					}
				})
				w.net.SetLink(w.client.Addr(), busy.addr.Addr(), netsim.Link{Loss: 1})
				w.net.SetPath(w.client.Addr(), other.Addr(), netsim.Link{Rate: 500_000, Queue: 8 << 20, Delay: 5 * time.Millisecond})
				o := w.options()
				o.Sessions = 2
				ctx, cancel := context.WithCancel(context.Background())
				var running sync.WaitGroup
				running.Go(func() { _, _ = Run(ctx, o) })
				time.Sleep(50 * time.Millisecond)
				feed := func(datagrams [][]byte) {
					mu.Lock()
					targets := append([]netip.AddrPort{other}, clients...)
					mu.Unlock()
					for i, b := range datagrams {
						for _, to := range targets {
							w.net.Inject(third, to, b)
							if to != other { // a client's socket takes only what seems to come from its server
								w.net.Inject(other, to, b)
								w.net.Inject(busy.addr, to, b)
							}
						}
						if i%20 == 19 {
							time.Sleep(time.Millisecond)
						}
					}
					time.Sleep(time.Second)
				}
				feed(datagrams)
				mu.Lock()
				first := back
				back = nil
				mu.Unlock()
				wantHelloReplies(t, datagrams, first)
				feed(first)
				mu.Lock()
				if len(back) != 0 {
					t.Errorf("answers to answers: %x", back[0][:1])
				}
				// Hellos at 0, 0.25, 0.375, 0.5, 0.75, 1, 1.5 and 2 s, whatever came.
				if len(clients) < 2 || knocks > 8 {
					t.Errorf("%d sockets of the client, and %d datagrams to the server that does not hear it", len(clients), knocks)
				}
				mu.Unlock()
				cancel()
				running.Wait()
			})
		})
	}
}

// wantHelloReplies checks that each Hello got a reply that is no longer, and
// nothing else got any.
func wantHelloReplies(t *testing.T, datagrams, replies [][]byte) {
	t.Helper()
	attempts := map[proto.HelloID]bool{}
	most := 0
	for _, b := range datagrams {
		if h, err := proto.ParseHello(b); err == nil {
			attempts[h.ID] = true
			most++
		}
	}
	if len(replies) > most || len(replies) < len(attempts) {
		t.Errorf("%d replies to %d datagrams, of which %d are Hellos, of %d attempts", len(replies), len(datagrams), most, len(attempts))
	}
	for _, r := range replies {
		if proto.KindOf(r) != proto.KindHelloReply || len(r) > proto.MinHello {
			t.Errorf("a reply of kind %#x and %d bytes", r[0], len(r))
		}
	}
}

// TestASessionAnswersNobodyElse: what is recorded of one session and sent to
// another one of the same server, or of the same client, brings nothing about.
func TestASessionAnswersNobodyElse(t *testing.T) {
	inWorld(t, 1, 2, 3<<20, hostileLink, func(w *world) {
		a, b := w.servers[0].addr, w.servers[1].addr
		var mu sync.Mutex
		n := 0
		w.net.Tap(func(_ time.Time, from, to netip.AddrPort, datagram []byte) {
			mu.Lock()
			defer mu.Unlock()
			n++
			if n%8 != 0 { // all would fill the path, which is a disturbance too
				return
			}
			d := bytes.Clone(datagram)
			switch {
			case from == a: // to the session with the other server, in its name
				w.net.Inject(b, to, d)
			case to == a && proto.KindOf(d) != proto.KindHello:
				w.net.Inject(from, b, d)
			}
		})
		w.undisturbed()
		if n < 1000 {
			t.Errorf("only %d datagrams were seen", n)
		}
	})
}
