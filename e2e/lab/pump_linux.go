package main

import (
	"errors"
	"fmt"
	"runtime"
	"time"

	"golang.org/x/sys/unix"
)

// pump carries packets between the TUN devices and the fabric, on a thread of
// its own that owns the fabric until it ends.
type pump struct {
	fabric *fabric
	tuns   []int         // by station index
	wake   int           // eventfd: stop
	done   chan struct{} // closed when the thread has ended
	err    error         // why; valid once done is closed
	start  time.Time
}

func startPump(f *fabric, tuns []int) (*pump, error) {
	wake, err := unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK)
	if err != nil {
		return nil, fmt.Errorf("eventfd: %w", err)
	}
	p := &pump{fabric: f, tuns: tuns, wake: wake, done: make(chan struct{}), start: time.Now()}
	go func() {
		defer close(p.done)
		p.err = p.run()
	}()
	return p, nil
}

// stop ends the pump, waits for it and returns what went wrong with it.
func (p *pump) stop() error {
	_, err := unix.Write(p.wake, []byte{1, 0, 0, 0, 0, 0, 0, 0})
	if err != nil {
		return fmt.Errorf("stop the pump: %w", err)
	}
	<-p.done
	unix.Close(p.wake)
	return p.err
}

const (
	// batch bounds the packets of one direction before the other has its turn;
	// arbitrary.
	batch = 64

	// niceness puts the pump before the programs under test, which otherwise
	// take the core away from the network they are measured on; arbitrary.
	niceness = -10
)

func (p *pump) run() error {
	runtime.LockOSThread() // for ever: the thread and its niceness end with the goroutine
	// A container may deny it, and then the lab is less exact, no more.
	_ = unix.Setpriority(unix.PRIO_PROCESS, unix.Gettid(), niceness)

	fds := make([]unix.PollFd, 0, len(p.tuns)+1)
	for _, fd := range append(p.tuns[:len(p.tuns):len(p.tuns)], p.wake) {
		fds = append(fds, unix.PollFd{Fd: int32(fd), Events: unix.POLLIN})
	}
	stations := p.fabric.stations
	for {
		if err := p.deliver(); err != nil {
			return err
		}
		if err := p.wait(fds); err != nil {
			return err
		}
		if fds[len(stations)].Revents != 0 {
			return nil
		}
		for i, s := range stations {
			if fds[i].Revents == 0 {
				continue
			}
			if err := p.collect(s); err != nil {
				return fmt.Errorf("read from host %s: %w", s.name, err)
			}
		}
	}
}

func (p *pump) now() time.Duration { return time.Since(p.start) }

// wait sleeps until a packet can be read or is due.
func (p *pump) wait(fds []unix.PollFd) error {
	var timeout *unix.Timespec // nil is for ever
	if due, ok := p.fabric.next(); ok {
		ts := unix.NsecToTimespec(int64(max(0, due-p.now())))
		timeout = &ts
	}
	for i := range fds {
		fds[i].Revents = 0
	}
	if _, err := unix.Ppoll(fds, timeout, nil); err != nil && err != unix.EINTR {
		return fmt.Errorf("ppoll: %w", err)
	}
	return nil
}

// collect reads what a station has sent into the fabric.
func (p *pump) collect(from *station) error {
	for range batch {
		packet := p.fabric.packet()
		n, err := unix.Read(p.tuns[from.index], packet.data)
		if err != nil {
			p.fabric.release(packet)
			if err == unix.EAGAIN || err == unix.EINTR {
				return nil
			}
			return err
		}
		packet.data = packet.data[:n]
		p.fabric.send(p.now(), from, packet)
	}
	return nil
}

// deliver writes what has arrived to its stations.
func (p *pump) deliver() error {
	now := p.now()
	for range batch {
		packet := p.fabric.arrived(now)
		if packet == nil {
			return nil
		}
		_, err := unix.Write(p.tuns[packet.dest.index], packet.data)
		switch {
		case errors.Is(err, unix.EBADF):
			return fmt.Errorf("write to host %s: %w", packet.dest.name, err)
		case err != nil: // its interface is down, say, as any host's may be
			packet.dest.down.Refused++
		}
		p.fabric.release(packet)
	}
	return nil
}
