package config

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
)

// place is a directory to search in: its files are the ones that a test names.
type place struct {
	t   *testing.T
	dir string
	env map[string]string
}

// newPlace makes an empty directory, the working directory of the test.
func newPlace(t *testing.T) *place {
	dir := t.TempDir()
	t.Chdir(dir)
	return &place{t: t, dir: dir, env: map[string]string{}}
}

func (p *place) getenv(name string) string { return p.env[name] }

// file makes an empty file.
func (p *place) file(name ...string) string {
	p.t.Helper()
	path := filepath.Join(append([]string{p.dir}, name...)...)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		p.t.Fatal(err)
	}
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		p.t.Fatal(err)
	}
	return path
}

func (p *place) wantFind(explicit, want string) {
	p.t.Helper()
	if got, err := Find(explicit, p.getenv); err != nil || got.Path != want {
		p.t.Errorf("Find(%q) = %+v, %v; want %q", explicit, got, err, want)
	}
}

// Each file that is added comes before those that were there.
func TestFindOrder(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("the home directory has another variable")
	}
	p := newPlace(t)
	p.wantFind("", "")
	p.env["HOME"] = filepath.Join(p.dir, "home")
	p.wantFind("", "")
	inHome := p.file("home", ".config", "chunkcp", "config.toml")
	p.wantFind("", inHome)
	inXDG := p.file("xdg", "chunkcp", "config.toml")
	p.env["XDG_CONFIG_HOME"] = filepath.Join(p.dir, "xdg")
	p.wantFind("", inXDG)
	p.file("chunkcp.toml")
	p.wantFind("", "chunkcp.toml")
	p.env["CHUNKCP_CONFIG"] = p.file("from-env.toml")
	p.wantFind("", p.env["CHUNKCP_CONFIG"])
	explicit := p.file("explicit.toml")
	p.wantFind(explicit, explicit)
}

func TestFindIgnoresRelativeDirectories(t *testing.T) {
	p := newPlace(t)
	p.file("xdg", "chunkcp", "config.toml")
	p.file("home", ".config", "chunkcp", "config.toml")
	p.env["XDG_CONFIG_HOME"], p.env["HOME"] = "xdg", "home"
	p.wantFind("", "")
}

func TestFindNamedFileMustExist(t *testing.T) {
	p := newPlace(t)
	p.file("chunkcp.toml")
	for _, c := range []struct{ explicit, env, source string }{
		{"missing.toml", "", "--config"},
		{"", "missing.toml", "$CHUNKCP_CONFIG"},
	} {
		p.env["CHUNKCP_CONFIG"] = c.env
		_, err := Find(c.explicit, p.getenv)
		var configErr *Error
		want := "missing.toml: the config file that " + c.source + " names: "
		if !errors.As(err, &configErr) || !errors.Is(err, os.ErrNotExist) || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("Find(%q) with %q = %v, want %s...", c.explicit, c.env, err, want)
		}
	}
}

// A file that may pin keys must not be passed over because it cannot be seen.
func TestFindFileThatCannotBeSeen(t *testing.T) {
	p := newPlace(t)
	if err := os.Symlink("chunkcp.toml", "chunkcp.toml"); err != nil {
		t.Skip("no symbolic links here:", err)
	}
	if _, err := Find("", p.getenv); err == nil || !strings.HasPrefix(err.Error(), "chunkcp.toml: cannot look for a config file: ") {
		t.Errorf("Find with a link to itself = %v, want an error", err)
	}
}

// A home that is no directory, as /dev/null for a service, is no home.
func TestFindHomeThatIsAFile(t *testing.T) {
	p := newPlace(t)
	p.env["HOME"] = p.file("null")
	if _, err := os.Stat(filepath.Join(p.env["HOME"], "x")); runtime.GOOS != "windows" && !errors.Is(err, syscall.ENOTDIR) {
		t.Fatalf("stat below a file = %v, want ENOTDIR", err)
	}
	p.wantFind("", "")
}

func TestStateDir(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("the home directory has another variable")
	}
	for _, c := range []struct{ xdg, home, want string }{
		{"/state", "/home/u", "/state/chunkcp"},
		{"", "/home/u", "/home/u/.local/state/chunkcp"},
		{"relative", "/home/u", "/home/u/.local/state/chunkcp"},
	} {
		env := map[string]string{"XDG_STATE_HOME": c.xdg, "HOME": c.home}
		if got, err := StateDir(func(n string) string { return env[n] }); err != nil || got != c.want {
			t.Errorf("StateDir with %v = %q, %v; want %q", env, got, err, c.want)
		}
	}
	_, err := StateDir(func(string) string { return "" })
	want := "no place for the key: set HOME or XDG_STATE_HOME to an absolute path"
	var configErr *Error
	if !errors.As(err, &configErr) || err.Error() != want {
		t.Errorf("StateDir without a home = %v, want %q", err, want)
	}
}
