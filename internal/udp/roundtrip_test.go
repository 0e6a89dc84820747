package udp

import (
	"fmt"
	"net/netip"
	"runtime"
	"testing"
)

// longestElsewhere is the longest datagram that every system sends over loopback: macOS
// has a sysctl for it, net.inet.udp.maxdgram.
const longestElsewhere = 9216

func TestRunsArriveAsTheDatagramsTheyWere(t *testing.T) {
	shapes := []struct {
		name           string
		bytes, segment int
	}{
		{"one byte", 1, 1},
		{"one segment", 1252, 1252},
		{"one shorter than a segment", 700, 1252},
		{"two of which the last is a byte", 1473, 1472},
		{"a burst", 44 * 1472, 1472},
		{"a burst, last shorter", 43*1472 + 5, 1472},
		{"64 segments", 64 * 1000, 1000},
		{"65 segments", 65 * 1000, 1000},
		{"more than one run, last shorter", 200*300 + 7, 300},
		{"more than the bytes of a run", 3 * 65536, 8972},
		{"longest IPv6 datagram on a loopback interface", 65488, 65488},
		{"two that fit no run together", 2 * 40000, 40000},
	}
	longest := longestElsewhere
	if runtime.GOOS == "linux" {
		longest = MaxRead
	}
	for _, addr := range loopbacks(t) {
		for _, sendPlain := range []bool{false, true} {
			for _, receivePlain := range []bool{false, true} {
				name := fmt.Sprintf("%s,plainSend=%v,plainReceive=%v", addr, sendPlain, receivePlain)
				t.Run(name, func(t *testing.T) {
					to := listenOn(t, addr, Options{NoOffload: receivePlain})
					from := dial(t, to, Options{NoOffload: sendPlain})
					for _, s := range shapes {
						if s.segment > longest {
							continue
						}
						buf := pattern(s.bytes)
						if err := from.Write(buf, s.segment, netip.AddrPort{}); err != nil {
							t.Fatalf("%s: %v", s.name, err)
						}
						want := cut(buf, s.segment)
						equal(t, receive(t, to, len(want), from.LocalAddr()), want)
					}
					silent(t, to)
					sameCounts(t, from.Stats(), to.Stats())
					if got, want := from.Stats().SegmentOffload, !sendPlain && runtime.GOOS == "linux"; got != want {
						t.Errorf("segment offload is %v, want %v", got, want)
					}
					if got := to.Stats().Dropped; got != 0 {
						t.Errorf("dropped %d", got)
					}
				})
			}
		}
	}
}

// sameCounts checks the counters of the two ends of a path without loss.
func sameCounts(t *testing.T, from, to Stats) {
	t.Helper()
	if from.WriteDatagrams != to.ReadDatagrams || from.WriteBytes != to.ReadBytes {
		t.Errorf("wrote %d datagrams, %d bytes; read %d, %d",
			from.WriteDatagrams, from.WriteBytes, to.ReadDatagrams, to.ReadBytes)
	}
	if from.WriteDatagrams == 0 || from.WriteCalls == 0 || to.ReadCalls == 0 {
		t.Errorf("not counted: %+v, %+v", from, to)
	}
}

func TestLongestIPv4Datagram(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("other systems send no datagram that long over loopback")
	}
	for _, plain := range []bool{false, true} {
		to := listenOn(t, "127.0.0.1:0", Options{NoOffload: plain})
		from := dial(t, to, Options{NoOffload: plain})
		buf := pattern(65507)
		if err := from.Write(buf, len(buf), netip.AddrPort{}); err != nil {
			t.Fatal(err)
		}
		equal(t, receive(t, to, 1, from.LocalAddr()), [][]byte{buf})
	}
}

func TestOffloadsMergeAndSplit(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("only Linux has the offloads")
	}
	to := listenOn(t, "127.0.0.1:0", Options{})
	from := dial(t, to, Options{})
	buf := pattern(44 * 1472)
	if err := from.Write(buf, 1472, netip.AddrPort{}); err != nil {
		t.Fatal(err)
	}
	receive(t, to, 44, from.LocalAddr())
	if s := from.Stats(); !s.SegmentOffload || s.WriteCalls != 1 || s.WriteDatagrams != 44 {
		t.Errorf("sender: %+v", s)
	}
	if s := to.Stats(); !s.ReceiveOffload || s.ReadCalls != 1 || s.ReadDatagrams != 44 {
		t.Errorf("receiver: %+v", s)
	}
}

func TestOneReadTakesAllThatWaits(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("other systems read one datagram a call")
	}
	for _, plain := range []bool{false, true} {
		to := listenOn(t, "127.0.0.1:0", Options{NoOffload: plain})
		from := dial(t, to, Options{})
		for range 3 {
			if err := from.Write(pattern(100), 100, netip.AddrPort{}); err != nil {
				t.Fatal(err)
			}
		}
		msgs := messages(2)
		for _, want := range []int{2, 1} {
			if n, err := to.Read(msgs); n != want || err != nil {
				t.Fatalf("plain %v: read %d, %v; want %d", plain, n, err, want)
			}
		}
	}
}

func TestUnconnectedSocketsAnswer(t *testing.T) {
	for _, addr := range loopbacks(t) {
		for _, plain := range []bool{false, true} {
			server := listenOn(t, addr, Options{NoOffload: plain})
			client := dial(t, server, Options{})
			buf := pattern(10 * 1000)
			if err := server.Write(buf, 1000, client.LocalAddr()); err != nil {
				t.Fatal(err)
			}
			equal(t, receive(t, client, 10, server.LocalAddr()), cut(buf, 1000))
		}
	}
}

func TestDualStack(t *testing.T) {
	server := listenOn(t, ":0", Options{})
	port := server.LocalAddr().Port()
	for _, lo := range loopbacks(t) {
		to := netip.AddrPortFrom(netip.MustParseAddrPort(lo).Addr(), port)
		client, err := Dial(to, Options{})
		if err != nil {
			t.Fatal(err)
		}
		defer client.Close()
		buf := pattern(3000)
		if err := client.Write(buf, 1000, netip.AddrPort{}); err != nil {
			t.Fatal(err)
		}
		equal(t, receive(t, server, 3, client.LocalAddr()), cut(buf, 1000))
		if err := server.Write(buf, 1000, client.LocalAddr()); err != nil {
			t.Fatal(err)
		}
		equal(t, receive(t, client, 3, to), cut(buf, 1000))
	}
	mapped := netip.AddrPortFrom(netip.MustParseAddr("::ffff:127.0.0.1"), port)
	client, err := Dial(mapped, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	if !client.LocalAddr().Addr().Is4() {
		t.Errorf("local address %v of a socket dialed to %v", client.LocalAddr(), mapped)
	}
}
