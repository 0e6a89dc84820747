package profile

import (
	"os/exec"
	"testing"
)

// What a child does while perf samples is counted, and what this process does is not.
func TestRecorder(t *testing.T) {
	if err := Missing(); err != nil {
		t.Skip(err)
	}
	r, err := Start(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	// Perf may begin late; a second of counting is sampled at least in part.
	busy := exec.CommandContext(t.Context(), "timeout", "1", "sh", "-c", "while :; do :; done")
	_ = busy.Run() // timeout ends it
	seconds, err := r.Stop(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if seconds[Program] < 0.1 {
		t.Errorf("%v of a second in which a shell was busy", seconds)
	}
}
