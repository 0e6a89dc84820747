package treecache

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// TestAgainstModel puts and gets at random beside a list in order of use, with
// room for a few only, and vets the file after each step.
func TestAgainstModel(t *testing.T) {
	dir := filepath.Dir(newCache(t, 0).path)
	run := 0
	rapid.Check(t, func(r *rapid.T) {
		run++
		limit := rapid.Int64Range(valueBytes(0), 20_000).Draw(r, "limit")
		c := openCache(t, fmt.Sprintf("%s/%d", dir, run), limit)
		var model []file // the least recently used first
		for range rapid.IntRange(1, 25).Draw(r, "steps") {
			later(c, usedGrain+time.Second)
			f := newFile(rapid.IntRange(0, 8).Draw(r, "file"), rapid.SampledFrom([]int{1, 2, 20, 120, 400}).Draw(r, "pieces"))
			same := func(other file) bool { return other.key == f.key }
			known := slices.ContainsFunc(model, same)
			if rapid.Bool().Draw(r, "put") {
				mustPut(t, c, f)
				known = valueBytes(f.key.Size) <= limit
			} else if has(t, c, f) != known {
				r.Fatalf("file %d is found: %v, want %v", f.key.Inode, !known, known)
			}
			if known {
				model = append(slices.DeleteFunc(model, same), f)
			}
			for total(model) > limit {
				model = model[1:]
			}
			mustPass(t, c.path)
		}
		mustHave(t, c, model...)
	})
}

func total(files []file) (n int64) {
	for _, f := range files {
		n += valueBytes(f.key.Size)
	}
	return n
}

// branchOf returns where a branch page begins.
func branchOf(t *testing.T, data []byte) int {
	t.Helper()
	m, err := readMeta(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	reached := vetting{file: bytes.NewReader(data), pages: m.pages, seen: make([]uint64, m.pages/64+1)}
	if err := reached.tree(m.root, span{}, bucketFlag, 0); err != nil {
		t.Fatal(err)
	}
	for id := uint64(2); id < m.pages; id++ {
		at := int(id) * pageBytes
		if reached.has(id) && native.Uint64(data[at:]) == id && native.Uint16(data[at+8:]) == branchPage {
			return at
		}
	}
	t.Fatal("the tree of the test has no branch")
	return 0
}

// TestDamageThatNothingCanRecoverFrom has what makes bbolt end the process: a
// branch that leads to itself (the stack ends), and a list of free pages of
// which there are more than any memory holds; and what makes it write over pages
// that are in use.
func TestDamageThatNothingCanRecoverFrom(t *testing.T) {
	files := someFiles()
	whole := smallDatabase(t, files)
	path := newCache(t, 0).path
	branch := branchOf(t, whole)
	m, _ := readMeta(bytes.NewReader(whole))
	for name, damage := range map[string]func(data []byte){
		"branch to itself": func(data []byte) {
			native.PutUint64(data[branch+pageHeader+8:], uint64(branch/pageBytes))
		},
		"endless free pages": func(data []byte) {
			at := int(m.freelist) * pageBytes
			native.PutUint16(data[at+10:], 0xffff)
			native.PutUint64(data[at+pageHeader:], 1<<40)
		},
		"page that is used and free": func(data []byte) {
			at := int(m.freelist) * pageBytes
			count := native.Uint16(data[at+10:])
			native.PutUint16(data[at+10:], count+1)
			native.PutUint64(data[at+pageHeader+8*int(count):], uint64(branch/pageBytes))
		},
		"page that is neither": func(data []byte) {
			at := int(m.freelist)*pageBytes + 10
			native.PutUint16(data[at:], native.Uint16(data[at:])-1)
		},
		"endless overflow": func(data []byte) { native.PutUint32(data[branch+12:], 1<<32-1) },
		"leaf without keys": func(data []byte) {
			child := int(native.Uint64(data[branch+pageHeader+8:])) * pageBytes
			native.PutUint16(data[child+10:], 0)
		},
		"key of 4 GiB": func(data []byte) { native.PutUint32(data[branch+pageHeader+4:], 1<<32-1) },
		"keys in disorder": func(data []byte) {
			key := branch + pageHeader + int(native.Uint32(data[branch+pageHeader:]))
			data[key] ^= 0x80
		},
	} {
		data := bytes.Clone(whole)
		damage(data)
		if err := vet(bytes.NewReader(data), int64(len(data))); err == nil {
			t.Fatalf("%s: passes", name)
		} else {
			t.Logf("%s: %v", name, err)
		}
		if found := mustSurvive(t, path, data, files); found != 0 {
			t.Errorf("%s: %d lists were found in a file begun anew", name, found)
		}
	}
}

// FuzzVet: whatever the bytes, vet returns.
func FuzzVet(f *testing.F) {
	files := someFiles()[:12]
	c := newCache(f, 0)
	mustPut(f, c, files...)
	whole, err := os.ReadFile(c.path)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(uint16(0), []byte{})
	f.Add(uint16(2*pageBytes+8), []byte{1, 0, 255, 255})
	f.Fuzz(func(t *testing.T, at uint16, patch []byte) {
		data := bytes.Clone(whole)
		if int(at) < len(data) {
			copy(data[at:], patch)
		}
		err := vet(bytes.NewReader(data), int64(len(data)))
		if bytes.Equal(data, whole) && err != nil {
			t.Errorf("a whole file does not pass: %v", err)
		}
	})
}
