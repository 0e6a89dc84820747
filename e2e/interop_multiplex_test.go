package e2e

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"chunkcp/e2e/relay"
	"chunkcp/internal/rangeset"
	"chunkcp/proto"
)

// What a server lets a session have at once (docs/security.md).
const (
	serverFiles    = 16
	serverRequests = 256
)

// multiplex fetches many files in one session, as many at once as it is told.
type multiplex struct {
	*plainSession
	names  []string
	size   int
	at     int              // files at once
	next   int              // the file to open next
	lastID proto.ID         // in use
	file   map[proto.ID]int // by the id of its Open
	get    map[proto.ID]proto.ID
	parts  [][]byte
	had    []int // bytes of each file
	done   int
	most   int // files that were open at once
	failed []*proto.Failed
}

func newMultiplex(s *plainSession, names []string, size, at int) *multiplex {
	m := &multiplex{
		plainSession: s, names: names, size: size, at: at, file: map[proto.ID]int{}, get: map[proto.ID]proto.ID{},
		parts: make([][]byte, len(names)), had: make([]int, len(names)),
	}
	for i := range m.parts {
		m.parts[i] = make([]byte, size)
	}
	s.place, s.message = m.take, m.hear
	return m
}

// open asks for further files, each in one go: to open it, and for its bytes.
func (m *multiplex) open() error {
	for m.next < len(m.names) && len(m.file) < m.at {
		open, get := m.lastID+1, m.lastID+2
		m.lastID = get
		m.file[open], m.get[get] = m.next, open
		err := m.tell(&proto.Open{ID: open, Name: m.names[m.next]},
			&proto.Get{ID: get, File: open, Range: rangeset.Range{End: int64(m.size)}})
		if err != nil {
			return err
		}
		m.next++
	}
	m.most = max(m.most, len(m.file))
	return nil
}

// take takes bytes of a file. One that is whole is closed, and makes room for another.
func (m *multiplex) take(seg *proto.Segment) {
	open := m.get[seg.Request]
	i, ok := m.file[open]
	if !ok || seg.Offset+int64(len(seg.Payload)) > int64(m.size) {
		m.failed = append(m.failed, &proto.Failed{ID: seg.Request, Reason: "bytes that nobody asked for"})
		return
	}
	m.had[i] += copy(m.parts[i][seg.Offset:], seg.Payload)
	if m.had[i] < m.size {
		return
	}
	m.done++
	delete(m.file, open)
	delete(m.get, seg.Request)
	if err := m.tell(&proto.Cancel{ID: open}); err != nil {
		m.failed = append(m.failed, &proto.Failed{ID: open, Reason: err.Error()})
	}
}

func (m *multiplex) hear(message proto.Message) error {
	switch message := message.(type) {
	case *proto.Opened:
		if message.Size != int64(m.size) {
			return fmt.Errorf("a file of %d bytes, want %d", message.Size, m.size)
		}
	case *proto.Failed:
		m.failed = append(m.failed, message)
	}
	return nil
}

// TestInteropMultiplexing: 1,999 files of 32 bytes in one session of the real server,
// and never more open at once than it allows.
func TestInteropMultiplexing(t *testing.T) {
	long(t)
	const files, size = 1999, 32
	i := newInterop(t, "127.0.0.1:0", relay.Config{})
	var names []string
	var want []byte
	content := &pattern{}
	for n := range files {
		b := make([]byte, size)
		_, err := content.Read(b)
		i.check(err)
		names = append(names, fmt.Sprintf("file%04d", n))
		i.check(os.WriteFile(filepath.Join(i.root(), names[n]), b, 0o644))
		want = append(want, b...)
	}
	began := time.Now()
	s, err := openSession(i.relay.Addr(), 1<<20)
	i.check(err)
	defer s.close()
	m := newMultiplex(s, names, size, serverFiles)
	i.check(m.open())
	i.check(s.run(func() bool {
		if err := m.open(); err != nil {
			t.Fatal(err)
		}
		return m.done == files || len(m.failed) > 0
	}))
	took := time.Since(began)
	if len(m.failed) > 0 {
		t.Fatalf("after %d files: %+v", m.done, *m.failed[0])
	}
	if !bytes.Equal(bytes.Join(m.parts, nil), want) {
		t.Error("the files are not what they were")
	}
	if m.most != serverFiles {
		t.Errorf("%d files were open at once, want %d: more were never tried", m.most, serverFiles)
	}
	i.once()
	t.Logf("%d files of %d bytes in %.2f s, %.1f of a round trip for each %d; one session, %d files open at most, none refused",
		files, size, took.Seconds(), took.Seconds()/0.030/files*serverFiles, serverFiles, m.most)
}

// TestInteropManyFiles: of more files at once than a server allows those beyond are
// refused, and their requests.
func TestInteropManyFiles(t *testing.T) {
	t.Parallel()
	const size, beyond = 32, 3
	i := newInterop(t, "127.0.0.1:0", relay.Config{})
	var names []string
	for n := range serverFiles + beyond {
		names = append(names, fmt.Sprintf("file%d", n))
		i.file(names[n], size)
	}
	s, err := openSession(i.relay.Addr(), 1<<20)
	i.check(err)
	defer s.close()
	m := newMultiplex(s, names, size+1, len(names)) // more than they have: none is closed
	opened := 0
	s.message = func(message proto.Message) error {
		if _, ok := message.(*proto.Opened); ok {
			opened++
			return nil
		}
		return m.hear(message)
	}
	i.check(m.open())
	i.check(s.run(func() bool { return opened == len(names) || opened+len(m.failed) >= serverFiles+2*beyond }))
	codes := map[proto.FailCode]int{}
	for _, f := range m.failed {
		codes[f.Code]++
	}
	if opened != serverFiles || codes[proto.FailBusy] != beyond || codes[proto.FailRequest] != beyond {
		t.Errorf("of %d files %d were opened; failures by code: %v", len(names), opened, codes)
	}
	t.Logf("of %d files at once %d were opened, %d refused", len(names), opened, codes[proto.FailBusy])
}

// TestInteropManyRequests: the same for requests. Those of a client that gives no
// credit stay under way, but for one segment now and then that asks for some.
func TestInteropManyRequests(t *testing.T) {
	t.Parallel()
	const size, beyond, finished = 32, 44, 5
	const requests = serverRequests + beyond
	i := newInterop(t, "127.0.0.1:0", relay.Config{})
	i.file("many", requests*size)
	s, err := openSession(i.relay.Addr(), 0)
	i.check(err)
	defer s.close()
	got, had, told := make([]byte, requests*size), 0, false
	refused := map[proto.ID]bool{}
	s.place = func(seg *proto.Segment) { had += copy(got[seg.Offset:], seg.Payload) }
	s.message = func(message proto.Message) error {
		if f, ok := message.(*proto.Failed); ok {
			told = told || f.Code == proto.FailNotFound
			if f.Code == proto.FailBusy {
				refused[f.ID] = true
			}
		}
		return nil
	}
	i.check(s.tell(&proto.Open{ID: 1, Name: "many"}))
	for n := range requests {
		r := rangeset.Range{Start: int64(n * size), End: int64((n + 1) * size)}
		i.check(s.tell(&proto.Get{ID: proto.ID(2 + n), File: 1, Range: r}))
	}
	i.check(s.tell(&proto.Open{ID: 2 + requests, Name: "the answer comes after all others"}))
	i.check(s.run(func() bool { return told }))
	if n := len(refused); n > beyond || n < beyond-finished {
		t.Errorf("%d of %d requests were refused, want %d or a little less", n, requests, beyond)
	}
	s.credit = 1 << 20
	i.check(s.acknowledge(time.Now()))
	i.check(s.run(func() bool { return had >= (requests-len(refused))*size }))
	want := make([]byte, len(got))
	_, err = (&pattern{}).Read(want)
	i.check(err)
	for n := range requests {
		if part := got[n*size : (n+1)*size]; !refused[proto.ID(2+n)] && !bytes.Equal(part, want[n*size:(n+1)*size]) {
			t.Fatalf("request %d, which was not refused, got %x", n, part)
		}
	}
	t.Logf("of %d requests at once %d were refused, and the others served", requests, len(refused))
}
