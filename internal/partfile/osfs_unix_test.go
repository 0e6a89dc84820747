//go:build unix

package partfile

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

func TestPlantedPartFileIsRefused(t *testing.T) {
	for name, plant := range map[string]func(path, victim string) error{
		"symlink":   func(path, victim string) error { return os.Symlink(victim, path) },
		"fifo":      func(path, _ string) error { return syscall.Mkfifo(path, 0o666) },
		"directory": func(path, _ string) error { return os.Mkdir(path, 0o777) },
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			dest, victim := filepath.Join(dir, "file"), filepath.Join(dir, "victim")
			put(t, victim, "precious")
			if err := plant(partPath(dest), victim); err != nil {
				t.Fatal(err)
			}
			_, err := Create(dest, 3, Option{})
			if !errors.Is(err, errForeignPart) || !strings.Contains(err.Error(), partPath(dest)) {
				t.Errorf("Create = %v, want errForeignPart and the path", err)
			}
			wantContent(t, victim, "precious")
			wantNames(t, dir, ".file.chunkcp-part", "victim")
		})
	}
}

func TestDestinationThatIsNoFile(t *testing.T) {
	dir := t.TempDir()
	fifo := filepath.Join(dir, "fifo")
	if err := syscall.Mkfifo(fifo, 0o666); err != nil {
		t.Fatal(err)
	}
	toDevice, toDir := filepath.Join(dir, "to device"), filepath.Join(dir, "to directory")
	if err := errors.Join(os.Symlink(os.DevNull, toDevice), os.Symlink(dir, toDir)); err != nil {
		t.Fatal(err)
	}
	for dest, want := range map[string]error{
		os.DevNull: errNotFile, fifo: errNotFile, toDevice: errNotFile, toDir: syscall.EISDIR,
	} {
		if _, err := Create(dest, 3, Option{}); !errors.Is(err, want) {
			t.Errorf("Create(%s) = %v, want %v", dest, err, want)
		}
	}
	wantNames(t, dir, "fifo", "to device", "to directory")
}

// Something that must not be replaced appears while the fetch runs.
func TestFIFOAppearsUnderTheFetch(t *testing.T) {
	dest := filepath.Join(t.TempDir(), "file")
	p := create(t, dest, 3, Option{})
	write(t, p, "new")
	if err := syscall.Mkfifo(dest, 0o666); err != nil {
		t.Fatal(err)
	}
	if err := p.Commit(); !errors.Is(err, errNotFile) {
		t.Fatalf("Commit over a FIFO = %v, want errNotFile", err)
	}
	if got := mode(t, dest).Type(); got != fs.ModeNamedPipe {
		t.Errorf("destination is now %v, want the FIFO", got)
	}
}

func TestLinkIsReplacedAndItsTargetKept(t *testing.T) {
	dir := t.TempDir()
	target, link, dangling := filepath.Join(dir, "target"), filepath.Join(dir, "link"), filepath.Join(dir, "dangling")
	put(t, target, "old")
	if err := errors.Join(os.Symlink(target, link), os.Symlink("nowhere", dangling)); err != nil {
		t.Fatal(err)
	}
	for _, dest := range []string{link, dangling} {
		p := create(t, dest, 3, Option{})
		write(t, p, "new")
		if err := p.Commit(); err != nil {
			t.Fatal(err)
		}
		if info, err := os.Lstat(dest); err != nil || !info.Mode().IsRegular() {
			t.Errorf("%s after the commit: %v, %v; want a regular file", dest, info, err)
		}
		wantContent(t, dest, "new")
	}
	wantContent(t, target, "old")
	wantNames(t, dir, "dangling", "link", "target")
}

func TestMode(t *testing.T) {
	dir := t.TempDir()
	// What a file gets here whose creator asks for 0666.
	plain := filepath.Join(dir, "plain")
	f, err := os.OpenFile(plain, os.O_CREATE|os.O_WRONLY, 0o666)
	if err != nil {
		t.Fatal(err)
	}
	f.Close()
	for i, c := range []struct{ before, option, want fs.FileMode }{ // before: 0 for no file
		{0, 0, mode(t, plain)},
		{0, 0o600, 0o600},
		{0, 0o777, 0o777},
		{0, fs.ModeSetuid | 0o755, 0o755},
		{0o600, 0, 0o600},
		{0o640, 0, 0o640},
		{0o640, 0o604, 0o604},
	} {
		dest := filepath.Join(dir, fmt.Sprint("file", i))
		if c.before != 0 {
			put(t, dest, "old")
			if err := os.Chmod(dest, c.before); err != nil {
				t.Fatal(err)
			}
		}
		// Left with its final mode by a commit that failed.
		put(t, partPath(dest), "left")
		p := create(t, dest, 3, Option{Mode: c.option})
		if got := mode(t, partPath(dest)); got != 0o600 {
			t.Errorf("mode of the part file is %v, want 0600", got)
		}
		write(t, p, "new")
		if err := p.Commit(); err != nil {
			t.Fatal(err)
		}
		if got := mode(t, dest); got != c.want {
			t.Errorf("mode with option %v, where it was %v: %v, want %v", c.option, c.before, got, c.want)
		}
	}
}

// TestALinkHasNoMode: one at the destination is replaced, whatever it leads to or fails to.
func TestALinkHasNoMode(t *testing.T) {
	for _, target := range []string{"wide", "nowhere", "dest", "wide/beyond"} {
		dir := t.TempDir()
		wide, dest := filepath.Join(dir, "wide"), filepath.Join(dir, "dest")
		put(t, wide, "old")
		if err := errors.Join(os.Chmod(wide, 0o777), os.Symlink(target, dest)); err != nil {
			t.Fatal(err)
		}
		p := create(t, dest, 3, Option{})
		write(t, p, "new")
		if err := p.Commit(); err != nil {
			t.Errorf("%s: %v", target, err)
			continue
		}
		if got := mode(t, dest); got != 0o666&^umask() {
			t.Errorf("%s: mode %v", target, got)
		}
	}
}

// TestACommitThatFailsLeavesItPrivate: the part file has its final mode already when the
// name turns out to be taken.
func TestACommitThatFailsLeavesItPrivate(t *testing.T) {
	dest := filepath.Join(t.TempDir(), "file")
	disk := lateRival{rival: func(to string) { put(t, to, "rival") }}
	p := create(t, dest, 3, Option{NoClobber: true, FS: disk})
	write(t, p, "new")
	if err := p.Commit(); !errors.Is(err, ErrExists) {
		t.Fatalf("Commit = %v, want ErrExists", err)
	}
	if got := mode(t, partPath(dest)); got != 0o600 {
		t.Errorf("mode of the part file is %v, want 0600", got)
	}
}

func mode(t *testing.T, path string) fs.FileMode {
	t.Helper()
	info, err := os.Lstat(path)
	if err != nil {
		t.Fatal(err)
	}
	return info.Mode()
}

func TestRenameWithoutReplace(t *testing.T) {
	for name, rename := range map[string]func(from, to string) error{
		"system": renameNew, "link": linkNew,
	} {
		dir := t.TempDir()
		from, to := filepath.Join(dir, "from"), filepath.Join(dir, "to")
		put(t, from, "new")
		put(t, to, "old")
		if err := rename(from, to); !errors.Is(err, fs.ErrExist) {
			t.Errorf("%s: rename over a file = %v, want ErrExist", name, err)
		}
		wantContent(t, to, "old")
		if err := os.Remove(to); err != nil {
			t.Fatal(err)
		}
		if err := rename(from, to); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		wantContent(t, to, "new")
		wantNames(t, dir, "to")
	}
}

// What is planted in the journal's place is neither followed nor waited for, and
// costs the fetch its resume only.
func TestPlantedJournalIsRefused(t *testing.T) {
	for name, plant := range map[string]func(path, victim string) error{
		"symlink":   func(path, victim string) error { return os.Symlink(victim, path) },
		"fifo":      func(path, _ string) error { return syscall.Mkfifo(path, 0o666) },
		"directory": func(path, _ string) error { return os.Mkdir(path, 0o777) },
	} {
		for _, resumed := range []bool{false, true} {
			dir := t.TempDir()
			dest, victim := filepath.Join(dir, "file"), filepath.Join(dir, "victim")
			put(t, victim, "precious")
			if resumed {
				put(t, partPath(dest), "left")
			}
			if err := plant(journalPath(dest), victim); err != nil {
				t.Fatal(err)
			}
			p := create(t, dest, 4, inFours)
			wantResumed(t, p)
			note(t, p, 0, "abcd")
			err := p.Checkpoint()
			if !errors.Is(err, ErrJournal) || !errors.Is(err, errForeignPart) || !strings.Contains(err.Error(), journalPath(dest)) {
				t.Errorf("%s: Checkpoint = %v, want ErrJournal, errForeignPart and the path", name, err)
			}
			if err := p.Commit(); err != nil {
				t.Errorf("%s: Commit = %v", name, err)
			}
			wantContent(t, dest, "abcd")
			wantContent(t, victim, "precious")
			wantNames(t, dir, ".file.chunkcp-journal", "file", "victim")
		}
	}
}

// A second name may be in a directory of somebody else: it is not written.
func TestJournalWithASecondNameIsNotWritten(t *testing.T) {
	dir := t.TempDir()
	dest, victim := filepath.Join(dir, "file"), filepath.Join(dir, "victim")
	put(t, victim, "precious")
	put(t, partPath(dest), "left")
	if err := os.Link(victim, journalPath(dest)); err != nil {
		t.Skip("no hard links here:", err)
	}
	p := create(t, dest, 4, inFours)
	note(t, p, 0, "abcd")
	checkpoint(t, p)
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	wantContent(t, victim, "precious")
	if got := mode(t, victim); got != 0o644&^umask() {
		t.Errorf("mode of the other name is %v", got)
	}
	if got := mode(t, journalPath(dest)); got != 0o600 {
		t.Errorf("mode of the journal is %v, want 0600", got)
	}
	p = create(t, dest, 4, inFours)
	wantResumed(t, p, Record{0, sha256.Sum256([]byte("abcd"))})
}

// Left by a user who was curious.
func TestJournalIsPrivateAgain(t *testing.T) {
	dest := filepath.Join(t.TempDir(), "file")
	p := create(t, dest, 4, inFours)
	r := note(t, p, 0, "abcd")
	closePart(t, p)
	if err := os.Chmod(journalPath(dest), 0o666); err != nil {
		t.Fatal(err)
	}
	wantResumed(t, create(t, dest, 4, inFours), r)
	if got := mode(t, journalPath(dest)); got != 0o600 {
		t.Errorf("mode of the journal is %v, want 0600", got)
	}
}

// A directory in which nothing can be made or removed costs the resume only.
func TestJournalThatCannotBeMade(t *testing.T) {
	if os.Geteuid() == 0 {
		t.Skip("root may write anywhere")
	}
	dir := t.TempDir()
	dest := filepath.Join(dir, "file")
	put(t, partPath(dest), "left")
	if err := os.Chmod(dir, 0o500); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.Chmod(dir, 0o700) })
	p := create(t, dest, 4, inFours)
	note(t, p, 0, "abcd")
	if err := p.Checkpoint(); !errors.Is(err, ErrJournal) || !errors.Is(err, fs.ErrPermission) {
		t.Errorf("Checkpoint = %v, want ErrJournal and EACCES", err)
	}
	if err := p.Close(); err != nil {
		t.Errorf("Close = %v", err)
	}
	wantContent(t, partPath(dest), "abcd")
}

// TestPartFileOfAnotherUser: in a directory where others may make files one may
// have been made in advance, to be written to once it has its final name.
func TestPartFileOfAnotherUser(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can make files for others")
	}
	const other = 54321
	for _, tt := range []struct {
		mode    os.FileMode
		owner   int
		refused bool
	}{
		{0o777 | os.ModeSticky, 0, true}, {0o777, 0, true}, {0o770, 0, true}, {0o755, other, true},
		{0o755, 0, false}, {0o700, 0, false}, // nobody else could have put it there
	} {
		for _, path := range []func(string) string{partPath, journalPath} {
			dir := filepath.Join(t.TempDir(), "dir")
			dest := filepath.Join(dir, "file")
			if err := os.Mkdir(dir, 0o700); err != nil {
				t.Fatal(err)
			}
			put(t, path(dest), "")
			if err := errors.Join(os.Chown(path(dest), other, other), os.Chown(dir, tt.owner, -1), os.Chmod(dir, tt.mode)); err != nil {
				t.Fatal(err)
			}
			file, err := (osFS{}).Open(path(dest))
			if err == nil {
				file.Close()
			}
			if tt.refused != errors.Is(err, errOthersPart) {
				t.Errorf("%s in a directory of %d with mode %v: %v", filepath.Base(path(dest)), tt.owner, tt.mode, err)
			}
		}
	}
	dest := filepath.Join(t.TempDir(), "file")
	if err := os.Chmod(filepath.Dir(dest), 0o777|os.ModeSticky); err != nil {
		t.Fatal(err)
	}
	p, err := Create(dest, 3, Option{}) // our own
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
}
