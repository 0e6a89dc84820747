package arq

import (
	"slices"
	"testing"
	"time"
)

const (
	mtuBase    = 1252
	mtuTimeout = 100 * time.Millisecond
)

var mtuStart = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// rungs returns the probes that a PathMTU has to send at a time after the start.
func rungs(m *PathMTU, at time.Duration) (sizes []int) {
	for size, ok := m.Poll(mtuStart.Add(at)); ok; size, ok = m.Poll(mtuStart.Add(at)) {
		sizes = append(sizes, size)
	}
	return sizes
}

// mtuPath answers probes that are no longer than it carries, and counts.
type mtuPath struct{ carries, probes, rounds int }

// climb has a PathMTU ask until there is nothing to wait for.
func (p *mtuPath) climb(m *PathMTU) {
	for {
		next := m.NextTimeout()
		if next.IsZero() {
			return
		}
		p.rounds++
		for _, size := range rungs(m, next.Sub(mtuStart)) {
			p.probes++
			if size <= p.carries {
				m.Confirm(size)
			}
		}
	}
}

// TestMTUInOneRoundTrip: all sizes are probed at once, the longest first, so that
// one round trip finds the longest.
func TestMTUInOneRoundTrip(t *testing.T) {
	m := NewPathMTU(mtuStart, mtuBase, 65507, mtuTimeout)
	if m.Size() != mtuBase {
		t.Fatalf("begins with %d", m.Size())
	}
	want := []int{65507, 65487, 8972, 8952, 1472, 1452}
	if got := rungs(m, 0); !slices.Equal(got, want) {
		t.Fatalf("probes %v, want %v", got, want)
	}
	for _, size := range []int{1472, 1452, 8972, 8952} { // in any order
		if grown := m.Confirm(size); grown != (size == 1472 || size == 8972) {
			t.Errorf("%d: %v is said of growth", size, grown)
		}
	}
	if m.Size() != 8972 {
		t.Errorf("%d found, want 8972", m.Size())
	}
	if got := m.NextTimeout(); !got.Equal(mtuStart.Add(mtuTimeout)) {
		t.Errorf("goes on at %v", got)
	}
}

// TestMTUFindsWhatThePathCarries, and asks for nothing that it knows or the
// peer does not take.
func TestMTUFindsWhatThePathCarries(t *testing.T) {
	for _, tc := range []struct{ carries, limit, want, probes int }{
		{65507, 65507, 65507, 6},
		{65506, 65507, 65487, 5 + 3}, // what is too long is asked for three times
		{9000, 65507, 8972, 4 + 2*3},
		{1500, 65507, 1472, 2 + 4*3},
		{1471, 65507, 1452, 1 + 5*3},
		{1300, 65507, mtuBase, 6 * 3},
		{65507, 1500, 1472, 2},
		{65507, 1472, 1472, 2},
		{65507, 1471, 1452, 1},
		{65507, mtuBase, mtuBase, 0},
	} {
		m, p := NewPathMTU(mtuStart, mtuBase, tc.limit, mtuTimeout), &mtuPath{carries: tc.carries}
		p.climb(m)
		if m.Size() != tc.want || p.probes != tc.probes {
			t.Errorf("path of %d, peer of %d: size %d after %d probes, want %d after %d",
				tc.carries, tc.limit, m.Size(), p.probes, tc.want, tc.probes)
		}
	}
}

// TestMTULostProbes: a probe that is lost is sent again, three times in all.
func TestMTULostProbes(t *testing.T) {
	m := NewPathMTU(mtuStart, mtuBase, 1500, mtuTimeout)
	for try := range mtuTries {
		at := time.Duration(try) * mtuTimeout
		if got := m.NextTimeout(); !got.Equal(mtuStart.Add(at)) {
			t.Fatalf("try %d is due after %v", try, got.Sub(mtuStart))
		}
		if try > 0 {
			if early := rungs(m, at-1); early != nil {
				t.Fatalf("%v before its time", early)
			}
		}
		if got := rungs(m, at); !slices.Equal(got, []int{1472, 1452}) {
			t.Fatalf("try %d: %v", try, got)
		}
	}
	if !m.Confirm(1472) { // the last one's answer
		t.Error("the third try's answer is not taken")
	}
	if rest := rungs(m, time.Hour); rest != nil || !m.NextTimeout().IsZero() {
		t.Errorf("%v is sent after it, and there is a timer: %v", rest, m.NextTimeout())
	}
}

// TestMTUBlackHole: a path that carries less all of a sudden is used with the
// base size, and asked again after a while.
func TestMTUBlackHole(t *testing.T) {
	m := NewPathMTU(mtuStart, mtuBase, 65507, mtuTimeout)
	if m.BlackHole(mtuStart) {
		t.Error("a path of the base size has fallen back")
	}
	rungs(m, 0)
	m.Confirm(8972)
	fell := 10 * time.Second
	if !m.BlackHole(mtuStart.Add(fell)) || m.Size() != mtuBase {
		t.Fatalf("size %d", m.Size())
	}
	if m.BlackHole(mtuStart.Add(fell)) {
		t.Error("fell back twice")
	}
	if early := rungs(m, fell+mtuRetry-1); early != nil {
		t.Fatalf("%v too soon", early)
	}
	if got := m.NextTimeout(); !got.Equal(mtuStart.Add(fell + mtuRetry)) {
		t.Errorf("asked again after %v", got.Sub(mtuStart)-fell)
	}
	p := mtuPath{carries: 1500}
	if p.climb(m); m.Size() != 1472 || p.rounds != mtuTries+1 {
		t.Errorf("size %d, %d rounds", m.Size(), p.rounds)
	}
}

// TestMTUHostile: answers to what was never asked change nothing.
func TestMTUHostile(t *testing.T) {
	for _, limit := range []int{65507, 8960, 1472, mtuBase} {
		m := NewPathMTU(mtuStart, mtuBase, limit, mtuTimeout)
		rungs(m, 0)
		for size := -1; size <= 70000; size++ {
			if slices.Contains(mtuSizes[:], size) && size <= limit {
				continue
			}
			if m.Confirm(size) || m.Size() != mtuBase {
				t.Fatalf("peer takes %d: %d is confirmed, size %d", limit, size, m.Size())
			}
		}
	}
	m := NewPathMTU(mtuStart, mtuBase, 65507, mtuTimeout)
	rungs(m, 0)
	m.Confirm(8972)
	for _, size := range []int{8972, 8952, 1452, 0} {
		if m.Confirm(size) || m.Size() != 8972 {
			t.Errorf("%d after 8972: size %d", size, m.Size())
		}
	}
}

// TestMTUTooLong: what this host refuses is not sent, and not believed.
func TestMTUTooLong(t *testing.T) {
	m := NewPathMTU(mtuStart, mtuBase, 65507, mtuTimeout)
	size, _ := m.Poll(mtuStart)
	if size != 65507 || m.TooLong(mtuStart, size) {
		t.Fatalf("the first probe, %d, shrinks what has not grown", size)
	}
	if got := rungs(m, 0); !slices.Equal(got, []int{65487, 8972, 8952, 1472, 1452}) {
		t.Errorf("then %v", got)
	}
	if m.TooLong(mtuStart, 8952) || m.Confirm(8952) || m.Confirm(65507) {
		t.Error("what is refused is confirmed")
	}
	if !m.Confirm(1472) {
		t.Error("a shorter one is not")
	}
	if rest := rungs(m, mtuTimeout); rest != nil {
		t.Errorf("%v is asked for, between 1472 and 8952", rest)
	}
	if !m.TooLong(mtuStart.Add(time.Second), 1472) || m.Size() != mtuBase {
		t.Errorf("size %d, though 1472 is refused", m.Size())
	}
	if got := rungs(m, time.Second); !slices.Equal(got, []int{1452}) {
		t.Errorf("%v is asked for, below 1472", got)
	}
	if !m.Confirm(1452) || m.Size() != 1452 {
		t.Errorf("size %d", m.Size())
	}
}

// TestMTUTooLongForMore: what is longer than what is refused need not be tried.
func TestMTUTooLongForMore(t *testing.T) {
	m := NewPathMTU(mtuStart, mtuBase, 65507, mtuTimeout)
	if size, _ := m.Poll(mtuStart); size != 65507 {
		t.Fatalf("%d is first", size)
	}
	m.TooLong(mtuStart, 8972)
	if got := rungs(m, 0); !slices.Equal(got, []int{8952, 1472, 1452}) {
		t.Errorf("%v is asked for, though 8972 is refused", got)
	}
}
