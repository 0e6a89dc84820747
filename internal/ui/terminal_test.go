package ui

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/vbauerster/mpb/v8"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// halfway is a fetch with a peer in each of the usual states.
func halfway() Snapshot {
	return Snapshot{
		Name: "big.iso", Total: 1_000_000_000, Done: 452_000_000,
		Elapsed: 37 * time.Second, RateBytesPerSec: 12.3e6,
		Peers: []PeerStatus{
			{Addr: "10.0.0.7:7440", State: Live, Sessions: 5, Bytes: 300_000_000, RateBytesPerSec: 12.3e6,
				RTT: 20300 * time.Microsecond, Segments: 210_000, Repeated: 2_100},
			{Addr: "[2001:db8::7]:7440", State: "silent", Sessions: 3, Bytes: 152_000_000,
				RTT: 850 * time.Microsecond, Segments: 120_000, Repeated: 60_000},
			{Addr: "10.0.0.9:7440", State: "refused", Note: "its key has changed"},
		},
	}
}

const halfwayOn73 = `10.0.0.7:7440       live     12.3 MB/s   300 MB
[2001:db8::7]:7440  silent       0 B/s   152 MB
10.0.0.9:7440       refused      0 B/s      0 B  its key has changed
big.iso  45.2%  [====>-----]   452 MB of 1.00 GB  12.3 MB/s  ETA 0:45
`

// run starts a Progress on a screen, waits for the first frame and hands both
// to the story.
func run(t *testing.T, s *screen, source func() Snapshot, story func(p *Progress)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		p := New(Config{Out: s, Terminal: true, Size: s.size, Source: source})
		p.Start()
		defer p.Stop()
		frameLater()
		story(p)
	})
}

// frameLater waits until one more frame has been drawn.
func frameLater() {
	time.Sleep(terminalInterval)
	synctest.Wait()
}

func expect(t *testing.T, s *screen, when, want string) {
	t.Helper()
	if got := s.String(); got != want {
		t.Errorf("%s the screen shows\n%s\nwant\n%s", when, got, want)
	}
}

func TestTerminalShowsTheFetchAndIsLeftClean(t *testing.T) {
	s := newScreen(t, 73, 24)
	run(t, s, halfway, func(p *Progress) {
		expect(t, s, "while running", halfwayOn73)
		p.Stop()
		expect(t, s, "after Stop", "")
		p.Stop()
		fmt.Fprintln(p.Writer(), "bye")
		expect(t, s, "after a late log line", "bye\n")
	})
}

func TestTerminalPrintsLogLinesAboveTheBars(t *testing.T) {
	s := newScreen(t, 73, 24)
	run(t, s, halfway, func(p *Progress) {
		fmt.Fprint(p.Writer(), "one\ntwo\nthr")
		frameLater()
		expect(t, s, "with a line under way", "one\ntwo\n"+halfwayOn73)
		fmt.Fprint(p.Writer(), "ee\n"+strings.Repeat("long ", 40)+"\nlast, without a line feed")
		frameLater()
		p.Stop()
		expect(t, s, "after Stop", "one\ntwo\nthree\n"+strings.Repeat("long ", 40)+"\nlast, without a line feed")
	})
}

func TestTerminalRedrawsOverTheEchoOfCtrlC(t *testing.T) {
	s := newScreen(t, 73, 24)
	run(t, s, halfway, func(p *Progress) {
		s.echo("^C")
		p.Stop()
		expect(t, s, "after Stop", "")
	})
}

func TestTerminalFollowsAResize(t *testing.T) {
	s := newScreen(t, 120, 24)
	run(t, s, halfway, func(p *Progress) {
		for _, columns := range []int{100, 47, 20, 11, 3, 1, 80, 200, 73} {
			s.resize(columns, 200)
			frameLater()
			for _, line := range strings.Split(s.String(), "\n") {
				if len(line) > max(1, columns-1) {
					t.Errorf("a line of %d columns on a screen of %d: %q", len(line), columns, line)
				}
			}
		}
		expect(t, s, "back at the first width", halfwayOn73)
		p.Stop()
		expect(t, s, "after Stop", "")
	})
}

func TestTerminalThatIsTooShortCountsTheRestOfThePeers(t *testing.T) {
	const total = "big.iso  45.2%  [====>-----]   452 MB of 1.00 GB  12.3 MB/s  ETA 0:45\n"
	for rows, want := range map[int]string{
		5: halfwayOn73,
		4: "10.0.0.7:7440  live     12.3 MB/s   300 MB\nmore peers: 2, live of all: 1\n" + total,
		3: "more peers: 3, live of all: 1\n" + total,
		2: total,
		1: "",
	} {
		s := newScreen(t, 73, rows)
		run(t, s, halfway, func(*Progress) {
			frameLater()
			expect(t, s, fmt.Sprintf("with %d rows", rows), want)
		})
	}
}

func TestTerminalIsNotWrittenWhenNothingChanged(t *testing.T) {
	s := newScreen(t, 80, 24)
	run(t, s, halfway, func(*Progress) {
		before := s.written()
		for range 5 {
			frameLater()
		}
		if s.written() != before {
			t.Errorf("%d writes of the same frame", s.written()-before)
		}
	})
}

func TestTerminalShowsChangesTenTimesASecond(t *testing.T) {
	s := newScreen(t, 80, 24)
	now := halfway()
	run(t, s, func() Snapshot { now.Done += 1_000_000; return now }, func(*Progress) {
		before := s.written()
		time.Sleep(time.Second)
		synctest.Wait()
		if n := s.written() - before; n < 9 || n > 11 {
			t.Errorf("%d frames in a second, want 10", n)
		}
	})
}

// A Source that waits for a lock whose owner is logging must not stop both.
func TestTerminalLogsWhileTheSourceWaits(t *testing.T) {
	s := newScreen(t, 80, 24)
	synctest.Test(t, func(t *testing.T) {
		// A channel, because time stands still in a bubble that waits for a mutex.
		lock := make(chan struct{}, 1)
		p := New(Config{Out: s, Terminal: true, Size: s.size, Source: func() Snapshot {
			lock <- struct{}{}
			defer func() { <-lock }()
			return halfway()
		}})
		p.Start()
		lock <- struct{}{}
		time.Sleep(10 * terminalInterval) // a frame is waiting for the lock by now
		fmt.Fprintln(p.Writer(), "still here")
		<-lock
		p.Stop()
	})
	expect(t, s, "after Stop", "still here\n")
}

func TestTerminalEscapesWhatPeersSay(t *testing.T) {
	s := newScreen(t, 100, 24) // fails on the control bytes
	evil := Snapshot{Name: "\x1b[2J", Total: -1, Peers: []PeerStatus{
		{Addr: "a\r", State: "\x1b]0;title\a", Note: "\u202egpj.exe\n\xff"}}}
	run(t, s, func() Snapshot { return evil }, func(*Progress) {
		for _, want := range []string{`\x1b[2J`, `a\r`, `\x1b]0;title\a`, `\u202egpj.exe\n\xff`} {
			if !strings.Contains(s.String(), want) {
				t.Errorf("no %s on the screen:\n%s", want, s)
			}
		}
	})
}

// stalled takes nothing until it is released, as a terminal after Ctrl-S.
type stalled struct {
	*screen
	release chan struct{}
}

func (s stalled) Write(p []byte) (int, error) {
	<-s.release
	return s.screen.Write(p)
}

func TestTerminalThatStallsCostsLogLinesNotTheFetch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		out := stalled{newScreen(t, 80, 24), make(chan struct{})}
		p := New(Config{Out: out, Terminal: true, Size: out.size, Source: halfway})
		p.Start()
		frameLater()
		line := strings.Repeat("x", 1<<20-1) + "\n"
		for range 6 {
			if n, err := io.WriteString(p.Writer(), line); n != len(line) || err != nil {
				t.Errorf("log line: %d, %v", n, err)
			}
		}
		close(out.release)
		p.Stop()
		want := strings.Repeat(line, 4) + "log lines lost because the terminal did not take them in time: 2\n"
		if got := out.String(); got != want {
			t.Errorf("%d bytes are left on the screen, want %d", len(got), len(want))
		}
	})
}

// broken is a terminal whose window was closed.
type broken struct{}

func (broken) Write([]byte) (int, error) { return 0, errors.New("input/output error") }

func TestTerminalThatBreaksLetsStopReturn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := New(Config{Out: broken{}, Terminal: true, Source: halfway})
		p.Start()
		frameLater()
		frameLater()
		p.Stop()
	})
}

func TestTerminalOfUnknownSizeIsTakenForAVT100(t *testing.T) {
	s := newScreen(t, 80, 24)
	synctest.Test(t, func(t *testing.T) {
		p := New(Config{Out: s, Terminal: true, Source: halfway})
		p.Start()
		defer p.Stop()
		frameLater()
		want := totalRow(halfway(), mpb.BarStyle().Build(), 79)
		if got := s.String(); !strings.HasSuffix(got, "\n"+want+"\n") {
			t.Errorf("the screen shows\n%s\nwant at its end\n%s", got, want)
		}
	})
}
