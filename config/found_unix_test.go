//go:build unix

package config

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// read finds and reads the config and fails the test if that waits for anything.
func (p *place) read(explicit string) (*File, error) {
	p.t.Helper()
	type result struct {
		file *File
		err  error
	}
	done := make(chan result, 1)
	go func() {
		place, err := Find(explicit, p.getenv)
		if err != nil {
			done <- result{nil, err}
			return
		}
		file, err := place.Load()
		done <- result{file, err}
	}()
	select {
	case r := <-done:
		return r.file, r.err
	case <-time.After(10 * time.Second):
		p.t.Fatal("it hangs")
		return nil, nil
	}
}

// wantRefused fails the test unless the file is refused, for a reason and with
// what to do.
func (p *place) wantRefused(what string, parts ...string) {
	p.t.Helper()
	file, err := p.read("")
	var configErr *Error
	if !errors.As(err, &configErr) {
		p.t.Errorf("%s: %+v, %v; want an *Error", what, file, err)
		return
	}
	for _, part := range append(parts, "; or name it with --config, ") {
		if !strings.Contains(err.Error(), part) {
			p.t.Errorf("%s: error %q does not say %q", what, err, part)
		}
	}
}

func (p *place) wantRead(explicit string) {
	p.t.Helper()
	if file, err := p.read(explicit); err != nil || filepath.Base(file.Serve.Root) != "victim" {
		p.t.Errorf("read(%q) = %+v, %v; want the planted file", explicit, file, err)
	}
}

// plant puts a file where chunkcp looks for its config, which would have a server
// serve what is the victim's, and the victim's own below HOME.
func (p *place) plant() (path string) {
	p.t.Helper()
	p.env["HOME"] = filepath.Join(p.dir, "home")
	own := p.file("home", ".config", "chunkcp", "config.toml")
	path = p.file("chunkcp.toml")
	for file, text := range map[string]string{own: "serve = {root = \"own\"}", path: "serve = {root = \"victim\"}"} {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			p.t.Fatal(err)
		}
	}
	return path
}

func (p *place) chmod(path string, mode fs.FileMode) {
	p.t.Helper()
	if err := os.Chmod(path, mode); err != nil {
		p.t.Fatal(err)
	}
}

// TestAFoundFileOfAnotherUser: in a directory where everybody may make files,
// somebody has made a chunkcp.toml. It is neither believed nor passed over, unless
// it is named.
func TestAFoundFileOfAnotherUser(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can give files away")
	}
	p := newPlace(t)
	p.chmod(p.dir, fs.ModeSticky|0o777)
	path := p.plant()
	p.wantRead("")
	if err := os.Chown(path, 65534, 65534); err != nil {
		t.Fatal(err)
	}
	p.wantRefused("another user's file", "chunkcp.toml belongs to another user (uid 65534)")
	p.wantRead(path)
	p.env["CHUNKCP_CONFIG"] = path
	p.wantRead("")

	// A link of another user chooses among this user's files.
	p.env["CHUNKCP_CONFIG"] = ""
	elsewhere := filepath.Join(p.dir, "elsewhere.toml")
	if err := errors.Join(os.Chown(path, 0, 0), os.Rename(path, elsewhere), os.Symlink(elsewhere, path)); err != nil {
		t.Fatal(err)
	}
	p.wantRead("")
	if err := os.Lchown(path, 65534, 65534); err != nil {
		t.Fatal(err)
	}
	p.wantRefused("another user's link", "belongs to another user (uid 65534)")

	// What lies in the usual place is held to the same.
	own := filepath.Join(p.env["HOME"], ".config", "chunkcp", "config.toml")
	if err := errors.Join(os.Remove(path), os.Chown(own, 65534, 65534)); err != nil {
		t.Fatal(err)
	}
	p.wantRefused("the user's own place", own+" belongs to another user (uid 65534)")
}

// TestAFoundFileThatOthersMayWrite, or put another in the place of.
func TestAFoundFileThatOthersMayWrite(t *testing.T) {
	p := newPlace(t)
	p.chmod(p.dir, 0o755)
	path := p.plant()
	for _, mode := range []fs.FileMode{0o620, 0o602, 0o664, 0o666} {
		p.chmod(path, mode)
		p.wantRefused(mode.String(), "chunkcp.toml is open to other users", "says what is served and who is asked", "run: chmod 6")
		p.wantRead(path)
	}
	for _, mode := range []fs.FileMode{0o400, 0o600, 0o644} {
		p.chmod(path, mode)
		p.wantRead("")
	}
	for _, mode := range []fs.FileMode{0o770, 0o757} {
		p.chmod(p.dir, mode)
		p.wantRefused("directory "+mode.String(), "other users may replace chunkcp.toml", "run: chmod go-w .")
	}
}

// TestAFoundFileThatIsNone: nothing is waited for.
func TestAFoundFileThatIsNone(t *testing.T) {
	p := newPlace(t)
	path := p.plant()
	for what, put := range map[string]func() error{
		"FIFO":      func() error { return syscall.Mkfifo(path, 0o600) },
		"directory": func() error { return os.Mkdir(path, 0o700) },
		"device":    func() error { return os.Symlink("/dev/null", path) },
	} {
		if err := errors.Join(os.Remove(path), put()); err != nil {
			t.Fatal(err)
		}
		p.wantRefused(what, "chunkcp.toml is not a regular file")
	}
}
