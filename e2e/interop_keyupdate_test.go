package e2e

import (
	"context"
	"net/netip"
	"path/filepath"
	"testing"
	"time"

	"chunkcp/e2e/relay"
	"chunkcp/internal/secure"
	"chunkcp/peer"
	"chunkcp/proto"
)

// TestInteropKeyUpdate: both sides change their keys again and again, and the bytes
// go on. The program changes them each 4,194,304 datagrams and has no flag for it;
// so these are package peer's server and fetch, over real sockets and the link.
func TestInteropKeyUpdate(t *testing.T) {
	long(t)
	const size, keyPackets = 2 * mebibyte, 64
	limits := peer.Limits{KeyPackets: keyPackets}
	i := &interop{t: t, dir: t.TempDir(), listen: "127.0.0.1:0", wire: newWire(), pulse: feel(t)}
	i.check(writePattern(filepath.Join(i.dir, "middle"), size))
	server, err := secure.NewIdentity(nil)
	i.check(err)
	client, err := secure.NewIdentity(nil)
	i.check(err)

	ctx, stop := context.WithCancel(context.Background())
	listening, ended := make(chan netip.AddrPort, 1), make(chan error, 1)
	go func() {
		ended <- peer.Serve(ctx, peer.ServeOptions{
			Root: i.dir, Listen: i.listen, Identity: server, Limits: limits,
			OnListen: func(addr netip.AddrPort) { listening <- addr },
		})
	}()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	var l *relay.Relay
	select {
	case addr := <-listening:
		l = i.link(addr, i.wire, relay.Config{})
	case err := <-ended:
		ended <- err
		t.Fatal(err)
	}

	key := server.PublicKey()
	out := filepath.Join(i.dir, "copy")
	began := time.Now()
	limit, end := context.WithTimeout(context.Background(), interopLimit)
	defer end()
	_, err = peer.Run(limit, peer.FetchOptions{
		Name: "middle", Out: out, Identity: client, Sessions: 1, Limits: limits,
		Peers: []peer.Peer{{Addr: l.Addr().String(), Key: &key}},
	})
	i.check(err)
	took := time.Since(began).Seconds()
	i.check(comparePattern(out, size))
	i.once()
	// The first change of each mixes ML-KEM-768 in, and counts for nothing here.
	down, up := i.wire.updates[proto.KindServerSealed]-1, i.wire.updates[proto.KindClientSealed]-1
	// A key has to have been used for so many datagrams, and one of them answered.
	if most := i.wire.of(proto.KindServerSealed) / keyPackets; down < 5 || down > most || up < 2 {
		t.Errorf("%d updates of the server's keys and %d of the client's, of %d and %d datagrams",
			down, up, i.wire.of(proto.KindServerSealed), i.wire.of(proto.KindClientSealed))
	}
	t.Logf("%.2f s, goodput %.2f Mbit/s, %.0f%% of the link; %d updates of the server's keys, %d of the client's, each after %d datagrams",
		took, 8*size/took/1e6, 100*shareOf(size, took), down, up, keyPackets)
}
