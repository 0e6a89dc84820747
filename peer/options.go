package peer

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"time"

	"go.uber.org/zap"

	"chunkcp/arq"
	"chunkcp/internal/partfile"
	"chunkcp/internal/secure"
	"chunkcp/internal/tree"
	"chunkcp/internal/udp"
	"chunkcp/proto"
)

// Limits holds what is for experiments only. The zero value is right for all
// else.
type Limits struct {
	Channels int // stop-and-wait channels of a session, 1 to 4,095; 0: as many as the path needs
	Burst    int // segments outstanding on a channel, 1 to 64; 0: about a millisecond of sending

	KeyPackets uint64 // datagrams sealed under one key; 0: 4,194,304

	// Congestion names the congestion controller: "model", the default, or "cubic".
	Congestion string
}

// controller returns a congestion controller for a path with a round trip of
// about rtt; the seed spreads what several of them do.
func (l Limits) controller(segmentBytes int, rtt time.Duration, seed uint64) arq.Controller {
	if l.Congestion == "cubic" {
		return arq.NewCubic(segmentBytes)
	}
	return arq.NewModel(segmentBytes, rtt, seed)
}

// config returns what l says of a sender.
func (l Limits) config() arq.Config { return arq.Config{Channels: l.Channels, Burst: l.Burst} }

func (l Limits) validate() error {
	if c := l.Congestion; c != "" && c != "model" && c != "cubic" {
		return fmt.Errorf("congestion control %q: there are model and cubic", c)
	}
	return arq.Config{Channels: l.Channels, Burst: l.Burst, SegmentBytes: 1}.Validate()
}

// Network opens sockets: the host's, or those of a simulation.
type Network interface {
	Dial(raddr netip.AddrPort) (udp.Conn, error)
	Listen(addr string) ([]udp.Conn, error)
	Resolve(ctx context.Context, hostport string) (netip.AddrPort, error)
}

// HostNetwork is the network of this host.
type HostNetwork struct{ Options udp.Options }

// Dial implements Network.
func (n HostNetwork) Dial(raddr netip.AddrPort) (udp.Conn, error) { return udp.Dial(raddr, n.Options) }

// Listen implements Network.
func (n HostNetwork) Listen(addr string) ([]udp.Conn, error) { return udp.Listen(addr, n.Options) }

// Resolve implements Network: the first address that the resolver names.
func (n HostNetwork) Resolve(ctx context.Context, hostport string) (netip.AddrPort, error) {
	host, port, err := net.SplitHostPort(hostport)
	if err != nil {
		return netip.AddrPort{}, err
	}
	p, err := net.DefaultResolver.LookupPort(ctx, "udp", port)
	if err != nil {
		return netip.AddrPort{}, err
	}
	ips, err := net.DefaultResolver.LookupNetIP(ctx, "ip", host)
	if err != nil {
		return netip.AddrPort{}, err
	}
	return netip.AddrPortFrom(ips[0].Unmap(), uint16(p)), nil
}

// Peer is one server of a fetch.
type Peer struct {
	Addr string            // HOST:PORT, as the user wrote it
	Key  *secure.PublicKey // the key it must have; nil: remembered at first contact
	PSK  *secure.PSK       // the pre-shared key that it asks for; nil: none
}

// KnownPeers remembers the keys of peers that are not pinned.
type KnownPeers interface {
	// Check returns nil if key is the one remembered for addr,
	// secure.ErrUnknownPeer if none is, and another error if it is not the one.
	Check(addr string, key secure.PublicKey) error
	Remember(addr string, key secure.PublicKey, now time.Time) error

	// Forget takes back a Remember: somebody else has answered in addr's name too.
	Forget(addr string) error
}

// Rates remembers how fast peers were in earlier runs.
type Rates interface {
	// Rate returns what is to be expected of addr, bytes per second; 0: nothing
	// is known.
	Rate(addr string, now time.Time) float64
	Remember(addr string, bytesPerSec float64, now time.Time)
}

// FetchOptions is what a fetch needs to know. The file goes to Out, to Stream,
// or, with HashesOnly, nowhere.
type FetchOptions struct {
	Name  string // of the file on the peers: slash-separated, relative
	Peers []Peer

	Out        string     // path of the destination
	Stream     io.Writer  // gets the bytes in order
	HashesOnly bool       // ends when the hashes of the file's pieces are known
	Hash       *tree.Hash // the BLAKE3 hash that the file must have; nil: what the peers agree on
	Restart    bool       // forget what an earlier run left
	Seed       *Seed      // has some of the pieces; nil: nothing has

	// Sessions is how many to run at once; 0: as many with each live peer as make
	// four at most, or one with each.
	Sessions int

	// Timeout is how long to go on with no live peer; 0: 30 s.
	Timeout time.Duration

	// LimitRate is how many bytes of the file a second may come, from all peers
	// together; 0: as many as can. Background has the fetch use only what other
	// traffic leaves.
	LimitRate  int64
	Background bool

	NoClobber bool // fail rather than replace an existing destination
	Limits    Limits

	Identity *secure.Identity
	Known    KnownPeers   // nil: no peer's key is remembered
	Rates    Rates        // nil: rates are not remembered
	Network  Network      // nil: HostNetwork
	Disk     partfile.FS  // nil: the host's
	Log      *zap.Logger  // nil: none
	OnStart  func(*Fetch) // called once, before anything is sent: to watch Snapshot
}

const (
	defaultSessions = 4
	defaultTimeout  = 30 * time.Second

	// MaxSessions is the most sessions of one fetch, MaxPeers the most peers
	// (arbitrary: each session costs a socket and a megabyte).
	MaxSessions = 256
	MaxPeers    = 1024
)

func (o *FetchOptions) validate() error {
	var errs []error
	if len(o.Peers) == 0 {
		errs = append(errs, errors.New("no peers"))
	}
	if len(o.Peers) > MaxPeers {
		errs = append(errs, fmt.Errorf("%d peers: at most %d", len(o.Peers), MaxPeers))
	}
	if o.Sessions < 0 || o.Sessions > MaxSessions {
		errs = append(errs, fmt.Errorf("%d sessions: must be 1 to %d", o.Sessions, MaxSessions))
	}
	if o.LimitRate < 0 {
		errs = append(errs, fmt.Errorf("limit of %d bytes a second: must not be negative", o.LimitRate))
	}
	if o.Timeout < 0 {
		errs = append(errs, fmt.Errorf("timeout %v: must not be negative", o.Timeout))
	}
	if o.Name == "" || len(o.Name) > proto.MaxName {
		errs = append(errs, fmt.Errorf("name of %d bytes: must be 1 to %d", len(o.Name), proto.MaxName))
	}
	if o.Identity == nil {
		errs = append(errs, errors.New("no identity"))
	}
	if n := count(o.Out != "", o.Stream != nil, o.HashesOnly); n != 1 {
		errs = append(errs, fmt.Errorf("%d destinations: want one of Out, Stream and HashesOnly", n))
	}
	return errors.Join(append(errs, o.Limits.validate())...)
}

func count(conditions ...bool) (n int) {
	for _, c := range conditions {
		if c {
			n++
		}
	}
	return n
}

// destination returns where the bytes go.
func (o FetchOptions) destination() destination {
	switch {
	case o.HashesOnly:
		return nullDestination{}
	case o.Stream != nil:
		return newStreamDestination(o.Stream)
	}
	return newFileDestination(o)
}

func (o FetchOptions) withDefaults() FetchOptions {
	if o.Timeout == 0 {
		o.Timeout = defaultTimeout
	}
	if o.Network == nil {
		o.Network = HostNetwork{}
	}
	if o.Log == nil {
		o.Log = zap.NewNop()
	}
	return o
}

// ServeOptions is what a server needs to know.
type ServeOptions struct {
	Root     string // directory whose files are served
	Listen   string // HOST:PORT; an empty host is all addresses
	Limits   Limits
	Identity *secure.Identity
	Network  Network     // nil: HostNetwork, one socket for each core
	Log      *zap.Logger // nil: none
	Trace    *Trace      // nil: none
	Trees    TreeCache   // nil: hashes are not kept

	// Private holds the paths of files that are not served, by whatever name they
	// are asked for, and of directories none of whose files is: keys, and what else
	// this program keeps. One that is not there is ignored, and so is "".
	Private []string

	// PSK is what a client must have to get any answer; nil: nothing.
	PSK *secure.PSK

	// Allow holds the clients that are served; nil: all are.
	Allow []secure.PublicKey

	// OnListen is called once with the address that is listened on.
	OnListen func(netip.AddrPort)

	// OnStart is called once, before anything is answered: to change who is.
	OnStart func(*Server)

	hashPause func() // called before each piece is hashed, for tests
	sessions  int    // at most, for tests; 0: maxServed
}

func (o *ServeOptions) validate() error {
	var errs []error
	if o.Root == "" {
		errs = append(errs, errors.New("no root directory"))
	}
	if o.Identity == nil {
		errs = append(errs, errors.New("no identity"))
	}
	if o.Allow != nil && len(o.Allow) == 0 {
		errs = append(errs, errNobody)
	}
	return errors.Join(append(errs, o.Limits.validate())...)
}
