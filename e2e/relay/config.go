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
	// LoseUp and LoseDown are numbers of datagrams that are lost whatever the link
	// says. The first one that enters a link is number 1.
	LoseUp, LoseDown []uint64
	// Seed is that of everything random.
	Seed uint64
	// Beside is a relay whose two links carry what this one relays too, so that the
	// datagrams of both compete for them. Links, what is lost, and the seed are then
	// those of that relay. Close this one first.
	Beside *Relay
	// Watch, if not nil, is called with each datagram that enters a link or leaves
	// it, by one goroutine at a time for one direction, but by two for both. It must not
	// call the relay.
	Watch func(Sight)
	// MaxClients bounds the client addresses, each of which takes a socket;
	// 0 is 64.
	MaxClients int
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
	if c.Beside != nil && (c.Up != netsim.Link{} || c.Down != netsim.Link{} || len(c.LoseUp) > 0 || len(c.LoseDown) > 0 || c.Seed != 0) {
		errs = append(errs, errors.New("a link, loss or seed beside another relay: they are that one's"))
	}
	if c.MaxClients < 0 {
		errs = append(errs, fmt.Errorf("MaxClients is %d: give 0 for the default or more", c.MaxClients))
	}
	return errors.Join(errs...)
}
