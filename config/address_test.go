package config

import (
	"errors"
	"reflect"
	"strings"
	"testing"
)

func TestParsePeer(t *testing.T) {
	for s, want := range map[string]string{
		"10.0.0.7:7441":         "10.0.0.7:7441",
		"10.0.0.7":              "10.0.0.7:7440",
		"host:1":                "host:1",
		"Host.Example.":         "host.example.:7440",
		"my_host-2":             "my_host-2:7440",
		"3com.com:65535":        "3com.com:65535",
		"[::1]:7441":            "[::1]:7441",
		"[2001:DB8:0::7]":       "[2001:db8::7]:7440",
		"[fe80::1%eth0]:07440":  "[fe80::1%eth0]:7440",
		"[::ffff:10.0.0.7]:1":   "10.0.0.7:1",
		strings.Repeat("a", 63): strings.Repeat("a", 63) + ":7440",
	} {
		if got, err := ParsePeer(s); err != nil || !reflect.DeepEqual(got, Peer{Addr: want}) {
			t.Errorf("ParsePeer(%q) = %+v, %v; want %s", s, got, err, want)
		}
	}
	got, err := ParsePeer("host#" + keyText)
	if err != nil || !reflect.DeepEqual(got, Peer{Addr: "host:7440", Key: testKey(t)}) {
		t.Errorf("ParsePeer with a key = %+v, %v", got, err)
	}
}

func TestParsePeerFaults(t *testing.T) {
	for _, c := range []struct{ s, want string }{
		{"", `peer "": it is empty: write HOST:7440`},
		{":7440", `peer ":7440": the host is missing: write HOST:7440`},
		{"host:", `peer "host:": the port is missing after the colon: write 1 to 65535`},
		{"host:0", `peer "host:0": port 0 is no port: write 1 to 65535, or only the host for the default`},
		{"host:65536", `peer "host:65536": port "65536" is no port: write 1 to 65535`},
		{"host:-1", `peer "host:-1": port "-1" is no port: write 1 to 65535`},
		{"host:http", `peer "host:http": port "http" is no port: write 1 to 65535`},
		{"::1", `peer "::1": an IPv6 address needs brackets: write [::1]:7440`},
		{"a:1:2", `peer "a:1:2": more than one colon: write HOST:PORT, or [ADDRESS]:PORT for IPv6`},
		{"[::1", `peer "[::1": the bracket is not closed: write [ADDRESS]:PORT`},
		{"[::1]7440", `peer "[::1]7440": "7440" follows the bracket: write [ADDRESS]:PORT`},
		{"[host]:1", `peer "[host]:1": "host" is no IPv6 address: write brackets only around one`},
		{"[10.0.0.7]:1", `peer "[10.0.0.7]:1": "10.0.0.7" is no IPv6 address: write brackets only around one`},
		{"10.0.0.256", `peer "10.0.0.256": "10.0.0.256" is no host: an IPv4 address has four numbers, 0 to 255`},
		{"7440", `peer "7440": "7440" is no host: an IPv4 address has four numbers, 0 to 255`},
		{"a b", `peer "a b": "a b" is no host: write a name or an IP address`},
		{"a..b", `peer "a..b": "a..b" is no host: write a name or an IP address`},
		{strings.Repeat("a", 64), `peer "` + strings.Repeat("a", 64) + `": "` + strings.Repeat("a", 64) + `" is no host: write a name or an IP address`},
		{"-a", `peer "-a": "-a" is no host: write a name or an IP address`},
		{"h\u00f6st", "peer \"h\u00f6st\": \"h\u00f6st\" is no host: write a name or an IP address"},
		{"0.0.0.0:1", `peer "0.0.0.0:1": 0.0.0.0 is no single host: write the address of one server`},
		{"[ff02::1]", `peer "[ff02::1]": ff02::1 is no single host: write the address of one server`},
		{"host#", `peer "host#": public key "" is malformed: want 44 characters of base64, as chunkcp prints keys`},
	} {
		_, err := ParsePeer(c.s)
		var configErr *Error
		if !errors.As(err, &configErr) || err.Error() != c.want {
			t.Errorf("ParsePeer(%q) = %v, want %s", c.s, err, c.want)
		}
	}
}

func TestLongestHost(t *testing.T) {
	longest := strings.Repeat("a.", 126) + "a" // 253 characters
	for _, host := range []string{longest, longest + "."} {
		if _, err := ParsePeer(host); err != nil {
			t.Errorf("a host of %d characters: %v", len(host), err)
		}
	}
	_, err := ParsePeer(longest + "a")
	if err == nil || !strings.HasSuffix(err.Error(), ": the host has 254 characters: a name has at most 253") {
		t.Errorf("a host of 254 characters: %v", err)
	}
}

func TestParseListen(t *testing.T) {
	for s, want := range map[string]string{
		":7440":     ":7440",
		":0":        ":0",
		"127.0.0.1": "127.0.0.1:7440",
		"[::]:1":    "[::]:1",
		"0.0.0.0:1": "0.0.0.0:1",
		"localhost": "localhost:7440",
	} {
		if got, err := ParseListen(s); err != nil || got != want {
			t.Errorf("ParseListen(%q) = %q, %v; want %q", s, got, err, want)
		}
	}
	for s, want := range map[string]string{
		"7440":        `listen address "7440": "7440" is no host: an IPv4 address has four numbers, 0 to 255`,
		"":            `listen address "": it is empty: write HOST:7440`,
		":x":          `listen address ":x": port "x" is no port: write 1 to 65535`,
		"224.0.0.1:1": `listen address "224.0.0.1:1": 224.0.0.1 is no address of a host`,
	} {
		var configErr *Error
		if _, err := ParseListen(s); !errors.As(err, &configErr) || err.Error() != want {
			t.Errorf("ParseListen(%q) = %v, want %s", s, err, want)
		}
	}
}
