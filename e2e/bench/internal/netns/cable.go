package netns

import (
	"bytes"
	"errors"
	"fmt"
	"net/netip"
	"os/exec"
	"strings"
)

// Cable is two namespaces joined by a pair of veth devices.
type Cable struct {
	Names [2]string
	Addrs [2]netip.Addr
}

// cableBits is the length of the prefix of the cable's network; arbitrary.
const cableBits = 24

// NewCable makes the namespaces PREFIX-0 and PREFIX-1, whose devices take IP
// packets of mtu bytes.
func NewCable(prefix string, mtu int) (*Cable, error) {
	c := &Cable{
		Names: [2]string{prefix + "-0", prefix + "-1"},
		// Of the block for benchmarks (RFC 2544 appendix C.2.2).
		Addrs: [2]netip.Addr{netip.MustParseAddr("198.18.0.1"), netip.MustParseAddr("198.18.0.2")},
	}
	for _, name := range c.Names {
		if err := ip("", "netns", "add", name); err != nil {
			return nil, errors.Join(err, c.Remove())
		}
	}
	err := ip("", "link", "add", "veth0", "netns", c.Names[0], "mtu", fmt.Sprint(mtu),
		"type", "veth", "peer", "name", "veth0", "netns", c.Names[1], "mtu", fmt.Sprint(mtu))
	for i, name := range c.Names {
		if err == nil {
			err = ip(fmt.Sprintf("link set lo up\naddr add %v/%d dev veth0\nlink set veth0 up\n", c.Addrs[i], cableBits),
				"-n", name, "-batch", "-")
		}
	}
	if err != nil {
		return nil, errors.Join(err, c.Remove())
	}
	return c, nil
}

// Remove deletes the namespaces, in which nothing may run any more.
func (c *Cable) Remove() (err error) {
	existing, _ := exec.Command("ip", "netns", "list").Output()
	for _, name := range c.Names {
		if bytes.Contains(existing, []byte(name)) {
			err = errors.Join(err, ip("", "netns", "delete", name))
		}
	}
	return err
}

// ip runs iproute2 with a script for its standard input.
func ip(script string, args ...string) error {
	cmd := exec.Command("ip", args...)
	cmd.Stdin = strings.NewReader(script)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("ip %s: %w: %s", strings.Join(args, " "), err, bytes.TrimSpace(out))
	}
	return nil
}
