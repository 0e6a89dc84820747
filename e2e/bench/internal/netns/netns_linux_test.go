package netns

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"testing"

	"golang.org/x/sys/unix"
)

// newCable makes one for a test, which is skipped where that cannot be done.
func newCable(t *testing.T) *Cable {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("namespaces need root")
	}
	if _, err := exec.LookPath("ip"); err != nil {
		t.Skip("the command ip is missing")
	}
	c, err := NewCable(fmt.Sprintf("benchtest%d", os.Getpid()), 1500)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Remove(); err != nil {
			t.Error(err)
		}
	})
	return c
}

// The control that is set is that of a connection which a server accepts,
// whatever was set before, and nobody else's.
func TestSetTCPIsWhatConnectionsUse(t *testing.T) {
	c := newCable(t)
	for _, congestion := range []string{"cubic", "reno", "cubic"} {
		if !HasCongestion(congestion) {
			t.Skipf("the kernel has no %s", congestion)
		}
		if err := SetTCP(c.Names[0], congestion); err != nil {
			t.Fatal(err)
		}
		if got := acceptedCongestion(t, c); got != congestion {
			t.Errorf("the connection uses %s, want %s", got, congestion)
		}
	}
}

// acceptedCongestion connects the two ends of a cable and returns what the
// accepting one uses.
func acceptedCongestion(t *testing.T, c *Cable) (name string) {
	t.Helper()
	var listener net.Listener
	err := Do(c.Names[0], func() (err error) {
		listener, err = net.Listen("tcp4", c.Addrs[0].String()+":0")
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	var client net.Conn
	err = Do(c.Names[1], func() (err error) {
		client, err = net.Dial("tcp4", listener.Addr().String())
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	server, err := listener.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	raw, err := server.(*net.TCPConn).SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	err = raw.Control(func(fd uintptr) {
		name, err = unix.GetsockoptString(int(fd), unix.IPPROTO_TCP, unix.TCP_CONGESTION)
	})
	if err != nil {
		t.Fatal(err)
	}
	return name
}

// What is done elsewhere does not move the caller there.
func TestDoComesBack(t *testing.T) {
	c := newCable(t)
	devices := func() int {
		list, err := net.Interfaces()
		if err != nil {
			t.Fatal(err)
		}
		return len(list)
	}
	var there int
	if err := Do(c.Names[0], func() error { there = devices(); return nil }); err != nil {
		t.Fatal(err)
	}
	if there != 2 {
		t.Errorf("%d devices there, want the loopback and the cable's", there)
	}
	err := Do("", func() error {
		_, err := net.InterfaceByName("veth0")
		return err
	})
	if err == nil {
		t.Error("the cable's end is here")
	}
	if err := Do("no-such-namespace", func() error { return nil }); err == nil {
		t.Error("was in a namespace that is not there")
	}
}
