package udp

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/net/ipv4"
)

// kernel stands in for one: it says of every call what came in and answers
// with the next of its errors, or takes all once they are used up.
type kernel struct {
	answers []error
	calls   []string
}

func (k *kernel) send(msgs []ipv4.Message) (int, error) {
	kind := "plain"
	if len(msgs[0].OOB) > 0 {
		kind = "split"
	}
	k.calls = append(k.calls, fmt.Sprintf("%s %d", kind, len(msgs)))
	if i := len(k.calls) - 1; i < len(k.answers) && k.answers[i] != nil {
		// As from x/net: no message, and the errno deep inside.
		return -1, os.NewSyscallError("sendmmsg", k.answers[i])
	}
	return len(msgs), nil
}

// newWriter returns a connected writer to k, with the offload on.
func newWriter(k *kernel) *writer {
	w := &writer{count: new(counters), send: k.send, connected: true, maxRun: maxRun4}
	for i := range w.msgs {
		w.msgs[i].Buffers = w.bufs[i][:]
	}
	w.count.segmentOffload.Store(true)
	return w
}

func TestErrnoTable(t *testing.T) {
	const (
		eio, einval, toolong      = syscall.EIO, syscall.EINVAL, errnoTooLong
		refused, nobufs, firewall = syscall.ECONNREFUSED, errnoNoBuffer, syscall.EPERM
	)
	for _, test := range []struct {
		name    string
		answers []error
		calls   string // of the kernel, for a write of 10 datagrams
		want    error
		offload bool // afterwards
		sent    uint64
		unsent  uint64
		waited  time.Duration
	}{
		{"all well", nil, "split 1", nil, true, 10, 0, 0},
		{"EIO", []error{eio, eio}, "split 1,split 1,plain 10", nil, false, 10, 0, 0},
		{"EINVAL", []error{einval, einval}, "split 1,split 1,plain 10", nil, false, 10, 0, 0},
		{"ENOPROTOOPT", []error{syscall.ENOPROTOOPT, syscall.ENOPROTOOPT},
			"split 1,split 1,plain 10", nil, false, 10, 0, 0},
		{"EOPNOTSUPP", []error{syscall.EOPNOTSUPP, syscall.EOPNOTSUPP},
			"split 1,split 1,plain 10", nil, false, 10, 0, 0},
		{"ICMP's ENOPROTOOPT", []error{syscall.ENOPROTOOPT}, "split 1,split 1", nil, true, 10, 0, 0},
		{"not the offload's fault", []error{einval, einval, toolong, toolong},
			"split 1,split 1,plain 10,plain 10", ErrTooLong, true, 0, 0, 0},
		{"too long", []error{toolong, toolong}, "split 1,split 1", ErrTooLong, true, 0, 0, 0},
		{"ICMP's too long", []error{toolong}, "split 1,split 1", nil, true, 10, 0, 0},
		{"ICMP's refusal", []error{refused}, "split 1,split 1", nil, true, 10, 0, 0},
		{"refusal", []error{refused, refused}, "split 1,split 1", refused, true, 0, 0, 0},
		{"firewall", []error{firewall, firewall}, "split 1,split 1", firewall, true, 0, 0, 0},
		{"full for a moment", []error{nobufs, nobufs}, "split 1,split 1,split 1",
			nil, true, 10, 0, 300 * time.Microsecond},
		{"full for long", []error{nobufs, nobufs, nobufs, nobufs, nobufs},
			"split 1,split 1,split 1,split 1,split 1", nil, true, 0, 10, 1500 * time.Microsecond},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				k := &kernel{answers: test.answers}
				w := newWriter(k)
				start := time.Now()
				err := w.write(pattern(10*1000), 1000, netip.AddrPort{})
				if !errors.Is(err, test.want) {
					t.Errorf("error %v, want %v", err, test.want)
				}
				if got := strings.Join(k.calls, ","); got != test.calls {
					t.Errorf("calls %s, want %s", got, test.calls)
				}
				s := w.count.Stats()
				if s.SegmentOffload != test.offload || s.WriteDatagrams != test.sent || s.Unsent != test.unsent {
					t.Errorf("%+v; want offload %v, %d sent, %d not", s, test.offload, test.sent, test.unsent)
				}
				if got := time.Since(start); got != test.waited {
					t.Errorf("waited %v, want %v", got, test.waited)
				}
			})
		})
	}
}

func TestRunsKeepToTheKernelsLimits(t *testing.T) {
	for _, test := range []struct {
		bytes, segment int
		calls          string
	}{
		{64 * 100, 100, "split 1"},
		{65 * 100, 100, "split 2"},
		{1 << 20, 1472, "split 17"}, // 44 segments, 64,768 bytes each
		{65507, 65507, "plain 1"},
		{2 * 32753, 32753, "split 1"},
		{2 * 32754, 32754, "plain 2"}, // 65,508 bytes
		{65 * 64 * 100, 100, "split 64,split 1"},
	} {
		k := new(kernel)
		if err := newWriter(k).write(pattern(test.bytes), test.segment, netip.AddrPort{}); err != nil {
			t.Fatal(err)
		}
		if got := strings.Join(k.calls, ","); got != test.calls {
			t.Errorf("%d bytes by %d: calls %s, want %s", test.bytes, test.segment, got, test.calls)
		}
	}
}

// As sendmmsg does: what comes before the message that fails is sent, and the
// error only comes with the next call.
func TestFallBackSendsNothingTwice(t *testing.T) {
	for _, plain := range []bool{false, true} {
		to := listenOn(t, "127.0.0.1:0", Options{})
		from := dial(t, to, Options{NoOffload: plain})
		w := &from.(*socket).writer
		send := w.send
		refusals, calls := 0, 0
		w.send = func(msgs []ipv4.Message) (int, error) {
			if calls++; calls == 1 {
				return send(msgs[:1])
			}
			if len(msgs[0].OOB) > 0 {
				refusals++
				return -1, syscall.EIO
			}
			return send(msgs[:max(1, len(msgs)/2)])
		}
		buf := pattern(200 * 1000)
		if err := from.Write(buf, 1000, netip.AddrPort{}); err != nil {
			t.Fatal(err)
		}
		equal(t, receive(t, to, 200, from.LocalAddr()), cut(buf, 1000))
		silent(t, to)
		if s := from.Stats(); s.SegmentOffload || s.WriteDatagrams != 200 {
			t.Errorf("%+v", s)
		}
		if !plain && refusals != 2 && runtime.GOOS == "linux" {
			t.Errorf("%d refusals, want 2", refusals)
		}
	}
}

// Writers that share a socket must not mix up their runs or destinations.
func TestConcurrentWriters(t *testing.T) {
	for _, plain := range []bool{false, true} {
		from := listenOn(t, "127.0.0.1:0", Options{NoOffload: plain})
		var wg sync.WaitGroup
		var to []Conn
		for i := range 4 {
			c := listenOn(t, "127.0.0.1:0", Options{})
			to = append(to, c)
			wg.Go(func() {
				segment := 100 + i // tells the writers apart
				for range 20 {
					if err := from.Write(pattern(10*segment), segment, c.LocalAddr()); err != nil {
						t.Error(err)
					}
				}
			})
		}
		wg.Wait()
		for i, c := range to {
			want := cut(pattern(10*(100+i)), 100+i)
			got := receive(t, c, 20*len(want), from.LocalAddr())
			for ; len(got) > 0; got = got[len(want):] {
				equal(t, got[:len(want)], want)
			}
		}
	}
}

func TestTooLong(t *testing.T) {
	to := listenOn(t, "127.0.0.1:0", Options{})
	for _, plain := range []bool{false, true} {
		from := dial(t, to, Options{NoOffload: plain})
		err := from.Write(pattern(65508), 65508, netip.AddrPort{})
		if !errors.Is(err, ErrTooLong) || !errors.Is(err, errnoTooLong) {
			t.Errorf("error %v, want %v", err, ErrTooLong)
		}
		if err := from.Write(pattern(1472), 1472, netip.AddrPort{}); err != nil {
			t.Errorf("after ErrTooLong: %v", err)
		}
	}
}

// A closed port is told to a connected socket; the error must not outlive it.
func TestRefusedPort(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("Windows has errors of its own for it")
	}
	to := listenOn(t, "127.0.0.1:0", Options{})
	from := dial(t, to, Options{})
	to.Close()
	if err := from.Write([]byte{1}, 1, netip.AddrPort{}); err != nil {
		t.Fatal(err)
	}
	from.SetReadDeadline(time.Now().Add(patience))
	if _, err := from.Read(messages(1)); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Fatalf("read: %v", err)
	}
	// Two in a row: ICMP's answer to the first fails the second, which is
	// tried again, and so on.
	for range 2 {
		if err := from.Write([]byte{1}, 1, netip.AddrPort{}); err != nil && !errors.Is(err, syscall.ECONNREFUSED) {
			t.Fatal(err)
		}
	}
	again, err := Listen(to.LocalAddr().String(), Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer again[0].Close()
	if err := from.Write([]byte{2}, 1, netip.AddrPort{}); err != nil {
		t.Fatalf("the port is back: %v", err)
	}
	equal(t, receive(t, again[0], 1, from.LocalAddr()), [][]byte{{2}})
}
