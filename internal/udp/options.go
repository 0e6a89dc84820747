package udp

import (
	"errors"
	"fmt"
)

// defaultBuffer is what rmem_max and wmem_max allow without privileges in
// Linux 6.18, and holds 30 ms of 1 Gbit/s.
const defaultBuffer = 4 << 20

// Options say what Dial and Listen ask of the kernel. The zero value is right
// for all but benchmarks.
type Options struct {
	// Sockets is how many sockets Listen opens on the port, one for each
	// reader; the kernel spreads senders over them. 0 means 1. Only Linux can
	// do more than 1; elsewhere, and in Dial, it is always 1.
	Sockets int

	// ReadBuffer and WriteBuffer are the wanted SO_RCVBUF and SO_SNDBUF in
	// bytes. 0 means 4 MiB. The kernel may grant less; see Conn.ReadBuffer.
	ReadBuffer, WriteBuffer int

	// NoOffload keeps UDP_SEGMENT and UDP_GRO off, for benchmarks and for
	// drivers that corrupt what they merge or split.
	NoOffload bool
}

// Validate reports every problem at once.
func (o Options) Validate() error {
	var errs []error
	for _, f := range []struct {
		name  string
		value int
	}{{"Sockets", o.Sockets}, {"ReadBuffer", o.ReadBuffer}, {"WriteBuffer", o.WriteBuffer}} {
		if f.value < 0 {
			errs = append(errs, fmt.Errorf("udp: %s is %d: want 0 or more", f.name, f.value))
		}
	}
	return errors.Join(errs...)
}

func (o Options) withDefaults() Options {
	if o.Sockets == 0 {
		o.Sockets = 1
	}
	if o.ReadBuffer == 0 {
		o.ReadBuffer = defaultBuffer
	}
	if o.WriteBuffer == 0 {
		o.WriteBuffer = defaultBuffer
	}
	return o
}
