package e2e

import (
	"encoding/binary"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

const (
	// More than 32 bits can count.
	largeSize = 5<<30 + 12345
	// Where there is no room for that.
	smallerSize = 1<<30 + 12345

	largeLimit = 150 * time.Second

	// What a client and a server may hold in memory, whatever the file's size:
	// arbitrary, what nobody minds on a small machine.
	clientMemory = 150 << 20
	serverMemory = 100 << 20
)

// A file that is larger than memory should ever be comes whole, and neither
// side keeps it.
func TestLarge(t *testing.T) {
	if testing.Short() || raceEnabled {
		t.Skip("moves gigabytes")
	}
	dir := t.TempDir()
	size := largeSizeFor(t, dir)
	root := filepath.Join(dir, "root")
	source := filepath.Join(root, fileName)
	if err := os.Mkdir(root, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := writeSparse(source, size); err != nil {
		t.Fatal(err)
	}
	client := filepath.Join(dir, "client")
	if err := os.Mkdir(client, 0o755); err != nil {
		t.Fatal(err)
	}
	args := []string{"fetch", fileName, "-n", "8", "--json"}
	var servers []*server
	for i := range 3 {
		home := filepath.Join(dir, fmt.Sprintf("server%d", i))
		if err := os.Mkdir(home, 0o755); err != nil {
			t.Fatal(err)
		}
		s, err := serve(home, root, "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer func() {
			if err := s.stop(); err != nil {
				t.Error(err)
			}
		}()
		servers = append(servers, s)
		args = append(args, "--peer", s.addr.String())
	}
	p, err := start(client, environment(client), args...)
	if err != nil {
		t.Fatal(err)
	}
	defer p.kill()
	var peak int64
	err = await(largeLimit, func() bool {
		peak = max(peak, peakMemory(p))
		return !p.running()
	})
	if code, _ := p.wait(time.Second); err != nil || code != 0 {
		t.Fatalf("exit code %d, %v:\n%s", code, err, p.stderr.String())
	}
	if peak == 0 || peak > clientMemory {
		t.Errorf("the client took %d MiB, want at most %d", peak>>20, clientMemory>>20)
	}
	t.Logf("client: %d MiB; %s", peak>>20, p.stdout.String())
	for i, s := range servers {
		peak := peakMemory(s.process)
		if peak == 0 || peak > serverMemory {
			t.Errorf("server %d took %d MiB, want at most %d", i, peak>>20, serverMemory>>20)
		}
		t.Logf("server %d: %d MiB", i, peak>>20)
	}
	if err := compareFiles(filepath.Join(client, fileName), source); err != nil {
		t.Error(err)
	}
}

// largeSizeFor returns how much there is room for.
func largeSizeFor(t *testing.T, dir string) int64 {
	t.Helper()
	var st unix.Statfs_t
	if err := unix.Statfs(dir, &st); err != nil {
		t.Fatal(err)
	}
	free := int64(st.Bavail) * st.Bsize
	switch { // the copy is not sparse; leave as much again to others
	case free > 2*largeSize:
		return largeSize
	case free > 2*smallerSize:
		return smallerSize
	}
	t.Skipf("only %d MiB free in %s", free>>20, dir)
	return 0
}

// writeSparse makes a file of holes, but for 8 bytes in each MiB that tell
// their position.
func writeSparse(path string, size int64) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	defer f.Close()
	if err := f.Truncate(size); err != nil {
		return err
	}
	for offset := int64(0); offset+8 <= size; offset += 1 << 20 {
		if _, err := f.WriteAt(binary.LittleEndian.AppendUint64(nil, mix(uint64(offset))), offset); err != nil {
			return err
		}
	}
	return f.Close()
}

func compareFiles(got, want string) error {
	a, err := os.Open(got)
	if err != nil {
		return err
	}
	defer a.Close()
	b, err := os.Open(want)
	if err != nil {
		return err
	}
	defer b.Close()
	return compare(a, b)
}

// peakMemory returns the most bytes that a process has had in memory (VmHWM of
// proc_pid_status(5)), 0 once it has ended. The figure that wait4 returns is no
// help: it begins with what the parent had when it forked.
func peakMemory(p *process) int64 {
	f, err := os.Open(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
	if err != nil {
		return 0
	}
	defer f.Close()
	status, err := io.ReadAll(f)
	if err != nil {
		return 0
	}
	_, rest, _ := strings.Cut(string(status), "VmHWM:")
	kilobytes, _, _ := strings.Cut(rest, "kB")
	n, err := strconv.ParseInt(strings.TrimSpace(kilobytes), 10, 64)
	if err != nil {
		return 0
	}
	return n << 10
}
