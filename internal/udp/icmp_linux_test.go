package udp

import (
	"encoding/binary"
	"errors"
	"net"
	"net/netip"
	"os"
	"syscall"
	"testing"
	"time"
)

// forgeICMP sends an ICMP error over loopback about a datagram of from to to, as
// anybody who can guess the two ports may (RFC 792, RFC 1191).
func forgeICMP(t *testing.T, code byte, mtu uint16, from, to netip.AddrPort) {
	t.Helper()
	raw, err := net.Dial("ip4:icmp", "127.0.0.1")
	if errors.Is(err, os.ErrPermission) {
		t.Skip("forging ICMP takes CAP_NET_RAW")
	}
	if err != nil {
		t.Fatal(err)
	}
	defer raw.Close()
	b := make([]byte, 8+20+8)
	b[0], b[1] = 3, code // destination unreachable
	binary.BigEndian.PutUint16(b[6:], mtu)
	ip, udp := b[8:], b[28:]
	ip[0], ip[8], ip[9] = 0x45, 64, 17
	binary.BigEndian.PutUint16(ip[2:], 1400)
	copy(ip[12:], from.Addr().AsSlice())
	copy(ip[16:], to.Addr().AsSlice())
	binary.BigEndian.PutUint16(udp[0:], from.Port())
	binary.BigEndian.PutUint16(udp[2:], to.Port())
	binary.BigEndian.PutUint16(udp[4:], 1380)
	var sum uint32
	for i := 0; i < len(b); i += 2 {
		sum += uint32(binary.BigEndian.Uint16(b[i:]))
	}
	sum = sum>>16 + sum&0xffff
	binary.BigEndian.PutUint16(b[2:], ^uint16(sum+sum>>16))
	if _, err := raw.Write(b); err != nil {
		t.Fatal(err)
	}
}

// TestForgedICMPStopsNothing: a refusal is told once and what is written with it
// is sent; that the path is narrow is not believed.
func TestForgedICMPStopsNothing(t *testing.T) {
	const portUnreachable, tooBig = 3, 4
	to := listenOn(t, "127.0.0.1:0", Options{})
	from := dial(t, to, Options{})
	forgeICMP(t, portUnreachable, 0, from.LocalAddr(), to.LocalAddr())
	from.SetReadDeadline(time.Now().Add(patience))
	if _, err := from.Read(messages(1)); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Fatalf("read: %v; the forgery did not arrive", err)
	}
	for i := range 20 {
		code, mtu := byte(portUnreachable), uint16(0)
		if i%2 == 1 {
			code, mtu = tooBig, 68
		}
		forgeICMP(t, code, mtu, from.LocalAddr(), to.LocalAddr())
		want := pattern(1400 + i)
		if err := from.Write(want, len(want), netip.AddrPort{}); err != nil {
			t.Fatalf("forgery %d: write: %v", i, err)
		}
		equal(t, receive(t, to, 1, from.LocalAddr()), [][]byte{want})
	}
	if s := from.Stats(); s.WriteDatagrams != 20 || s.Unsent != 0 {
		t.Errorf("%+v", s)
	}
}
