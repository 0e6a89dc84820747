package ui

import (
	"errors"
	"io"
	"os"
	"strings"
	"time"

	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"
	"golang.org/x/term"
)

// terminalInterval is the time between two frames: smooth to the eye, and
// little to send over a slow login.
const terminalInterval = 100 * time.Millisecond

// IsTerminal reports whether bars can be drawn on f: it is a terminal that
// knows how to move its cursor.
func IsTerminal(f *os.File) bool {
	if os.Getenv("TERM") == "dumb" || !term.IsTerminal(int(f.Fd())) {
		return false
	}
	restore, err := enableSequences(f)
	if err != nil {
		return false
	}
	restore()
	return true
}

// terminal draws bars until it is closed. mpb refreshes it, and has one bar of
// many lines: the frame. (mpb asks for bars of one line because it counts them
// to go back up; console counts for itself.)
type terminal struct {
	console *console
	bars    *mpb.Progress
	bar     *mpb.Bar
	restore func()
}

func newTerminal(out io.Writer, size func() (int, int, error)) *terminal {
	if size == nil {
		size = sizeOf(out)
	}
	return &terminal{console: &console{out: out, size: size}}
}

func (t *terminal) start(interval time.Duration, source func() Snapshot) {
	t.restore = func() {}
	if f, ok := t.console.out.(*os.File); ok {
		if restore, err := enableSequences(f); err == nil {
			t.restore = restore
		}
	}
	t.bars = mpb.New(mpb.WithConsoleWriter(t.console), mpb.WithRefreshRate(interval))
	style := mpb.BarStyle().Build()
	lines := mpb.BarFillerFunc(func(w io.Writer, _ decor.Statistics) error {
		all := frame(source(), style, t.console.frameColumns(), t.console.frameRows())
		_, err := io.WriteString(w, strings.Join(all, "\n"))
		return err
	})
	// A bar without a total ends only when it is told to.
	t.bar = t.bars.New(0, whole(lines), mpb.BarFillerTrim())
}

// close takes the bars off the terminal.
func (t *terminal) close() {
	t.bar.Abort(true)
	t.bars.Wait()
	t.console.Close()
	t.restore()
}

// whole lets a filler of our own pass for a style of mpb's.
type whole mpb.BarFillerFunc

func (w whole) Build() mpb.BarFiller { return mpb.BarFillerFunc(w) }

func sizeOf(out io.Writer) func() (int, int, error) {
	f, ok := out.(*os.File)
	if !ok {
		return func() (int, int, error) { return 0, 0, errors.New("not a terminal") }
	}
	return func() (int, int, error) { return term.GetSize(int(f.Fd())) }
}
