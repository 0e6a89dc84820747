//go:build !race && linux

package udp

import (
	"fmt"
	"net/netip"
	"testing"
)

// The race detector makes sync.Pool forget on purpose, hence the build tag;
// elsewhere than on Linux package net does the work.
func TestSteadyStateAllocatesNothing(t *testing.T) {
	for _, addr := range loopbacks(t) {
		for _, opt := range []Options{{}, {NoOffload: true}} {
			for _, segment := range []int{1472, 64000} {
				t.Run(fmt.Sprintf("%s,%+v,%d", addr, opt, segment), func(t *testing.T) {
					server := listenOn(t, addr, opt)
					client := dial(t, server, opt)
					msgs := messages(8)
					buf := pattern(64000)
					trip := func(from, to Conn, addr netip.AddrPort) {
						if err := from.Write(buf, segment, addr); err != nil {
							t.Fatal(err)
						}
						for got := 0; got < len(buf); {
							n, err := to.Read(msgs)
							if err != nil {
								t.Fatal(err)
							}
							for _, m := range msgs[:n] {
								got += m.N
							}
						}
					}
					if n := testing.AllocsPerRun(100, func() {
						trip(client, server, netip.AddrPort{})
						trip(server, client, client.LocalAddr())
					}); n != 0 {
						t.Errorf("%v allocations a round trip", n)
					}
				})
			}
		}
	}
}
