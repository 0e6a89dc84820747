package netsim

import (
	"errors"
	"net"
	"net/netip"
	"os"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"chunkcp/internal/udp"
)

func wantClosed(t *testing.T, err error) {
	t.Helper()
	if !errors.Is(err, net.ErrClosed) {
		t.Errorf("got %v, want net.ErrClosed", err)
	}
}

func TestReadDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPath(t, 1, Link{}, SocketOptions{})
		read := func() (time.Duration, error) {
			began := time.Now()
			_, err := p.server.Read(newMessages(1))
			return time.Since(began), err
		}
		set := func(at time.Time) {
			if err := p.server.SetReadDeadline(at); err != nil {
				t.Error(err)
			}
		}
		wantExpired := func(what string, want time.Duration) {
			t.Helper()
			if took, err := read(); !errors.Is(err, os.ErrDeadlineExceeded) || took != want {
				t.Errorf("%s: %v after %v, want a deadline after %v", what, err, took, want)
			}
		}
		set(time.Now().Add(time.Second))
		wantExpired("ahead", time.Second)
		wantExpired("again", 0)

		set(time.Time{})
		go func() {
			time.Sleep(time.Minute)
			set(time.Now())
		}()
		wantExpired("set by another goroutine", time.Minute)

		set(time.Now().Add(time.Hour))
		go func() {
			time.Sleep(time.Second)
			set(time.Now().Add(time.Second))
		}()
		wantExpired("brought forward", 2*time.Second)

		set(time.Now().Add(time.Second))
		go func() {
			time.Sleep(time.Millisecond)
			set(time.Now().Add(time.Minute))
		}()
		wantExpired("put off", time.Minute+time.Millisecond)

		p.send(1, 10)
		wantExpired("past, with a datagram waiting", 0)
		set(time.Time{})
		if _, err := read(); err != nil {
			t.Errorf("the datagram is gone: %v", err)
		}
	})
}

func TestClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPath(t, 1, Link{}, SocketOptions{})
		failed := make(chan error)
		go func() {
			_, err := p.client.Read(newMessages(1))
			failed <- err
		}()
		synctest.Wait()
		if err := p.client.Close(); err != nil {
			t.Fatal(err)
		}
		wantClosed(t, <-failed)
		_, err := p.client.Read(newMessages(1))
		wantClosed(t, err)
		wantClosed(t, p.client.Write([]byte("x"), 1, netip.AddrPort{}))
		wantClosed(t, p.client.SetReadDeadline(time.Time{}))
		wantClosed(t, p.client.Close())
	})
}

func TestWriteRefuses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPath(t, 1, Link{}, SocketOptions{MTU: 1500})
		to := p.client.LocalAddr()
		if err := p.server.Write(make([]byte, 1473), 1473, to); !errors.Is(err, udp.ErrTooLong) {
			t.Errorf("longer than the MTU: %v", err)
		}
		if err := p.server.Write(make([]byte, 3000), 1472, to); err != nil {
			t.Errorf("a run of datagrams within the MTU: %v", err)
		}
		if p.server.Write([]byte("x"), 0, to) == nil {
			t.Error("segments of no bytes were taken")
		}
		if p.server.Write([]byte("x"), 1, netip.AddrPort{}) == nil {
			t.Error("a datagram to nowhere was taken")
		}
		if got := receive(t, p.client); len(got) != 3 {
			t.Errorf("%d datagrams arrived, want 3", len(got))
		}
	})
}

// shape is how one Message came out.
type shape struct {
	n, segment int
	from       netip.AddrPort
}

// TestRuns reads one traffic with and without the merging of UDP_GRO.
func TestRuns(t *testing.T) {
	for _, noOffload := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			p := newPath(t, 1, Link{Delay: time.Millisecond}, SocketOptions{NoOffload: noOffload})
			write := func(n, segment int) {
				if err := p.client.Write(make([]byte, n), segment, netip.AddrPort{}); err != nil {
					t.Fatal(err)
				}
			}
			client, stranger := p.client.LocalAddr(), netip.MustParseAddrPort("10.0.0.9:9")
			p.net.SetLink(stranger.Addr(), serverAddr, Link{Delay: time.Millisecond})
			write(250, 100) // ends with a short one
			write(100, 100) // could begin the next run
			write(101, 101) // longer: a run of its own
			write(101, 101)
			p.net.Inject(stranger, p.server.LocalAddr(), make([]byte, 101))
			write(0, 100)
			write(70*10, 10)      // more than the kernel merges
			write(3*30000, 30000) // more than MaxRead
			time.Sleep(time.Second)

			want := []shape{
				{250, 100, client}, {100, 100, client}, {202, 101, client}, {101, 101, stranger}, {0, 0, client},
				{640, 10, client}, {60, 10, client}, {60000, 30000, client}, {30000, 30000, client},
			}
			if noOffload {
				want = slices.Concat(
					[]shape{{100, 100, client}, {100, 100, client}, {50, 50, client}, {100, 100, client}},
					[]shape{{101, 101, client}, {101, 101, client}, {101, 101, stranger}, {0, 0, client}},
					slices.Repeat([]shape{{10, 10, client}}, 70),
					slices.Repeat([]shape{{30000, 30000, client}}, 3),
				)
			}
			msgs := newMessages(len(want) + 1)
			count, err := p.server.Read(msgs)
			if err != nil {
				t.Fatal(err)
			}
			var got []shape
			for _, m := range msgs[:count] {
				got = append(got, shape{m.N, m.Segment, m.Addr})
			}
			if !slices.Equal(got, want) {
				t.Errorf("no offload %v: read %v, want %v", noOffload, got, want)
			}
			s := p.server.Stats()
			if s.ReadCalls != 1 || s.ReadDatagrams != 81 || s.ReceiveOffload == noOffload {
				t.Errorf("stats of the reader: %+v", s)
			}
			if s := p.client.Stats(); s.WriteCalls != 7 || s.WriteDatagrams != 80 || s.WriteBytes != 250+100+101+101+700+90000 {
				t.Errorf("stats of the writer: %+v", s)
			}
		})
	}
}

// What ReadBuffer promises fits, and the next datagram does not.
func TestReadBufferOverflow(t *testing.T) {
	for _, segment := range []int{10, 1472, 60000} {
		synctest.Test(t, func(t *testing.T) {
			p := newPath(t, 1, Link{}, SocketOptions{})
			fits := p.server.ReadBuffer(segment) / segment
			for i := range fits {
				p.send(i, segment)
			}
			if d := p.server.Stats().Dropped; d != 0 || fits == 0 {
				t.Errorf("%d of %d datagrams of %d bytes dropped within ReadBuffer", d, fits, segment)
			}
			p.send(fits, segment)
			if d, n := p.server.Stats().Dropped, p.count().BufferDropped; d != 1 || n != 1 {
				t.Errorf("an overflow counted %d and %d times, want 1", d, n)
			}
			if got := receive(t, p.server); len(got) != fits {
				t.Errorf("%d datagrams read, want %d", len(got), fits)
			}
			p.send(0, segment) // reading made room
			if got := receive(t, p.server); len(got) != 1 {
				t.Error("no room after reading")
			}
		})
	}
}

// A reader that never catches up must not make the inbox grow without bound.
func TestInboxStorageIsBounded(t *testing.T) {
	b := inbox{limit: 100 * (bufferOverhead + 1)}
	for i := range 10_000 {
		if !b.push(&packet{payload: []byte{byte(i)}}) {
			t.Fatalf("no room for datagram %d", i)
		}
		if i >= 50 {
			if got := b.pop().payload[0]; got != byte(i-50) {
				t.Fatalf("popped %d, want %d", got, byte(i-50))
			}
		}
	}
	if cap(b.queue) > 256 {
		t.Errorf("storage for %d packets, with 50 unread", cap(b.queue))
	}
}
