package main

import (
	"testing"

	"chunkcp/e2e/bench/internal/report"
)

func TestCPUModel(t *testing.T) {
	const info = "processor\t: 0\nvendor_id\t: X\nmodel\t\t: 1\nmodel name\t: Fast One 3000: 2 GHz\n\nprocessor\t: 1\nmodel name\t: other\n"
	if got := cpuModel(info); got != "Fast One 3000: 2 GHz" {
		t.Errorf("got %q", got)
	}
	if got := cpuModel("processor\t: 0\nBogoMIPS\t: 50\n"); got != "" {
		t.Errorf("got %q of a processor that does not tell", got)
	}
}

func TestCommandsNameNoTemporaryDirectory(t *testing.T) {
	s := report.Scenario{Contenders: []report.Contender{{Commands: []string{"/shm/b1/chunkcp fetch f -o /shm/b1/out"}}}}
	inDirectory(&s, "/shm/b1")
	if got := s.Contenders[0].Commands[0]; got != "$DIR/chunkcp fetch f -o $DIR/out" {
		t.Errorf("got %s", got)
	}
}
