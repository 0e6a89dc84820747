package config

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"
)

// DefaultPort is where a server listens if nobody says otherwise. Arbitrary.
const DefaultPort = 7440

const (
	maxHost  = 253 // characters of a name without its final dot, RFC 1035 section 2.3.4 in text form
	maxLabel = 63  // RFC 1035 section 2.3.4
)

// parsePeerAddr returns s, HOST or HOST:PORT, in its one spelling.
func parsePeerAddr(s string) (string, error) {
	host, port, err := splitAddr(s)
	if err != nil {
		return "", err
	}
	if port == 0 {
		return "", errors.New("port 0 is no port: write 1 to 65535, or only the host for the default")
	}
	if host == "" {
		return "", fmt.Errorf("the host is missing: write HOST:%d", port)
	}
	host, err = checkHost(host)
	if err != nil {
		return "", err
	}
	if ip, err := netip.ParseAddr(host); err == nil && (ip.IsUnspecified() || ip.IsMulticast()) {
		return "", fmt.Errorf("%s is no single host: write the address of one server", host)
	}
	return joinAddr(host, port), nil
}

// ParseListen returns s, the address to listen on, in its one spelling: HOST,
// HOST:PORT or :PORT, where no host means all addresses and port 0 any free one.
func ParseListen(s string) (string, error) {
	addr, _, err := parseListen(s)
	if err != nil {
		return "", &Error{Err: fmt.Errorf("listen address %.80q: %w", s, err)}
	}
	return addr, nil
}

func parseListen(s string) (addr string, port uint16, err error) {
	host, port, err := splitAddr(s)
	if err != nil {
		return "", 0, err
	}
	if host != "" {
		if host, err = checkHost(host); err != nil {
			return "", 0, err
		}
	}
	if ip, err := netip.ParseAddr(host); err == nil && ip.IsMulticast() {
		return "", 0, fmt.Errorf("%s is no address of a host", host)
	}
	return joinAddr(host, port), port, nil
}

func joinAddr(host string, port uint16) string {
	return net.JoinHostPort(host, strconv.Itoa(int(port)))
}

// splitAddr splits s into host, without brackets, and port.
func splitAddr(s string) (host string, port uint16, err error) {
	if s == "" {
		return "", 0, fmt.Errorf("it is empty: write HOST:%d", DefaultPort)
	}
	host, rest := s, ""
	switch {
	case s[0] == '[':
		end := strings.IndexByte(s, ']')
		if end < 0 {
			return "", 0, errors.New("the bracket is not closed: write [ADDRESS]:PORT")
		}
		host, rest = s[1:end], s[end+1:]
		if ip, err := netip.ParseAddr(host); err != nil || !ip.Is6() {
			return "", 0, fmt.Errorf("%.80q is no IPv6 address: write brackets only around one", host)
		}
	case strings.Count(s, ":") > 1:
		if ip, err := netip.ParseAddr(s); err == nil {
			return "", 0, fmt.Errorf("an IPv6 address needs brackets: write [%s]:%d", ip, DefaultPort)
		}
		return "", 0, errors.New("more than one colon: write HOST:PORT, or [ADDRESS]:PORT for IPv6")
	default:
		if i := strings.IndexByte(s, ':'); i >= 0 {
			host, rest = s[:i], s[i:]
		}
	}
	if rest == "" {
		return host, DefaultPort, nil
	}
	port, err = parsePort(rest)
	return host, port, err
}

// parsePort parses what follows the host, the colon included.
func parsePort(s string) (uint16, error) {
	digits, ok := strings.CutPrefix(s, ":")
	if !ok {
		return 0, fmt.Errorf("%.80q follows the bracket: write [ADDRESS]:PORT", s)
	}
	if digits == "" {
		return 0, errors.New("the port is missing after the colon: write 1 to 65535")
	}
	port, err := strconv.ParseUint(digits, 10, 16)
	if err != nil {
		return 0, fmt.Errorf("port %.80q is no port: write 1 to 65535", digits)
	}
	return uint16(port), nil
}

// checkHost returns the one spelling of an IP address or a name.
func checkHost(host string) (string, error) {
	if ip, err := netip.ParseAddr(host); err == nil {
		return ip.Unmap().String(), nil
	}
	name := strings.ToLower(strings.TrimSuffix(host, "."))
	if len(name) > maxHost {
		return "", fmt.Errorf("the host has %d characters: a name has at most %d", len(name), maxHost)
	}
	labels := strings.Split(name, ".")
	for _, label := range labels {
		if !isLabel(label) {
			return "", fmt.Errorf("%.80q is no host: write a name or an IP address", host)
		}
	}
	// RFC 1123 section 2.1: the last label of a name is alphabetic, which tells
	// a name from an IPv4 address, here a mistyped one.
	if strings.Trim(labels[len(labels)-1], "0123456789") == "" {
		return "", fmt.Errorf("%.80q is no host: an IPv4 address has four numbers, 0 to 255", host)
	}
	return strings.ToLower(host), nil
}

// isLabel takes the letters, digits and hyphens of RFC 1123 section 2.1, and the
// underscore that names of hosts in private networks have.
func isLabel(s string) bool {
	if s == "" || len(s) > maxLabel || s[0] == '-' || s[len(s)-1] == '-' {
		return false
	}
	for _, c := range []byte(s) {
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' && c != '_' {
			return false
		}
	}
	return true
}
