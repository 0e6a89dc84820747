package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"unicode"
)

// TestPeersAsJSON: what names or errors hold neither moves a terminal's cursor nor
// reorders a line, and is the same to a program that reads it.
func TestPeersAsJSON(t *testing.T) {
	const addr, reason = "host\u009b2J:7440", "closed: \u202egpj & \U000e0041"
	var b bytes.Buffer
	if err := printPeers(&b, []*knownPeer{{addr: addr, err: errors.New(reason)}}, true); err != nil {
		t.Fatal(err)
	}
	line, ended := strings.CutSuffix(b.String(), "\n")
	if !ended || strings.ContainsFunc(line, func(r rune) bool { return !unicode.IsPrint(r) }) {
		t.Errorf("not printable, or not one line: %q", b.String())
	}
	var back struct{ Peers []peerEntry }
	if err := json.Unmarshal(b.Bytes(), &back); err != nil {
		t.Fatal(err)
	}
	if len(back.Peers) != 1 || back.Peers[0].Addr != addr || back.Peers[0].Error != reason {
		t.Errorf("read back %+v", back)
	}
}
