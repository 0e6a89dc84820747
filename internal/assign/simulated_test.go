package assign

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"chunkcp/internal/rangeset"
)

const (
	silence  = 250 * time.Millisecond // after which a session that is gone is missed
	raceStep = time.Millisecond       // in which the runners receive
	raceAsk  = 10 * time.Millisecond  // how often one asks that nothing came for
	raceRTT  = 30 * time.Millisecond
)

// race is an assigner whose sessions fetch at given rates in virtual time. What
// is asked for comes a round trip later, and so does the effect of being told to
// stop.
type race struct {
	tb      testing.TB
	assign  *Assigner
	size    int64
	runners []*runner
	now     time.Duration
	window  int64 // how far from the first missing byte is leased; 0: anywhere
	took    time.Duration
	log     []string        // what was given and received, when
	gotAt   []time.Duration // when each piece came
	each    func(*race)     // called before each step, if not nil
	asked   int             // how many ranges
	victims [2]int          // how many were taken, repeated
}

// runner is a session that fetches its pieces one after the other.
type runner struct {
	id    SessionID
	rate  func(time.Duration) float64 // bytes per second
	rtt   time.Duration
	jobs  []*job
	meter Meter
	rest  float64 // of a byte
	came  int64
	got   int64 // of what came, in pieces that were news
	gone  bool
	most  int64 // held at once, once its rate was known
}

// job is a piece that a runner fetches.
type job struct {
	piece rangeset.Range
	have  int64
	from  time.Duration // nothing comes before
	until time.Duration // nothing comes after; 0: it was not told to stop
	vain  bool          // what comes of it was given to another
}

func steady(rate float64) func(time.Duration) float64 {
	return func(time.Duration) float64 { return rate }
}

// from returns a rate that changes.
func changing(before float64, at time.Duration, after float64) func(time.Duration) float64 {
	return func(now time.Duration) float64 {
		if now < at {
			return before
		}
		return after
	}
}

func newRace(tb testing.TB, size int64, rates ...func(time.Duration) float64) *race {
	r := &race{tb: tb, assign: New(size, len(rates)), size: size, gotAt: make([]time.Duration, (size+PieceBytes-1)/PieceBytes)}
	for i, rate := range rates {
		r.assign.Join(SessionID(i), i, 0)
		r.runners = append(r.runners, &runner{id: SessionID(i), rate: rate, rtt: raceRTT})
	}
	return r
}

func steadyRace(tb testing.TB, size int64, rates ...float64) *race {
	var list []func(time.Duration) float64
	for _, rate := range rates {
		list = append(list, steady(rate))
	}
	return newRace(tb, size, list...)
}

// run returns how long it takes until every byte is there.
func (r *race) run() time.Duration {
	r.tb.Helper()
	r.slide()
	for _, w := range r.runners {
		r.take(w)
	}
	for !r.assign.Complete() {
		if r.now += raceStep; r.now > 30*time.Minute {
			r.tb.Fatalf("after %v %d bytes are left, %v are free", r.now, r.assign.left, r.assign.free.Ranges())
		}
		if r.each != nil {
			r.each(r)
		}
		for _, w := range r.runners {
			if !w.gone && !r.assign.Complete() {
				r.step(w)
			}
		}
	}
	r.took = r.now
	return r.took
}

func (r *race) clock() time.Time { return time.Unix(1e9, 0).Add(r.now) }

// step lets a runner receive what it does in one step.
func (r *race) step(w *runner) {
	w.jobs = slices.DeleteFunc(w.jobs, func(j *job) bool { return j.until > 0 && j.until <= r.now })
	w.rest += w.rate(r.now) * raceStep.Seconds()
	took := false
	for len(w.jobs) > 0 && w.jobs[0].from <= r.now && w.rest >= 1 {
		j := w.jobs[0]
		n := min(int64(w.rest), j.piece.Len()-j.have)
		if j.have == 0 && !j.vain {
			r.assign.Begun(w.id, j.piece)
		}
		j.have += n
		w.came += n
		w.rest -= float64(n)
		w.meter.Add(n)
		if j.have == j.piece.Len() {
			w.jobs = w.jobs[1:]
			if !j.vain {
				r.receive(w, j.piece)
				took = true
			}
		}
	}
	w.rest = min(w.rest, w.rate(r.now)*raceStep.Seconds()) // an idle one saves nothing
	if w.meter.Tick(r.clock(), len(w.jobs) > 0) {
		r.measure(w)
	}
	if took || r.now%raceAsk == 0 {
		r.take(w)
	}
}

func (r *race) measure(w *runner) {
	var partial int64
	for _, j := range w.jobs {
		if j.until == 0 && !j.vain {
			partial += j.have
		}
	}
	r.assign.Measured(r.clock(), w.id, w.meter.rate, w.rtt, partial)
	w.most = max(w.most, r.assign.workers[w.id].held)
}

func (r *race) receive(w *runner, piece rangeset.Range) {
	news, losers := r.assign.Received(w.id, piece)
	r.log = append(r.log, fmt.Sprintf("%v: %d received %v, news %v", r.now, w.id, piece, news))
	if news { // of a piece that is shared, when the last part of it comes
		w.got += piece.Len()
		r.gotAt[PieceIndex(piece.Start)] = r.now
	}
	for _, id := range losers {
		r.stop(id, piece)
	}
	r.slide()
}

// stop tells a session that it need not fetch data: whole jobs, or the end of one.
func (r *race) stop(id SessionID, data rangeset.Range) {
	for _, w := range r.runners {
		if w.id != id {
			continue
		}
		for i := 0; i < len(w.jobs); i++ {
			j := w.jobs[i]
			gone := data.Intersect(j.piece)
			if gone.Empty() || j.until > 0 || j.vain {
				continue
			}
			if gone == j.piece {
				j.until = r.now + w.rtt
				continue
			}
			kept := rangeset.Range{Start: j.piece.Start, End: gone.Start}
			rest := &job{piece: gone, have: max(0, j.have-kept.Len()), from: j.from, until: r.now + w.rtt, vain: true}
			j.piece, j.have = kept, min(j.have, kept.Len())
			w.jobs = slices.Insert(w.jobs, i+1, rest)
			i++
			if j.have == kept.Len() {
				w.jobs = slices.Delete(w.jobs, i-1, i)
				i--
				r.receive(w, kept)
			}
		}
	}
}

// slide moves the window.
func (r *race) slide() {
	if r.window > 0 {
		r.assign.Window(r.first() + r.window)
	}
}

// first returns where the first byte is that is missing.
func (r *race) first() int64 {
	if done := r.assign.done.Ranges(); len(done) > 0 && done[0].Start == 0 {
		return done[0].End
	}
	return 0
}

func (r *race) take(w *runner) {
	for {
		got, ok := r.assign.Next(r.clock(), w.id)
		if !ok {
			return
		}
		r.asked++
		r.log = append(r.log, fmt.Sprintf("%v: %d is given %+v", r.now, w.id, got))
		switch {
		case got.Victim != Nobody && got.Shared:
			r.victims[1]++
		case got.Victim != Nobody:
			r.victims[0]++
			r.stop(got.Victim, got.Data)
		}
		if r.window > 0 && got.Victim == Nobody && got.Data.End > r.first()+r.window+PieceBytes-1 {
			r.tb.Fatalf("%v was given, the window is %d from %d", got.Data, r.window, r.first())
		}
		for i := PieceIndex(got.Data.Start); i <= PieceIndex(got.Data.End-1); i++ {
			w.jobs = append(w.jobs, &job{piece: PieceRange(i, r.size).Intersect(got.Data), from: r.now + w.rtt})
		}
	}
}

// leave has a session end, with what it was to fetch.
func (r *race) leave(id SessionID) {
	for _, w := range r.runners {
		if w.id == id && !w.gone {
			w.gone, w.jobs = true, nil
			r.assign.Leave(id)
		}
	}
}

// wasted returns how many bytes came that nobody needed.
func (r *race) wasted() int64 {
	n := -r.size
	for _, w := range r.runners {
		n += w.came
	}
	return n
}

func (r *race) String() string {
	return fmt.Sprintf("%v, %d ranges, %d taken, %d repeated, %d bytes wasted (%.2f %%)",
		r.took, r.asked, r.victims[0], r.victims[1], r.wasted(), 100*float64(r.wasted())/float64(r.size))
}
