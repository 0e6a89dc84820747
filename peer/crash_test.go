package peer

import (
	"errors"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	"chunkcp/internal/assign"
	"chunkcp/internal/diskmodel"
	"chunkcp/internal/partfile"
	"chunkcp/internal/rangeset"
	"chunkcp/internal/udp"
	"chunkcp/proto"
)

// faultyNetwork has sockets with a fault.
type faultyNetwork struct {
	simNetwork
	fault func(udp.Conn) udp.Conn
}

func (n faultyNetwork) Dial(raddr netip.AddrPort) (udp.Conn, error) {
	c, err := n.simNetwork.Dial(raddr)
	return n.fault(c), err
}

func (n faultyNetwork) Listen(addr string) ([]udp.Conn, error) {
	conns, err := n.simNetwork.Listen(addr)
	for i := range conns {
		conns[i] = n.fault(conns[i])
	}
	return conns, err
}

// mined panics when it is to write a datagram of some kind, a few times.
type mined struct {
	udp.Conn
	kind proto.Kind
	left *atomic.Int64
}

func (m mined) Write(b []byte, segment int, addr netip.AddrPort) error {
	if proto.KindOf(b) == m.kind && m.left.Add(-1) >= 0 {
		panic("mined")
	}
	return m.Conn.Write(b, segment, addr)
}

// TestAPanicEndsOnlyWhatItIsIn: in the reader (Versions), in a worker
// (HelloReply), in a session of the server and in one of the client.
func TestAPanicEndsOnlyWhatItIsIn(t *testing.T) {
	for name, c := range map[string]struct {
		kind   proto.Kind
		client bool
	}{
		"reader": {proto.KindVersions, false}, "worker": {proto.KindHelloReply, false},
		"session of the server": {proto.KindServerSealed, false}, "session of the client": {proto.KindClientSealed, true},
		"handshake of the client": {proto.KindHello, true},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, 1, 1, 3<<20, strangerLink, func(w *world) {
				const panics = 3
				var left atomic.Int64
				left.Store(panics)
				fault := func(conn udp.Conn) udp.Conn { return mined{conn, c.kind, &left} }
				s := w.servers[0]
				core, logs := observer.New(zap.InfoLevel)
				s.log = zap.New(core)
				o := w.options()
				o.Log = s.log
				if c.client {
					o.Network = faultyNetwork{simNetwork{w.client}, fault}
				} else {
					w.restart(s, func(o *ServeOptions) { o.Network = faultyNetwork{simNetwork{s.host}, fault} })
				}
				if c.kind == proto.KindVersions {
					future := caller(t, nil).hello
					future.Version = 99
					for range panics {
						w.net.Inject(v4(1), s.addr, future.Append(nil))
					}
					time.Sleep(time.Second)
				}
				f, took := w.fetch(o)
				if took > 15*time.Second {
					t.Errorf("took %v", took)
				}
				if left.Load() > 0 {
					t.Fatalf("only %d panics", panics-left.Load())
				}
				w.halt(s)
				said := logs.FilterMessage("panic").All()
				if len(said) == 0 || len(said) > 1+int(took/sayInterval) {
					t.Fatalf("%d panics were logged, in %v", len(said), took)
				}
				if stack, _ := said[0].ContextMap()["stack"].(string); !strings.Contains(stack, "mined.Write") {
					t.Errorf("the stack does not show where it was: %s", stack)
				}
				if c.client {
					if n := f.crashes.count.Load(); n != panics {
						t.Errorf("%d panics counted, want %d", n, panics)
					}
				} else if n := logs.FilterMessage("stopped").All()[0].ContextMap()["panics"]; n != uint64(panics) {
					t.Errorf("%v panics counted, want %d", n, panics)
				}
			})
		})
	}
}

// TestOtherSessionsGoOnAfterAPanic: one of two sessions panics once.
func TestOtherSessionsGoOnAfterAPanic(t *testing.T) {
	inWorld(t, 1, 1, 8<<20, strangerLink, func(w *world) {
		var left atomic.Int64
		s := w.servers[0]
		ended := w.logOf(s, "session ended")
		w.restart(s, func(o *ServeOptions) {
			o.Network = faultyNetwork{simNetwork{s.host}, func(c udp.Conn) udp.Conn { return mined{c, proto.KindServerSealed, &left} }}
		})
		o := w.options()
		o.Sessions = 4
		w.after(400*time.Millisecond, func() { left.Store(1) })
		_, took := w.fetch(o)
		if left.Load() > 0 {
			t.Fatal("nothing panicked")
		}
		time.Sleep(time.Second)
		done := 0
		for _, l := range ended() {
			if l.ContextMap()["reason"] == "session closed by the peer: done" {
				done++
			}
		}
		if done < 3 || took > 10*time.Second {
			t.Errorf("%d sessions ended well, after %v", done, took)
		}
	})
}

// minedDisk panics when a file on it is written or synced.
type minedDisk struct {
	partfile.FS
	write, sync bool
}

type minedFile struct {
	partfile.File
	disk minedDisk
}

func (d minedDisk) Open(name string) (partfile.File, error) {
	f, err := d.FS.Open(name)
	return minedFile{f, d}, err
}

func (f minedFile) WriteAt(b []byte, offset int64) (int, error) {
	if f.disk.write {
		panic("mined")
	}
	return f.File.WriteAt(b, offset)
}

func (f minedFile) Sync() error {
	if f.disk.sync {
		panic("mined")
	}
	return f.File.Sync()
}

// minedOutput panics when it is written to, or read.
type minedOutput struct{}

func (minedOutput) Write([]byte) (int, error)         { panic("mined") }
func (minedOutput) ReadAt([]byte, int64) (int, error) { panic("mined") }

// minedLog panics when something is said.
type minedLog struct {
	zapcore.Core
	what string
}

func (l minedLog) With([]zapcore.Field) zapcore.Core { return l }

func (l minedLog) Check(e zapcore.Entry, ce *zapcore.CheckedEntry) *zapcore.CheckedEntry {
	if e.Message == l.what {
		panic("mined")
	}
	return l.Core.Check(e, ce)
}

// TestAPanicBesideTheSessionsEndsTheFetch: with an error, soon, and with all that
// belongs to it; the program goes on. What the fetch is about may be half done, so it
// does not go on.
func TestAPanicBesideTheSessionsEndsTheFetch(t *testing.T) {
	for name, c := range map[string]struct {
		where string
		mine  func(w *world, o *FetchOptions)
	}{
		"writer":     {"a writer", func(_ *world, o *FetchOptions) { o.Out, o.Disk = diskDest, minedDisk{FS: diskmodel.New(), write: true} }},
		"checkpoint": {"a checkpoint", func(_ *world, o *FetchOptions) { o.Out, o.Disk = diskDest, minedDisk{FS: diskmodel.New(), sync: true} }},
		"output":     {"the output", func(_ *world, o *FetchOptions) { o.Out, o.Stream = "", minedOutput{} }},
		"seed": {"what is here already", func(_ *world, o *FetchOptions) {
			o.Seed = &Seed{File: minedOutput{}}
			o.Seed.Pieces.Add(rangeset.Range{End: assign.PieceBytes})
		}},
		"watch": {"the fetch", func(w *world, o *FetchOptions) {
			w.after(time.Second, func() { w.servers[0].host.Down() })
			o.Log = zap.New(minedLog{o.Log.Core(), "nothing comes: the work is dealt anew"})
		}},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, 1, 1, 20<<20, moveLink, func(w *world) {
				core, logs := observer.New(zap.InfoLevel)
				o := w.options()
				o.Log = zap.New(core)
				c.mine(w, &o)
				f, took, err := w.run(o)
				if err == nil || !strings.Contains(err.Error(), "internal error in "+c.where+": mined") {
					w.t.Fatalf("after %v: %v", took, err)
				}
				within(t, "the end", took, 10*time.Second)
				if n, said := f.crashes.count.Load(), logs.FilterMessage("panic").Len(); n == 0 || said == 0 {
					t.Errorf("%d panics, %d in the log", n, said)
				}
			})
		})
	}
}

// TestAPanicWhileAFileIsHashed: it costs the sessions that asked for the hashes, and
// the server goes on. Asked again, it hashes the file.
func TestAPanicWhileAFileIsHashed(t *testing.T) {
	inWorld(t, 1, 1, 3<<20, strangerLink, func(w *world) {
		s := w.servers[0]
		var pieces atomic.Int64
		s.hashPause = func() {
			if pieces.Add(1) == 2 {
				panic("mined")
			}
		}
		logs := w.logsOf(s)
		_, took := w.fetch(w.options())
		within(t, "the fetch", took, 5*time.Second)
		w.halt(s)
		if n := logs.FilterMessage("stopped").All()[0].ContextMap()["panics"]; n != uint64(1) || pieces.Load() < 4 {
			t.Errorf("%v panics, %d pieces were hashed", n, pieces.Load())
		}
		if said := logs.FilterMessage("panic").All(); len(said) != 1 || said[0].ContextMap()["error"] != "internal error in hashing: mined" {
			t.Errorf("the log says %v", said)
		}
	})
}

// deafConn fails to read for a while, at once and every time.
type deafConn struct {
	udp.Conn
	until *atomic.Int64 // Unix nanoseconds
	reads *atomic.Int64
}

var errDeaf = errors.New("deaf")

func (d deafConn) Read(msgs []udp.Message) (int, error) {
	if time.Now().UnixNano() < d.until.Load() {
		d.reads.Add(1)
		return 0, errDeaf
	}
	return d.Conn.Read(msgs)
}

// TestNobodySpinsOnASocketThatFails: reads are rare after a few, and what works
// again is used again.
func TestNobodySpinsOnASocketThatFails(t *testing.T) {
	for _, side := range []string{"server", "client's handshake", "client's session"} {
		t.Run(side, func(t *testing.T) {
			inWorld(t, 1, 1, 3<<20, strangerLink, func(w *world) {
				var until, reads atomic.Int64
				fault := func(c udp.Conn) udp.Conn { return deafConn{c, &until, &reads} }
				s, o := w.servers[0], w.options()
				if side != "server" {
					o.Network = faultyNetwork{simNetwork{w.client}, fault}
				} else {
					w.restart(s, func(o *ServeOptions) { o.Network = faultyNetwork{simNetwork{s.host}, fault} })
				}
				deafen := func() { until.Store(time.Now().Add(5 * time.Second).UnixNano()) }
				if side == "client's session" {
					w.after(150*time.Millisecond, deafen) // of the 300 that it takes
				} else {
					deafen()
				}
				_, took := w.fetch(o)
				n := reads.Load()
				t.Logf("took %v, %d reads failed", took, n)
				// Pauses of 1, 2, 4 … 64 ms, then of 100 ms; and a client that begins anew
				// has a new socket.
				if n < patientReads || n > 3*(patientReads+7)+50 {
					t.Errorf("%d reads failed in 5 s", n)
				}
				if took > 12*time.Second {
					t.Errorf("took %v", took)
				}
			})
		})
	}
}

// TestAClientThatIsDeafForGood has another socket, and the fetch goes on.
func TestAClientThatIsDeafForGood(t *testing.T) {
	inWorld(t, 1, 1, 3<<20, strangerLink, func(w *world) {
		var until, reads, sockets atomic.Int64
		o := w.options()
		o.Network = faultyNetwork{simNetwork{w.client}, func(c udp.Conn) udp.Conn {
			if sockets.Add(1) > 1 {
				return c
			}
			return deafConn{c, &until, &reads}
		}}
		w.after(150*time.Millisecond, func() { until.Store(time.Now().Add(time.Hour).UnixNano()) })
		_, took := w.fetch(o)
		t.Logf("took %v, %d reads failed", took, reads.Load())
		within(t, "the fetch", took, 8*time.Second)
		if sockets.Load() < 2 {
			t.Error("nothing has failed")
		}
	})
}

func TestAServerThatIsDeafForGoodEnds(t *testing.T) {
	inWorld(t, 1, 1, 100, strangerLink, func(w *world) {
		var until, reads atomic.Int64
		s := w.servers[0]
		w.restart(s, func(o *ServeOptions) {
			o.Network = faultyNetwork{simNetwork{s.host}, func(c udp.Conn) udp.Conn { return deafConn{c, &until, &reads} }}
		})
		began := time.Now()
		until.Store(began.Add(time.Hour).UnixNano())
		w.net.Inject(v4(1), s.addr, []byte{0}) // ends the read under way
		err := <-s.done
		s.done = nil
		if took := time.Since(began); !errors.Is(err, errDeaf) || took < deafTime || took > deafTime+time.Second {
			t.Errorf("ended with %v after %v", err, took)
		}
	})
}
