package udp

import (
	"errors"
	"net/netip"
	"os"
	"runtime"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// short is as much as comes at once without waiting: what was written is in
// the buffer or dropped before Write returns, unless the machine is busy.
const short = 100 * time.Millisecond

// drain reads until all bytes are read, or nothing comes.
func drain(t *testing.T, c Conn, all uint64) {
	t.Helper()
	msgs := messages(4)
	for c.Stats().ReadBytes < all {
		c.SetReadDeadline(time.Now().Add(short))
		if _, err := c.Read(msgs); errors.Is(err, os.ErrDeadlineExceeded) {
			return
		} else if err != nil {
			t.Fatal(err)
		}
	}
}

func TestReadBufferHoldsWhatItSays(t *testing.T) {
	// 3,800 bytes are what the estimate is nearest to the truth for.
	segments := []int{1, 100, 700, 1252, 1472, 2000, 3500, 3800, 8972, 15936, 16000, 65487}
	for _, addr := range loopbacks(t) {
		for _, opt := range []Options{{}, {NoOffload: true}, {ReadBuffer: 1 << 17}, {ReadBuffer: 1 << 17, NoOffload: true}} {
			for _, segment := range segments {
				to := listenOn(t, addr, opt)
				from := dial(t, to, opt)
				room := to.ReadBuffer(segment)
				if room < segment || room%segment != 0 {
					t.Fatalf("room for %d bytes of datagrams of %d", room, segment)
				}
				written := 0
				fill := func(n int) {
					for ; n > 0; n -= min(n, 64*segment) {
						if err := from.Write(make([]byte, min(n, 64*segment)), segment, netip.AddrPort{}); err != nil {
							t.Fatal(err)
						}
					}
				}
				fill(room)
				written += room
				// What has been read is not uncharged at once.
				msgs := messages(1)
				to.SetReadDeadline(time.Now().Add(patience))
				for range 20 {
					n, err := to.Read(msgs)
					if err != nil {
						t.Fatal(err)
					}
					for _, m := range msgs[:n] {
						fill(m.N)
						written += m.N
					}
				}
				drain(t, to, uint64(written))
				if s := to.Stats(); s.Dropped != 0 || s.ReadBytes != uint64(written) {
					t.Errorf("%s %+v, datagrams of %d: wrote %d bytes, read %d, %d drops",
						addr, opt, segment, written, s.ReadBytes, s.Dropped)
				}
				to.Close()
				from.Close()
			}
		}
	}
}

func TestDropsAreCounted(t *testing.T) {
	for _, plain := range []bool{false, true} {
		to := listenOn(t, "127.0.0.1:0", Options{NoOffload: plain, ReadBuffer: 1 << 14})
		from := dial(t, to, Options{NoOffload: plain})
		const runs, perRun = 40, 20
		for range runs {
			if err := from.Write(pattern(perRun*1000), 1000, netip.AddrPort{}); err != nil {
				t.Fatal(err)
			}
		}
		drain(t, to, runs*perRun*1000)
		// The count comes with the next datagram.
		if err := from.Write([]byte{1}, 1, netip.AddrPort{}); err != nil {
			t.Fatal(err)
		}
		receive(t, to, 1, from.LocalAddr())
		s := to.Stats()
		dropped := s.Dropped
		if s.ReceiveOffload {
			dropped *= perRun // a run is dropped as one
		}
		if dropped == 0 || s.ReadDatagrams+dropped != runs*perRun+1 {
			t.Errorf("plain %v: %d sent, %d read, %d counted as dropped", plain,
				runs*perRun+1, s.ReadDatagrams, s.Dropped)
		}
	}
}

func TestDropCountWraps(t *testing.T) {
	r := reader{count: new(counters)}
	for _, count := range []uint32{5, 5, 3, 1 << 31, 1<<32 - 1, 4} {
		r.overflowed(count)
	}
	if got, want := r.count.dropped.Load(), uint64(1<<32+4); got != want {
		t.Errorf("dropped %d, want %d", got, want)
	}
}

func TestNoDescriptorLeaks(t *testing.T) {
	open := func() int {
		all, err := os.ReadDir("/proc/self/fd")
		if err != nil {
			t.Skip(err)
		}
		return len(all)
	}
	cycle := func() {
		conns, err := Listen("127.0.0.1:0", Options{Sockets: 3})
		if err != nil {
			t.Fatal(err)
		}
		c, err := Dial(conns[0].LocalAddr(), Options{})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := Listen(conns[0].LocalAddr().String(), Options{Sockets: 3}); err == nil {
			t.Fatal("a port in use was bound")
		}
		for _, c := range append(conns, c) {
			c.Close()
		}
	}
	cycle() // the runtime opens its poller at the first
	before := open()
	for range 50 {
		cycle()
	}
	if after := open(); after != before {
		t.Errorf("%d descriptors before, %d after", before, after)
	}
}

// smallLoopback puts the calling goroutine into a network namespace whose
// loopback interface has an MTU of 1,500 bytes. Its thread ends with it.
func smallLoopback(t *testing.T) {
	runtime.LockOSThread()
	if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
		t.Skipf("no network namespaces here: %v", err)
	}
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	for _, set := range []struct {
		request uint
		value   uint32
	}{{unix.SIOCSIFMTU, 1500}, {unix.SIOCSIFFLAGS, unix.IFF_UP}} {
		ifr, err := unix.NewIfreq("lo")
		if err != nil {
			t.Fatal(err)
		}
		if set.request == unix.SIOCSIFFLAGS {
			ifr.SetUint16(uint16(set.value))
		} else {
			ifr.SetUint32(set.value)
		}
		if err := unix.IoctlIfreq(fd, set.request, ifr); err != nil {
			t.Fatal(err)
		}
	}
}

// Older kernels answer EINVAL to a run of too long segments, which must not be
// taken for a missing offload.
func TestTooLongSegmentsOfARun(t *testing.T) {
	smallLoopback(t)
	to := listenOn(t, "127.0.0.1:0", Options{})
	from := dial(t, to, Options{})
	for _, segments := range []int{1, 10} {
		if err := from.Write(pattern(segments*1473), 1473, netip.AddrPort{}); !errors.Is(err, ErrTooLong) {
			t.Errorf("%d segments: error %v, want %v", segments, err, ErrTooLong)
		}
	}
	buf := pattern(10 * 1472)
	if err := from.Write(buf, 1472, netip.AddrPort{}); err != nil {
		t.Fatal(err)
	}
	equal(t, receive(t, to, 10, from.LocalAddr()), cut(buf, 1472))
	if !from.Stats().SegmentOffload {
		t.Error("the offload is off")
	}
}
