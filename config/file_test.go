package config

import (
	_ "embed"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"syscall"
	"testing"
	"time"

	"chunkcp/internal/secure"
)

// keyText is the key of the bytes 0 to 31.
const keyText = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="

//go:embed testdata/example.toml
var example []byte

func testKey(t *testing.T) *secure.PublicKey {
	t.Helper()
	key, err := secure.ParsePublicKey(keyText)
	if err != nil {
		t.Fatal(err)
	}
	return &key
}

func TestDocumentedExample(t *testing.T) {
	got, err := Parse("example.toml", example)
	if err != nil {
		t.Fatal(err)
	}
	want := &File{
		Path: "example.toml",
		Peers: []Peer{
			{Addr: "10.0.0.7:7440", Key: testKey(t)},
			{Addr: "mirror.example.net:7440", PSKFile: filepath.FromSlash("/etc/chunkcp/mirror.psk")},
			{Addr: "[2001:db8::7]:7441"},
		},
		Serve: Serve{Listen: ":7440", Root: filepath.FromSlash("/srv/files"), PSKFile: "psk", Allow: []secure.PublicKey{*testKey(t)}},
		Fetch: Fetch{Sessions: 8, Timeout: 30 * time.Second},
	}
	if filepath.Separator != '/' {
		want.Serve.Root = got.Serve.Root // "/srv/files" is relative on Windows
		want.Peers[1].PSKFile = got.Peers[1].PSKFile
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

func TestEmptyFileSaysNothing(t *testing.T) {
	got, err := Parse("c.toml", nil)
	if err != nil || !reflect.DeepEqual(got, &File{Path: "c.toml"}) {
		t.Errorf("Parse of nothing = %+v, %v", got, err)
	}
}

func TestOtherSpellingsOfPeers(t *testing.T) {
	for _, text := range []string{
		`peer = [{addr = "a"}, {addr = "b:1"}]`,
		"peer = [\n  {addr = 'A'}, # one\n  {\"addr\" = '''b:1'''},\n]",
		"\xef\xbb\xbf[[peer]]\r\naddr = \"a\"\r\n[[ \"peer\" ]]\r\naddr = \"b:1\"\r\n",
	} {
		got, err := Parse("c.toml", []byte(text))
		want := []Peer{{Addr: "a:7440"}, {Addr: "b:1"}}
		if err != nil || !reflect.DeepEqual(got.Peers, want) {
			t.Errorf("%q: %+v, %v; want the peers %+v", text, got, err, want)
		}
	}
}

func TestRootIsBelowTheConfigFile(t *testing.T) {
	got, err := Parse(filepath.Join("etc", "c.toml"), []byte(`serve = {root = "../files"}`))
	if err != nil || got.Serve.Root != "files" {
		t.Errorf("root = %+v, %v; want files", got, err)
	}
}

func TestPSKFilesAreBelowTheConfigFile(t *testing.T) {
	text := "[serve]\npsk_file = 'a'\n[[peer]]\naddr = 'b'\npsk_file = '../c'\n"
	got, err := Parse(filepath.Join("etc", "c.toml"), []byte(text))
	if err != nil || got.Serve.PSKFile != filepath.Join("etc", "a") || got.Peers[0].PSKFile != "c" {
		t.Errorf("%+v, %v; want etc/a and c", got, err)
	}
}

func TestLoad(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "c.toml")
	for _, c := range []struct {
		name, content, want string
	}{
		{"good", string(example), ""},
		{"largest", "#" + strings.Repeat(" ", maxFile-1), ""},
		{"too large", "#" + strings.Repeat(" ", maxFile), path + ": more than 1048576 bytes: this is no config file"},
		{"bad", "[[peer]]\nadr = 'a'\n", path + ":1: [[peer]] has no addr: write addr = \"10.0.0.7:7440\"\n" +
			path + ":2: unknown key \"adr\": [[peer]] takes addr, key, psk_file"},
	} {
		if err := os.WriteFile(path, []byte(c.content), 0o600); err != nil {
			t.Fatal(err)
		}
		file, err := Load(path)
		if c.want == "" && (err != nil || file.Path != path) || c.want != "" && (err == nil || err.Error() != c.want) {
			t.Errorf("%s: Load = %+v, %v; want the error %q", c.name, file, err, c.want)
		}
	}
}

func TestLoadKeepsTheCause(t *testing.T) {
	path := filepath.Join(t.TempDir(), "c.toml")
	_, err := Load(path)
	var configErr *Error
	if !errors.As(err, &configErr) || !errors.Is(err, syscall.ENOENT) {
		t.Fatalf("Load = %v, want an *Error that wraps ENOENT", err)
	}
	if want := path + ": cannot read the config file: "; !strings.HasPrefix(err.Error(), want) {
		t.Errorf("error %q, want the prefix %q", err, want)
	}
	if strings.Count(err.Error(), path) != 1 {
		t.Errorf("error %q names the path more than once", err)
	}
}
