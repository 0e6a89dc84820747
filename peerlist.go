package main

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"chunkcp/internal/ui"
)

// peerEntry is a server as `peers --json` tells it. Its names are promised to
// programs.
type peerEntry struct {
	Addr       string   `json:"addr"`
	Alive      bool     `json:"alive"`
	RTTSeconds *float64 `json:"rtt_seconds"`  // null if it did not answer
	Versions   []uint16 `json:"versions"`     // of the protocol; empty if it did not answer
	Key        string   `json:"key"`          // that it has now, "" if it did not tell
	Trust      string   `json:"trust"`        // "pinned", "remembered", "unknown" or "changed"
	Expected   string   `json:"expected_key"` // pinned or remembered, "" for none
	Since      string   `json:"since"`        // day on which the key was remembered, "" if none is
	Error      string   `json:"error"`        // why it is not alive, or ""
}

func (p *knownPeer) entry() peerEntry {
	e := peerEntry{Addr: p.addr, Alive: p.err == nil, Versions: p.answer.Versions, Trust: p.trust()}
	if e.Versions == nil {
		e.Versions = []uint16{}
	}
	if p.answer.Understood() {
		seconds := p.answer.RTT.Seconds()
		e.RTTSeconds, e.Key = &seconds, p.answer.Key.String()
	}
	if want := p.expected(); want != nil {
		e.Expected = want.String()
	}
	if p.remembered != nil {
		e.Since = since(p.remembered)
	}
	if p.err != nil {
		e.Error = p.err.Error()
	}
	return e
}

func (p *knownPeer) trust() string {
	switch {
	case p.changed():
		return "changed"
	case p.pinned != nil:
		return "pinned"
	case p.remembered != nil:
		return "remembered"
	}
	return "unknown"
}

// printPeers writes the list: a table for people, one JSON object for programs.
func printPeers(w io.Writer, list []*knownPeer, asJSON bool) error {
	if asJSON {
		entries := []peerEntry{}
		for _, p := range list {
			entries = append(entries, p.entry())
		}
		return ui.EncodeJSON(w, map[string][]peerEntry{"peers": entries})
	}
	if len(list) == 0 {
		return nil
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "peer\tstate\tRTT\tversion\tkey\ttrust")
	for _, p := range list {
		fmt.Fprintln(t, strings.Join(p.row(), "\t"))
	}
	return t.Flush()
}

// row returns a line of the table. A server that does not tell its key is shown
// with the one that it should have.
func (p *knownPeer) row() []string {
	const none = "-"
	state, rtt, version, key := "alive", none, none, none
	if want := p.expected(); want != nil {
		key = want.String()
	}
	if p.err != nil {
		state = "down"
	}
	if len(p.answer.Versions) > 0 {
		version = strings.Trim(fmt.Sprint(p.answer.Versions), "[]")
	}
	if p.answer.Understood() {
		rtt, key = ui.RoundTrip(p.answer.RTT), p.answer.Key.String()
	}
	trust := p.trust()
	switch trust {
	case "remembered":
		trust += " since " + since(p.remembered)
	case "changed":
		trust = "CHANGED, was " + p.expected().String()
	}
	return []string{ui.Escape(p.addr), state, rtt, version, key, trust}
}
