package peer

import (
	"context"
	"errors"
	"net/netip"
	"slices"
	"testing"
	"time"

	"chunkcp/internal/netsim"
	"chunkcp/proto"
)

func TestProbe(t *testing.T) {
	inWorld(t, 1, 1, 100, netsim.Link{Delay: 20 * time.Millisecond}, func(w *world) {
		ended := w.logOf(w.servers[0], "session ended")
		a, err := Probe(context.Background(), Peer{Addr: w.servers[0].addr.String()}, simNetwork{w.client})
		if err != nil {
			t.Fatal(err)
		}
		if a.Key != w.servers[0].id.PublicKey() || a.Addr != w.servers[0].addr || !slices.Equal(a.Versions, []uint16{proto.Version}) || !a.Understood() {
			t.Errorf("%+v", a)
		}
		if a.RTT < 40*time.Millisecond || a.RTT > 41*time.Millisecond {
			t.Errorf("a round trip of %v, want 40 ms", a.RTT)
		}
		time.Sleep(time.Minute)
		if got := ended(); len(got) != 0 {
			t.Errorf("it has opened a session: %v", got)
		}
	})
}

// TestProbeOfNobody: it takes no longer than it says.
func TestProbeOfNobody(t *testing.T) {
	inWorld(t, 1, 1, 100, netsim.Link{}, func(w *world) {
		w.servers[0].host.Down()
		began := time.Now()
		a, err := Probe(context.Background(), Peer{Addr: w.servers[0].addr.String()}, simNetwork{w.client})
		if !errors.Is(err, ErrNoPeers) || a.Understood() {
			t.Errorf("%+v, %v", a, err)
		}
		if took := time.Since(began); took != ProbeTime {
			t.Errorf("took %v, want %v", took, ProbeTime)
		}
	})
}

// TestProbeOfAnotherVersion: a server that speaks other versions is there.
func TestProbeOfAnotherVersion(t *testing.T) {
	inWorld(t, 1, 0, 0, netsim.Link{}, func(w *world) {
		host := w.net.Host(netip.MustParseAddr("10.0.1.9"))
		conn, err := host.Listen(7440)
		if err != nil {
			t.Fatal(err)
		}
		done := make(chan struct{})
		go func() {
			defer close(done)
			msgs := newMessages(1)
			for {
				if _, err := conn.Read(msgs); err != nil {
					return
				}
				h, err := proto.ParseHello(msgs[0].Buf[:msgs[0].N])
				if err != nil {
					t.Error(err)
					return
				}
				v := proto.Versions{ID: h.ID, Versions: []uint16{7, 8}}
				b := v.Append(nil)
				_ = conn.Write(b, len(b), msgs[0].Addr)
			}
		}()
		a, err := Probe(context.Background(), Peer{Addr: "10.0.1.9:7440"}, simNetwork{w.client})
		if err != nil || a.Understood() || !slices.Equal(a.Versions, []uint16{7, 8}) {
			t.Errorf("%+v, %v", a, err)
		}
		conn.Close()
		<-done
	})
}
