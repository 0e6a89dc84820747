package secure

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"
)

// firstContact is late in the day west of Greenwich: the file has the day in UTC.
var firstContact = time.Date(2026, 3, 9, 23, 30, 0, 0, time.FixedZone("", -3600))

func testKey(b byte) PublicKey { return PublicKey{b, 0xff} }

func openKnownPeers(t *testing.T, path string) *KnownPeers {
	t.Helper()
	k, err := OpenKnownPeers(path)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func remember(t *testing.T, k *KnownPeers, addr string, key PublicKey) {
	t.Helper()
	if err := k.Remember(addr, key, firstContact); err != nil {
		t.Fatal(err)
	}
}

func wantFile(t *testing.T, path, want string) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if string(data) != want {
		t.Errorf("file is\n%s\nwant\n%s", data, want)
	}
}

// TestTrustAtFirstContact goes the way of a server: unknown, remembered,
// recognised in a later run, refused with another key, accepted again on purpose.
func TestTrustAtFirstContact(t *testing.T) {
	path := filepath.Join(t.TempDir(), "new", "known_peers")
	const addr = "files.example:7440"
	old, changed := testKey(1), testKey(2)

	k := openKnownPeers(t, path)
	if err := k.Check(addr, old); !errors.Is(err, ErrUnknownPeer) {
		t.Errorf("first contact: %v, want ErrUnknownPeer", err)
	}
	remember(t, k, "10.0.0.7:7440", testKey(9))
	remember(t, k, addr, old)
	remember(t, k, addr, old) // no change
	wantFile(t, path, fmt.Sprintf("10.0.0.7:7440 %s 2026-03-10\n%s %s 2026-03-10\n", testKey(9), addr, old))
	if runtime.GOOS != "windows" {
		wantMode(t, path, 0o600)
		wantMode(t, filepath.Dir(path), os.ModeDir|0o700)
	}
	wantOnly(t, filepath.Dir(path), "known_peers", "known_peers.lock")

	k = openKnownPeers(t, path)
	if err := k.Check(addr, old); err != nil {
		t.Errorf("the same key in a later run: %v", err)
	}
	if err := k.Check("FILES.example:7440", old); !errors.Is(err, ErrUnknownPeer) {
		t.Errorf("an address is taken as written: %v", err)
	}
	for what, err := range map[string]error{
		"Check":    k.Check(addr, changed),
		"Remember": k.Remember(addr, changed, firstContact),
	} {
		var mismatch *KeyChangedError
		if !errors.As(err, &mismatch) {
			t.Fatalf("%s of another key: %v, want a KeyChangedError", what, err)
		}
		if want := (KeyChangedError{addr, old, changed, time.Date(2026, 3, 10, 0, 0, 0, 0, time.UTC), path, 2}); *mismatch != want {
			t.Errorf("%s: %#v, want %#v", what, *mismatch, want)
		}
		for _, part := range []string{addr, "HAS CHANGED", old.String(), changed.String(), fmt.Sprintf("%s:2", path), "chunkcp peers forget " + addr} {
			if !strings.Contains(err.Error(), part) {
				t.Errorf("%s: the error does not say %q:\n%v", what, part, err)
			}
		}
	}

	if err := k.Forget(addr); err != nil {
		t.Fatal(err)
	}
	if err := k.Forget(addr); !errors.Is(err, ErrUnknownPeer) {
		t.Errorf("forgotten twice: %v", err)
	}
	remember(t, k, addr, changed)
	if err := k.Check(addr, changed); err != nil {
		t.Errorf("the key that was accepted: %v", err)
	}
	if all := k.All(); len(all) != 2 || all[1].Addr != addr || all[1].Key != changed || all[1].Line != 2 || !all[1].Since.Equal(time.Date(2026, 3, 10, 0, 0, 0, 0, time.UTC)) {
		t.Errorf("All is %v", all)
	}
}

func TestKnownPeersKeepsWhatTheUserWrote(t *testing.T) {
	path := filepath.Join(t.TempDir(), "known_peers")
	text := "# servers of the lab\r\n\r\n  a:1\t" + testKey(1).String() + "  2026-01-02 \r\n# the last line has no end\nb:2 " + testKey(2).String() + " 2026-01-03"
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	k := openKnownPeers(t, path)
	remember(t, k, "c:3", testKey(3))
	added := text + "\nc:3 " + testKey(3).String() + " 2026-03-10\n"
	wantFile(t, path, added)
	if err := k.Forget("a:1"); err != nil {
		t.Fatal(err)
	}
	wantFile(t, path, strings.Replace(added, "  a:1\t"+testKey(1).String()+"  2026-01-02 \r\n", "", 1))
	for _, addr := range []string{"b:2", "c:3"} {
		if err := k.Forget(addr); err != nil {
			t.Fatal(err)
		}
	}
	wantFile(t, path, "# servers of the lab\r\n\r\n# the last line has no end\n")
}

func TestMalformedKnownPeers(t *testing.T) {
	key := testKey(1).String()
	for name, c := range map[string]struct{ text, want string }{
		"two fields":     {"a:1 " + key + "\n", ":1: want HOST:PORT KEY DATE, have 2 fields"},
		"four fields":    {"\na:1 " + key + " 2026-01-02 x\n", ":2: want HOST:PORT KEY DATE, have 4 fields"},
		"key":            {"# c\na:1 " + key[1:] + " 2026-01-02\n", ":2: public key"},
		"date":           {"a:1 " + key + " yesterday\n", ":1: date \"yesterday\" is malformed"},
		"long address":   {strings.Repeat("a", 300) + " " + key + " 2026-01-02\n", ":1: address"},
		"terminal codes": {"\x1b[2Ja:1 " + key + " 2026-01-02\n", `:1: address "\x1b[2Ja:1" has`},
		"twice":          {"a:1 " + key + " 2026-01-02\na:1 " + key + " 2026-01-02\n", ":2: a:1 is on line 1 already"},
	} {
		path := filepath.Join(t.TempDir(), "known_peers")
		if err := os.WriteFile(path, []byte(c.text), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := OpenKnownPeers(path)
		if err == nil || !strings.Contains(err.Error(), path+c.want) || !strings.HasSuffix(err.Error(), "; correct the line or delete it") {
			t.Errorf("%s: error %v, want %s", name, err, path+c.want)
		}
	}
}

func TestRememberRefusesWhatItCouldNotRead(t *testing.T) {
	path := filepath.Join(t.TempDir(), "known_peers")
	k := openKnownPeers(t, path)
	for _, addr := range []string{"", "#a:1", "a b:1", "a:1\nb:2", "\x1b]0;x:1", "a\u00a0b:1", "a\xff:1", strings.Repeat("a", 262)} {
		if err := k.Remember(addr, testKey(1), firstContact); err == nil {
			t.Errorf("address %q was remembered", addr)
		}
	}
	if err := k.Remember("a:1", testKey(1), time.Date(12026, 1, 1, 0, 0, 0, 0, time.UTC)); err == nil {
		t.Error("a year of five digits was remembered")
	}
	if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a refused address left a file: %v", err)
	}
	remember(t, k, "[fe80::1%eth0]:7440", testKey(1))
	remember(t, k, strings.Repeat("a", 255)+":65535", testKey(1))
	openKnownPeers(t, path)
}

func TestKnownPeersAreBounded(t *testing.T) {
	dir := t.TempDir()
	var text strings.Builder
	for i := range maxKnownPeers {
		fmt.Fprintf(&text, "%0*d %s 2026-01-02\n", maxAddrLen, i, testKey(1))
	}
	full := filepath.Join(dir, "full")
	if err := os.WriteFile(full, []byte(text.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	k := openKnownPeers(t, full) // the most of the longest lines fit
	if err := k.Remember("a:1", testKey(1), firstContact); err == nil || !strings.Contains(err.Error(), "has 10000 peers") {
		t.Errorf("one peer too many: %v", err)
	}
	wantFile(t, full, text.String())
	if _, err := parsePeerTable("f", text.String()+"a:1 "+testKey(1).String()+" 2026-01-02\n"); err == nil {
		t.Error("a file with one peer too many was read")
	}

	// A file full of comments can be read, but has no room for a line.
	comments := filepath.Join(dir, "comments")
	if err := os.WriteFile(comments, []byte(strings.Repeat("#\n", maxKnownPeersFile/2)), 0o600); err != nil {
		t.Fatal(err)
	}
	k = openKnownPeers(t, comments)
	if err := k.Remember("a:1", testKey(1), firstContact); err == nil {
		t.Error("a file was written that cannot be read")
	}
	openKnownPeers(t, comments)
	if err := os.WriteFile(comments, make([]byte, maxKnownPeersFile+1), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenKnownPeers(comments); err == nil || !strings.Contains(err.Error(), "more than 4194304 bytes") {
		t.Errorf("a file too long: %v", err)
	}
}

// TestConcurrentWriters: several KnownPeers of one file, as several processes
// have them, and several goroutines of each, lose none of each other's lines.
// For the address that all of them meet, each with another key, one wins.
func TestConcurrentWriters(t *testing.T) {
	const files, writers, each = 4, 3, 4
	path := filepath.Join(t.TempDir(), "known_peers")
	var wg sync.WaitGroup
	var mu sync.Mutex
	var winners []PublicKey
	for f := range files {
		k := openKnownPeers(t, path)
		for w := range writers {
			wg.Go(func() {
				for n := range each {
					addr := fmt.Sprintf("peer-%d-%d-%d:1", f, w, n)
					if err := k.Remember(addr, testKey(byte(n)), firstContact); err != nil {
						t.Error(err)
					}
					if err := k.Check(addr, testKey(byte(n))); err != nil {
						t.Error(err)
					}
					k.All()
				}
				key := testKey(byte(f*writers + w))
				var mismatch *KeyChangedError
				switch err := k.Remember("contested:1", key, firstContact); {
				case err == nil:
					mu.Lock()
					winners = append(winners, key)
					mu.Unlock()
				case !errors.As(err, &mismatch):
					t.Error(err)
				}
			})
		}
	}
	wg.Wait()
	k := openKnownPeers(t, path)
	if got, want := len(k.All()), files*writers*each+1; got != want {
		t.Errorf("the file has %d peers, want %d", got, want)
	}
	if len(winners) != 1 || k.Check("contested:1", winners[0]) != nil {
		t.Errorf("winners of the contested address: %v", winners)
	}
	wantOnly(t, filepath.Dir(path), "known_peers", "known_peers.lock")
}

func FuzzParsePeerTable(f *testing.F) {
	f.Add("# comment\r\na:1 " + testKey(1).String() + " 2026-01-02\n\nb:2 " + testKey(2).String() + " 2026-01-02")
	f.Add("a:1 " + testKey(1).String() + " 2026-01-02\na:1 " + testKey(1).String() + " 2026-01-02")
	f.Add("\x00\xff#\u2028")
	f.Fuzz(func(t *testing.T, text string) {
		table, err := parsePeerTable("f", text)
		if err != nil {
			return
		}
		peers := table.peers()
		if len(peers) != len(table.byAddr) {
			t.Fatalf("%d peers, %d addresses", len(peers), len(table.byAddr))
		}
		// Whatever could be read can be changed, and read again.
		added, err := parsePeerTable("f", table.with(KnownPeer{Addr: "peer:1", Key: testKey(7), Since: firstContact}))
		if _, taken := table.byAddr["peer:1"]; taken {
			return
		}
		if err != nil || len(added.byAddr) != len(peers)+1 {
			t.Fatalf("with a peer more: %v", err)
		}
		for _, p := range peers {
			if got := added.byAddr[p.Addr]; got.Key != p.Key || got.Line != p.Line {
				t.Errorf("%v became %v as another peer was added", p, got)
			}
			less, err := parsePeerTable("f", added.without(p))
			if err != nil || len(less.byAddr) != len(peers) || less.byAddr[p.Addr].Line != 0 {
				t.Errorf("without %v: %v", p, err)
			}
		}
	})
}
