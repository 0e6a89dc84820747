//go:build unix

package e2e

import (
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"chunkcp/internal/netsim"
	"chunkcp/internal/partfile"
	"chunkcp/internal/tree"
)

const (
	oldText = "what was there before"

	// victimSessions is few, so that few pieces are in parts at any time.
	victimSessions = 2

	// unsaved is what a fetch may have written and not made safe, mostInMemory
	// what it holds in memory beside (README.md, What it promises).
	unsaved      = 64 << 20
	mostInMemory = 32 << 20
)

// victim is a client that is killed again and again.
type victim struct {
	*rig
	rng  *rand.Rand
	link netsim.Link
	toll

	samples   []sample // of the run under way
	old       bool     // there is an old file under the final name
	journaled int64    // bytes that the journal has
}

func newVictim(t *testing.T, size int64, link netsim.Link, seed, stream uint64) *victim {
	t.Helper()
	v := &victim{rig: newRig(t, 2, size, link), rng: rand.New(rand.NewPCG(seed, stream)), link: link}
	v.check(os.MkdirAll(filepath.Dir(v.out()), 0o755))
	return v
}

// live fetches again and again until no kills are left, and then to the end.
func (v *victim) live(left *atomic.Int64) error {
	for left.Load() > 0 || v.fetches == 0 {
		if err := v.prepare(); err != nil {
			return err
		}
		for whole := false; !whole; {
			var err error
			before := v.kills
			if left.Add(-1) < 0 {
				left.Add(1)
				whole, err = true, v.complete()
			} else if whole, err = v.attempt(); err == nil && v.kills == before {
				left.Add(1) // it was faster
			}
			if err != nil {
				return err
			}
		}
		v.fetches++
	}
	return nil
}

// prepare makes ready for a new fetch.
func (v *victim) prepare() error {
	v.journaled = 0
	if v.old = v.rng.IntN(2) == 0; v.old {
		return os.WriteFile(v.out(), []byte(oldText), 0o644)
	}
	if err := os.Remove(v.out()); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// attempt runs the fetch and kills it at some moment, unless it is faster. It
// reports whether the file is whole.
func (v *victim) attempt() (whole bool, err error) {
	sent := v.sentNow()
	v.samples = []sample{{time.Now(), sent}}
	p, err := v.begin("-n", fmt.Sprint(victimSessions))
	if err != nil {
		return false, err
	}
	if v.rng.IntN(5) == 0 {
		v.await(p, moment{0, time.Duration(v.rng.Int64N(int64(time.Second)))})
		if err := v.restartServers(); err != nil {
			return false, err
		}
	}
	v.await(p, v.moment())
	if !killed(p) {
		return true, v.ended(p)
	}
	came, lately := v.sentNow()-sent, v.lately()
	v.kills++
	v.sent += came
	if v.old {
		v.toll.old++
	}
	if whole, err = v.final(); err != nil || whole {
		if whole {
			v.whole++ // between the rename and its own end
		}
		return whole, err
	}
	before := v.journaled
	if v.journaled, err = v.readJournal(); err != nil {
		return false, err
	}
	if v.journaled < before {
		return false, fmt.Errorf("the journal had %d bytes, and has %d", before, v.journaled)
	}
	if v.journaled > 0 {
		v.saved++
	}
	return false, v.account(came, v.journaled-before, lately)
}

// account checks what a kill has cost: came is what was sent, headers included.
func (v *victim) account(came, saved, lately int64) error {
	lost := came - saved
	v.lost += lost
	// Headers are at most a sixteenth. Each session may have two pieces in
	// parts, those of one that its server left included, and at the end as
	// much may come twice.
	limit := min(unsaved+mostInMemory, lately) + came/16 + 4*victimSessions<<20
	if lost > limit {
		return fmt.Errorf("%d bytes came, %d in the end, and %d are in the journal: %d lost, at most %d may be",
			came, lately, saved, lost, limit)
	}
	return nil
}

// complete runs the fetch to its end.
func (v *victim) complete() error {
	p, err := v.begin("-n", fmt.Sprint(victimSessions))
	if err != nil {
		return err
	}
	if _, err := p.wait(fetchLimit); err != nil {
		return err
	}
	return v.ended(p)
}

// ended checks a run that came to its end.
func (v *victim) ended(p *process) error {
	if code := p.cmd.ProcessState.ExitCode(); code != 0 {
		return fmt.Errorf("exit code %d:\n%s", code, p.stderr.String())
	}
	got, err := parseReport(p.stdout.String())
	if err != nil {
		return err
	}
	var came int64
	for _, p := range got.Peers {
		came += p.Bytes
	}
	v.sent += came
	v.resumed += got.Resumed
	if got.Resumed != v.journaled {
		return fmt.Errorf("%d bytes were resumed, the journal had %d", got.Resumed, v.journaled)
	}
	if most := v.size - got.Resumed + 4*victimSessions<<20; came > most {
		return fmt.Errorf("%d bytes came, %d were missing", came, v.size-got.Resumed)
	}
	if whole, err := v.final(); err != nil || !whole {
		return fmt.Errorf("exit code 0, and the file is not whole: %w", err)
	}
	if rest, _ := filepath.Glob(filepath.Join(filepath.Dir(v.out()), ".*chunkcp-*")); len(rest) > 0 {
		return fmt.Errorf("%v is left", rest)
	}
	return nil
}

// final looks at what is under the final name, and reports whether it is the
// whole file. Anything but that and what was there before is an error.
func (v *victim) final() (whole bool, err error) {
	info, err := os.Lstat(v.out())
	if errors.Is(err, fs.ErrNotExist) && !v.old {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	if v.old && info.Size() == int64(len(oldText)) {
		text, err := os.ReadFile(v.out())
		if err == nil && string(text) != oldText {
			err = fmt.Errorf("the old file is %q", text)
		}
		return false, err
	}
	return true, comparePattern(v.out(), v.size)
}

// readJournal returns how many bytes the journal says are in the part file, all
// of which must be there. It reads copies: to open a part file is to change it.
func (v *victim) readJournal() (bytes int64, err error) {
	dir := filepath.Dir(v.out())
	part, err := os.Open(filepath.Join(dir, ".copy.bin.chunkcp-part"))
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil // it was killed before it made one
	}
	if err != nil {
		return 0, err
	}
	defer part.Close()
	scratch, err := os.MkdirTemp(v.dir, "journal")
	if err != nil {
		return 0, err
	}
	defer os.RemoveAll(scratch)
	records, err := v.records(dir, scratch)
	if err != nil {
		return 0, err
	}
	for _, r := range records {
		start := r.Piece * tree.PieceBytes
		piece := make([]byte, min(tree.PieceBytes, v.size-start))
		if _, err := part.ReadAt(piece, start); err != nil {
			return 0, fmt.Errorf("piece %d of the journal: %w", r.Piece, err)
		}
		if tree.PieceHash(piece, r.Piece, tree.Pieces(v.size)) != r.Hash {
			return 0, fmt.Errorf("piece %d of the journal is not what is in the part file", r.Piece)
		}
		bytes += int64(len(piece))
	}
	return bytes, nil
}

// records returns what a copy of the journal says.
func (v *victim) records(dir, scratch string) ([]partfile.Record, error) {
	journal, err := os.ReadFile(filepath.Join(dir, ".copy.bin.chunkcp-journal"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err == nil {
		err = os.WriteFile(filepath.Join(scratch, ".copy.bin.chunkcp-journal"), journal, 0o600)
	}
	if err == nil {
		err = os.WriteFile(filepath.Join(scratch, ".copy.bin.chunkcp-part"), []byte("not empty"), 0o600)
	}
	if err != nil {
		return nil, err
	}
	p, err := partfile.Create(filepath.Join(scratch, "copy.bin"), v.size, partfile.Option{})
	if err != nil {
		return nil, err
	}
	records := p.Resumed()
	return records, p.Discard()
}

// restartServers kills one server or both, and starts them again.
func (v *victim) restartServers() error {
	first := v.rng.IntN(2)
	for i := range 1 + v.rng.IntN(2) {
		i = (first + i) % 2
		v.rig.servers[i].kill()
		s, err := v.boot(i, v.rig.servers[i].addr.String())
		if err != nil {
			return err
		}
		v.rig.servers[i] = s
		v.toll.servers++
	}
	return nil
}

func (v *victim) sentNow() int64 { return v.delivered(0) + v.delivered(1) }
