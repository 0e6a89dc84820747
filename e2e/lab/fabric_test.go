package main

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"
)

func fabricOf(t testing.TB, specs ...string) *fabric {
	t.Helper()
	var hosts []host
	for _, spec := range specs {
		h, err := parseHost(spec)
		if err != nil {
			t.Fatal(err)
		}
		hosts = append(hosts, h)
	}
	return newFabric(hosts, testSeed)
}

// sendBytes hands the fabric a packet with the given content.
func sendBytes(f *fabric, now time.Duration, from int, content []byte) {
	p := f.packet()
	p.data = p.data[:copy(p.data, content)]
	f.send(now, f.stations[from], p)
}

// TestPacketCrossesBothLinks: 1,000 bytes take 1 ms at 8 Mbit/s up and 2 ms at
// 4 Mbit/s down, and the caller's lateness at the switch adds nothing.
func TestPacketCrossesBothLinks(t *testing.T) {
	f := fabricOf(t, "a=10.0.0.1,rate=8mbit,delay=10ms", "b=10.0.0.2,rate=4mbit,delay=20ms", "c=10.0.0.3")
	sendBytes(f, 0, 0, udpPacket(1000))
	if due, ok := f.next(); !ok || due != 11*time.Millisecond {
		t.Fatalf("reaches the switch at %v (%v), want 11ms", due, ok)
	}
	if p := f.arrived(15 * time.Millisecond); p != nil {
		t.Fatal("arrived at the switch's time")
	}
	if due, ok := f.next(); !ok || due != 33*time.Millisecond {
		t.Fatalf("reaches its station at %v (%v), want 33ms", due, ok)
	}
	p := f.arrived(33 * time.Millisecond)
	if p == nil || p.dest.name != "b" || !bytes.Equal(p.data, udpPacket(1000)) {
		t.Fatalf("arrived: %+v", p)
	}
	f.release(p)
	if due, ok := f.next(); ok {
		t.Errorf("something else is due at %v", due)
	}
}

func TestFabricDropsWhatItCannotCarry(t *testing.T) {
	f := fabricOf(t, "a=10.0.0.1,mtu=9000", "b=10.0.0.2")
	elsewhere := udpPacket(100)
	elsewhere[ipv4Destination] = 11
	ipv6 := udpPacket(100)
	ipv6[0] = 0x60
	for _, p := range [][]byte{elsewhere, ipv6, {0x45}, {}} {
		sendBytes(f, 0, 0, p)
	}
	if f.stations[0].up.PacketsIn != 0 {
		t.Error("a packet to nobody was sent")
	}
	sendBytes(f, 0, 0, udpPacket(1501))
	if p := f.arrived(time.Second); p != nil || f.stations[1].down.TooLong != 1 {
		t.Errorf("a packet longer than the MTU: arrived %v, counted %d", p != nil, f.stations[1].down.TooLong)
	}
}

// TestDuplicateHasItsOwnBuffer: the first copy's buffer is in use again before
// the second copy is read.
func TestDuplicateHasItsOwnBuffer(t *testing.T) {
	f := fabricOf(t, "a=10.0.0.1,up.dup=1", "b=10.0.0.2")
	sendBytes(f, 0, 0, udpPacket(100))
	first := f.arrived(0)
	clear(first.data)
	f.release(first)
	second := f.arrived(0)
	if second == nil || !bytes.Equal(second.data, udpPacket(100)) {
		t.Fatalf("the second copy is %+v", second)
	}
}

// TestFabricAllocatesNothing in the steady state.
func TestFabricAllocatesNothing(t *testing.T) {
	f := fabricOf(t, "a=10.0.0.1,rate=1gbit,delay=1ms,loss=0.01,dup=0.01", "b=10.0.0.2")
	content := udpPacket(1500)
	now := time.Duration(0)
	exchange := func() {
		sendBytes(f, now, 0, content)
		now += 20 * time.Microsecond
		for p := f.arrived(now); p != nil; p = f.arrived(now) {
			f.release(p)
		}
	}
	for range 1000 { // fill the pipe
		exchange()
	}
	if n := testing.AllocsPerRun(10_000, exchange); n > 0 {
		t.Errorf("%v allocations per packet", n)
	}
}

func TestReport(t *testing.T) {
	f := fabricOf(t, "a=10.0.0.1,up.dup=1", "b=10.0.0.2")
	sendBytes(f, 0, 0, udpPacket(1000))
	for p := f.arrived(0); p != nil; p = f.arrived(0) {
		f.release(p)
	}
	r := newReport(f, testSeed, 2*time.Second)
	var text, object bytes.Buffer
	r.print(&text)
	if want := "lab: a up: in 1 out 1 lost 0 queue-drop 0 dup 1, 0.00 Mbit/s over 2.00s\n"; !strings.HasPrefix(text.String(), want) {
		t.Errorf("text:\n%swant first %s", text.String(), want)
	}
	if err := r.writeJSON(&object); err != nil {
		t.Fatal(err)
	}
	var back report
	if err := json.Unmarshal(object.Bytes(), &back); err != nil {
		t.Fatal(err)
	}
	if len(back.Links) != 4 || back.Links[3].Host != "b" || back.Links[3].Direction != "down" || back.Links[3].PacketsOut != 2 || back.Seconds != 2 {
		t.Errorf("JSON says %+v", back)
	}
}

// BenchmarkFabric is the cost of a packet but for the system calls.
func BenchmarkFabric(b *testing.B) {
	f := fabricOf(b, "a=10.0.0.1,rate=1gbit,delay=25ms", "b=10.0.0.2,delay=25ms")
	content := udpPacket(1500)
	b.SetBytes(1500)
	b.ReportAllocs()
	now := time.Duration(0)
	for b.Loop() {
		sendBytes(f, now, 0, content)
		now += 12 * time.Microsecond
		for p := f.arrived(now); p != nil; p = f.arrived(now) {
			f.release(p)
		}
	}
}
