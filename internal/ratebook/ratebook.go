// Package ratebook remembers how fast peers were, from one run of the program
// to the next.
//
//	book, err := ratebook.Open(path)
//	rate := book.Rate("10.0.0.7:7440", now)      // bytes per second, 0: nothing known
//	book.Remember("10.0.0.7:7440", rate, now)
//	err = book.Close()                           // writes what is new
//
// What it holds is a first guess for who is to do how much, and worth no error:
// a file that is damaged is as good as none.
//
// # Known limitations
//
// Of two programs that end at the same moment the later one's rates are kept.
package ratebook

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"math"
	"os"
	"slices"
	"sync"
	"time"

	"chunkcp/internal/atomicfile"
)

const (
	// halfLife is the time in which a rate that was remembered loses half its
	// weight, and lifeTime that after which it is forgotten (arbitrary: a
	// server's uplink changes seldom, what else uses it by the hour).
	halfLife = 7 * 24 * time.Hour
	lifeTime = 8 * halfLife

	// newWeight is the part of the last run in what is remembered (arbitrary).
	newWeight = 0.5

	// maxPeers and maxFile bound the file. The oldest peers are left out.
	maxPeers = 1000
	maxFile  = 1 << 20
)

// entry is what is known of one peer.
type entry struct {
	BytesPerSec float64   `json:"bytes_per_sec"`
	At          time.Time `json:"at"`
}

func (e entry) valid() bool {
	return e.BytesPerSec > 0 && !math.IsInf(e.BytesPerSec, 0) && !e.At.IsZero()
}

// Book is an open file of rates. Any goroutine may use it.
type Book struct {
	path string

	mu    sync.Mutex
	peers map[string]entry
	fresh map[string]entry // of this run
}

// Open reads the book at path; there need not be one. An error says that it
// cannot be read; the Book that comes with it is empty, and can be used.
func Open(path string) (*Book, error) {
	b := &Book{path: path, fresh: map[string]entry{}}
	var err error
	b.peers, err = read(path)
	return b, err
}

func read(path string) (map[string]entry, error) {
	peers := map[string]entry{}
	file, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return peers, nil
	}
	if err != nil {
		return peers, err
	}
	defer file.Close()
	data, err := io.ReadAll(io.LimitReader(file, maxFile))
	if err != nil {
		return peers, err
	}
	if err := json.Unmarshal(data, &peers); err != nil {
		return map[string]entry{}, fmt.Errorf("%s: %w", path, err)
	}
	if peers == nil { // the file says null
		peers = map[string]entry{}
	}
	maps.DeleteFunc(peers, func(_ string, e entry) bool { return !e.valid() })
	return peers, nil
}

// Rate returns what can be expected of a peer, in bytes per second: what it did
// last, and less the longer ago that was; 0 if nothing is known.
func (b *Book) Rate(addr string, now time.Time) float64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	e, ok := b.peers[addr]
	age := max(0, now.Sub(e.At))
	if !ok || age > lifeTime {
		return 0
	}
	return e.BytesPerSec * math.Exp2(-float64(age)/float64(halfLife))
}

// Remember notes how fast a peer was in this run.
func (b *Book) Remember(addr string, bytesPerSec float64, now time.Time) {
	e := entry{bytesPerSec, now.Round(time.Second)}
	if old := b.Rate(addr, now); old > 0 {
		e.BytesPerSec = newWeight*bytesPerSec + (1-newWeight)*old
	}
	if !e.valid() {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.peers[addr], b.fresh[addr] = e, e
}

// Close writes the book, if there is anything new in it: what other programs
// have written since it was opened stays.
func (b *Book) Close() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.fresh) == 0 {
		return nil
	}
	peers, err := read(b.path)
	if err != nil {
		peers = map[string]entry{} // damaged: it is written anew
	}
	maps.Copy(peers, b.fresh)
	addrs := slices.SortedFunc(maps.Keys(peers), func(x, y string) int {
		return cmp.Or(peers[y].At.Compare(peers[x].At), cmp.Compare(x, y))
	})
	for _, addr := range addrs[min(len(addrs), maxPeers):] {
		delete(peers, addr)
	}
	data, err := json.MarshalIndent(peers, "", "\t")
	if err != nil {
		return err
	}
	return atomicfile.Write(b.path, append(data, '\n'))
}
