package transfer

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"chunkcp/e2e/bench/internal/proc"
	"chunkcp/e2e/bench/internal/tool"
)

// shell is a tool whose client is a line of shell, with $1 the source and $2
// the copy.
func shell(line string) tool.Tool {
	return tool.Tool{
		Name: "shell",
		Fetch: func(c tool.Client) (proc.Command, error) {
			return proc.Command{Args: []string{"sh", "-c", line, "sh", c.Path(), c.Out}}, nil
		},
	}
}

// open makes a source of 100,000 bytes and the transfer of it.
func open(t *testing.T, with tool.Tool) *Transfer {
	t.Helper()
	source := tool.Source{Root: t.TempDir(), Name: "file"}
	var content strings.Builder
	for i := range 12500 {
		fmt.Fprintf(&content, "%07d\n", i)
	}
	if err := os.WriteFile(source.Path(), []byte(content.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	x, err := Open(t.Context(), with, Loopback(1, t.TempDir()), source)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(x.Close)
	return x
}

func TestRunOfAWholeFile(t *testing.T) {
	x := open(t, shell(`cat "$1" >"$2"`))
	for range 2 { // the second finds nothing of the first
		r := x.Run(t.Context(), time.Minute)
		if r.Error != "" || r.Bytes != 100_000 || r.Cut || r.Seconds <= 0 {
			t.Fatalf("%+v", r)
		}
	}
	if n := len(x.Commands()); n != 1 {
		t.Errorf("%d commands were told, want the client's once", n)
	}
}

func TestRunOfAFalseCopy(t *testing.T) {
	for name, line := range map[string]string{
		"one byte differs": `sed 's/0099999/0099998/; s/0000500/0000501/' "$1" >"$2"`,
		"the end is short": `head -c 99999 "$1" >"$2"`,
		"there is more":    `cat "$1" "$1" >"$2"`,
		"nothing is there": `true`,
		"the client fails": `cat "$1" >"$2"; exit 1`,
	} {
		t.Run(name, func(t *testing.T) {
			if r := open(t, shell(line)).Run(t.Context(), time.Minute); r.Error == "" {
				t.Errorf("taken for a good run: %+v", r)
			}
		})
	}
}

// What takes too long is measured until then.
func TestRunThatIsCutOff(t *testing.T) {
	x := open(t, shell(`head -c 30000 "$1" >"$2"; exec sleep 60`))
	r := x.Run(t.Context(), 500*time.Millisecond)
	if r.Error != "" || !r.Cut || r.Bytes != 30_000 || r.Seconds < 0.5 || r.Seconds > 10 {
		t.Errorf("%+v", r)
	}
	if r.ClientPeakRSS == 0 {
		t.Error("no memory was seen")
	}
}

func TestOpenSaysWhatIsMissing(t *testing.T) {
	_, err := Open(t.Context(), tool.Tool{Needs: []string{"no-such-program"}}, Loopback(1, t.TempDir()), tool.Source{})
	if err == nil || err.Error() != "no-such-program is not installed" {
		t.Errorf("error %v", err)
	}
}

// A hole is not a part of the file that has arrived.
func TestStoredWithoutHoles(t *testing.T) {
	path := filepath.Join(t.TempDir(), "copy")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.WriteAt(make([]byte, 4096), 1<<20); err != nil {
		t.Fatal(err)
	}
	if err := f.Sync(); err != nil {
		t.Fatal(err)
	}
	if n := stored(filepath.Dir(path)); n < 4096 || n >= 1<<20 {
		t.Errorf("%d bytes are stored, want about 4096", n)
	}
}

// The memory that is warmed is all free again when the client starts.
func TestWarmMemoryLeavesNothing(t *testing.T) {
	dir := t.TempDir()
	if err := warmMemory(dir, 3<<20); err != nil {
		t.Fatal(err)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) != 0 {
		t.Errorf("%v is left, error %v", left, err)
	}
	if err := warmMemory(filepath.Join(dir, "none"), 1); err == nil {
		t.Error("no error in a directory that is not there")
	}
}
