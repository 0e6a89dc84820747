package ui

import (
	"fmt"
	"strings"

	"github.com/mattn/go-runewidth"
	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"
)

// Widths of the cells, in columns: the longest texts of package units, so that
// numbers do not jump about as they change.
const (
	percentWidth = len("99.9%")
	bytesWidth   = len("1.23 GB")
	amountWidth  = len("1.23 GB of 1.23 GB")
	rateWidth    = len("1.23 GB/s")
	etaWidth     = len("ETA 0:00:00")
	stateWidth   = len("probing")
	barWidth     = 12 // arbitrary: ten steps between brackets
	nameWidth    = 30 // arbitrary: a longer name leaves no room for the bar
	addrWidth    = 47 // "[", the longest IPv6 address (RFC 4291 section 2.2), "]:65535"
)

// frame lays out a snapshot as lines of at most width columns: one for each
// peer and, last, the total. Peers that rows lines do not hold are counted in
// a line of their own.
func frame(s Snapshot, bar mpb.BarFiller, width, rows int) []string {
	if rows <= 0 {
		return nil
	}
	shown := len(s.Peers)
	if shown+1 > rows {
		shown = max(0, rows-2)
	}
	widest := 0
	for _, p := range s.Peers[:shown] {
		widest = max(widest, min(runewidth.StringWidth(Escape(p.Addr)), addrWidth))
	}
	var lines []string
	for _, p := range s.Peers[:shown] {
		lines = append(lines, peerRow(p, widest, width))
	}
	if hidden := len(s.Peers) - shown; hidden > 0 && rows > 1 {
		lines = append(lines, cut(fmt.Sprintf("more peers: %d, live of all: %d", hidden, s.live()), width))
	}
	return append(lines, totalRow(s, bar, width))
}

func peerRow(p PeerStatus, widest, width int) string {
	cells := []cell{
		{text: cut(Escape(p.Addr), addrWidth), width: widest},
		{text: Escape(p.State), width: stateWidth, rank: 1},
		{text: Rate(p.RateBytesPerSec), width: rateWidth, right: true, rank: 2},
		{text: Bytes(p.Bytes), width: bytesWidth, right: true, rank: 3},
	}
	line := row(width, cells)
	if note := Escape(p.Note); note != "" {
		line = cut(line+strings.Repeat(" ", gap)+note, width)
	}
	return line
}

func totalRow(s Snapshot, bar mpb.BarFiller, width int) string {
	return row(width, []cell{
		{text: cut(Escape(s.Name), nameWidth), rank: 5},
		{text: percent(s.Done, s.Total), width: percentWidth, right: true},
		{width: barWidth, rank: 4, fill: func(width int) string { return drawBar(s, bar, width) }},
		{text: amount(s), width: amountWidth, right: true, rank: 3},
		{text: Rate(s.RateBytesPerSec), width: rateWidth, right: true, rank: 1},
		{text: "ETA " + eta(s), width: etaWidth, rank: 2},
	})
}

// amount says how much of the file is there.
func amount(s Snapshot) string {
	if s.Total < 0 {
		return Bytes(s.Done)
	}
	return Bytes(s.Done) + " of " + Bytes(s.Total)
}

func drawBar(s Snapshot, bar mpb.BarFiller, width int) string {
	stat := decor.Statistics{
		AvailableWidth: width,
		Total:          max(s.Total, 0),
		Current:        max(min(s.Done, s.Total), 0),
		Completed:      s.Total >= 0 && s.Done >= s.Total,
	}
	if s.Total == 0 {
		stat.Total, stat.Current = 1, 1 // an empty file is all there
	}
	var b strings.Builder
	if err := bar.Fill(&b, stat); err != nil {
		panic("BUG: a strings.Builder failed: " + err.Error())
	}
	return b.String()
}
