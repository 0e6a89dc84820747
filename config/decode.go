package config

import (
	"fmt"
	"strings"
	"time"

	"chunkcp/internal/secure"
)

const exampleAddr = "10.0.0.7:7440"

// decoder turns a parsed document into a File and collects what is wrong.
type decoder struct {
	path  string         // of the config file
	lines map[string]int // line of each key
	errs  []error
}

// fail records that something is wrong with what is at a key's path.
func (d *decoder) fail(at, format string, args ...any) {
	d.errs = append(d.errs, &Error{Path: d.path, Line: d.lines[at], Err: fmt.Errorf(format, args...)})
}

func (d *decoder) file(document map[string]any) *File {
	d.keys(document, "", "the file", "[[peer]]", "[serve]", "[fetch]")
	return &File{
		Path:  d.path,
		Peers: d.peers(document["peer"]),
		Serve: d.serve(d.table(document, "serve")),
		Fetch: d.fetch(d.table(document, "fetch")),
	}
}

func (d *decoder) peers(value any) []Peer {
	if value == nil {
		return nil
	}
	tables, ok := tables(value)
	if !ok {
		d.fail("peer", "peer is %s: write [[peer]] above the addr of each server", kind(value))
		return nil
	}
	if len(tables) > MaxPeers {
		d.fail(element("peer", MaxPeers), "%d peers are too many: keep at most %d", len(tables), MaxPeers)
		return nil
	}
	peers := make([]Peer, 0, len(tables))
	first := map[string]int{} // line of each address
	for i, table := range tables {
		at := element("peer", i)
		d.keys(table, at, "[[peer]]", "addr", "key", "psk_file")
		peer := Peer{Addr: d.peerAddr(table, at), Key: d.key(table, at), PSKFile: d.pskFile(table, at)}
		if line, ok := first[peer.Addr]; ok && peer.Addr != "" {
			d.fail(join(at, "addr"), "peer %s is there already, on line %d: remove one of them", peer.Addr, line)
		} else {
			first[peer.Addr] = d.lines[join(at, "addr")]
		}
		peers = append(peers, peer)
	}
	return peers
}

func (d *decoder) peerAddr(table map[string]any, at string) string {
	if table["addr"] == nil {
		d.fail(at, "[[peer]] has no addr: write addr = %q", exampleAddr)
		return ""
	}
	text, ok := d.text(table, at, "addr", exampleAddr)
	if !ok {
		return ""
	}
	if strings.Contains(text, "#") {
		d.fail(join(at, "addr"), "addr %.160q: a key goes on a line of its own: write key = \"...\"", text)
		return ""
	}
	addr, err := parsePeerAddr(text)
	if err != nil {
		d.fail(join(at, "addr"), "addr %.80q: %w", text, err)
	}
	return addr
}

func (d *decoder) key(table map[string]any, at string) *secure.PublicKey {
	text, ok := d.text(table, at, "key", "KEY")
	if !ok {
		return nil
	}
	key, err := secure.ParsePublicKey(text)
	if err != nil {
		d.fail(join(at, "key"), "%w", err)
		return nil
	}
	return &key
}

func (d *decoder) fetch(table map[string]any) Fetch {
	d.keys(table, "fetch", "[fetch]", "sessions", "timeout")
	var f Fetch
	if value := table["sessions"]; value != nil {
		n, ok := value.(int64)
		switch {
		case !ok:
			d.fail("fetch.sessions", "sessions is %s: write a number, such as 8", kind(value))
		case n < 1 || n > MaxSessions:
			d.fail("fetch.sessions", "sessions %d: write 1 to %d, or leave the line out", n, MaxSessions)
		default:
			f.Sessions = int(n)
		}
	}
	if text, ok := d.text(table, "fetch", "timeout", "30s"); ok {
		timeout, err := time.ParseDuration(text)
		if err != nil || timeout <= 0 {
			d.fail("fetch.timeout", "timeout %.80q: write a time above 0 and its unit, such as \"30s\"", text)
		}
		f.Timeout = max(timeout, 0)
	}
	return f
}

// keys reports what of a table's keys is not known, with those that are.
func (d *decoder) keys(table map[string]any, at, where string, known ...string) {
next:
	for key := range table {
		for _, k := range known {
			if key == strings.Trim(k, "[]") {
				continue next
			}
		}
		d.fail(join(at, key), "unknown key %.80q: %s takes %s", key, where, strings.Join(known, ", "))
	}
}

// table returns the table under key, nil if there is none.
func (d *decoder) table(document map[string]any, key string) map[string]any {
	value := document[key]
	table, ok := value.(map[string]any)
	if !ok && value != nil {
		d.fail(key, "%s is %s: write [%s]", key, kind(value), key)
	}
	return table
}

// text returns the string under key, if there is one.
func (d *decoder) text(table map[string]any, at, key, example string) (string, bool) {
	value := table[key]
	text, ok := value.(string)
	if !ok && value != nil {
		d.fail(join(at, key), "%s is %s: write a string, such as %q", key, kind(value), example)
	}
	return text, ok
}
