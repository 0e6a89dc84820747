package secure

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"chunkcp/internal/atomicfile"
)

// ErrUnknownPeer reports an address that no key is remembered for.
var ErrUnknownPeer = errors.New("no key is remembered for this address")

// KeyChangedError reports a peer whose key is not the one remembered for its address.
type KeyChangedError struct {
	Addr           string
	Known, Offered PublicKey
	Since          time.Time // the day when Known was remembered
	File           string
	Line           int // of Known in File
}

func (e *KeyChangedError) Error() string {
	return fmt.Sprintf(`the key of %s HAS CHANGED: someone may be posing as this server!
  remembered: %s since %s (%s:%d)
  offered:    %s
only if its operator confirms that the offered key is the server's new one, run: chunkcp peers forget %s`,
		e.Addr, e.Known, e.Since.Format(time.DateOnly), e.File, e.Line, e.Offered, e.Addr)
}

// KnownPeers is a known_peers file: the keys that servers had at first contact.
// A line is
//
//	HOST:PORT KEY DATE
//
// with the address as the user wrote it in the config, the key in base64 and
// the day of first contact, UTC. Lines that begin with # are comments, and are kept.
//
// Its methods may be called by any number of goroutines, while other processes
// use the file.
type KnownPeers struct {
	path    string
	writing sync.Mutex // held by the one goroutine that rewrites the file
	table   atomic.Pointer[peerTable]
}

// OpenKnownPeers reads the file at path. A missing file is an empty one; it is
// made by the first Remember. On unix a file that others may write to, or own, is refused:
// whoever adds a line to it decides whom this host believes.
func OpenKnownPeers(path string) (*KnownPeers, error) {
	k := &KnownPeers{path: path}
	if err := k.reload(); err != nil {
		return nil, err
	}
	return k, nil
}

// Check returns nil if key is the one remembered for addr, ErrUnknownPeer if
// none is, and a *KeyChangedError if it is another. It knows the file as it was
// when it was opened or last changed through k.
func (k *KnownPeers) Check(addr string, key PublicKey) error {
	return k.check(k.table.Load(), addr, key)
}

func (k *KnownPeers) check(t *peerTable, addr string, key PublicKey) error {
	switch known, ok := t.byAddr[addr]; {
	case !ok:
		return ErrUnknownPeer
	case known.Key != key:
		return &KeyChangedError{Addr: addr, Known: known.Key, Offered: key, Since: known.Since, File: k.path, Line: known.Line}
	}
	return nil
}

// Remember adds a peer met for the first time, now. It never replaces a key:
// for an address that has another one by now, be it that another process was
// first, it returns a *KeyChangedError. To remember what is known is no change.
func (k *KnownPeers) Remember(addr string, key PublicKey, now time.Time) error {
	if err := checkAddr(addr); err != nil {
		return fmt.Errorf("remember peer: %w", err)
	}
	return k.update(func(t *peerTable) (string, error) {
		if err := k.check(t, addr, key); !errors.Is(err, ErrUnknownPeer) {
			return t.text, err
		}
		if len(t.byAddr) >= maxKnownPeers {
			return "", fmt.Errorf("%s has %d peers, the most it may; delete lines of peers no longer used", k.path, maxKnownPeers)
		}
		return t.with(KnownPeer{Addr: addr, Key: key, Since: now}), nil
	})
}

// Forget removes the line of addr. It returns ErrUnknownPeer if there is none.
func (k *KnownPeers) Forget(addr string) error {
	return k.update(func(t *peerTable) (string, error) {
		known, ok := t.byAddr[addr]
		if !ok {
			return "", ErrUnknownPeer
		}
		return t.without(known), nil
	})
}

// All returns the peers in the order of the file, as Check knows it.
func (k *KnownPeers) All() []KnownPeer { return k.table.Load().peers() }

// update replaces the text of the file by what change makes of it.
func (k *KnownPeers) update(change func(*peerTable) (string, error)) error {
	k.writing.Lock()
	defer k.writing.Unlock()
	if err := os.MkdirAll(filepath.Dir(k.path), 0o700); err != nil {
		return fmt.Errorf("known peers: %w", err)
	}
	if err := checkParent(k.path); err != nil {
		return fmt.Errorf("known peers: %w", err)
	}
	unlock, err := lockFile(k.path + ".lock")
	if err != nil {
		return fmt.Errorf("known peers: %w", err)
	}
	defer unlock()
	if err := k.reload(); err != nil {
		return err
	}
	before := k.table.Load()
	text, err := change(before)
	if err != nil || text == before.text {
		return err
	}
	// What could not be read again is not written.
	table, err := parsePeerTable(k.path, text)
	if err != nil {
		return err
	}
	if err := atomicfile.Write(k.path, []byte(text)); err != nil {
		return fmt.Errorf("known peers: %w", err)
	}
	k.table.Store(table)
	return nil
}

func (k *KnownPeers) reload() error {
	data, err := readLimited(k.path, maxKnownPeersFile)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("known peers: %w", err)
	}
	table, err := parsePeerTable(k.path, string(data))
	if err != nil {
		return err
	}
	k.table.Store(table)
	return nil
}

// readLimited reads the file at path, and one byte more than limit if there are as many.
func readLimited(path string, limit int64) ([]byte, error) {
	f, err := openRegular(path, writeAccess, "says which servers are believed")
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, limit+1))
}
