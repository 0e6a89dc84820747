package relay

import (
	"errors"
	"fmt"
	"net/netip"

	"chunkcp/internal/netsim"
)

// Config says what Start is to relay. Only Target must be set.
type Config struct {
	// Listen is where clients send to; "" is 127.0.0.1:0.
	Listen string
	// Target is the server's address.
	Target netip.AddrPort
	// Up is the way to the target, Down the way back. A zero Link is perfect.
	Up, Down netsim.Link
	// Seed is that of everything random.
	Seed uint64
	// Watch, if not nil, is shown each datagram that is read, before its fate is
	// known. It is called by several goroutines, and must not keep the bytes.
	Watch func(Sighting)
	// MaxClients bounds the client addresses, each of which takes a socket;
	// 0 is 64.
	MaxClients int
}

// Sighting is a datagram that the relay has read.
type Sighting struct {
	Client netip.AddrPort // whose it is, or whom it is for
	Up     bool           // from the client
	Bytes  []byte
}

const (
	defaultListen     = "127.0.0.1:0"
	defaultMaxClients = 64 // arbitrary
)

// Validate reports every problem of c.
func (c Config) Validate() error {
	var errs []error
	if !c.Target.IsValid() || c.Target.Port() == 0 {
		errs = append(errs, fmt.Errorf("target %v: give an address and a port", c.Target))
	}
	if err := c.Up.Validate(); err != nil {
		errs = append(errs, fmt.Errorf("link up: %w", err))
	}
	if err := c.Down.Validate(); err != nil {
		errs = append(errs, fmt.Errorf("link down: %w", err))
	}
	if c.MaxClients < 0 {
		errs = append(errs, fmt.Errorf("MaxClients is %d: give 0 for the default or more", c.MaxClients))
	}
	return errors.Join(errs...)
}
