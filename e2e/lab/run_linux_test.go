package main

import (
	"encoding/json"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"
)

// echoRole makes this test binary a program that runs inside the lab.
const echoRole = "LAB_TEST_ROLE"

// TestLabCarriesPackets exchanges datagrams through a real lab whose link
// takes 20 ms, and finds nothing left of it afterwards.
func TestLabCarriesPackets(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs root")
	}
	if err := exec.Command("ip", "netns", "list").Run(); err != nil {
		t.Skip("needs iproute2 and namespaces:", err)
	}
	if _, err := os.Stat("/dev/net/tun"); err != nil {
		t.Skip("needs TUN devices:", err)
	}
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	prefix := "labtest" + strconv.Itoa(os.Getpid())
	file := filepath.Join(t.TempDir(), "out.json")
	const script = `
run="$0 -test.run ^TestInsideLab$"
LAB_TEST_ROLE=server ip netns exec $LAB_PREFIX-s $run >/dev/null &
LAB_TEST_ROLE=client ip netns exec $LAB_PREFIX-c $run >&2 && exit 7`
	opts, err := parseOptions([]string{
		"-prefix", prefix, "-json", file,
		"-host", "c=10.77.0.1", "-host", "s=10.77.0.2,delay=10ms,up.dup=1",
		"--", "sh", "-c", script, exe,
	}, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	// The server never ends by itself: the lab ends it.
	if code, err := run(opts); code != 7 || err != nil {
		t.Errorf("exit code %d (%v), want the command's, 7", code, err)
	}
	left, err := filepath.Glob(filepath.Join(netnsDir, prefix+"-*"))
	if err != nil || len(left) > 0 {
		t.Errorf("namespaces left: %v (%v)", left, err)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var r report
	if err := json.Unmarshal(text, &r); err != nil {
		t.Fatal(err)
	}
	if r.Links[2].Duplicated == 0 || r.Links[1].PacketsOut < 2*r.Links[2].Duplicated {
		t.Errorf("duplicates on the way to c are missing: %+v", r.Links)
	}
}

// TestInsideLab is the server or the client of TestLabCarriesPackets.
func TestInsideLab(t *testing.T) {
	switch os.Getenv(echoRole) {
	case "server":
		conn, err := net.ListenPacket("udp4", "10.77.0.2:7")
		if err != nil {
			t.Fatal(err)
		}
		buf := make([]byte, 2048)
		for {
			n, from, err := conn.ReadFrom(buf)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := conn.WriteTo(buf[:n], from); err != nil {
				t.Fatal(err)
			}
		}
	case "client":
		askEcho(t)
	default:
		t.Skip("is run by TestLabCarriesPackets")
	}
}

// askEcho asks until the server is up, and measures the first answer.
func askEcho(t *testing.T) {
	conn, err := net.Dial("udp4", "10.77.0.2:7")
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	for range 500 {
		asked := time.Now()
		if err := conn.SetReadDeadline(asked.Add(100 * time.Millisecond)); err != nil {
			t.Fatal(err)
		}
		conn.Write([]byte("anyone?")) // a refusal shows in Read as well
		n, err := conn.Read(make([]byte, 64))
		if err != nil { // late, or refused: the server has not begun
			continue
		}
		if took := time.Since(asked); n != 7 || took < 20*time.Millisecond {
			t.Errorf("%d bytes after %v, want 7 after 20ms at least", n, took)
		}
		return
	}
	t.Error("no answer")
}
