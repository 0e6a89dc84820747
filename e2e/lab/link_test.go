package main

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"
)

// The seed of all random tests here; each prints it when it fails.
const testSeed = 20

// linkOf returns a link of the given options, as -host takes them.
func linkOf(t *testing.T, options string) *link {
	t.Helper()
	h, err := parseHost("h=10.0.0.1," + options)
	if err != nil {
		t.Fatal(err)
	}
	return newLink(h.up, testSeed, h.name, "up")
}

// udpPacket returns an IPv4 packet of n bytes from 10.0.0.1 to 10.0.0.2 with a
// UDP checksum that is not zero.
func udpPacket(n int) []byte {
	p := make([]byte, n)
	p[0], p[ipv4Protocol] = 0x45, protocolUDP
	copy(p[12:], []byte{10, 0, 0, 1, 10, 0, 0, 2})
	p[20+udpChecksum] = 0xab
	return p
}

// spread admits n packets of 1,000 bytes, gap apart, and returns the arrival
// of each, a negative one for a lost packet.
func spread(l *link, n int, gap time.Duration) []time.Duration {
	arrivals := make([]time.Duration, n)
	for i := range arrivals {
		due, copies := l.admit(time.Duration(i)*gap, udpPacket(1000))
		if copies == 0 {
			due = -1
		}
		arrivals[i] = due
	}
	return arrivals
}

func TestPlainLinkIsInstant(t *testing.T) {
	l := linkOf(t, "delay=0s")
	for i, due := range spread(l, 10, time.Millisecond) {
		if want := time.Duration(i) * time.Millisecond; due != want {
			t.Errorf("packet %d arrives at %v, want %v", i, due, want)
		}
	}
	if c := l.counters; c != (counters{PacketsIn: 10, BytesIn: 10_000, PacketsOut: 10, BytesOut: 10_000}) {
		t.Errorf("counters %+v", c)
	}
}

// TestRateSerialises sends a burst: 1,000 bytes at 8 Mbit/s take 1 ms each.
func TestRateSerialises(t *testing.T) {
	l := linkOf(t, "rate=8mbit,delay=20ms")
	for i, due := range spread(l, 5, 0) {
		if want := time.Duration(i+1)*time.Millisecond + 20*time.Millisecond; due != want {
			t.Errorf("packet %d arrives at %v, want %v", i, due, want)
		}
	}
	// An idle link saves up no credit.
	if due, _ := l.admit(time.Second, udpPacket(1000)); due != 1021*time.Millisecond {
		t.Errorf("after idling: %v, want 1.021s", due)
	}
}

func TestQueueDropsItsTail(t *testing.T) {
	l := linkOf(t, "rate=8mbit,queue=3000")
	arrivals := spread(l, 5, 0)
	for i, due := range arrivals {
		if lost := due < 0; lost != (i >= 3) {
			t.Errorf("packet %d lost %v with room for three", i, lost)
		}
	}
	if l.QueueDropped != 2 || l.Lost != 0 {
		t.Errorf("queue dropped %d, lost %d; want 2 and 0", l.QueueDropped, l.Lost)
	}
	if _, copies := l.admit(time.Millisecond, udpPacket(1000)); copies != 1 {
		t.Error("no room although one packet has left")
	}
}

func TestLossIsItsShare(t *testing.T) {
	const n, share = 100_000, 0.05
	l := linkOf(t, "loss=0.05")
	spread(l, n, time.Microsecond)
	// Five standard deviations of a binomial distribution.
	if tolerance := 5 * math.Sqrt(n*share*(1-share)); math.Abs(float64(l.Lost)-n*share) > tolerance {
		t.Errorf("lost %d of %d, want %v +- %.0f (seed %d)", l.Lost, n, n*share, tolerance, testSeed)
	}
	if l.PacketsOut+l.Lost != n {
		t.Errorf("out %d + lost %d is not %d", l.PacketsOut, l.Lost, n)
	}
	if l := linkOf(t, "loss=1,burst=4"); spread(l, 100, 0)[99] >= 0 || l.Lost != 100 {
		t.Errorf("a loss of 1 lost %d of 100", l.Lost)
	}
}

// TestBurstsHaveTheirMeanLength: the same share of losses, in runs of 4.
func TestBurstsHaveTheirMeanLength(t *testing.T) {
	const n = 200_000
	l := linkOf(t, "loss=0.05,burst=4")
	lost, runs, before := 0, 0, false
	for _, due := range spread(l, n, time.Microsecond) {
		if due < 0 {
			lost++
			if !before {
				runs++
			}
		}
		before = due < 0
	}
	share, mean := float64(lost)/n, float64(lost)/float64(runs)
	if math.Abs(share-0.05) > 0.005 || math.Abs(mean-4) > 0.3 {
		t.Errorf("share %.4f, mean run %.2f; want 0.05 and 4 (seed %d)", share, mean, testSeed)
	}
}

func TestJitterKeepsOrder(t *testing.T) {
	const delay, jitter = 10 * time.Millisecond, 5 * time.Millisecond
	l := linkOf(t, "delay=10ms,jitter=5ms")
	const gap = 100 * time.Microsecond
	least, most := jitter, time.Duration(0)
	last := time.Duration(0)
	for i, due := range spread(l, 10_000, gap) {
		if due < last {
			t.Fatalf("packet %d overtakes its predecessor (seed %d)", i, testSeed)
		}
		last = due
		extra := due - time.Duration(i)*gap - delay
		least, most = min(least, extra), max(most, extra)
	}
	if least < 0 || most > jitter || least > jitter/10 || most < jitter*9/10 {
		t.Errorf("jitter of %v to %v, want about 0 to %v (seed %d)", least, most, jitter, testSeed)
	}
}

func TestReorderLetsOthersPass(t *testing.T) {
	l := linkOf(t, "delay=1ms,reorder=0.1")
	overtaken := 0
	arrivals := spread(l, 10_000, 100*time.Microsecond)
	for i, due := range arrivals[:len(arrivals)-1] {
		if due > arrivals[i+1] {
			overtaken++
		}
	}
	if l.HeldBack < 800 || l.HeldBack > 1200 || overtaken < 500 {
		t.Errorf("held back %d of 10,000, %d overtaken at once (seed %d)", l.HeldBack, overtaken, testSeed)
	}
}

func TestDuplicates(t *testing.T) {
	l := linkOf(t, "dup=0.1")
	twice := 0
	for range 10_000 {
		if _, copies := l.admit(0, udpPacket(1000)); copies == 2 {
			twice++
		}
	}
	if twice < 800 || twice > 1200 || l.Duplicated != uint64(twice) {
		t.Errorf("%d of 10,000 came twice, counted %d (seed %d)", twice, l.Duplicated, testSeed)
	}
}

// TestCutFromTheFirstPacket: the lab may stand for long before the program
// under test begins.
func TestCutFromTheFirstPacket(t *testing.T) {
	const start = time.Minute
	l := linkOf(t, "cut=20ms:30ms")
	for ms := range 100 {
		_, copies := l.admit(start+time.Duration(ms)*time.Millisecond, udpPacket(100))
		if lost := copies == 0; lost != (ms >= 20 && ms < 50) {
			t.Errorf("%d ms after the first packet: lost %v", ms, lost)
		}
	}
	if l.Cut != 30 {
		t.Errorf("cut %d, want 30", l.Cut)
	}
}

func TestCorruptFlipsOnePayloadBit(t *testing.T) {
	l := linkOf(t, "corrupt=1")
	for range 1000 {
		want := udpPacket(60)
		want[20+udpChecksum] = 0
		got := udpPacket(60)
		l.admit(0, got)
		changed := 0
		for i := range got {
			for x := got[i] ^ want[i]; x != 0; x &= x - 1 {
				if changed++; i < 20+udpHeader {
					t.Fatalf("a bit of the header changed, byte %d (seed %d)", i, testSeed)
				}
			}
		}
		if changed != 1 {
			t.Fatalf("%d bits changed (seed %d)", changed, testSeed)
		}
	}
	if l.Corrupted != 1000 {
		t.Errorf("counted %d of 1000", l.Corrupted)
	}
}

func TestCorruptLeavesTheRestAlone(t *testing.T) {
	tcp := udpPacket(60)
	tcp[ipv4Protocol] = 6
	fragment := udpPacket(60)
	fragment[ipv4FragmentOffset+1] = 1
	options := udpPacket(28)
	options[0] = 0x4f // 60 bytes of header in a packet of 28
	for name, p := range map[string][]byte{
		"tcp": tcp, "later fragment": fragment, "header longer than packet": options,
		"no payload": udpPacket(28), "no header": {0x45},
	} {
		before := string(p)
		if corruptUDP(p, rand.New(rand.NewPCG(testSeed, 0))) || string(p) != before {
			t.Errorf("%s was changed", name)
		}
	}
}

// TestDrawsHangOnSeedHostAndDirection: each of the three changes the fate of
// packets, and nothing else does.
func TestDrawsHangOnSeedHostAndDirection(t *testing.T) {
	fate := func(seed uint64, host, direction string) (losses uint64) {
		l := newLink(shape{loss: 0.5}, seed, host, direction)
		for range 64 {
			_, copies := l.admit(0, udpPacket(100))
			losses = losses<<1 | uint64(1-copies)
		}
		return losses
	}
	first := fate(1, "a", "up")
	if again := fate(1, "a", "up"); again != first {
		t.Errorf("the same link lost %x, then %x", first, again)
	}
	for _, other := range []uint64{fate(2, "a", "up"), fate(1, "b", "up"), fate(1, "a", "down")} {
		if other == first {
			t.Errorf("another link lost the same packets, %x", first)
		}
	}
}
