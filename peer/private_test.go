package peer

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"chunkcp/internal/assign"
	"chunkcp/internal/partfile"
	"chunkcp/proto"
)

// put makes a file below dir that holds its own name.
func put(t *testing.T, dir, name string) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(name), 0o600)); err != nil {
		t.Fatal(err)
	}
	return path
}

// wantPrivate fails the test if a name is served, or told from one that is absent.
func wantPrivate(t *testing.T, r *root, names ...string) {
	t.Helper()
	for _, name := range names {
		f, err := openSoon(t, r, name)
		if err == nil {
			f.close()
		}
		if !errors.Is(err, errPrivate) || openFailure(err) != proto.FailNotFound {
			t.Errorf("%s: %v, want %v", name, err, errPrivate)
		}
	}
}

func wantServed(t *testing.T, r *root, names ...string) {
	t.Helper()
	for _, name := range names {
		f, err := openSoon(t, r, name)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		f.close()
	}
}

// TestOwnFilesAreNotServed: the root is a home directory, where the server keeps
// its key.
func TestOwnFilesAreNotServed(t *testing.T) {
	r, dir := servedTree(t)
	state := filepath.Join(dir, ".local", "state", "chunkcp")
	key := put(t, state, "key")
	known := put(t, state, "known_peers")
	config := put(t, dir, "chunkcp.toml")
	psk := put(t, dir, "keys/lab.psk")
	put(t, dir, "keys/readme")
	put(t, dir, ".local/state/another")
	own := []string{".local/state/chunkcp/key", ".local/state/chunkcp/known_peers", "chunkcp.toml", "keys/lab.psk"}
	wantServed(t, r, own...)

	private := []string{"", state, config, psk, psk, filepath.Join(dir, "none"), filepath.Join(dir, "none", "none")}
	r.private.Store(newPrivate(private))
	wantPrivate(t, r, own...)
	wantServed(t, r, "good", "sub/deep", "keys/readme", ".local/state/another")

	// A key that the config names by now.
	(&Server{&server{root: r}}).SetPrivate(append(private, filepath.Join(dir, "keys", "readme")))
	wantPrivate(t, r, "keys/readme", "keys/lab.psk")

	// Another name of the same file, and another file of the same name.
	if err := os.Link(key, filepath.Join(dir, "sub", "hard")); err != nil {
		t.Fatal(err)
	}
	wantPrivate(t, r, "sub/hard")
	if err := os.Symlink("../chunkcp.toml", filepath.Join(dir, "sub", "soft")); err != nil {
		t.Skip("no symbolic links here:", err)
	}
	wantPrivate(t, r, "sub/soft")
	if err := os.Rename(put(t, state, "known_peers.new"), known); err != nil {
		t.Fatal(err)
	}
	wantPrivate(t, r, ".local/state/chunkcp/known_peers")
	if n := r.open.Load(); n != 0 {
		t.Errorf("%d files are counted as open", n)
	}
}

// TestPartFilesAreNotServed: a server's root may be where its host fetches to, and
// what is under way there is not known to be right.
func TestPartFilesAreNotServed(t *testing.T) {
	r, dir := servedTree(t)
	part, err := partfile.Create(filepath.Join(dir, "big"), assign.PieceBytes, partfile.Option{})
	if err != nil {
		t.Fatal(err)
	}
	part.Note(partfile.Record{})
	if err := errors.Join(part.Checkpoint(), part.Close()); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{".big.chunkcp-part", ".big.chunkcp-journal"} {
		if _, err := os.Stat(filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
		wantPrivate(t, r, name)
	}
	wantPrivate(t, r, "sub/.x.chunkcp-part", ".BIG.ChunkCP-Part", ".big.chunkcp-part.", ".big.chunkcp-journal ")
	put(t, dir, "notes.chunkcp-part")
	put(t, dir, ".chunkcp-parts")
	wantServed(t, r, "notes.chunkcp-part", ".chunkcp-parts")
}
