package e2e

import (
	"sync"
	"testing"
	"time"
)

const (
	pulseGap = 10 * time.Millisecond // a tenth of what a round trip may vary by

	// busy is from which share of the time on, spent waiting for a processor, shares of
	// a link are not judged: whoever waits looks like a queue to the other side
	// (arbitrary; an idle host has 0.001).
	busy = 0.02
)

// pulse watches whether this host does what is due.
type pulse struct {
	mu    sync.Mutex
	began time.Time
	late  time.Duration // so far
}

// feel starts a pulse, which ends with the test.
func feel(t *testing.T) *pulse {
	p := &pulse{began: time.Now()}
	stop, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		ticker := time.NewTicker(pulseGap)
		defer ticker.Stop()
		last := p.began
		for {
			select {
			case <-stop:
				return
			case <-ticker.C:
			}
			now := time.Now()
			p.mu.Lock()
			if gap := now.Sub(last); gap > 2*pulseGap {
				p.late += gap - pulseGap
			}
			p.mu.Unlock()
			last = now
		}
	}()
	t.Cleanup(func() {
		close(stop)
		<-ended
	})
	return p
}

// waited returns the share of the time that this process waited for a processor.
func (p *pulse) waited() float64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.late.Seconds() / time.Since(p.began).Seconds()
}

// judge fails if a share of the link is not in a range, on a host that was not busy.
func (i *interop) judge(share, least, most float64) {
	i.t.Helper()
	switch waited := i.pulse.waited(); {
	case share >= least && share <= most:
	case waited > busy:
		i.t.Logf("a share of %.2f is not judged: %.3f of the time went by without a processor", share, waited)
	default:
		i.t.Errorf("a share of %.2f is not in [%.2f, %.2f], and only %.3f of the time went by without a processor", share, least, most, waited)
	}
}
