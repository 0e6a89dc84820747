package ratebook

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"testing"
	"time"
)

var day = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

func open(t *testing.T, path string) *Book {
	t.Helper()
	b, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func closed(t *testing.T, b *Book) {
	t.Helper()
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
}

func near(t *testing.T, what string, got, want float64) {
	t.Helper()
	if math.Abs(got-want) > 1e-6*want {
		t.Errorf("%s: %v, want %v", what, got, want)
	}
}

func TestRememberedAndAged(t *testing.T) {
	path := filepath.Join(t.TempDir(), "rates")
	b := open(t, path)
	if r := b.Rate("a:1", day); r != 0 {
		t.Errorf("an unknown peer's rate is %v", r)
	}
	b.Remember("a:1", 1000, day)
	closed(t, b)
	b = open(t, path)
	near(t, "at once", b.Rate("a:1", day), 1000)
	near(t, "by a clock that was set back", b.Rate("a:1", day.Add(-time.Hour)), 1000)
	near(t, "a week later", b.Rate("a:1", day.Add(halfLife)), 500)
	if r := b.Rate("a:1", day.Add(lifeTime+time.Second)); r != 0 {
		t.Errorf("months later: %v", r)
	}
	b.Remember("a:1", 3000, day)
	near(t, "after a faster run", b.Rate("a:1", day), 2000)
}

func TestWhatOthersWroteStays(t *testing.T) {
	path := filepath.Join(t.TempDir(), "rates")
	x, y := open(t, path), open(t, path)
	x.Remember("a:1", 1000, day)
	y.Remember("b:1", 2000, day)
	closed(t, x)
	closed(t, y)
	b := open(t, path)
	near(t, "one's", b.Rate("a:1", day), 1000)
	near(t, "the other's", b.Rate("b:1", day), 2000)
}

func TestDamagedIsAsGoodAsNone(t *testing.T) {
	for name, text := range map[string]string{
		"no JSON": "rates", "another shape": "[1]", "empty": "",
		"odd rates": `{"a:1":{"bytes_per_sec":-5,"at":"2026-11-24T12:00:00Z"},"b:1":{"bytes_per_sec":7}}`,
	} {
		path := filepath.Join(t.TempDir(), "rates")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		b, _ := Open(path)
		for _, addr := range []string{"a:1", "b:1"} {
			if r := b.Rate(addr, day); r != 0 {
				t.Errorf("%s: %s has rate %v", name, addr, r)
			}
		}
		for _, rate := range []float64{0, -1, math.NaN(), math.Inf(1)} {
			b.Remember("a:1", rate, day)
		}
		b.Remember("c:1", 10, day)
		closed(t, b)
		b = open(t, path)
		near(t, name, b.Rate("c:1", day), 10)
		if r := b.Rate("a:1", day); r != 0 {
			t.Errorf("%s: a rate of %v was remembered", name, r)
		}
	}
}

func TestBounded(t *testing.T) {
	path := filepath.Join(t.TempDir(), "rates")
	b := open(t, path)
	for i := range 3 * maxPeers {
		b.Remember(fmt.Sprintf("host%d:7440", i), 1, day.Add(time.Duration(i)*time.Minute))
	}
	closed(t, b)
	b = open(t, path)
	if len(b.peers) != maxPeers {
		t.Errorf("%d peers", len(b.peers))
	}
	if _, last := b.peers[fmt.Sprintf("host%d:7440", 3*maxPeers-1)]; !last {
		t.Error("the last one is gone")
	}
}

func TestNothingNewWritesNothing(t *testing.T) {
	path := filepath.Join(t.TempDir(), "rates")
	closed(t, open(t, path))
	if _, err := os.Lstat(path); err == nil {
		t.Error("a file was made")
	}
}
