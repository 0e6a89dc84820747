package main

import (
	"bytes"
	"crypto/rand"
	"os"
	"path/filepath"
	"testing"

	"chunkcp/internal/assign"
)

// TestRun: the copy is the same, of what has a last piece and of nothing.
func TestRun(t *testing.T) {
	for _, size := range []int{0, 1, assign.PieceBytes, 3*assign.PieceBytes + 17} {
		dir := t.TempDir()
		from, to := filepath.Join(dir, "from"), filepath.Join(dir, "to")
		want := make([]byte, size)
		rand.Read(want)
		if err := os.WriteFile(from, want, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := run(from, to); err != nil {
			t.Fatal(err)
		}
		if got, err := os.ReadFile(to); err != nil || !bytes.Equal(got, want) {
			t.Errorf("%d bytes: another copy, %v", size, err)
		}
	}
	if err := run(filepath.Join(t.TempDir(), "none"), filepath.Join(t.TempDir(), "to")); err == nil {
		t.Error("a file that is not there was copied")
	}
}
