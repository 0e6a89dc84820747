package ui

import (
	"fmt"
	"io"
	"sync"
	"time"
)

// plainInterval is the time between two plain lines: rare enough for a log.
const plainInterval = 10 * time.Second

// plainLine is the state of a fetch as one line, without its line feed.
func plainLine(s Snapshot) string {
	return fmt.Sprintf("%s %s: %s, %s, %s, ETA %s, %d of %d peers live",
		clock(s.Elapsed), Escape(s.Name), percent(s.Done, s.Total), amount(s),
		Rate(s.RateBytesPerSec), eta(s), s.live(), len(s.Peers))
}

// plain prints a line every interval, and log lines between them.
type plain struct {
	source func() Snapshot
	stop   chan struct{}
	done   chan struct{}

	mu      sync.Mutex // keeps lines whole
	out     io.Writer
	midLine bool // what was written last did not end in a line feed
}

func newPlain(out io.Writer, source func() Snapshot) *plain {
	return &plain{source: source, out: out, stop: make(chan struct{}), done: make(chan struct{})}
}

func (p *plain) start(interval time.Duration) {
	go func() {
		defer close(p.done)
		ticker := time.NewTicker(interval)
		defer ticker.Stop()
		for {
			select {
			case <-ticker.C:
				p.print(plainLine(p.source()) + "\n")
			case <-p.stop:
				return
			}
		}
	}()
}

func (p *plain) close() {
	close(p.stop)
	<-p.done
}

// print shows a line of our own. There is nobody to tell when stderr is gone.
func (p *plain) print(line string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.midLine {
		line = "\n" + line
	}
	_, _ = io.WriteString(p.out, line)
	p.midLine = false
}

// Write passes log lines on.
func (p *plain) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	n, err := p.out.Write(b)
	if n > 0 {
		p.midLine = b[n-1] != '\n'
	}
	return n, err
}
