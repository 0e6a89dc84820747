package peer

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"chunkcp/internal/netsim"
	"chunkcp/internal/partfile"
	"chunkcp/internal/secure"
)

// put gives one server another content under the file's name.
func (s *simServer) put(t *testing.T, content []byte) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(s.root, fileName), content, 0o644); err != nil {
		t.Fatal(err)
	}
}

func (s *simServer) remove(t *testing.T) {
	t.Helper()
	if err := os.Remove(filepath.Join(s.root, fileName)); err != nil {
		t.Fatal(err)
	}
}

// TestNotFound: on all servers is an error, and a quick one; on some is none.
func TestNotFound(t *testing.T) {
	const size = 3 << 20
	t.Run("anywhere", func(t *testing.T) {
		inWorld(t, 1, 3, size, storyLink, func(w *world) {
			for _, s := range w.servers {
				s.remove(w.t)
			}
			_, took := w.refuse(w.options(), ErrNotFound)
			within(t, "the answer", took, 2*watchInterval)
		})
	})
	t.Run("on those that answer", func(t *testing.T) {
		inWorld(t, 1, 2, size, storyLink, func(w *world) {
			w.servers[0].remove(w.t)
			w.servers[1].host.Down()
			_, took := w.refuse(w.options(), ErrNotFound)
			within(t, "the answer", took, notFoundGrace+2*watchInterval)
		})
	})
	t.Run("on one", func(t *testing.T) {
		inWorld(t, 1, 2, size, storyLink, func(w *world) {
			w.servers[0].remove(w.t)
			f, _ := w.fetch(w.options())
			if p := f.Snapshot().Peers[0]; p.State != Out || p.Bytes != 0 {
				t.Errorf("the server without the file: %+v", p)
			}
		})
	})
}

// TestDifferentSizesAreNotMixed: the first answer decides, and who has another
// file is named and takes no part.
func TestDifferentSizesAreNotMixed(t *testing.T) {
	inWorld(t, 1, 3, 3<<20, storyLink, func(w *world) {
		far := storyLink
		far.Delay *= 2
		w.net.SetPath(w.client.Addr(), w.servers[2].host.Addr(), far)
		w.servers[2].put(w.t, positioned(3<<20+1))
		f, _ := w.fetch(w.options())
		odd := f.Snapshot().Peers[2]
		if odd.State != Out || odd.Bytes != 0 || !strings.Contains(odd.Note, ErrPeersDisagree.Error()) {
			t.Errorf("the odd one: %+v", odd)
		}
	})
}

func TestKeys(t *testing.T) {
	other, err := secure.NewIdentity(nil)
	if err != nil {
		t.Fatal(err)
	}
	wrong := other.PublicKey()
	for _, tc := range []struct {
		name  string
		setUp func(w *world, o *FetchOptions)
		want  error
	}{
		{"the pinned one", func(w *world, o *FetchOptions) {
			key := w.servers[0].id.PublicKey()
			o.Peers[0].Key = &key
		}, nil},
		{"not the pinned one", func(_ *world, o *FetchOptions) { o.Peers[0].Key = &wrong }, ErrKey},
		{"known", func(w *world, o *FetchOptions) { remember(w, o, w.servers[0].id.PublicKey()) }, nil},
		{"not the known one", func(w *world, o *FetchOptions) { remember(w, o, wrong) }, ErrKey},
	} {
		t.Run(tc.name, func(t *testing.T) {
			inWorld(t, 1, 1, 1<<20, storyLink, func(w *world) {
				o := w.options()
				tc.setUp(w, &o)
				if tc.want == nil {
					w.fetch(o)
				} else {
					_, took := w.refuse(o, tc.want)
					within(t, "the refusal", took, refusedTime+time.Second)
				}
			})
		})
	}
	t.Run("remembered at first contact", func(t *testing.T) {
		inWorld(t, 1, 1, 1<<20, storyLink, func(w *world) {
			o := w.options()
			known, err := secure.OpenKnownPeers(filepath.Join(w.dir, "known_peers"))
			if err != nil {
				w.t.Fatal(err)
			}
			o.Known = known
			w.fetch(o)
			if err := known.Check(o.Peers[0].Addr, w.servers[0].id.PublicKey()); err != nil {
				t.Error(err)
			}
		})
	})
	t.Run("cannot be remembered", func(t *testing.T) {
		inWorld(t, 1, 1, 1<<20, storyLink, func(w *world) {
			core, logs := observer.New(zap.WarnLevel)
			o := w.options()
			o.Log = zap.New(core)
			w.knownPeers(&o)
			state := filepath.Join(w.dir, "state")
			if err := os.RemoveAll(state); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(state, nil, 0o600); err != nil { // no directory any more
				t.Fatal(err)
			}
			w.fetch(o)
			if n := logs.FilterMessageSnippet("not remembered").Len(); n != 1 {
				t.Errorf("%d warnings", n)
			}
		})
	})
	t.Run("the one of two that answers is an impostor", func(t *testing.T) {
		inWorld(t, 1, 2, 1<<20, storyLink, func(w *world) {
			w.servers[1].host.Down()
			o := w.options()
			o.Peers[0].Key, o.Timeout = &wrong, 5*time.Second
			_, took := w.refuse(o, ErrKey)
			within(t, "the refusal", took, o.Timeout+time.Second)
			w.servers[1].host.Up()
		})
	})
	t.Run("one server of two is an impostor", func(t *testing.T) {
		inWorld(t, 1, 2, 1<<20, storyLink, func(w *world) {
			o := w.options()
			o.Peers[0].Key = &wrong
			f, _ := w.fetch(o)
			if p := f.Snapshot().Peers[0]; p.State != Down || p.Bytes != 0 || !strings.Contains(p.Note, ErrKey.Error()) {
				t.Errorf("the impostor: %+v", p)
			}
		})
	})
}

func remember(w *world, o *FetchOptions, key secure.PublicKey) {
	known, err := secure.OpenKnownPeers(filepath.Join(w.dir, "known_peers"))
	if err == nil {
		err = known.Remember(o.Peers[0].Addr, key, time.Now())
	}
	if err != nil {
		w.t.Fatal(err)
	}
	o.Known = known
}

func TestCancel(t *testing.T) {
	heavy(t)
	for name, after := range map[string]time.Duration{"at once": 0, "in the handshake": storyLink.Delay, "in the middle": 800 * time.Millisecond} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, 1, 2, 64<<20, storyLink, func(w *world) {
				why := errors.New("the user has enough")
				ctx, cancel := context.WithCancelCause(context.Background())
				w.after(after, func() { cancel(why) })
				o := w.options()
				began := time.Now()
				_, err := Run(ctx, o)
				if !errors.Is(err, why) {
					t.Errorf("%v, want %v", err, why)
				}
				within(t, "leaving", time.Since(began)-after, 2*time.Second)
				w.absent(o.Out)
			})
		})
	}
}

func TestDestination(t *testing.T) {
	old := []byte("what was there before")
	unchanged := func(w *world, path string) {
		if got, err := os.ReadFile(path); err != nil || !bytes.Equal(got, old) {
			w.t.Errorf("%q (%v), want %q", got, err, old)
		}
	}
	t.Run("replaced", func(t *testing.T) {
		inWorld(t, 1, 1, 1<<20, storyLink, func(w *world) {
			o := w.options()
			if err := os.WriteFile(o.Out, old, 0o644); err != nil {
				w.t.Fatal(err)
			}
			w.fetch(o)
		})
	})
	t.Run("not to be replaced", func(t *testing.T) {
		inWorld(t, 1, 1, 1<<20, storyLink, func(w *world) {
			o := w.options()
			o.NoClobber = true
			if err := os.WriteFile(o.Out, old, 0o644); err != nil {
				w.t.Fatal(err)
			}
			if _, _, err := w.run(o); !errors.Is(err, partfile.ErrExists) {
				t.Error(err)
			}
			unchanged(w, o.Out)
		})
	})
	t.Run("locked", func(t *testing.T) {
		inWorld(t, 1, 1, 1<<20, storyLink, func(w *world) {
			o := w.options()
			first, err := partfile.Create(o.Out, 10, partfile.Option{})
			if err != nil {
				w.t.Fatal(err)
			}
			defer first.Discard()
			w.refuse(o, partfile.ErrLocked)
		})
	})
	t.Run("the served file itself", func(t *testing.T) {
		inWorld(t, 1, 1, 3<<20+5, storyLink, func(w *world) {
			o := w.options()
			o.Out = filepath.Join(w.servers[0].root, fileName)
			w.fetch(o)
		})
	})
}

// TestTheSourceChanges: a file that is written to while it is served ends the
// fetch, and nothing of either state is shown.
func TestTheSourceChanges(t *testing.T) {
	const size = 16 << 20
	for name, change := range map[string]func(path string) error{
		"truncated": func(path string) error { return os.Truncate(path, 1000) },
		"rewritten": func(path string) error { return os.WriteFile(path, make([]byte, size), 0o644) },
		"overwritten in place": func(path string) error {
			f, err := os.OpenFile(path, os.O_WRONLY, 0)
			if err != nil {
				return err
			}
			_, err = f.WriteAt(make([]byte, 100), size/2)
			return errors.Join(err, f.Close())
		},
		"appended to": func(path string) error {
			f, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND, 0)
			if err != nil {
				return err
			}
			_, err = f.Write([]byte("more"))
			return errors.Join(err, f.Close())
		},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, 1, 1, size, storyLink, func(w *world) {
				var err error
				w.after(400*time.Millisecond, func() { err = change(filepath.Join(w.servers[0].root, fileName)) })
				_, took := w.refuse(w.options(), ErrSourceChanged)
				if err != nil {
					t.Error(err)
				}
				within(t, "finding out", took, time.Second)
			})
		})
	}
	t.Run("on one of two", func(t *testing.T) {
		inWorld(t, 1, 2, size, storyLink, func(w *world) {
			w.after(400*time.Millisecond, func() { w.servers[1].put(w.t, make([]byte, size)) })
			f, _ := w.fetch(w.options())
			if p := f.Snapshot().Peers[1]; p.State != Out || !strings.Contains(p.Note, ErrSourceChanged.Error()) {
				t.Errorf("whose file changed: %+v", p)
			}
		})
	})
	t.Run("replaced", func(t *testing.T) {
		inWorld(t, 1, 1, size, storyLink, func(w *world) {
			// The open file is what it was: cp, rsync and editors replace files so.
			w.after(400*time.Millisecond, func() {
				other := filepath.Join(w.servers[0].root, "other")
				err := os.WriteFile(other, make([]byte, size), 0o644)
				if err == nil {
					err = os.Rename(other, filepath.Join(w.servers[0].root, fileName))
				}
				if err != nil {
					t.Error(err)
				}
			})
			w.fetch(w.options())
		})
	})
}

// TestAClientThatVanishes: its server forgets it after idleTime. That nothing
// of the session is left then, the end of the bubble shows.
func TestAClientThatVanishes(t *testing.T) {
	inWorld(t, 1, 1, 64<<20, netsim.Link{Rate: 12_500_000, Delay: time.Millisecond}, func(w *world) {
		ctx, cancel := context.WithCancel(context.Background())
		s := w.servers[0]
		ended := w.logOf(s, "session ended")
		w.after(500*time.Millisecond, func() {
			w.client.Down()
			cancel()
		})
		_, err := Run(ctx, w.options())
		if !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
		time.Sleep(idleTime + 2*time.Second)
		if got := ended(); len(got) != 1 || got[0].ContextMap()["reason"] != errIdle.Error() {
			t.Errorf("sessions that ended: %v", got)
		}
	})
}
