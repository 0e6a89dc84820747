package netsim

import (
	"bytes"
	"net/netip"
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

func TestDelayIsExact(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const delay = 25*time.Millisecond + 7*time.Nanosecond
		p := newPath(t, 1, Link{Delay: delay}, SocketOptions{})
		sent := time.Now()
		p.send(1, 100)
		got := receive(t, p.server)
		if len(got) != 1 || got[0].at.Sub(sent) != delay {
			t.Fatalf("received %+v, want one after %v", got, delay)
		}
		if got[0].from != p.client.LocalAddr() || !bytes.Equal(got[0].payload, numbered(1, 100)) {
			t.Errorf("received %x from %v", got[0].payload, got[0].from)
		}
		sent = time.Now()
		p.reply(got[0].from)
		if back := receive(t, p.client); len(back) != 1 || back[0].at != sent {
			t.Errorf("the way back is instant, but received %+v", back)
		}
	})
}

// A sender in excess of the rate fills the link to within 1 %, loss aside.
func TestGoodput(t *testing.T) {
	began := time.Now()
	const rate, size, segments = 12_500_000, 1472, 32
	for _, l := range []Link{
		{Rate: rate, Delay: 25 * time.Millisecond},
		{Rate: rate, Delay: 25 * time.Millisecond, Loss: 0.05, Jitter: 5 * time.Millisecond},
	} {
		synctest.Test(t, func(t *testing.T) {
			p := newPath(t, 1, l, SocketOptions{})
			const seconds = 2
			const sending = segments * (size + HeaderBytes) * time.Second / (rate * 105 / 100)
			go func() {
				for begin := time.Now(); time.Since(begin) < seconds*time.Second; time.Sleep(sending) {
					if err := p.client.Write(make([]byte, segments*size), size, netip.AddrPort{}); err != nil {
						t.Error(err)
					}
				}
			}()
			got := receive(t, p.server)
			inTime := slices.IndexFunc(got, func(r received) bool {
				return r.at.Sub(got[0].at) > seconds*time.Second-10*time.Millisecond
			})
			goodput := float64(inTime*size) / (seconds - 0.010)
			want := rate * float64(size) / (size + HeaderBytes) * (1 - l.Loss)
			if goodput < 0.99*want || goodput > 1.01*want {
				t.Errorf("%+v: goodput %.0f bytes/s, want %.0f", l, goodput, want)
			}
			if p.count().QueueDropped == 0 {
				t.Error("the sender did not fill the queue")
			}
		})
	}
	t.Logf("4 virtual seconds at 100 Mbit/s took %v", time.Since(began))
}

func TestJitterKeepsOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPath(t, 3, Link{Delay: time.Millisecond, Jitter: 20 * time.Millisecond}, SocketOptions{})
		go func() {
			for i := range 300 {
				p.send(i, 50)
				time.Sleep(time.Millisecond)
			}
		}()
		if got := numbers(receive(t, p.server)); len(got) != 300 || !slices.IsSorted(got) {
			t.Errorf("received %v", got)
		}
	})
}

// Every datagram is accounted for, and each impairment took its share.
func TestNothingVanishesUncounted(t *testing.T) {
	for seed := range uint64(3) {
		synctest.Test(t, func(t *testing.T) {
			p := newPath(t, seed, Link{
				Rate: 1_000_000, Queue: 8_000, Delay: 10 * time.Millisecond, Loss: 0.1, BurstLen: 3,
				Duplicate: 0.1, Reorder: 0.1, ReorderBy: 5 * time.Millisecond, Corrupt: 0.1, MTU: 1500,
			}, SocketOptions{ReadBuffer: 8000})
			for i := range 1000 {
				p.send(i, 1000+i%2*500)
				if i%20 == 19 {
					time.Sleep(20 * time.Millisecond)
				}
			}
			nobody := netip.AddrPortFrom(serverAddr, 9)
			for range 10 {
				p.net.Inject(p.client.LocalAddr(), nobody, []byte("nobody is there"))
			}
			time.Sleep(time.Second)
			p.net.Cut(clientAddr, serverAddr)
			p.send(0, 100)
			c := p.count()
			for name, n := range map[string]uint64{
				"Delivered": c.Delivered, "Lost": c.Lost, "QueueDropped": c.QueueDropped, "TooLong": c.TooLong,
				"Duplicated": c.Duplicated, "Reordered": c.Reordered, "Corrupted": c.Corrupted, "Cut": c.Cut,
				"Unreachable": c.Unreachable, "BufferDropped": c.BufferDropped,
			} {
				if n == 0 {
					t.Errorf("seed %d: %s is 0", seed, name)
				}
			}
			ends := c.Delivered + c.Lost + c.QueueDropped + c.TooLong + c.Cut + c.Unreachable + c.BufferDropped
			if c.Sent != 1011 || c.Sent+c.Duplicated != ends {
				t.Errorf("seed %d: %d sent and %d duplicated, %d accounted for: %+v", seed, c.Sent, c.Duplicated, ends, c)
			}
			if total := p.net.Counters(); total != c {
				t.Errorf("seed %d: the total %+v differs from the only link's %+v", seed, total, c)
			}
		})
	}
}

func TestSameSeedSameArrivals(t *testing.T) {
	l := Link{Delay: 5 * time.Millisecond, Jitter: time.Millisecond, Loss: 0.2, Duplicate: 0.1, Reorder: 0.2, ReorderBy: time.Millisecond}
	// noise sends on the way back and to a third host as well.
	story := func(seed uint64, noise bool) (ns []int, at []time.Time) {
		synctest.Test(t, func(t *testing.T) {
			p := newPath(t, seed, l, SocketOptions{})
			p.net.SetLink(serverAddr, clientAddr, l)
			for i := range 300 {
				p.send(i, 50)
				if noise {
					p.reply(p.client.LocalAddr())
					p.net.Inject(p.client.LocalAddr(), netip.MustParseAddrPort("10.0.0.3:1"), []byte("noise"))
				}
				time.Sleep(100 * time.Microsecond)
			}
			for _, r := range receive(t, p.server) {
				ns, at = append(ns, r.number), append(at, r.at)
			}
		})
		return ns, at
	}
	ns, at := story(5, false)
	if ns2, at2 := story(5, false); !slices.Equal(ns, ns2) || !slices.Equal(at, at2) {
		t.Error("the same seed gave two stories")
	}
	if noisy, _ := story(5, true); !slices.Equal(ns, noisy) {
		t.Error("traffic on other links changed the story")
	}
	if other, _ := story(6, false); slices.Equal(ns, other) {
		t.Error("two seeds gave the same story")
	}
}

func TestCutAndHeal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPath(t, 1, Link{Delay: 10 * time.Millisecond}, SocketOptions{})
		p.send(1, 10) // under way when the path is cut
		p.net.Cut(serverAddr, clientAddr)
		p.send(2, 10)
		p.reply(p.client.LocalAddr())
		time.Sleep(20 * time.Millisecond)
		p.net.Heal(clientAddr, serverAddr)
		p.send(3, 10)
		if got := numbers(receive(t, p.server)); !slices.Equal(got, []int{3}) {
			t.Errorf("received %v, want only what was sent after Heal", got)
		}
		if forth, all := p.count().Cut, p.net.Counters().Cut; forth != 2 || all != 3 {
			t.Errorf("%d cut on the way there and %d in all, want 2 and 3", forth, all)
		}
	})
}

func TestLinkChangesWhileRunning(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPath(t, 1, Link{Delay: time.Second}, SocketOptions{})
		sent := time.Now()
		p.send(1, 10)
		p.net.SetPath(clientAddr, serverAddr, Link{Delay: time.Millisecond})
		p.send(2, 10)
		got := receive(t, p.server)
		if !slices.Equal(numbers(got), []int{2, 1}) ||
			got[0].at.Sub(sent) != time.Millisecond || got[1].at.Sub(sent) != time.Second {
			t.Errorf("received %+v", got)
		}
	})
}

func TestInjectAndReplay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPath(t, 1, Link{Delay: time.Millisecond}, SocketOptions{})
		tapped := 0
		p.net.Tap(func(at time.Time, from, to netip.AddrPort, datagram []byte) {
			tapped++
			if at != time.Now() || to != p.server.LocalAddr() || from != p.client.LocalAddr() {
				t.Errorf("tapped from %v to %v at %v", from, to, at)
			}
			p.net.Inject(from, to, datagram) // an attacker who repeats everything at once
		})
		run := append(numbered(1, 100), numbered(2, 100)...)
		if err := p.client.Write(run, 100, netip.AddrPort{}); err != nil {
			t.Fatal(err)
		}
		p.net.Tap(nil)
		p.send(3, 100)
		forger := netip.MustParseAddrPort("192.0.2.1:53")
		p.net.Inject(forger, p.server.LocalAddr(), numbered(4, 10))
		p.net.Inject(forger, p.client.LocalAddr(), numbered(5, 10)) // connected: takes nothing from strangers
		got := receive(t, p.server)
		slices.SortStableFunc(got, func(a, b received) int { return a.number - b.number })
		if !slices.Equal(numbers(got), []int{1, 1, 2, 2, 3, 4}) || tapped != 2 || got[5].from != forger {
			t.Errorf("%d tapped, received %+v", tapped, got)
		}
		if n := p.net.LinkCounters(forger.Addr(), clientAddr).Unreachable; n != 1 {
			t.Errorf("%d forged datagrams were turned away by the client, want 1", n)
		}
	})
}

// A bubble ends only when no goroutine is left in it.
func TestNetworkCloseWakesEveryone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPath(t, 1, Link{Delay: time.Hour}, SocketOptions{})
		failed := make(chan error)
		go func() {
			_, err := p.server.Read(newMessages(1))
			failed <- err
		}()
		p.send(1, 10)
		synctest.Wait()
		p.net.Close()
		wantClosed(t, <-failed)
		wantClosed(t, p.client.Write([]byte("x"), 1, netip.AddrPort{}))
		_, err := p.serverHost.Listen(1)
		wantClosed(t, err)
		time.Sleep(2 * time.Hour)
		if c := p.count(); c.Delivered != 0 {
			t.Errorf("delivered after Close: %+v", c)
		}
	})
}
