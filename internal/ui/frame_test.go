package ui

import (
	"strings"
	"testing"

	"github.com/mattn/go-runewidth"
	"github.com/vbauerster/mpb/v8"
)

func TestTotalGivesUpCellsOnNarrowTerminals(t *testing.T) {
	for _, c := range []struct {
		width int
		want  string
	}{
		{100, "big.iso  45.2%  [================>---------------------]   452 MB of 1.00 GB  12.3 MB/s  ETA 0:45"},
		{67, "45.2%  [=====>--------]   452 MB of 1.00 GB  12.3 MB/s  ETA 0:45"},
		{60, "45.2%   452 MB of 1.00 GB  12.3 MB/s  ETA 0:45"},
		{40, "45.2%  12.3 MB/s  ETA 0:45"},
		{20, "45.2%  12.3 MB/s"},
		{10, "45.2%"},
		{3, "45."},
	} {
		if got := totalRow(halfway(), mpb.BarStyle().Build(), c.width); got != c.want {
			t.Errorf("%d columns: %q, want %q", c.width, got, c.want)
		}
	}
}

func TestBarIsFullOnlyAtTheEnd(t *testing.T) {
	for _, c := range []struct {
		name        string
		done, total int64
		want        string
	}{
		{"size unknown", 5, -1, "[----------]"},
		{"nothing yet", 0, 100, "[----------]"},
		{"half", 50, 100, "[====>-----]"},
		{"nearly", 99, 100, "[=========>]"},
		{"all", 100, 100, "[==========]"},
		{"an empty file", 0, 0, "[==========]"},
	} {
		if got := drawBar(Snapshot{Done: c.done, Total: c.total}, mpb.BarStyle().Build(), barWidth); got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
}

// Whatever a peer says and however small the terminal is, a frame stays in it.
func FuzzFrame(f *testing.F) {
	f.Add("name", "10.0.0.7:7440", "live", "note", int64(1), int64(2), uint8(80), uint8(24), uint8(3))
	f.Add("東京\x1b", "e\u0301\u0301", "\u202e", "\U0001f469\u200d\U0001f680", int64(-1), int64(1<<62), uint8(9), uint8(3), uint8(7))
	f.Fuzz(func(t *testing.T, name, addr, state, note string, total, done int64, width, rows, peers uint8) {
		s := Snapshot{Name: name, Total: total, Done: done, RateBytesPerSec: float64(done)}
		for range peers {
			s.Peers = append(s.Peers, PeerStatus{Addr: addr, State: state, Note: note, Bytes: done})
		}
		columns, height := max(1, int(width)), int(rows)
		lines := frame(s, mpb.BarStyle().Build(), columns, height)
		if len(lines) > height {
			t.Errorf("%d lines in %d rows", len(lines), height)
		}
		for _, line := range lines {
			if w := runewidth.StringWidth(line); w > columns {
				t.Errorf("%d columns in %d: %q", w, columns, line)
			}
			if strings.ContainsFunc(line, unprintable) {
				t.Errorf("not printable: %q", line)
			}
		}
	})
}
