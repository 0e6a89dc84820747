package netsim

import (
	"bytes"
	"encoding/binary"
	"errors"
	"net/netip"
	"os"
	"testing"
	"time"

	"chunkcp/internal/udp"
)

var (
	clientAddr = netip.MustParseAddr("10.0.0.1")
	serverAddr = netip.MustParseAddr("10.0.0.2")
)

const serverPort = 7440

// path is a client connected to a server, and the network between them.
type path struct {
	t              *testing.T
	net            *Network
	clientHost     *Host
	serverHost     *Host
	client, server udp.Conn
}

// newPath must be called inside a bubble. l is the direction from the client to
// the server; the way back is perfect.
func newPath(t *testing.T, seed uint64, l Link, o SocketOptions) *path {
	t.Helper()
	n := New(seed)
	t.Cleanup(n.Close)
	p := &path{t: t, net: n, clientHost: n.Host(clientAddr), serverHost: n.Host(serverAddr)}
	n.SetLink(clientAddr, serverAddr, l)
	p.serverHost.SetSocketOptions(o)
	var err error
	if p.server, err = p.serverHost.Listen(serverPort); err != nil {
		t.Fatal(err)
	}
	if p.client, err = p.clientHost.Dial(p.server.LocalAddr()); err != nil {
		t.Fatal(err)
	}
	return p
}

// send writes one datagram of n bytes that begins with a number.
func (p *path) send(number, n int) {
	p.t.Helper()
	if err := p.client.Write(numbered(number, n), n, netip.AddrPort{}); err != nil {
		p.t.Fatal(err)
	}
}

// reply writes one datagram from the server.
func (p *path) reply(to netip.AddrPort) {
	p.t.Helper()
	if err := p.server.Write([]byte("reply"), 5, to); err != nil {
		p.t.Fatal(err)
	}
}

// count returns what happened between client and server.
func (p *path) count() Counters { return p.net.LinkCounters(clientAddr, serverAddr) }

func numbered(number, n int) []byte {
	b := make([]byte, n)
	binary.BigEndian.PutUint32(b, uint32(number))
	return b
}

// received is a datagram and when it was read.
type received struct {
	number  int
	payload []byte
	at      time.Time
	from    netip.AddrPort
}

// receive reads datagrams until none has come for a virtual minute.
func receive(t *testing.T, c udp.Conn) []received {
	t.Helper()
	var all []received
	msgs := newMessages(4)
	for {
		if err := c.SetReadDeadline(time.Now().Add(time.Minute)); err != nil {
			t.Fatal(err)
		}
		count, err := c.Read(msgs)
		if errors.Is(err, os.ErrDeadlineExceeded) {
			return all
		}
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range msgs[:count] {
			for d := range split(bytes.Clone(m.Buf[:m.N]), m.Segment) {
				all = append(all, received{int(binary.BigEndian.Uint32(d)), d, time.Now(), m.Addr})
			}
		}
	}
}

func newMessages(n int) []udp.Message {
	msgs := make([]udp.Message, n)
	for i := range msgs {
		msgs[i].Buf = make([]byte, udp.MaxRead)
	}
	return msgs
}

func numbers(all []received) []int {
	var ns []int
	for _, r := range all {
		ns = append(ns, r.number)
	}
	return ns
}
