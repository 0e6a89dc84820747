package udp

import (
	"errors"
	"net"
	"net/netip"
	"os"
	"strings"
	"testing"
	"time"
)

// blocked starts a Read that waits, having read one datagram before, and
// returns where its error will come.
func blocked(t *testing.T, to, from Conn) <-chan error {
	t.Helper()
	first, result := make(chan error, 1), make(chan error, 1)
	go func() {
		msgs := messages(1)
		_, err := to.Read(msgs)
		first <- err
		_, err = to.Read(msgs)
		result <- err
	}()
	if err := from.Write([]byte{1}, 1, netip.AddrPort{}); err != nil {
		t.Fatal(err)
	}
	if err := <-first; err != nil {
		t.Fatal(err)
	}
	return result
}

func within(t *testing.T, result <-chan error, want error) {
	t.Helper()
	select {
	case err := <-result:
		if !errors.Is(err, want) {
			t.Fatalf("error %v, want %v", err, want)
		}
	case <-time.After(patience):
		t.Fatalf("still reading; want %v", want)
	}
}

// Repeated, so that the wake-up comes before, as and after the Read waits.
const wakeups = 100

func TestDeadlineWakesRead(t *testing.T) {
	to := listenOn(t, "127.0.0.1:0", Options{})
	from := dial(t, to, Options{})
	for range wakeups {
		result := blocked(t, to, from)
		to.SetReadDeadline(time.Unix(1, 0))
		within(t, result, os.ErrDeadlineExceeded)
		to.SetReadDeadline(time.Time{})
	}
	from.Write([]byte{2}, 1, netip.AddrPort{})
	equal(t, receive(t, to, 1, from.LocalAddr()), [][]byte{{2}})
}

func TestCloseWakesRead(t *testing.T) {
	for range wakeups {
		to := listenOn(t, "127.0.0.1:0", Options{})
		from := dial(t, to, Options{})
		result := blocked(t, to, from)
		to.Close()
		within(t, result, net.ErrClosed)
		if _, err := to.Read(messages(1)); !errors.Is(err, net.ErrClosed) {
			t.Fatalf("read after close: %v", err)
		}
		from.Close()
		if err := from.Write([]byte{1}, 1, netip.AddrPort{}); !errors.Is(err, net.ErrClosed) {
			t.Fatalf("write after close: %v", err)
		}
	}
}

func TestEmptyDatagrams(t *testing.T) {
	for _, plain := range []bool{false, true} {
		to := listenOn(t, "127.0.0.1:0", Options{NoOffload: plain})
		from, err := net.Dial("udp", to.LocalAddr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer from.Close()
		for _, b := range [][]byte{{}, {7}, {}} {
			if _, err := from.Write(b); err != nil {
				t.Fatal(err)
			}
		}
		var lengths []int
		msgs := messages(4)
		for len(lengths) < 3 {
			n, err := to.Read(msgs)
			if err != nil {
				t.Fatal(err)
			}
			for _, m := range msgs[:n] {
				if m.Segment != m.N {
					t.Errorf("segment %d of %d bytes", m.Segment, m.N)
				}
				lengths = append(lengths, m.N)
			}
		}
		if lengths[0] != 0 || lengths[1] != 1 || lengths[2] != 0 {
			t.Errorf("lengths %v, want 0 1 0", lengths)
		}
		if s := to.Stats(); s.ReadDatagrams != 3 || s.ReadBytes != 1 {
			t.Errorf("counted %+v", s)
		}
	}
}

func TestWriteOfNothingSendsNothing(t *testing.T) {
	to := listenOn(t, "127.0.0.1:0", Options{})
	from := dial(t, to, Options{})
	if err := from.Write(nil, 1000, netip.AddrPort{}); err != nil {
		t.Fatal(err)
	}
	silent(t, to)
	if err := from.Write([]byte{1}, 0, netip.AddrPort{}); err == nil {
		t.Error("a segment of 0 bytes was accepted")
	}
}

func TestUnconnectedSocketsWantAnAddress(t *testing.T) {
	c := listenOn(t, ":0", Options{})
	if err := c.Write([]byte{1}, 1, netip.AddrPort{}); err == nil {
		t.Error("sent to the zero address")
	}
}

func TestReadWantsWholeBuffers(t *testing.T) {
	c := listenOn(t, "127.0.0.1:0", Options{})
	_, err := c.Read([]Message{{Buf: make([]byte, 1500)}})
	if err == nil || !strings.Contains(err.Error(), "want 65535") {
		t.Errorf("error %v", err)
	}
	if n, err := c.Read(nil); n != 0 || err != nil {
		t.Errorf("read into nothing: %d, %v", n, err)
	}
}
