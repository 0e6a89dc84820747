//go:build unix

package e2e

import (
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

func TestKilled(t *testing.T) {
	r := newRig(t, 3, slowSize, slowLink())
	p := r.fetch()
	r.awaitDelivered(p, 0, 2<<20)
	r.servers[0].kill()
	if status := r.servers[0].cmd.ProcessState.Sys().(syscall.WaitStatus); status.Signal() != syscall.SIGKILL {
		t.Fatalf("the server ended with %v, not by SIGKILL", status)
	}
	sent := r.delivered(0)
	if !p.running() {
		t.Fatal("the fetch ended before the server was killed")
	}
	got := r.finish(p)
	if more := r.delivered(0) - sent; more > 1<<20 {
		t.Errorf("%d bytes came from the dead server", more) // what was under way may
	}
	if dead := got.Peers[0]; dead.State == "live" || dead.Bytes == 0 || dead.Bytes > slowSize/2 {
		t.Errorf("the dead peer: %+v", dead)
	}
	for _, p := range got.Peers[1:] {
		if p.State != "live" || p.Bytes < slowSize/4 {
			t.Errorf("a peer that lived: %+v", p)
		}
	}
}

func TestAllButOneKilled(t *testing.T) {
	skipSlow(t)
	r := newRig(t, 3, slowSize, slowLink())
	p := r.fetch()
	for i := range 2 {
		r.awaitDelivered(p, i, 1<<20)
		r.servers[i].kill()
	}
	if !p.running() {
		t.Fatal("the fetch ended before the servers were killed")
	}
	got := r.finish(p)
	for _, dead := range got.Peers[:2] {
		if dead.State == "live" || dead.Bytes == 0 {
			t.Errorf("a dead peer: %+v", dead)
		}
	}
	if last := got.Peers[2]; last.State != "live" || last.Bytes < slowSize/2 {
		t.Errorf("the peer that lived: %+v", last)
	}
}

// A server that hangs is no different from one whose network does: its work
// goes to the others, and it takes part again once it goes on.
func TestStoppedAndContinued(t *testing.T) {
	skipSlow(t)
	r := newRig(t, 3, 2*slowSize, slowLink())
	p := r.fetch()
	r.awaitDelivered(p, 0, 1<<20)
	r.signal(0, syscall.SIGSTOP)
	r.check(await(startLimit, func() bool { return processState(t, r.servers[0]) == "T" }))
	r.awaitDelivered(p, 1, 4<<20)
	stopped := r.delivered(0)
	r.awaitDelivered(p, 2, 1<<20)
	if more := r.delivered(0) - stopped; more != 0 {
		t.Errorf("%d bytes came from a server that was stopped", more)
	}
	r.signal(0, syscall.SIGCONT)
	r.awaitDelivered(p, 0, 512<<10)
	got := r.finish(p)
	if p := got.Peers[0]; p.State != "live" || p.Bytes < 1<<20 {
		t.Errorf("the peer that was stopped: %+v", p)
	}
}

func TestStartedLate(t *testing.T) {
	skipSlow(t)
	r := newRig(t, 1, 2*slowSize, slowLink())
	port, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)}) // deaf and dumb
	r.check(err)
	addr := port.LocalAddr().(*net.UDPAddr).AddrPort()
	r.relays = append(r.relays, r.relay(addr, slowLink(), 1))
	r.check(os.MkdirAll(r.root(1), 0o755))
	r.check(writePattern(filepath.Join(r.root(1), fileName), 2*slowSize))

	p := r.fetch()
	r.awaitDelivered(p, 0, 2<<20)
	if n := r.relays[1].Counters().Up.Delivered; n == 0 {
		t.Error("nobody asked for the server that was not there")
	}
	r.check(port.Close())
	r.servers = append(r.servers, r.start(1, addr.String()))
	r.awaitDelivered(p, 1, 1<<20)
	got := r.finish(p)
	if late := got.Peers[1]; late.State != "live" || late.Bytes < 1<<20 {
		t.Errorf("the late peer: %+v", late)
	}
}

func TestRestarted(t *testing.T) {
	skipSlow(t)
	r := newRig(t, 2, 2*slowSize, slowLink())
	p := r.fetch()
	r.awaitDelivered(p, 0, 1<<20)
	addr := r.servers[0].addr
	r.servers[0].kill()
	r.awaitDelivered(p, 1, 1<<20)
	before := r.delivered(0)
	r.servers[0] = r.start(0, addr.String())
	if r.servers[0].addr != addr {
		t.Fatalf("the server is at %v now, not at %v", r.servers[0].addr, addr)
	}
	r.awaitDelivered(p, 0, 2<<20)
	got := r.finish(p)
	if again := got.Peers[0]; again.State != "live" || again.Bytes < before+1<<20 {
		t.Errorf("the peer that was restarted, and had sent %d bytes before: %+v", before, again)
	}
}

// A NAT that forgets a client gives it another port: at the worst the peer
// counts as silent until the client has joined it anew.
func TestClientMoves(t *testing.T) {
	skipSlow(t)
	r := newRig(t, 2, 2*slowSize, slowLink())
	p := r.fetch()
	r.awaitDelivered(p, 0, 1<<20)
	r.check(r.relays[0].RebindClients())
	r.awaitDelivered(p, 0, 2<<20)
	got := r.finish(p)
	if p := got.Peers[0]; p.State != "live" || p.Bytes < 2<<20 {
		t.Errorf("the peer behind the NAT: %+v", p)
	}
}

// A path that is cut for a while takes nothing from the fetch but time.
func TestCut(t *testing.T) {
	skipSlow(t)
	r := newRig(t, 2, slowSize, slowLink())
	p := r.fetch()
	r.awaitDelivered(p, 0, 1<<20)
	r.relays[0].Cut(0)
	r.awaitDelivered(p, 1, 2<<20)
	if n := r.relays[0].Counters().Down.Cut; n == 0 {
		t.Error("nothing was on the path that was cut")
	}
	r.relays[0].Heal()
	r.awaitDelivered(p, 0, 1<<20)
	got := r.finish(p)
	if p := got.Peers[0]; p.State != "live" || p.Bytes < 2<<20 {
		t.Errorf("the peer that was cut off: %+v", p)
	}
}

func (r *rig) signal(i int, s syscall.Signal) {
	r.t.Helper()
	r.check(r.servers[i].cmd.Process.Signal(s))
}

// processState returns the first letter of what ps says of a process (POSIX
// leaves the letters open; T for a stopped one is Linux's and the BSDs').
func processState(t *testing.T, s *server) string {
	t.Helper()
	out, err := exec.Command("ps", "-o", "stat=", "-p", strconv.Itoa(s.cmd.Process.Pid)).Output()
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(out))[:1]
}
