package e2e

import (
	"errors"
	"io/fs"
	"os"
	"strings"
	"testing"
	"time"

	"chunkcp/internal/netsim"
)

const (
	rogueSize = 8 << 20

	// patience is the --timeout of a fetch that has nobody honest, and longPatience
	// one that is longer than what the work is dealt anew after (peer/stall.go).
	// prompt is what it may take beside that: a busy machine has time enough, and
	// the default of 30 s has not passed.
	patience     = 2 * time.Second
	longPatience = 6 * time.Second
	prompt       = 25 * time.Second
)

// alone runs a fetch that has nobody but the rogue server, and returns its
// report. It must fail with the exit code, and leave nothing under the final
// name.
func (r *rig) alone(l *rogueServer, patience time.Duration, exit int) report {
	r.t.Helper()
	began := time.Now()
	p := r.fetch("--peer", l.addr(), "--timeout", patience.String())
	code, err := p.wait(fetchLimit)
	r.check(err)
	if code != exit {
		r.t.Errorf("exit code %d, want %d:\n%s", code, exit, p.stderr.String())
	}
	if took := time.Since(began); took > patience+prompt {
		r.t.Errorf("it took %v", took)
	}
	if _, err := os.Lstat(r.out()); !errors.Is(err, fs.ErrNotExist) {
		r.t.Errorf("there is something under the final name (%v)", err)
	}
	got, err := parseReport(p.stdout.String())
	r.check(err)
	if got.OK || got.ExitCode != exit || len(got.Peers) != 1 {
		r.t.Errorf("the report: %+v", got)
	}
	return got
}

// TestWrongPieces: a server tells the hashes of the right file, and sends some
// of its pieces wrong, or all. It is found out, and named.
func TestWrongPieces(t *testing.T) {
	t.Parallel()
	named := func(t *testing.T, l *rogueServer, p peerReport) {
		t.Helper()
		if l.lies.Load() == 0 {
			t.Error("it has sent no wrong byte")
		}
		if p.Addr != l.addr() || p.State != "out" || !strings.Contains(p.Note, "its piece") {
			t.Errorf("the server that lied: %+v", p)
		}
	}
	t.Run("alone", func(t *testing.T) {
		t.Parallel()
		l := startRogue(t, rogueSize, conduct{wrongEvery: 4})
		r := newRig(t, 0, rogueSize, netsim.Link{})
		named(t, l, r.alone(l, patience, 7).Peers[0])
	})
	t.Run("beside two", func(t *testing.T) {
		t.Parallel()
		// Long enough for it to give a piece whole, however slow the machine: of one that two
		// servers gave a part of each, nobody knows who was wrong.
		const size = 2 * slowSize
		l := startRogue(t, size, conduct{wrongEvery: 1})
		r := newRig(t, 2, size, slowLink())
		p := r.fetch("--peer", l.addr())
		got := r.finish(p)
		named(t, l, got.Peers[0])
		for _, p := range got.Peers[1:] {
			if p.State != "live" || p.Bytes == 0 || p.Note != "" {
				t.Errorf("an honest peer: %+v", p)
			}
		}
		if !strings.Contains(p.stderr.String(), l.addr()) {
			t.Errorf("the user is not told who lied:\n%s", p.stderr.String())
		}
	})
}

// TestStalls: servers that acknowledge all that they are asked for, and send
// little of it or nothing. Alone they end the fetch when its time is up; beside
// an honest server they do not hold it up.
func TestStalls(t *testing.T) {
	skipSlow(t)
	t.Parallel()
	for name, c := range map[string]conduct{
		"sends some of each range": {stalls: true, most: 64 << 10},
		"sends nothing":            {stalls: true},
		"answers nothing":          {silent: true},
	} {
		happened := func(t *testing.T, l *rogueServer) {
			t.Helper()
			asked, gave, told := l.asked.Load(), l.gave.Load(), l.told.Load()
			t.Logf("%d bytes asked for, %d sent, %d acknowledgements with nothing to send", asked, gave, told)
			if told == 0 || (asked > 0) == l.silent || (gave > 0) != (l.most > 0) || gave > 0 && gave >= asked {
				t.Error("that is not what it is to do")
			}
		}
		t.Run(name+", alone", func(t *testing.T) {
			t.Parallel()
			l := startRogue(t, rogueSize, c)
			r := newRig(t, 0, rogueSize, netsim.Link{})
			timeout := patience
			if c.most > 0 {
				timeout = longPatience
			}
			if got := r.alone(l, timeout, 6); got.Seconds < timeout.Seconds() {
				t.Errorf("given up after %.2f s", got.Seconds)
			}
			happened(t, l)
		})
		t.Run(name+", beside one", func(t *testing.T) {
			t.Parallel()
			l := startRogue(t, rogueSize, c)
			r := newRig(t, 1, rogueSize, slowLink())
			got := r.finish(r.fetch("--peer", l.addr()))
			happened(t, l)
			if got.Seconds > prompt.Seconds() { // and not when the time is up
				t.Errorf("it took %.1f s", got.Seconds)
			}
			if p := got.Peers[1]; p.State != "live" || p.Bytes < rogueSize/2 {
				t.Errorf("the honest peer: %+v", p)
			}
			t.Logf("%.1f s; %+v", got.Seconds, got.Peers[0])
		})
	}
}
