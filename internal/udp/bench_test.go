package udp

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"testing"
)

// BenchmarkLoopback writes 64 KiB runs and reads them, one after the other in
// one goroutine: the cost of both, and nothing is dropped.
func BenchmarkLoopback(b *testing.B) {
	for _, opt := range []Options{{}, {NoOffload: true}} {
		for _, segment := range []int{1472, 8972} {
			for _, wide := range []int{1, 8, 64} {
				b.Run(fmt.Sprintf("NoOffload=%v/segment=%d/messages=%d", opt.NoOffload, segment, wide), func(b *testing.B) {
					to := listenOn(b, "127.0.0.1:0", opt)
					from := dial(b, to, opt)
					buf := pattern(65507 / segment * segment)
					msgs := messages(wide)
					b.SetBytes(int64(len(buf)))
					b.ReportAllocs()
					for b.Loop() {
						if err := from.Write(buf, segment, netip.AddrPort{}); err != nil {
							b.Fatal(err)
						}
						for got := 0; got < len(buf); {
							n, err := to.Read(msgs)
							if err != nil {
								b.Fatal(err)
							}
							for _, m := range msgs[:n] {
								got += m.N
							}
						}
					}
				})
			}
		}
	}
}

// BenchmarkStream writes in one goroutine and reads in another, with no more
// unread than the buffer holds.
func BenchmarkStream(b *testing.B) {
	const segment = 1472
	for _, opt := range []Options{{}, {NoOffload: true}} {
		for _, wide := range []int{1, 4, 16} {
			b.Run(fmt.Sprintf("NoOffload=%v/messages=%d", opt.NoOffload, wide), func(b *testing.B) {
				to := listenOn(b, "127.0.0.1:0", opt)
				from := dial(b, to, opt)
				buf := pattern(65507 / segment * segment)
				credit := make(chan struct{}, to.ReadBuffer(segment)/len(buf))
				done := make(chan error, 1)
				b.SetBytes(int64(len(buf)))
				b.ReportAllocs()
				go func() {
					msgs := messages(wide)
					for got := 0; ; {
						n, err := to.Read(msgs)
						if err != nil {
							done <- err
							return
						}
						for _, m := range msgs[:n] {
							got += m.N
						}
						for ; got >= len(buf); got -= len(buf) {
							<-credit
						}
					}
				}()
				for b.Loop() {
					credit <- struct{}{}
					if err := from.Write(buf, segment, netip.AddrPort{}); err != nil {
						b.Fatal(err)
					}
				}
				for range cap(credit) { // all is read once the credit is back
					credit <- struct{}{}
				}
				b.ReportMetric(float64(to.Stats().ReadDatagrams)/float64(to.Stats().ReadCalls), "datagrams/read")
				to.Close()
				if err := <-done; !errors.Is(err, net.ErrClosed) {
					b.Fatal(err)
				}
			})
		}
	}
}
