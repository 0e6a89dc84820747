package proc

import (
	"bufio"
	"strings"
	"testing"
	"time"
)

func TestCommandReadsBackInAShell(t *testing.T) {
	c := Command{
		Args:  []string{"atftp", "--option", "blksize 1428", "", "it's"},
		Env:   []string{"A=b c"},
		Netns: "lab-c",
	}
	want := `A='b c' ip netns exec lab-c atftp --option 'blksize 1428' '' 'it'\''s'`
	if got := c.String(); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

// A program may have any name, parentheses included.
func TestCPUOfStat(t *testing.T) {
	stat := "4711 (a) b (c)) S 1 4711 4711 0 -1 4194560 100 0 0 0 150 50 20 30 20 0 1 0 100 200 300"
	if got, want := cpuOf(stat), 2500*time.Millisecond; got != want {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestPeakOfStatus(t *testing.T) {
	if got := peakOf("VmPeak:\t  9000 kB\nVmHWM:\t    2048 kB\nVmRSS:\t 1 kB\n"); got != 2<<20 {
		t.Errorf("got %d bytes, want 2 MiB", got)
	}
	if got := peakOf("Name:\tsh\nState:\tZ (zombie)\n"); got != 0 {
		t.Errorf("got %d bytes of a zombie", got)
	}
}

func TestListens(t *testing.T) {
	const table = `  sl  local_address rem_address   st tx_queue
   0: 0100007F:1D10 00000000:0000 0A 00000000:00000000
   1: 0100007F:1D11 0100007F:9C40 01 00000000:00000000
   2: 00000000000000000000000000000000:1D12 00000000000000000000000000000000:0000 07 0`
	for port, want := range map[uint16]bool{
		7440:  true,
		7441:  false, // connected
		7442:  true,  // UDP
		40000: false, // a remote port
	} {
		if got := listens(bufio.NewScanner(strings.NewReader(table)), port); got != want {
			t.Errorf("port %d: %v, want %v", port, got, want)
		}
	}
}
