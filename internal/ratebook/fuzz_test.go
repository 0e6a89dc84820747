package ratebook

import (
	"math"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// FuzzBook: whatever the file holds, what is read of it can be used, and what is
// written can be read again.
func FuzzBook(f *testing.F) {
	now := time.Date(2026, 3, 10, 0, 0, 0, 0, time.UTC)
	f.Add([]byte(`{"10.0.0.7:7440":{"bytes_per_sec":1e6,"at":"2026-03-09T00:00:00Z"}}`), "10.0.0.7:7440", 2e6)
	f.Add([]byte(`{"a":{"bytes_per_sec":1e308,"at":"2026-03-10T00:00:00Z"},"b":{"bytes_per_sec":-1,"at":"9999-12-31T23:59:59Z"}}`), "a", 1e308)
	f.Add([]byte(`null`), "a", 1.0)
	f.Add([]byte(`{"a":null}`), "a", math.Inf(1))
	f.Add([]byte(`[1`), "", math.NaN())
	path := filepath.Join(f.TempDir(), "rates")
	f.Fuzz(func(t *testing.T, data []byte, addr string, rate float64) {
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		b, _ := Open(path)
		check := func(b *Book) {
			for a := range b.peers {
				if r := b.Rate(a, now); r < 0 || math.IsInf(r, 0) || math.IsNaN(r) {
					t.Fatalf("%q has rate %v", a, r)
				}
			}
		}
		check(b)
		b.Remember(addr, rate, now)
		check(b)
		want := b.Rate(addr, now)
		fresh := len(b.fresh) > 0
		if err := b.Close(); err != nil {
			t.Fatalf("after %q: %v", data, err)
		}
		if !fresh {
			return
		}
		again, err := Open(path)
		if err != nil {
			t.Fatalf("what was written: %v", err)
		}
		check(again)
		if got := again.Rate(addr, now); got != want && validKey(addr) {
			t.Fatalf("%q has rate %v, %v was remembered", addr, got, want)
		}
		if len(again.peers) > maxPeers {
			t.Fatalf("%d peers", len(again.peers))
		}
	})
}

// validKey reports whether JSON can hold the text: encoders put U+FFFD for bytes
// that are not UTF-8 (RFC 8259, section 8.1).
func validKey(s string) bool {
	for _, r := range s {
		if r == '\uFFFD' {
			return false
		}
	}
	return true
}
