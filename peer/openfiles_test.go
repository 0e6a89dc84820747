package peer

import (
	"testing"

	"chunkcp/internal/secure"
	"chunkcp/proto"
)

// client is the holder with the n-th address and the key-th key.
func client(n, key int) holder {
	return holder{site(v4(n)), secure.PublicKey{byte(key), byte(key >> 8), 1}}
}

// fillFiles opens files for h until it is refused, and returns how many.
func fillFiles(t *testing.T, r *root, h holder) (n int) {
	t.Helper()
	for ; n < r.shares.most; n++ {
		f, err := r.takeFor(h, "good")
		if err != nil {
			if code := openFailure(err); code != proto.FailBusy {
				t.Fatalf("file %d: %v, code %d", n, err, code)
			}
			return n
		}
		t.Cleanup(func() { r.giveBack(h, f) })
	}
	return n
}

// TestOneClientLeavesFilesToOthers: who opens as many as it can gets half of those
// that there are, and so does who comes next of what is left.
func TestOneClientLeavesFilesToOthers(t *testing.T) {
	for name, h := range map[string]func(i int) holder{
		"one key from many addresses":  func(i int) holder { return client(i, 0) },
		"many keys from one address":   func(i int) holder { return client(0, i) },
		"one key from the one address": func(int) holder { return client(0, 0) },
	} {
		t.Run(name, func(t *testing.T) {
			r, _ := servedTree(t)
			r.shares.most = 64
			total := 0
			for i := range 8 {
				total += fillFiles(t, r, h(i))
			}
			if total != 32 {
				t.Errorf("has %d files of 64", total)
			}
			for i, want := range []int{16, 8, 4, 2, 1} {
				if n := fillFiles(t, r, client(100+i, 100+i)); n != want {
					t.Errorf("client %d after it has %d files, want %d", i, n, want)
				}
			}
		})
	}
}

// TestFilesThatAreGivenBack count no more, and none that could not be opened does.
func TestFilesThatAreGivenBack(t *testing.T) {
	r, _ := servedTree(t)
	f, err := r.takeFor(client(1, 1), "good")
	if err != nil {
		t.Fatal(err)
	}
	for range 100 {
		if _, err := r.takeFor(client(2, 2), "none"); err == nil {
			t.Fatal("what is not there was opened")
		}
	}
	r.giveBack(client(1, 1), f)
	if n := r.open.Load(); n != 0 || len(r.shares.byAddr) != 0 || len(r.shares.byKey) != 0 {
		t.Errorf("%d files are counted as open, of %v, %v", n, r.shares.byAddr, r.shares.byKey)
	}
}

// TestDescriptorsSuffice for the files that a server may hold open.
func TestDescriptorsSuffice(t *testing.T) {
	most := openFileLimit()
	if most < 1 || most > maxOpenFiles || uint64(most) >= descriptorLimit() {
		t.Errorf("%d files with %d descriptors", most, descriptorLimit())
	}
}
