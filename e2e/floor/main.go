// Command floor copies a file the way whoever sends it sealed over UDP and verifies it
// must: read, sealed, through the kernel, opened, hashed, written; by chunkcp's own
// ciphers and hash. There is no protocol, nothing waits, and each core hands its datagrams
// to itself, so that they stay in its cache. What it takes is what the machine, its kernel
// and its ciphers take, and no transfer made of them can be faster by much.
//
//	floor FILE COPY
//
// Known limitations: it does not send to another process, which costs more. It is run by
// the bench.
package main

import (
	"errors"
	"fmt"
	"net"
	"os"
	"runtime"
	"sync"
	"sync/atomic"

	"chunkcp/internal/assign"
	"chunkcp/internal/secure"
	"chunkcp/internal/tree"
	"chunkcp/proto"
)

const (
	// header is what a datagram has before its bytes.
	header = proto.SealedHeaderLen + proto.SegmentHeaderLen

	// datagramBytes is the longest datagram of IPv4, and longest how many bytes of the file
	// it carries.
	datagramBytes = 65507
	longest       = datagramBytes - header - secure.Overhead
)

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: floor FILE COPY")
		os.Exit(2)
	}
	if err := run(os.Args[1], os.Args[2]); err != nil {
		fmt.Fprintln(os.Stderr, "floor:", err)
		os.Exit(1)
	}
}

// run copies a file, with a worker on each core.
func run(from, to string) (err error) {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	info, err := in.Stat()
	if err != nil {
		return err
	}
	out, err := os.Create(to)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, out.Close()) }()
	if err := out.Truncate(info.Size()); err != nil {
		return err
	}
	var next atomic.Int64
	failures := make([]error, runtime.GOMAXPROCS(0))
	var running sync.WaitGroup
	for i := range failures {
		running.Go(func() { failures[i] = work(in, out, info.Size(), &next) })
	}
	running.Wait()
	return errors.Join(failures...)
}

// work takes pieces, one after the other, until there are no more.
func work(in, out *os.File, size int64, next *atomic.Int64) error {
	w, err := newWorker()
	if err != nil {
		return err
	}
	defer w.close()
	for {
		i := next.Add(1) - 1
		r := assign.PieceRange(i, size)
		if r.Empty() {
			return nil
		}
		piece := w.piece[:r.Len()]
		if err := w.carry(in, piece, r.Start); err != nil {
			return err
		}
		w.hasher.Sum(piece, i, tree.Pieces(size)) // which nobody asks for
		if _, err := out.WriteAt(piece, r.Start); err != nil {
			return err
		}
	}
}

// worker is both ends of a connection.
type worker struct {
	tx, rx   *net.UDPConn
	sealer   *secure.Sealer
	opener   *secure.Opener
	number   uint64
	hasher   tree.PieceHasher
	datagram []byte
	received []byte
	piece    []byte
}

func newWorker() (*worker, error) {
	w := &worker{
		sealer: secure.NewSealer([32]byte{}, 1<<40), opener: secure.NewOpener([32]byte{}),
		// Each by itself, so that it begins where a page does: some processors copy at a
		// quarter of their speed to a little further in its page than from.
		datagram: make([]byte, datagramBytes), received: make([]byte, datagramBytes), piece: make([]byte, assign.PieceBytes),
	}
	var err error
	if w.rx, err = net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)}); err != nil {
		return nil, err
	}
	if w.tx, err = net.DialUDP("udp4", nil, w.rx.LocalAddr().(*net.UDPAddr)); err != nil {
		return nil, errors.Join(err, w.rx.Close())
	}
	return w, nil
}

func (w *worker) close() {
	w.tx.Close()
	w.rx.Close()
}

// carry fills piece with the bytes of a file from offset on.
func (w *worker) carry(in *os.File, piece []byte, offset int64) error {
	for at := 0; at < len(piece); {
		n := min(longest, len(piece)-at)
		if err := w.send(in, n, offset+int64(at)); err != nil {
			return err
		}
		if err := w.receive(piece[at : at+n : at+n]); err != nil {
			return err
		}
		w.number++
		at += n
		w.hasher.Advance(piece[:at], offset/assign.PieceBytes)
	}
	return nil
}

// send reads n bytes to where they lie in a datagram, seals them there and sends it.
func (w *worker) send(in *os.File, n int, offset int64) error {
	plain := w.datagram[header : header+n]
	if _, err := in.ReadAt(plain, offset); err != nil {
		return err
	}
	sealed := w.sealer.Seal(plain[:0], w.datagram[:header], plain, w.number)
	_, err := w.tx.Write(w.datagram[:header+len(sealed)])
	return err
}

// receive opens a datagram into its place.
func (w *worker) receive(place []byte) error {
	m, err := w.rx.Read(w.received)
	if err != nil {
		return err
	}
	_, err = w.opener.Open(place[:0], w.received[:header], w.received[header:m], 0, w.number)
	return err
}
