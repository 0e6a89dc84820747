package ui

import (
	"bytes"
	"fmt"
	"io"
	"sync"

	"github.com/mattn/go-runewidth"
)

// A terminal that does not tell its size (a serial line, a container without
// one) is taken for the VT100's.
const (
	defaultColumns = 80
	defaultRows    = 24
)

// maxLog bounds the log lines that wait for the next frame, in bytes; lines
// beyond it are counted and dropped. Arbitrary: more than a terminal takes in
// a tenth of a second.
const maxLog = 4 << 20

// console is where mpb draws, an mpb.ConsoleWriter. It draws a frame over the
// one before it, with the log lines that came meanwhile above, in one write.
//
// mpb has one of its own (cupwriter), which this replaces because that one
//   - stays in the column of an echoed "^C" when it goes up to redraw;
//   - counts the lines of a frame, not the rows they take once a narrower
//     terminal has wrapped them;
//   - lets a frame take all rows, so that the top one scrolls away each time;
//   - makes a log line wait for the frame under way, and so for the Source.
//
// All but Write and Close are called by mpb, one at a time.
type console struct {
	size          func() (columns, rows int, err error)
	columns, rows int // of the terminal, when the frame was begun

	next  bytes.Buffer // the frame that mpb is drawing
	shown []byte       // the frame on the screen, empty for none
	wide  int          // columns of the terminal when shown was drawn

	mu     sync.Mutex // guards log, lost and closed; out is mpb's until Close, then Write's
	out    io.Writer
	log    []byte // lines to print above the next frame, the last one maybe not whole yet
	lost   int    // log lines dropped since the last frame
	closed bool
}

// IsTerminal tells mpb to refresh on its own and to ask for the size.
func (c *console) IsTerminal() bool { return true }

// GetTermSize returns what a frame may use. The last column stays free because
// terminals differ in what a line feed after it does, the last row because the
// cursor waits there.
func (c *console) GetTermSize() (columns, rows int, err error) {
	c.columns, c.rows, err = c.size()
	if err != nil || c.columns <= 0 || c.rows <= 0 {
		c.columns, c.rows = defaultColumns, defaultRows
	}
	return c.frameColumns(), max(1, c.frameRows()), nil
}

func (c *console) frameColumns() int { return max(1, c.columns-1) }
func (c *console) frameRows() int    { return c.rows - 1 }

// ReadFrom takes a part of the next frame.
func (c *console) ReadFrom(r io.Reader) (int64, error) { return c.next.ReadFrom(r) }

// Flush shows the next frame. It does not need mpb's count of lines.
func (c *console) Flush(int) error {
	if c.frameRows() == 0 {
		c.next.Reset() // one row cannot hold a frame and the cursor below it
	}
	log := c.takeLog()
	same := bytes.Equal(c.shown, c.next.Bytes()) && c.wide == c.columns
	if same && len(log) == 0 {
		c.next.Reset()
		return nil
	}
	var screen []byte
	if up := c.rowsShown(); up > 0 {
		// ECMA-48: CUU (8.3.22), then ED (8.3.39) to the end of the screen.
		screen = fmt.Appendf(screen, "\r\x1b[%dA\x1b[J", up)
	}
	screen = append(screen, log...)
	screen = append(screen, c.next.Bytes()...)
	c.shown = append(c.shown[:0], c.next.Bytes()...)
	c.wide = c.columns
	c.next.Reset()
	_, err := c.out.Write(screen)
	return err
}

// rowsShown returns the rows that the frame on the screen takes, the terminal
// having wrapped its lines if it has become narrower.
func (c *console) rowsShown() int {
	rows := 0
	for line := range bytes.Lines(c.shown) {
		width := runewidth.StringWidth(string(bytes.TrimSuffix(line, []byte("\n"))))
		rows += max(1, (width+c.columns-1)/c.columns)
	}
	return rows
}

// takeLog returns the whole lines that wait.
func (c *console) takeLog() []byte {
	c.mu.Lock()
	defer c.mu.Unlock()
	whole := bytes.LastIndexByte(c.log, '\n') + 1
	lines := c.log[:whole:whole]
	c.log = bytes.Clone(c.log[whole:])
	if c.lost > 0 {
		lines = fmt.Appendf(lines, "log lines lost because the terminal did not take them in time: %d\n", c.lost)
		c.lost = 0
	}
	return lines
}

// Write prints log lines: with the next frame, or at once after Close.
func (c *console) Write(b []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.closed:
		return c.out.Write(b)
	case len(c.log)+len(b) > maxLog:
		c.lost += max(1, bytes.Count(b, []byte("\n")))
	default:
		c.log = append(c.log, b...)
	}
	return len(b), nil
}

// Close prints what is left of the log once mpb has gone.
func (c *console) Close() {
	lines := c.takeLog()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closed = true
	if rest := append(lines, c.log...); len(rest) > 0 {
		_, _ = c.out.Write(rest)
	}
	c.log = nil
}
