package ui

import (
	"bytes"
	"fmt"
	"testing"
	"testing/synctest"
	"time"
)

func TestPlainLine(t *testing.T) {
	finished := halfway()
	finished.Done = finished.Total
	for _, c := range []struct {
		name string
		s    Snapshot
		want string
	}{
		{"halfway", halfway(), "0:37 big.iso: 45.2%, 452 MB of 1.00 GB, 12.3 MB/s, ETA 0:45, 1 of 3 peers live"},
		{"nothing known", Snapshot{Name: "x", Total: -1}, "0:00 x: -, 0 B, 0 B/s, ETA -, 0 of 0 peers live"},
		{"finished", finished, "0:37 big.iso: 100%, 1.00 GB of 1.00 GB, 12.3 MB/s, ETA 0:00, 1 of 3 peers live"},
		{"a name that cheats", Snapshot{Name: "a\x1b[A\nb"}, `0:00 a\x1b[A\nb: 100%, 0 B of 0 B, 0 B/s, ETA 0:00, 0 of 0 peers live`},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := plainLine(c.s); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
}

func TestPlainPrintsALineEveryTenSeconds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		now := Snapshot{Name: "f", Total: -1}
		p := New(Config{Out: &out, Source: func() Snapshot { now.Elapsed += plainInterval; return now }})
		p.Start()
		time.Sleep(plainInterval - time.Nanosecond)
		synctest.Wait()
		fmt.Fprint(p.Writer(), "a log line\n")
		time.Sleep(plainInterval)
		fmt.Fprint(p.Writer(), "half a")
		time.Sleep(plainInterval)
		p.Stop()
		p.Stop()
		fmt.Fprint(p.Writer(), "late\n")
		time.Sleep(plainInterval)
		want := "a log line\n" +
			"0:10 f: -, 0 B, 0 B/s, ETA -, 0 of 0 peers live\n" +
			"half a\n" +
			"0:20 f: -, 0 B, 0 B/s, ETA -, 0 of 0 peers live\n" +
			"late\n"
		if got := out.String(); got != want {
			t.Errorf("got\n%s\nwant\n%s", got, want)
		}
	})
}

func TestQuietShowsLogLinesOnly(t *testing.T) {
	for _, terminal := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			var out bytes.Buffer
			p := New(Config{Out: &out, Quiet: true, Terminal: terminal})
			p.Start()
			time.Sleep(time.Minute)
			fmt.Fprintln(p.Writer(), "warning")
			if got := out.String(); got != "warning\n" {
				t.Errorf("terminal %v: got %q", terminal, got)
			}
			p.Stop()
		})
	}
}

func TestStopWithoutStartPrintsWhatWasLogged(t *testing.T) {
	for _, terminal := range []bool{false, true} {
		var out bytes.Buffer
		p := New(Config{Out: &out, Terminal: terminal, Source: halfway})
		fmt.Fprintln(p.Writer(), "early")
		p.Stop()
		if got := out.String(); got != "early\n" {
			t.Errorf("terminal %v: got %q", terminal, got)
		}
	}
}
