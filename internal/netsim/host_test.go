package netsim

import (
	"net/netip"
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

func TestHostDownAndUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPath(t, 1, Link{Delay: 10 * time.Millisecond}, SocketOptions{})
		p.send(1, 10)
		time.Sleep(20 * time.Millisecond) // unread when the host dies
		p.send(2, 10)                     // under way
		p.serverHost.Down()
		p.reply(p.client.LocalAddr())
		if got := receive(t, p.server); len(got) != 0 {
			t.Errorf("a dead host received %v", numbers(got))
		}
		p.serverHost.Up()
		p.send(3, 10)
		p.reply(p.client.LocalAddr())
		if got := numbers(receive(t, p.server)); !slices.Equal(got, []int{3}) {
			t.Errorf("received %v, want only what was sent after Up", got)
		}
		if got := receive(t, p.client); len(got) != 1 {
			t.Errorf("the client received %d replies, want the one after Up", len(got))
		}
		if forth, all := p.count().Cut, p.net.Counters().Cut; forth != 1 || all != 2 {
			t.Errorf("%d cut on the way there and %d in all, want 1 and 2", forth, all)
		}
	})
}

func TestPorts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPath(t, 1, Link{}, SocketOptions{})
		if _, err := p.serverHost.Listen(serverPort); err == nil {
			t.Error("a port was opened twice")
		}
		if err := p.server.Close(); err != nil {
			t.Fatal(err)
		}
		p.send(1, 10)
		again, err := p.serverHost.Listen(serverPort)
		if err != nil {
			t.Fatal(err)
		}
		p.send(2, 10)
		if got := numbers(receive(t, again)); !slices.Equal(got, []int{2}) {
			t.Errorf("received %v, want what was sent to the second socket", got)
		}
		if n := p.count().Unreachable; n != 1 {
			t.Errorf("%d unreachable, want 1", n)
		}
		other, err := p.clientHost.Dial(again.LocalAddr())
		if err != nil {
			t.Fatal(err)
		}
		if other.LocalAddr() == p.client.LocalAddr() {
			t.Errorf("two sockets have the address %v", other.LocalAddr())
		}
		if _, err := p.clientHost.Dial(netip.AddrPortFrom(serverAddr, 0)); err == nil {
			t.Error("port 0 was dialled")
		}
	})
}

func TestRebindMovesAClient(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPath(t, 1, Link{}, SocketOptions{})
		before := p.client.LocalAddr()
		after := p.clientHost.Rebind(p.client)
		if after == before || p.client.LocalAddr() != before {
			t.Fatalf("moved from %v to %v, and the socket believes %v", before, after, p.client.LocalAddr())
		}
		p.send(1, 10)
		if got := receive(t, p.server); len(got) != 1 || got[0].from != after {
			t.Fatalf("received %+v, want one from %v", got, after)
		}
		p.reply(before)
		p.reply(after)
		if got := receive(t, p.client); len(got) != 1 {
			t.Errorf("%d replies arrived, want the one to the new address", len(got))
		}
		if n := p.net.LinkCounters(serverAddr, clientAddr).Unreachable; n != 1 {
			t.Errorf("%d unreachable, want the reply to the old address", n)
		}
		if err := p.client.Close(); err != nil {
			t.Fatal(err)
		}
		p.reply(after)
		if n := p.net.LinkCounters(serverAddr, clientAddr).Unreachable; n != 2 {
			t.Error("the new address outlived its socket")
		}
	})
}
