package udp

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"syscall"
	"time"

	"golang.org/x/net/ipv4"
)

const (
	// maxSegments is UDP_MAX_SEGMENTS of Linux 4.18. It was raised to 128
	// later, but nothing tells a program so.
	maxSegments = 64

	// The longest run in bytes: 65,535 for the whole packet, less the headers
	// of IP (20 or 40 bytes) and UDP (8). IPv6 does not count its header, but
	// devices do (gso_max_size is 65,536).
	maxRun4 = 65535 - 20 - 8
	maxRun6 = 65535 - 40 - 8

	// batchLen is how many messages go into one call: a write of 64 segments
	// is one call without the offload too.
	batchLen = maxSegments

	// Arbitrary: waits that double from firstWait, 1.5 ms in all, are longer
	// than a device with a full ring of 1,024 frames takes at 10 Gbit/s.
	maxWaits  = 4
	firstWait = 100 * time.Microsecond
)

// writer sends runs. The mutex costs nothing that the runtime's own lock on
// the descriptor's writes did not cost before.
type writer struct {
	// send sends messages in order and returns how many, at least one; the number means
	// nothing if there is an error.
	send  func([]ipv4.Message) (int, error)
	count *counters

	connected bool
	maxRun    int // of a connected socket

	mu      sync.Mutex // guards what follows
	msgs    [batchLen]ipv4.Message
	bufs    [batchLen][1][]byte
	control segmentControl
	dst     net.UDPAddr
	dstIP   [16]byte
}

func (w *writer) init(conn *net.UDPConn, remote netip.AddrPort, count *counters) {
	w.count = count
	w.connected = remote.IsValid()
	w.maxRun = maxRun(remote)
	w.send = newSend(conn, w.connected)
	for i := range w.msgs {
		w.msgs[i].Buffers = w.bufs[i][:]
		if !w.connected {
			w.msgs[i].Addr = &w.dst
		}
	}
}

func maxRun(addr netip.AddrPort) int {
	if addr.Addr().Is4() {
		return maxRun4
	}
	return maxRun6
}

// write is Conn.Write. The package comment has the table of errors.
func (w *writer) write(buf []byte, segment int, addr netip.AddrPort) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	longest := w.maxRun
	if !w.connected {
		addr = unmap(addr)
		longest = maxRun(addr)
		w.setDestination(addr)
	}
	offload := w.count.segmentOffload.Load()
	refused, again, waits := false, false, 0
	for len(buf) > 0 {
		run := min(segment, len(buf))
		if offload {
			run = max(run, min(maxSegments, longest/segment)*segment)
		}
		msgs, split := w.pack(buf, run, segment)
		n, err := w.send(msgs)
		if err == nil {
			sent := min(n*run, len(buf))
			w.count.wrote(sent, segment)
			buf = buf[sent:]
			again = false
			if refused {
				w.count.segmentOffload.Store(false)
			}
			continue
		}
		switch {
		case errors.Is(err, net.ErrClosed):
			return err
		case errors.Is(err, errnoNoBuffer):
			if waits == maxWaits {
				w.count.unsent.Add(uint64(datagramsIn(len(buf), segment)))
				return nil
			}
			time.Sleep(firstWait << waits)
			waits++
		case !again: // it may be ICMP's, about an earlier datagram
			again = true
		case split && offloadRefused(err):
			offload, refused, again = false, true, false
		case errors.Is(err, errnoTooLong):
			return fmt.Errorf("udp: %d-byte datagrams: %w: %w", min(segment, len(buf)), ErrTooLong, err)
		default:
			return fmt.Errorf("udp: %w", err)
		}
	}
	return nil
}

// pack makes messages of run bytes each of the start of buf, and reports
// whether any asks the kernel to split it.
func (w *writer) pack(buf []byte, run, segment int) (msgs []ipv4.Message, split bool) {
	var control []byte
	n := 0
	for ; n < batchLen && len(buf) > 0; n++ {
		part := buf[:min(run, len(buf))]
		buf = buf[len(part):]
		w.bufs[n][0] = part
		w.msgs[n].OOB = nil
		if len(part) > segment {
			if !split {
				split, control = true, w.control.set(segment)
			}
			w.msgs[n].OOB = control
		}
	}
	return w.msgs[:n], split
}

func (w *writer) setDestination(addr netip.AddrPort) {
	a := addr.Addr()
	if a.Is4() {
		ip := a.As4()
		w.dst.IP = append(w.dstIP[:0], ip[:]...)
	} else {
		w.dstIP = a.As16()
		w.dst.IP = w.dstIP[:]
	}
	w.dst.Zone = a.Zone()
	w.dst.Port = int(addr.Port())
}

// offloadRefused reports whether err is one of those by which kernels and
// drivers reject UDP_SEGMENT: EIO from a device without checksum offload,
// EINVAL from one that does not take the run, the rest from kernels or
// sandboxes that do not know the option.
func offloadRefused(err error) bool {
	return errors.Is(err, syscall.EIO) || errors.Is(err, syscall.EINVAL) ||
		errors.Is(err, syscall.ENOPROTOOPT) || errors.Is(err, syscall.EOPNOTSUPP)
}
