package main

import (
	"errors"
	"fmt"
	"net/netip"
	"regexp"
	"strconv"
	"strings"
)

// The least MTU of an IPv4 interface (RFC 791 section 3.2) and the longest
// packet.
const (
	minMTU = 68
	maxMTU = 65535
)

// host is one -host flag: a namespace and its access link.
type host struct {
	name     string
	addr     netip.Addr // IPv4
	mtu      int        // bytes of an IP packet
	up, down shape
}

// hostName is what may follow the prefix in a namespace's name, which is a
// file name to iproute2.
var hostName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_-]*$`)

// parseHost reads NAME=ADDR[,option=value...] and reports all that is wrong.
func parseHost(spec string) (host, error) {
	fields := strings.Split(spec, ",")
	name, addr, _ := strings.Cut(fields[0], "=")
	if !hostName.MatchString(name) {
		return host{}, fmt.Errorf("host %q: want NAME=ADDR with a name of letters, digits, - and _", spec)
	}
	h := host{name: name, mtu: 1500}
	var errs []error
	var err error
	if h.addr, err = netip.ParseAddr(addr); err != nil || !h.addr.Is4() {
		errs = append(errs, fmt.Errorf("%q is no IPv4 address", addr))
	}
	for _, field := range fields[1:] {
		option, value, _ := strings.Cut(field, "=")
		errs = append(errs, h.set(option, value))
	}
	// Contradictions only make sense once each option by itself does.
	if errors.Join(errs...) == nil {
		errs = append(errs, h.up.finish(), h.down.finish())
	}
	if err := errors.Join(errs...); err != nil {
		return host{}, fmt.Errorf("host %s: %w", name, err)
	}
	return h, nil
}

// set takes one option for the directions its name says.
func (h *host) set(option, value string) error {
	if option == "mtu" {
		mtu, err := strconv.Atoi(value)
		if err != nil || mtu < minMTU || mtu > maxMTU {
			return fmt.Errorf("mtu=%s: want %d to %d bytes", value, minMTU, maxMTU)
		}
		h.mtu = mtu
		return nil
	}
	if o, ok := strings.CutPrefix(option, "up."); ok {
		return h.up.set(o, value)
	}
	if o, ok := strings.CutPrefix(option, "down."); ok {
		return h.down.set(o, value)
	}
	if err := h.up.set(option, value); err != nil {
		return err // once, not once for each direction
	}
	return h.down.set(option, value)
}

// checkHosts refuses hosts that cannot stand beside each other.
func checkHosts(hosts []host) error {
	if len(hosts) == 0 {
		return errors.New("no hosts: give -host NAME=ADDR for each")
	}
	var errs []error
	names, addrs := map[string]bool{}, map[netip.Addr]bool{}
	for _, h := range hosts {
		if names[h.name] {
			errs = append(errs, fmt.Errorf("two hosts are named %s", h.name))
		}
		if addrs[h.addr] {
			errs = append(errs, fmt.Errorf("two hosts have the address %s", h.addr))
		}
		names[h.name], addrs[h.addr] = true, true
		net := netip.PrefixFrom(hosts[0].addr, netBits).Masked()
		if !net.Contains(h.addr) {
			errs = append(errs, fmt.Errorf("host %s: %s is outside %s, the network of the first host", h.name, h.addr, net))
		}
	}
	return errors.Join(errs...)
}

// netBits is the length of the hosts' common network prefix; arbitrary.
const netBits = 24
