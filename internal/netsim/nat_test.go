package netsim

import (
	"net/netip"
	"testing"
	"testing/synctest"
	"time"
)

// TestRehomeMovesAClientToAnotherAddress: its datagrams take the links of that
// address, and back.
func TestRehomeMovesAClientToAnotherAddress(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		outside := netip.MustParseAddr("192.0.2.7")
		p := newPath(t, 1, Link{}, SocketOptions{})
		p.net.SetPath(outside, serverAddr, Link{Delay: time.Second})
		before := p.client.LocalAddr()
		after := p.clientHost.Rehome(p.client, outside)
		if after.Addr() != outside || p.client.LocalAddr() != before {
			t.Fatalf("moved from %v to %v, and the socket believes %v", before, after, p.client.LocalAddr())
		}
		began := time.Now()
		p.send(1, 10)
		got := receive(t, p.server)
		if len(got) != 1 || got[0].from != after || got[0].at.Sub(began) != time.Second {
			t.Fatalf("received %+v, want one from %v after a second", got, after)
		}
		p.reply(before)
		p.reply(after)
		if got := receive(t, p.client); len(got) != 1 {
			t.Errorf("%d replies arrived, want the one to the new address", len(got))
		}
		back := p.clientHost.Rehome(p.client, before.Addr())
		p.reply(after)
		p.reply(back)
		if got := receive(t, p.client); len(got) != 1 {
			t.Errorf("%d replies arrived, want the one to the address it came back to", len(got))
		}
		if err := p.client.Close(); err != nil {
			t.Fatal(err)
		}
		p.reply(back)
		if n := p.net.LinkCounters(serverAddr, before.Addr()).Unreachable; n != 2 {
			t.Errorf("%d unreachable on the first address, want the reply after the move and the one after the end", n)
		}
	})
}
