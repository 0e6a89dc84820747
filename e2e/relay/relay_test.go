package relay

import (
	"encoding/binary"
	"net/netip"
	"os"
	"testing"
	"time"

	"go.uber.org/goleak"

	"chunkcp/internal/netsim"
	"chunkcp/internal/udp"
)

// testSeed is that of every relay here.
const testSeed = 11

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestPerfectLinkChangesNothing(t *testing.T) {
	s := newScene(t, Config{})
	got, c := s.upstream(1000)
	for i, a := range got {
		if string(a.payload) != string(payload(i)) {
			t.Fatalf("datagram %d is %x", i, a.payload)
		}
	}
	if want := (netsim.Counters{Sent: 1000, SentBytes: 200_000, Delivered: 1000, DeliveredBytes: 200_000}); c != want {
		t.Errorf("counters %+v\nwant %+v", c, want)
	}
	// And back, where the target sees the relay and the client the relay.
	if err := s.server.Write(payload(5), payloadBytes, got[0].from); err != nil {
		t.Fatal(err)
	}
	back := s.receive(s.client, 1)[0]
	if string(back.payload) != string(payload(5)) || back.from != s.relay.Addr() {
		t.Errorf("back came %x from %v", back.payload, back.from)
	}
	if c := s.relay.Counters(); c.Down.Delivered != 1 || c.Clients != 1 {
		t.Errorf("counters %+v", c)
	}
}

func TestLoss(t *testing.T) {
	s := newScene(t, Config{Up: netsim.Link{Loss: 0.2}})
	got, c := s.upstream(2000)
	if c.Lost < 300 || c.Lost > 500 || len(got) != 2000-int(c.Lost) {
		t.Errorf("lost %d of 2000, %d arrived (seed %d)", c.Lost, len(got), testSeed)
	}
}

func TestDuplicates(t *testing.T) {
	s := newScene(t, Config{Up: netsim.Link{Duplicate: 0.2}})
	got, c := s.upstream(2000)
	seen := map[string]int{}
	for _, a := range got {
		seen[string(a.payload)]++
	}
	twice := 0
	for _, n := range seen {
		twice += n - 1
	}
	if c.Duplicated < 300 || c.Duplicated > 500 || twice != int(c.Duplicated) || len(seen) != 2000 {
		t.Errorf("%d came twice, counted %d of %d (seed %d)", twice, c.Duplicated, len(seen), testSeed)
	}
}

func TestReordering(t *testing.T) {
	s := newScene(t, Config{Up: netsim.Link{Reorder: 0.1, ReorderBy: 5 * time.Millisecond}})
	got, c := s.upstream(1000)
	late, newest := 0, -1
	for _, a := range got {
		i := int(binary.BigEndian.Uint32(a.payload))
		if i < newest {
			late++
		}
		newest = max(newest, i)
	}
	if len(got) != 1000 || c.Reordered == 0 || late == 0 {
		t.Errorf("%d came late, counted %d (seed %d)", late, c.Reordered, testSeed)
	}
}

// TestCorruptionArrives: the kernel of the receiver would drop a datagram
// whose checksum shows the damage.
func TestCorruptionArrives(t *testing.T) {
	s := newScene(t, Config{Up: netsim.Link{Corrupt: 0.1}})
	got, c := s.upstream(1000)
	damaged := 0
	for _, a := range got {
		switch flipped(a.payload) {
		case 0:
		case 1:
			damaged++
		default:
			t.Fatalf("more than a bit of %x is wrong", a.payload)
		}
	}
	if len(got) != 1000 || damaged == 0 || damaged != int(c.Corrupted) {
		t.Errorf("%d of %d damaged, counted %d (seed %d)", damaged, len(got), c.Corrupted, testSeed)
	}
}

// TestQueueOverflows: 64 KiB fit before a link that is too slow to send any of
// it during the test.
func TestQueueOverflows(t *testing.T) {
	s := newScene(t, Config{Up: netsim.Link{Rate: 1000}})
	s.send(s.client, 0, 1000)
	s.until(func(c Counters) bool { return c.Up.Sent == 1000 })
	const fit = 64 << 10 / (payloadBytes + netsim.HeaderBytes)
	if dropped := s.relay.Counters().Up.QueueDropped; dropped < 1000-fit-10 || dropped > 1000-fit {
		t.Errorf("dropped %d of 1000 when %d fit", dropped, fit)
	}
}

func TestDelayIsKept(t *testing.T) {
	s := newScene(t, Config{Up: netsim.Link{Delay: 30 * time.Millisecond}, Down: netsim.Link{Delay: 20 * time.Millisecond}})
	start := time.Now()
	s.send(s.client, 0, 1)
	a := s.receive(s.server, 1)[0]
	if took := time.Since(start); took < 30*time.Millisecond {
		t.Errorf("up took %v, want 30ms", took)
	}
	if err := s.server.Write(a.payload, payloadBytes, a.from); err != nil {
		t.Fatal(err)
	}
	s.receive(s.client, 1)
	if took := time.Since(start); took < 50*time.Millisecond || took > 5*time.Second {
		t.Errorf("the round trip took %v, want a little over 50ms", took)
	}
}

// TestLinkChanges: the loss of everything ends, and the way back never had it.
func TestLinkChanges(t *testing.T) {
	s := newScene(t, Config{Up: netsim.Link{Loss: 1}})
	s.send(s.client, 0, 10)
	s.until(func(c Counters) bool { return c.Up.Lost == 10 })
	s.relay.SetLink(netsim.Link{}, netsim.Link{Loss: 1})
	s.send(s.client, 10, 11)
	a := s.receive(s.server, 1)[0]
	if string(a.payload) != string(payload(10)) {
		t.Errorf("arrived: %x", a.payload)
	}
	if err := s.server.Write(a.payload, payloadBytes, a.from); err != nil {
		t.Fatal(err)
	}
	s.until(func(c Counters) bool { return c.Down.Lost == 1 })
}

// TestCut loses what is sent and what is under way, until it is healed.
func TestCut(t *testing.T) {
	s := newScene(t, Config{Up: netsim.Link{Delay: 20 * time.Millisecond}})
	s.send(s.client, 0, 1)
	s.until(func(c Counters) bool { return c.Up.Sent == 1 })
	s.relay.Cut(0)
	s.send(s.client, 1, 2)
	s.until(func(c Counters) bool { return c.Up.Cut == 2 && settled(c.Up, 2) })
	s.relay.Heal()
	s.send(s.client, 2, 3)
	if a := s.receive(s.server, 1)[0]; string(a.payload) != string(payload(2)) {
		t.Errorf("arrived: %x", a.payload)
	}
}

func TestCutEndsByItself(t *testing.T) {
	s := newScene(t, Config{})
	s.relay.Cut(50 * time.Millisecond)
	start := time.Now()
	for i := 0; s.relay.Counters().Up.Delivered == 0; i++ {
		s.send(s.client, i, i+1)
		if time.Since(start) > 10*time.Second {
			t.Fatal("the cut does not end")
		}
	}
	if took := time.Since(start); took < 40*time.Millisecond || s.relay.Counters().Up.Cut == 0 {
		t.Errorf("a cut of 50ms took %v: %+v", took, s.relay.Counters().Up)
	}
}

// TestRebind: the server sees the client at another port, and answers to the
// old one are lost, as with a NAT.
func TestRebind(t *testing.T) {
	s := newScene(t, Config{})
	other := s.dial()
	s.send(s.client, 0, 1)
	old := s.receive(s.server, 1)[0].from
	s.send(other, 1, 2)
	kept := s.receive(s.server, 1)[0].from
	if old == kept {
		t.Fatalf("both clients come from %v", old)
	}
	if err := s.relay.RebindClient(s.client.LocalAddr()); err != nil {
		t.Fatal(err)
	}
	s.send(s.client, 2, 3)
	moved := s.receive(s.server, 1)[0].from
	s.send(other, 3, 4)
	if from := s.receive(s.server, 1)[0].from; moved == old || from != kept {
		t.Errorf("the client moved from %v to %v, the other one from %v to %v", old, moved, kept, from)
	}
	// An unconnected socket does not learn that the port is closed.
	for i, to := range []netip.AddrPort{old, moved} {
		if err := s.server.Write(payload(i), payloadBytes, to); err != nil {
			t.Fatal(err)
		}
	}
	if a := s.receive(s.client, 1)[0]; string(a.payload) != string(payload(1)) {
		t.Errorf("the client got %x, sent to its old port", a.payload)
	}
	if err := s.relay.RebindClients(); err != nil {
		t.Fatal(err)
	}
	s.send(other, 4, 5)
	if from := s.receive(s.server, 1)[0].from; from == kept {
		t.Errorf("the other client stayed at %v", from)
	}
	if err := s.relay.RebindClient(s.server.LocalAddr()); err == nil {
		t.Error("rebound a client that is none")
	}
}

func TestClientsAreBounded(t *testing.T) {
	s := newScene(t, Config{MaxClients: 1})
	s.send(s.client, 0, 1)
	s.receive(s.server, 1)
	s.send(s.dial(), 1, 2)
	s.until(func(c Counters) bool { return c.Up.Unreachable == 1 && c.Clients == 1 && settled(c.Up, 2) })
}

// TestTargetIsDown: its closed port ends nothing; once the port is open again
// datagrams arrive.
func TestTargetIsDown(t *testing.T) {
	s := newScene(t, Config{})
	addr := s.server.LocalAddr()
	if err := s.server.Close(); err != nil {
		t.Fatal(err)
	}
	for i := range 20 {
		s.send(s.client, i, i+1)
		s.until(func(c Counters) bool { return settled(c.Up, uint64(i+1)) })
	}
	servers, err := udp.Listen(addr.String(), udp.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer servers[0].Close()
	for range 3 { // the first ones may meet the old refusals
		s.send(s.client, 20, 21)
	}
	if a := s.receive(servers[0], 1)[0]; string(a.payload) != string(payload(20)) {
		t.Errorf("arrived: %x", a.payload)
	}
}

// TestSameSeedSameFate needs one client that sends its datagrams in order.
func TestSameSeedSameFate(t *testing.T) {
	fates := func() (s string) {
		got, _ := newScene(t, Config{Up: netsim.Link{Loss: 0.3, Corrupt: 0.1}}).upstream(200)
		for _, a := range got {
			s += string(a.payload)
		}
		return s
	}
	if fates() != fates() {
		t.Errorf("two runs with seed %d differ", testSeed)
	}
}

// TestCloseLeavesNoDescriptor, with clients, a rebinding and datagrams under
// way. That no goroutine is left is TestMain's to find.
func TestCloseLeavesNoDescriptor(t *testing.T) {
	const fds = "/proc/self/fd"
	if _, err := os.Stat(fds); err != nil {
		t.Skip("needs", fds)
	}
	count := func() int {
		entries, err := os.ReadDir(fds)
		if err != nil {
			t.Fatal(err)
		}
		return len(entries)
	}
	s := newScene(t, Config{Up: netsim.Link{Delay: time.Hour}}) // opens the runtime's poller too
	if err := s.relay.Close(); err != nil {
		t.Fatal(err)
	}
	before := count()
	r, err := Start(Config{Target: s.server.LocalAddr(), Up: netsim.Link{Delay: time.Hour}})
	if err != nil {
		t.Fatal(err)
	}
	client, err := udp.Dial(r.Addr(), udp.Options{})
	if err != nil {
		t.Fatal(err)
	}
	s.relay = r
	s.send(client, 0, 3)
	s.until(func(c Counters) bool { return c.Up.Sent == 3 })
	if err := r.RebindClients(); err != nil {
		t.Fatal(err)
	}
	if during := count(); during != before+3 {
		t.Errorf("%d descriptors while relaying, want %d: the client's, the relay's two", during, before+3)
	}
	client.Close()
	for range 2 {
		if err := r.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if after := count(); after != before {
		t.Errorf("%d descriptors after Close, %d before", after, before)
	}
}

func TestConfigRefused(t *testing.T) {
	target := netip.MustParseAddrPort("127.0.0.1:9")
	for name, c := range map[string]Config{
		"no target":   {},
		"port 0":      {Target: netip.MustParseAddrPort("127.0.0.1:0")},
		"bad link":    {Target: target, Down: netsim.Link{Loss: 2}},
		"bad address": {Target: target, Listen: "nowhere"},
		"clients":     {Target: target, MaxClients: -1},
	} {
		if r, err := Start(c); err == nil {
			r.Close()
			t.Errorf("%s: accepted", name)
		}
	}
}
