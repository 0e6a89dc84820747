package ui

import (
	"io"
	"sync"
	"time"
)

// Config says where and how progress is shown.
type Config struct {
	Out      io.Writer // stderr; never stdout, which is for data
	Terminal bool      // draw bars: Out is a terminal (see IsTerminal)
	Quiet    bool      // show nothing but log lines

	// Interval is the time between two updates; 0 means a tenth of a second
	// on a terminal, 10 s elsewhere.
	Interval time.Duration

	// Source returns the fetch as it is now. It is called from one goroutine
	// at a time, between Start and Stop, and should not wait for long. Not
	// needed when Quiet.
	Source func() Snapshot

	// Size returns the columns and rows of the terminal; nil asks the system
	// about Out. It is called before every frame.
	Size func() (columns, rows int, err error)
}

// Progress shows a fetch while it runs.
type Progress struct {
	config   Config
	log      io.Writer
	plain    *plain    // set off a terminal, and when quiet
	terminal *terminal // set on a terminal
	started  bool
	stop     sync.Once
}

// New returns a Progress that shows nothing yet.
func New(c Config) *Progress {
	p := &Progress{config: c}
	if c.Terminal && !c.Quiet {
		p.terminal = newTerminal(c.Out, c.Size)
		p.log = p.terminal.console
	} else {
		p.plain = newPlain(c.Out, c.Source)
		p.log = p.plain
	}
	return p
}

// Start begins to show. It is called at most once, before Stop.
func (p *Progress) Start() {
	if p.config.Quiet {
		return
	}
	p.started = true
	interval := p.config.Interval
	switch {
	case p.terminal != nil && interval <= 0:
		interval = terminalInterval
	case interval <= 0:
		interval = plainInterval
	}
	if p.terminal != nil {
		p.terminal.start(interval, p.config.Source)
	} else {
		p.plain.start(interval)
	}
}

// Stop takes the bars off the terminal and returns when Source will not be
// called again. Stopping twice, or what was never started, is harmless.
func (p *Progress) Stop() {
	p.stop.Do(func() {
		switch {
		case p.terminal != nil && p.started:
			p.terminal.close()
		case p.terminal != nil:
			p.terminal.console.Close()
		case p.started:
			p.plain.close()
		}
	})
}

// Writer returns where log lines go, before Start, while running and after
// Stop. On a terminal they wait for the next frame, or for Stop, so a program
// calls Stop before it exits; 4 MiB of them wait at most, the rest is counted
// and dropped. Writes are safe from any goroutine, with any lock held.
func (p *Progress) Writer() io.Writer { return p.log }
