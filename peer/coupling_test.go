package peer

import (
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"chunkcp/arq"
)

// spy is a controller that counts what it is told, with a window that stays.
type spy struct {
	arq.Fixed
	inFlight int
	limited  bool
	recalled int
	seen     arq.AckSample
}

func (s *spy) OnSend(now time.Time, bytes int) arq.Delivery {
	s.inFlight += bytes
	return s.Fixed.OnSend(now, bytes)
}

func (s *spy) OnAck(_ time.Time, a arq.AckSample) {
	s.seen = a
	s.inFlight -= a.Bytes - a.Unlost
}
func (s *spy) OnLoss(_ time.Time, l arq.LossSample) { s.inFlight -= l.Bytes }
func (s *spy) OnRecall(bytes int)                   { s.inFlight -= bytes; s.recalled += bytes }
func (s *spy) SetLimited(limited bool) bool         { s.limited = limited; return limited }

// coupled returns paths with one path of so many members, under a spy.
func coupled(members int) (*paths, *spy, []*pathMember) {
	p, s := newPaths(Limits{}), &spy{Fixed: arq.Fixed{WindowBytes: 100000}}
	var all []*pathMember
	for range members {
		all = append(all, p.join(pathKey{fetch: 1}, time.Millisecond, time.Millisecond))
		all[0].path.cc = s
	}
	return p, s, all
}

// TestCoupledWindow: what the members have in flight together is no more than the
// path's window, whoever sends, and each of them may take what the others leave.
func TestCoupledWindow(t *testing.T) {
	for seed := range uint64(20) {
		rng := rand.New(rand.NewPCG(seed, 1))
		_, s, members := coupled(1 + rng.IntN(8))
		now := time.Now()
		flying := make([]int, len(members))
		full := false
		for range 2000 {
			i := rng.IntN(len(members))
			m := members[i]
			bytes := 1 + rng.IntN(20000)
			switch op := rng.IntN(5); {
			case op < 2:
				if room := m.Window() - flying[i]; bytes <= room {
					m.OnSend(now, bytes)
					flying[i] += bytes
				} else {
					full = true
				}
			case op == 2:
				bytes = min(bytes, flying[i])
				m.OnAck(now, arq.AckSample{Bytes: bytes})
				flying[i] -= bytes
			case op == 3:
				bytes = min(bytes/10, flying[i])
				m.OnLoss(now, arq.LossSample{Bytes: bytes})
				flying[i] -= bytes
			default:
				bytes = min(bytes/10, flying[i])
				m.OnRecall(bytes)
				flying[i] -= bytes
			}
			sum := 0
			for _, n := range flying {
				sum += n
			}
			if sum > s.WindowBytes || sum != s.inFlight || sum != m.path.total {
				t.Fatalf("seed %d: %d bytes in flight, the controller has %d, the path %d, the window %d",
					seed, sum, s.inFlight, m.path.total, s.WindowBytes)
			}
			if got, want := m.Window()-flying[i], s.WindowBytes-sum; got != want {
				t.Fatalf("seed %d: %d bytes may be sent, %d are left", seed, got, want)
			}
		}
		if !full {
			t.Errorf("seed %d: the window was never full", seed)
		}
	}
}

// TestCoupledAck: the controller sees what all have in flight, and what came
// after it had been declared lost is taken off once.
func TestCoupledAck(t *testing.T) {
	_, s, m := coupled(2)
	now := time.Now()
	m[0].OnSend(now, 3000)
	m[1].OnSend(now, 4000)
	m[0].OnLoss(now, arq.LossSample{Bytes: 1000})
	m[0].OnAck(now, arq.AckSample{Bytes: 3000, Unlost: 1000, InFlight: 2000})
	if s.seen.InFlight != 6000 || m[0].inFlight != 0 || m[1].inFlight != 4000 || s.inFlight != 4000 {
		t.Errorf("the controller saw %d and has %d, the members %d and %d", s.seen.InFlight, s.inFlight, m[0].inFlight, m[1].inFlight)
	}
	if got := m[0].Window(); got != s.WindowBytes-4000 {
		t.Errorf("window %d", got)
	}
	s.WindowBytes = 1000
	if got := m[0].Window(); got != 0 {
		t.Errorf("window %d, though another has more than all of it in flight", got)
	}
}

// TestCoupledLeave: who leaves frees what it had in flight.
func TestCoupledLeave(t *testing.T) {
	_, s, m := coupled(3)
	now := time.Now()
	m[0].OnSend(now, 60000)
	m[1].OnSend(now, 30000)
	if got := m[2].Window(); got != 10000 {
		t.Fatalf("window %d", got)
	}
	m[0].leave()
	if got := m[2].Window(); got != 70000 || s.recalled != 60000 || s.inFlight != 30000 {
		t.Errorf("window %d, %d recalled, %d in flight", got, s.recalled, s.inFlight)
	}
	if got := m[1].Window(); got != s.WindowBytes {
		t.Errorf("window %d", got)
	}
	m[2].leave()
	if s.recalled != 60000 {
		t.Errorf("%d recalled for one that had nothing in flight", s.recalled)
	}
}

// TestCoupledLimited: the path is used to the full while one member has more to
// send, and one that leaves no longer counts.
func TestCoupledLimited(t *testing.T) {
	_, s, m := coupled(3)
	say := func(i int, limited, want bool) {
		t.Helper()
		if m[i].SetLimited(limited); s.limited != want {
			t.Errorf("member %d: %v; the path is limited: %v", i, limited, s.limited)
		}
	}
	say(0, true, false)
	say(0, true, false) // said twice, counted once
	say(1, true, false)
	say(2, true, true)
	say(1, false, false)
	say(1, false, false)
	say(1, true, true)
	say(2, false, false)
	m[2].leave() // the one that had more
	say(0, true, true)
	m[1].leave() // one that had not
	say(0, false, false)
	say(0, true, true)
}

// TestCoupledPaths: a path lasts as long as its members. What comes after the
// last knows nothing of it, and another client's or fetch's is another.
func TestCoupledPaths(t *testing.T) {
	p := newPaths(Limits{})
	key := pathKey{fetch: 1}
	a, b := p.join(key, time.Millisecond, time.Millisecond), p.join(key, time.Millisecond, time.Millisecond)
	if a.path != b.path || a == b {
		t.Error("two sessions of a fetch do not share a path")
	}
	other := p.join(pathKey{fetch: 2}, time.Millisecond, time.Millisecond)
	stranger := pathKey{fetch: 1}
	stranger.client[0] = 1
	if c := p.join(stranger, time.Millisecond, time.Millisecond); c.path == a.path || other.path == a.path {
		t.Error("a path is shared with another fetch")
	} else {
		c.leave()
	}
	other.leave()
	a.leave()
	if p.byKey[key] != b.path || p.join(key, time.Millisecond, time.Millisecond).path != b.path {
		t.Error("the path is gone with the first")
	}
	for m := range b.path.members {
		m.leave()
	}
	if len(p.byKey) != 0 {
		t.Errorf("%d paths are left", len(p.byKey))
	}
	if p.join(key, time.Millisecond, time.Millisecond).path == b.path {
		t.Error("the path is back")
	}
}

// TestCoupledAtOnce: sessions have a goroutine each. It is for the race detector,
// and all that was in flight must be off the books.
func TestCoupledAtOnce(t *testing.T) {
	p := newPaths(Limits{})
	keeper := p.join(pathKey{fetch: 1}, 50*time.Millisecond, 50*time.Millisecond)
	start := time.Now()
	var wg sync.WaitGroup
	for g := range 8 {
		wg.Go(func() {
			rng := rand.New(rand.NewPCG(uint64(g), 2))
			for range 20 {
				m := p.join(pathKey{fetch: 1}, 50*time.Millisecond, 50*time.Millisecond)
				for n := range 50 {
					now := start.Add(time.Duration(n) * time.Millisecond)
					d := m.OnSend(now, 1000)
					m.SetLimited(rng.IntN(2) == 0)
					m.SendAt(now)
					m.PacingRate()
					m.Phase()
					if w := m.Window(); w < 0 {
						t.Errorf("window %d", w)
					}
					switch rng.IntN(4) {
					case 0:
						m.OnAck(now, arq.AckSample{
							Bytes: 1000, SentAt: now, Sent: d,
							RTT: 50 * time.Millisecond, SmoothedRTT: 50 * time.Millisecond, MinRTT: 50 * time.Millisecond,
						})
					case 1:
						m.OnLoss(now, arq.LossSample{Bytes: 1000, SentAt: now})
					case 2:
						m.OnRecall(1000)
					}
				}
				m.SetSegment(1000 + rng.IntN(1000))
				m.OnSilence(start)
				m.leave()
			}
		})
	}
	wg.Wait()
	x := keeper.path
	if len(x.members) != 1 || x.total != 0 || x.limited != 0 {
		t.Errorf("%d members, %d bytes in flight, %d limited", len(x.members), x.total, x.limited)
	}
	if model, ok := x.cc.(*arq.Model); !ok || model.InFlight() != 0 {
		t.Errorf("the controller has %d bytes in flight", model.InFlight())
	}
}
