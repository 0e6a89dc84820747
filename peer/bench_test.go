package peer

import (
	"context"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"testing"

	"chunkcp/internal/netsim"
	"chunkcp/internal/secure"
)

// BenchmarkFetchSim measures a whole fetch from two servers over instant links,
// in real time: what this machine computes, without its kernel's share.
func BenchmarkFetchSim(b *testing.B) {
	const size = 64 << 20
	for _, mtu := range []int{1500, 9000, 0} {
		b.Run(fmt.Sprintf("mtu=%d", mtu), func(b *testing.B) {
			dir, content := b.TempDir(), positioned(size)
			if err := os.WriteFile(filepath.Join(dir, fileName), content, 0o644); err != nil {
				b.Fatal(err)
			}
			net := netsim.New(1)
			defer net.Close()
			client := net.Host(netip.MustParseAddr("10.0.0.1"))
			identity, err := secure.NewIdentity(nil)
			if err != nil {
				b.Fatal(err)
			}
			o := FetchOptions{
				Name: fileName, Out: filepath.Join(dir, "out.bin"), Identity: identity, Network: simNetwork{client}, Sessions: 2,
			}
			ctx, stop := context.WithCancel(b.Context())
			ended := make(chan error, 2)
			for i := range 2 {
				addr := netip.MustParseAddrPort(fmt.Sprintf("10.0.1.%d:7440", i+1))
				host := net.Host(addr.Addr())
				net.SetPath(client.Addr(), addr.Addr(), netsim.Link{MTU: mtu})
				listens := make(chan struct{})
				go func() {
					ended <- Serve(ctx, ServeOptions{
						Root: dir, Listen: addr.String(), Identity: identity, Network: simNetwork{host},
						OnListen: func(netip.AddrPort) { close(listens) },
					})
				}()
				<-listens
				o.Peers = append(o.Peers, Peer{Addr: addr.String()})
			}
			b.SetBytes(size)
			for b.Loop() {
				if _, err := Run(b.Context(), o); err != nil {
					b.Fatal(err)
				}
			}
			stop()
			for range 2 {
				if err := <-ended; err != nil {
					b.Error(err)
				}
			}
		})
	}
}
