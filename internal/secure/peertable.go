package secure

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

const (
	// maxKnownPeers bounds the file and the memory it takes. Arbitrary: far
	// more servers than anyone writes into a config.
	maxKnownPeers = 10_000

	// maxKnownPeersFile has room for maxKnownPeers of the longest lines (318
	// bytes) and a quarter of it left for comments.
	maxKnownPeersFile = 4 << 20

	// maxAddrLen is a host name (255 bytes, RFC 1035 section 2.3.4), a colon and a port.
	maxAddrLen = 255 + 1 + 5
)

// KnownPeer is one line of a known_peers file.
type KnownPeer struct {
	Addr  string // as the user wrote it
	Key   PublicKey
	Since time.Time // the day it was remembered, UTC
	Line  int       // in the file, from 1

	start, end int // the line's bytes in the file, with its line break
}

// peerTable is the contents of a known_peers file. It is never changed.
type peerTable struct {
	text   string // as it is in the file, with its comments
	byAddr map[string]KnownPeer
}

// parsePeerTable reads the contents of a known_peers file; name stands for it in errors.
func parsePeerTable(name, text string) (*peerTable, error) {
	if len(text) > maxKnownPeersFile {
		return nil, fmt.Errorf("%s has more than %d bytes; delete lines of peers no longer used", name, maxKnownPeersFile)
	}
	t := &peerTable{text: text, byAddr: map[string]KnownPeer{}}
	number, start := 0, 0
	for line := range strings.Lines(text) {
		number++
		end := start + len(line)
		if trimmed := strings.TrimSpace(line); trimmed != "" && trimmed[0] != '#' {
			peer, err := parseKnownPeer(trimmed)
			if err == nil {
				peer.Line, peer.start, peer.end = number, start, end
				err = t.add(peer)
			}
			if err != nil {
				return nil, fmt.Errorf("%s:%d: %w; correct the line or delete it", name, number, err)
			}
		}
		start = end
	}
	return t, nil
}

func parseKnownPeer(line string) (KnownPeer, error) {
	fields := strings.Fields(line)
	if len(fields) != 3 {
		return KnownPeer{}, fmt.Errorf("want HOST:PORT KEY DATE, have %d fields", len(fields))
	}
	if err := checkAddr(fields[0]); err != nil {
		return KnownPeer{}, err
	}
	key, err := ParsePublicKey(fields[1])
	if err != nil {
		return KnownPeer{}, err
	}
	since, err := time.Parse(time.DateOnly, fields[2])
	if err != nil {
		return KnownPeer{}, fmt.Errorf("date %.64q is malformed: want YYYY-MM-DD", fields[2])
	}
	return KnownPeer{Addr: fields[0], Key: key, Since: since}, nil
}

// checkAddr reports why addr could not be a field of a line. Whether it names
// a host is for the config to say.
func checkAddr(addr string) error {
	switch {
	case addr == "":
		return errors.New("the address is empty")
	case len(addr) > maxAddrLen:
		return fmt.Errorf("address %.64q... has more than %d bytes", addr, maxAddrLen)
	case addr[0] == '#':
		return fmt.Errorf("address %q begins as a comment does", addr)
	case !utf8.ValidString(addr) || strings.ContainsFunc(addr, notInAddr):
		return fmt.Errorf("address %q has spaces or control characters", addr)
	}
	return nil
}

func notInAddr(r rune) bool { return unicode.IsSpace(r) || !unicode.IsPrint(r) }

func (t *peerTable) add(p KnownPeer) error {
	if old, ok := t.byAddr[p.Addr]; ok {
		return fmt.Errorf("%s is on line %d already", p.Addr, old.Line)
	}
	if len(t.byAddr) >= maxKnownPeers {
		return fmt.Errorf("more than %d peers", maxKnownPeers)
	}
	t.byAddr[p.Addr] = p
	return nil
}

// with returns the text with p added at its end.
func (t *peerTable) with(p KnownPeer) string {
	text := t.text
	if text != "" && !strings.HasSuffix(text, "\n") {
		text += "\n"
	}
	return text + fmt.Sprintf("%s %s %s\n", p.Addr, p.Key, p.Since.UTC().Format(time.DateOnly))
}

// without returns the text without the line of p, a peer of t.
func (t *peerTable) without(p KnownPeer) string { return t.text[:p.start] + t.text[p.end:] }

// peers returns the peers in the order of their lines.
func (t *peerTable) peers() []KnownPeer {
	return slices.SortedFunc(maps.Values(t.byAddr), func(a, b KnownPeer) int { return a.Line - b.Line })
}
