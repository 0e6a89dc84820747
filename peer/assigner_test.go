package peer

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"chunkcp/internal/rangeset"
)

// race is an assigner whose sessions fetch at fixed rates in virtual steps.
type race struct {
	assign  *assigner
	runners []*runner
}

// runner is a session that fetches its pieces one after the other.
type runner struct {
	id     workerID
	rate   float64 // bytes per second
	pieces []rangeset.Range
	doneAt time.Duration // of the first of pieces
	got    int64
	ended  time.Duration // when it received its last piece
	most   int64         // held at once, once its rate was known
}

func newRace(size int64, rates ...float64) *race {
	r := &race{assign: newAssigner(size, len(rates))}
	for i, rate := range rates {
		r.assign.join(workerID(i))
		r.runners = append(r.runners, &runner{id: workerID(i), rate: rate})
	}
	return r
}

// run returns how long it takes until every byte is there.
func (r *race) run(t *testing.T) time.Duration {
	t.Helper()
	for _, w := range r.runners {
		r.take(w, 0)
	}
	for !r.assign.complete() {
		var next *runner
		for _, w := range r.runners {
			if len(w.pieces) > 0 && (next == nil || w.doneAt < next.doneAt) {
				next = w
			}
		}
		if next == nil {
			t.Fatalf("nobody works, and %d bytes are left", r.assign.left)
		}
		r.receive(t, next)
	}
	last := time.Duration(0)
	for _, w := range r.runners {
		last = max(last, w.ended)
	}
	return last
}

func (r *race) receive(t *testing.T, w *runner) {
	now, p := w.doneAt, w.pieces[0]
	if !r.assign.received(w.id, p) {
		t.Fatalf("%v fetched twice", p)
	}
	w.pieces, w.got, w.ended = w.pieces[1:], w.got+p.Len(), now
	if now >= rateInterval {
		r.assign.measured(w.id, w.rate, 50*time.Millisecond)
		w.most = max(w.most, r.assign.workers[w.id].held)
	}
	if len(w.pieces) > 0 {
		w.doneAt = now + w.time(w.pieces[0])
	}
	// As in a fetch, each looks for work when something has come for it.
	r.take(w, now)
}

func (r *race) take(w *runner, now time.Duration) {
	idle := len(w.pieces) == 0
	for lease, ok := r.assign.next(w.id); ok; lease, ok = r.assign.next(w.id) {
		for ; !lease.Empty(); lease.Start += PieceBytes {
			w.pieces = append(w.pieces, rangeset.Range{Start: lease.Start, End: min(lease.Start+PieceBytes, lease.End)})
		}
	}
	if idle && len(w.pieces) > 0 {
		w.doneAt = now + w.time(w.pieces[0])
	}
}

func (w *runner) time(p rangeset.Range) time.Duration {
	return time.Duration(float64(p.Len()) / w.rate * float64(time.Second))
}

// TestAllEndTogether holds the time of a fetch against what the sum of the
// rates would take. What is over is one piece of the slowest at most.
func TestAllEndTogether(t *testing.T) {
	const mb = 1e6
	for _, rates := range [][]float64{
		{10 * mb},
		{10 * mb, 10 * mb, 10 * mb, 10 * mb},
		{20 * mb, 2 * mb},
		{50 * mb, 50 * mb, 5 * mb},
		{100 * mb, 50 * mb, 25 * mb, 12 * mb},
	} {
		t.Run(fmt.Sprint(rates), func(t *testing.T) {
			const size = 512<<20 + 12345
			r := newRace(size, rates...)
			var sum float64
			for _, rate := range rates {
				sum += rate
			}
			ideal := time.Duration(size / sum * float64(time.Second))
			slowest := time.Duration(PieceBytes / slices.Min(rates) * float64(time.Second))
			took := r.run(t)
			if limit := ideal + ideal/50 + slowest; took > limit {
				t.Errorf("took %v, ideal is %v and the limit %v", took, ideal, limit)
			}
			for _, w := range r.runners {
				if share := w.rate / sum * size; float64(w.got) < 0.95*share-PieceBytes || float64(w.got) > 1.05*share+PieceBytes {
					t.Errorf("session of %v B/s got %d bytes, its share is %.0f", w.rate, w.got, share)
				}
			}
		})
	}
}

// TestWorkIsMeasuredInSeconds: what a session holds is about leaseTime of its
// rate, whatever that is, so that nothing slow holds much.
func TestWorkIsMeasuredInSeconds(t *testing.T) {
	r := newRace(1<<30, 100e6, 10e6)
	r.run(t)
	for _, w := range r.runners {
		held := float64(w.most) / w.rate
		if held < 0.5*leaseTime.Seconds() || w.most > max(firstLease, int64(1.2*w.rate*leaseTime.Seconds())) {
			t.Errorf("at %v B/s a session held %d bytes, %.2f s of work", w.rate, w.most, held)
		}
	}
}

func TestSmallAndUnalignedFiles(t *testing.T) {
	for _, size := range []int64{0, 1, PieceBytes - 1, PieceBytes, PieceBytes + 1, 5*PieceBytes + 17} {
		r := newRace(size, 1e6, 1e6, 1e6)
		r.run(t)
		if !r.assign.complete() || r.assign.done.Len() != size || len(r.assign.free.Ranges()) != 0 {
			t.Errorf("%d bytes: %+v", size, r.assign)
		}
		if lease, ok := r.assign.next(0); ok {
			t.Errorf("%d bytes: %v leased when all is done", size, lease)
		}
	}
}

// TestTheFirstLeavesWorkForAll: the session that asks first does not take what
// all that are expected could share.
func TestTheFirstLeavesWorkForAll(t *testing.T) {
	r := newRace(8*PieceBytes, 1e6, 1e6, 1e6, 1e6)
	r.run(t)
	for _, w := range r.runners {
		if w.got != 2*PieceBytes {
			t.Errorf("session %d got %d bytes, want two pieces", w.id, w.got)
		}
	}
}

// TestAStoppedSessionIsReplaced: what a session that leaves had is fetched by
// the others, and nothing of it twice.
func TestAStoppedSessionIsReplaced(t *testing.T) {
	const size = 64 << 20
	r := newRace(size, 10e6, 10e6, 10e6)
	for _, w := range r.runners {
		r.take(w, 0)
	}
	gone := r.runners[1]
	held := r.assign.workers[gone.id].held
	if got := r.assign.leave(gone.id); got != held || held == 0 {
		t.Errorf("%d bytes came back, %d were held", got, held)
	}
	r.runners = []*runner{r.runners[0], r.runners[2]}
	r.run(t)
}
