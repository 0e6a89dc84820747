package ui

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/mattn/go-runewidth"
)

// noteWidth bounds a note in the summary, in columns. Arbitrary: two lines of
// a common terminal, so that no peer floods the screen.
const noteWidth = 160

// Summary is the report for people, a few lines each ended by a line feed:
// what was fetched, what limited it, a table of the peers (rates are averages
// over the whole fetch), and their notes. It does not repeat Err, which the
// program reports itself.
func Summary(r Result) string {
	var b strings.Builder
	b.WriteString(headline(r) + "\n")
	if r.Root != "" && r.Err == nil {
		b.WriteString(Escape(r.Root) + "\n")
	}
	if r.Limit != "" {
		b.WriteString("limited by: " + cut(Escape(r.Limit), noteWidth) + "\n")
	}
	if len(r.Peers) > 0 {
		b.WriteString(table(r))
	}
	for _, p := range r.Peers {
		if p.Note != "" {
			fmt.Fprintf(&b, "%s: %s\n", cut(Escape(p.Addr), noteWidth), cut(Escape(p.Note), noteWidth))
		}
	}
	return b.String()
}

func headline(r Result) string {
	line := Escape(r.Name) + ": " + Bytes(r.Done)
	if r.Err != nil && r.Total >= 0 {
		line = fmt.Sprintf("%s: %s (%s)", Escape(r.Name), amount(r.Snapshot), percent(r.Done, r.Total))
	}
	line += fmt.Sprintf(" in %s, %s on average", span(r.Elapsed), Rate(r.average()))
	if r.Resumed > 0 {
		line += fmt.Sprintf(", %s resumed", Bytes(r.Resumed))
	}
	return line
}

func table(r Result) string {
	rows := [][]string{{"peer", "state", "bytes", "share", "rate", "RTT", "segments", "sent again"}}
	for _, p := range r.Peers {
		rows = append(rows, []string{
			cut(Escape(p.Addr), addrWidth),
			cut(Escape(p.State), addrWidth),
			Bytes(p.Bytes),
			fmt.Sprintf("%.1f%%", 100*share(r.Snapshot, p)),
			Rate(perSecond(p.Bytes, r.Elapsed)),
			RoundTrip(p.RTT),
			strconv.FormatUint(p.Segments, 10),
			again(p),
		})
	}
	widths := make([]int, len(rows[0]))
	for _, row := range rows {
		for i, text := range row {
			widths[i] = max(widths[i], runewidth.StringWidth(text))
		}
	}
	var b strings.Builder
	for _, row := range rows {
		b.WriteString(tableRow(row, widths) + "\n")
	}
	return b.String()
}

// tableRow aligns words to the left, numbers to the right.
func tableRow(texts []string, widths []int) string {
	const words = 2
	cells := make([]string, len(texts))
	for i, text := range texts {
		if i < words {
			cells[i] = runewidth.FillRight(text, widths[i])
		} else {
			cells[i] = runewidth.FillLeft(text, widths[i])
		}
	}
	return strings.Join(cells, strings.Repeat(" ", gap))
}

// share is the part of all bytes received that came from p, 0 to 1.
func share(s Snapshot, p PeerStatus) float64 {
	var all float64
	for _, other := range s.Peers {
		all += float64(max(other.Bytes, 0))
	}
	if all == 0 {
		return 0
	}
	return float64(max(p.Bytes, 0)) / all
}

// again says how many of the segments sent were repeats.
func again(p PeerStatus) string {
	if p.Segments == 0 {
		return strconv.FormatUint(p.Repeated, 10)
	}
	return fmt.Sprintf("%d (%.1f%%)", p.Repeated, 100*float64(p.Repeated)/float64(p.Segments))
}
