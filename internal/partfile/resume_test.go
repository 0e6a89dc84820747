package partfile

import (
	"bufio"
	"crypto/sha256"
	"errors"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
)

// note writes a piece of 4 bytes and notes it.
func note(t *testing.T, p *Part, piece int64, content string) Record {
	t.Helper()
	if _, err := p.WriteAt([]byte(content), 4*piece); err != nil {
		t.Fatal(err)
	}
	r := Record{piece, sha256.Sum256([]byte(content))}
	p.Note(r)
	return r
}

func checkpoint(t *testing.T, p *Part) {
	t.Helper()
	if err := p.Checkpoint(); err != nil {
		t.Fatal(err)
	}
}

func wantResumed(t *testing.T, p *Part, want ...Record) {
	t.Helper()
	if got := p.Resumed(); !slices.Equal(got, want) {
		t.Errorf("resumed %v, want %v", got, want)
	}
}

func closePart(t *testing.T, p *Part) {
	t.Helper()
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
}

var inFours = Option{PieceBytes: 4}

func TestResumeAfterClose(t *testing.T) {
	dir := t.TempDir()
	dest := filepath.Join(dir, "file")
	p := create(t, dest, 14, inFours)
	wantResumed(t, p)
	third := note(t, p, 3, "mn")
	first := note(t, p, 1, "efgh")
	checkpoint(t, p)
	checkpoint(t, p) // nothing noted
	note(t, p, 0, "bad!")
	p.Note(Record{Piece: 4}) // the file has none
	p.Note(Record{Piece: -1})
	closePart(t, p)
	wantNames(t, dir, ".file.chunkcp-journal", ".file.chunkcp-part")

	p = create(t, dest, 14, inFours)
	zero := note(t, p, 0, "abcd")
	closePart(t, p)

	p = create(t, dest, 14, inFours)
	wantResumed(t, p, zero, first, third)
	b := make([]byte, 4)
	if n, err := p.ReadAt(b, 4); n != 4 || err != nil || string(b) != "efgh" {
		t.Errorf("ReadAt = %d, %v, %q; want efgh", n, err, b)
	}
	note(t, p, 2, "ijkl")
	if err := p.Commit(); err != nil {
		t.Fatal(err)
	}
	wantContent(t, dest, "abcdefghijklmn")
	wantNames(t, dir, "file")

	if _, err := p.ReadAt(b, 0); !errors.Is(err, fs.ErrClosed) {
		t.Errorf("ReadAt after the commit = %v, want ErrClosed", err)
	}
	if err := p.Checkpoint(); !errors.Is(err, fs.ErrClosed) {
		t.Errorf("Checkpoint after the commit = %v, want ErrClosed", err)
	}
}

// A commit that fails keeps what it has, for the next run.
func TestResumeAfterFailedCommit(t *testing.T) {
	dest := filepath.Join(t.TempDir(), "file")
	p := create(t, dest, 4, Option{PieceBytes: 4, NoClobber: true})
	r := note(t, p, 0, "abcd")
	put(t, dest, "rival")
	if err := p.Commit(); !errors.Is(err, ErrExists) {
		t.Fatalf("Commit = %v, want ErrExists", err)
	}
	wantResumed(t, create(t, dest, 4, inFours), r)
}

func TestRestartForgets(t *testing.T) {
	dir := t.TempDir()
	dest := filepath.Join(dir, "file")
	p := create(t, dest, 8, inFours)
	note(t, p, 0, "abcd")
	closePart(t, p)

	p = create(t, dest, 8, Option{PieceBytes: 4, Restart: true})
	wantResumed(t, p)
	wantContent(t, partPath(dest), strings.Repeat("\x00", 8))
	wantNames(t, dir, ".file.chunkcp-part")
	closePart(t, p)
	wantResumed(t, create(t, dest, 8, inFours))
}

func TestDiscardRemovesTheJournal(t *testing.T) {
	dir := t.TempDir()
	p := create(t, filepath.Join(dir, "file"), 8, inFours)
	note(t, p, 0, "abcd")
	checkpoint(t, p)
	wantNames(t, dir, ".file.chunkcp-journal", ".file.chunkcp-part")
	if err := p.Discard(); err != nil {
		t.Fatal(err)
	}
	wantNames(t, dir)
}

// The journal of a file of another size, or in other pieces, is of no use.
func TestJournalOfAnotherFileIsRemoved(t *testing.T) {
	for name, opt := range map[string]struct {
		size  int
		piece int64
	}{"size": {9, 4}, "pieces": {8, 2}, "default pieces": {8, 0}} {
		dir := t.TempDir()
		dest := filepath.Join(dir, "file")
		p := create(t, dest, 8, inFours)
		note(t, p, 0, "abcd")
		closePart(t, p)
		p = create(t, dest, opt.size, Option{PieceBytes: opt.piece})
		if len(p.Resumed()) > 0 {
			t.Errorf("%s: resumed %v", name, p.Resumed())
		}
		wantNames(t, dir, ".file.chunkcp-part")
	}
}

// The part file was removed, by a commit that was killed at its end or by hand,
// and the journal stayed: it says nothing of the next part file, nor of the one
// that takes over that.
func TestJournalWithoutPartFileIsForgotten(t *testing.T) {
	dest := filepath.Join(t.TempDir(), "file")
	p := create(t, dest, 8, inFours)
	note(t, p, 0, "abcd")
	closePart(t, p)
	if err := os.Remove(partPath(dest)); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		p = create(t, dest, 8, inFours)
		wantResumed(t, p)
		closePart(t, p)
	}
}

func TestSecondFetchLeavesTheJournal(t *testing.T) {
	dest := filepath.Join(t.TempDir(), "file")
	p := create(t, dest, 8, inFours)
	r := note(t, p, 0, "abcd")
	checkpoint(t, p)
	for _, opt := range []Option{inFours, {PieceBytes: 4, Restart: true}, {PieceBytes: 2}} {
		if _, err := Create(dest, 8, opt); !errors.Is(err, ErrLocked) {
			t.Fatalf("second Create = %v, want ErrLocked", err)
		}
	}
	closePart(t, p)
	wantResumed(t, create(t, dest, 8, inFours), r)
}

// quickRival lets a fetch begin between another one's rename and its removal of
// the journal.
type quickRival struct {
	osFS
	rival func()
}

func (q quickRival) Rename(from, to string) error {
	err := q.osFS.Rename(from, to)
	q.rival()
	return err
}

func TestCommitLeavesTheJournalOfTheNextFetch(t *testing.T) {
	dest := filepath.Join(t.TempDir(), "file")
	var next *Part
	var r Record
	disk := quickRival{rival: func() {
		next = create(t, dest, 8, inFours)
		r = note(t, next, 1, "2nd1")
		checkpoint(t, next)
	}}
	p := create(t, dest, 8, Option{PieceBytes: 4, FS: disk})
	note(t, p, 0, "1st0")
	checkpoint(t, p)
	if err := p.Commit(); err != nil {
		t.Fatal(err)
	}
	closePart(t, next)
	wantResumed(t, create(t, dest, 8, inFours), r)
}

// Somebody removes the part file by hand and starts a second fetch: what the
// first one goes on to note must not get into the second one's journal.
func TestJournalReplacedUnderTheFetch(t *testing.T) {
	for _, open := range []bool{false, true} {
		dest := filepath.Join(t.TempDir(), "file")
		first := create(t, dest, 8, inFours)
		if open {
			note(t, first, 0, "1st0")
			checkpoint(t, first)
		}
		if err := os.Remove(partPath(dest)); err != nil {
			t.Fatal(err)
		}
		second := create(t, dest, 8, inFours)
		r := note(t, second, 1, "2nd1")
		checkpoint(t, second)
		note(t, first, 0, "1st0")
		if err := first.Checkpoint(); !open && !errors.Is(err, ErrJournal) {
			t.Errorf("Checkpoint of the first = %v, want ErrJournal", err)
		}
		note(t, first, 1, "1st1")
		if err := first.Commit(); !errors.Is(err, errPartGone) {
			t.Errorf("Commit of the first = %v, want errPartGone", err)
		}
		closePart(t, second)
		wantResumed(t, create(t, dest, 8, inFours), r)
	}
}

// journalRival puts a file in the journal's place just before it is made.
type journalRival struct{ osFS }

func (j journalRival) Open(name string) (File, error) {
	if strings.HasSuffix(name, journalSuffix) {
		if err := os.WriteFile(name, []byte("rival"), 0o600); err != nil {
			return nil, err
		}
	}
	return j.osFS.Open(name)
}

func TestJournalIsNotWrittenOverAnother(t *testing.T) {
	dest := filepath.Join(t.TempDir(), "file")
	p := create(t, dest, 8, Option{PieceBytes: 4, FS: journalRival{}})
	note(t, p, 0, "abcd")
	if err := p.Checkpoint(); !errors.Is(err, ErrJournal) || !errors.Is(err, errForeignPart) {
		t.Errorf("Checkpoint = %v, want ErrJournal and errForeignPart", err)
	}
	wantContent(t, journalPath(dest), "rival")
}

// A journal that is nearly full is written anew, without losing what it says.
func TestFullJournalIsWrittenAnew(t *testing.T) {
	dest := filepath.Join(t.TempDir(), "file")
	p := create(t, dest, 8, inFours)
	for range (2*slotsPerPiece + slackSlots) * 4 / 5 {
		note(t, p, 0, "old0")
	}
	zero := note(t, p, 0, "abcd")
	closePart(t, p)

	p = create(t, dest, 8, inFours)
	wantResumed(t, p, zero)
	checkpoint(t, p) // nothing noted
	one := note(t, p, 1, "efgh")
	checkpoint(t, p)
	closePart(t, p)
	info, err := os.Stat(journalPath(dest))
	if err != nil || info.Size() != offset(2) {
		t.Errorf("the journal has %d bytes, %v; want %d", info.Size(), err, offset(2))
	}

	p = create(t, dest, 8, inFours)
	wantResumed(t, p, zero, one)
	for range 2*slotsPerPiece + slackSlots {
		note(t, p, 0, "abcd")
	}
	if err := p.Checkpoint(); !errors.Is(err, ErrJournal) || !errors.Is(err, errJournalFull) {
		t.Errorf("Checkpoint of more than the journal holds = %v, want errJournalFull", err)
	}
}

func TestPieceBytesBelowZero(t *testing.T) {
	dir := t.TempDir()
	if _, err := Create(filepath.Join(dir, "file"), 8, Option{PieceBytes: -1}); err == nil {
		t.Error("Create with pieces of -1 bytes succeeded")
	}
	wantNames(t, dir)
}

// Everything at once, for the race detector.
func TestManyNotersOneJournal(t *testing.T) {
	const pieces = 400
	dest := filepath.Join(t.TempDir(), "file")
	p := create(t, dest, 4*pieces, inFours)
	var all sync.WaitGroup
	for w := range int64(4) {
		all.Go(func() {
			for i := w; i < pieces; i += 4 {
				note(t, p, i, "abcd")
				if _, err := p.ReadAt(make([]byte, 4), 4*i); err != nil {
					t.Error(err)
				}
				if i%50 == w {
					checkpoint(t, p)
				}
			}
		})
	}
	all.Wait()
	closePart(t, p)
	if got := create(t, dest, 4*pieces, inFours).Resumed(); len(got) != pieces {
		t.Errorf("%d pieces resumed, want %d", len(got), pieces)
	}
}

// killedEnv makes the test below the process that is killed: it names the
// destination.
const killedEnv = "CHUNKCP_TEST_KILLED"

// A process that is killed leaves what its last Checkpoint has saved.
func TestResumeAfterKill(t *testing.T) {
	if dest := os.Getenv(killedEnv); dest != "" {
		p := create(t, dest, 8, inFours)
		note(t, p, 1, "efgh")
		checkpoint(t, p)
		note(t, p, 0, "abcd")
		os.Stdout.WriteString("saved\n")
		_, _ = io.Copy(io.Discard, os.Stdin) // until it is killed
		return
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	dest := filepath.Join(t.TempDir(), "file")
	cmd := exec.Command(self, "-test.run=^TestResumeAfterKill$")
	cmd.Env = append(os.Environ(), killedEnv+"="+dest)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil || line != "saved\n" {
		t.Errorf("the process says %q, %v", line, err)
	}
	if _, err := Create(dest, 8, inFours); !errors.Is(err, ErrLocked) {
		t.Errorf("Create beside the process = %v, want ErrLocked", err)
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait() // killed
	wantResumed(t, create(t, dest, 8, inFours), Record{1, sha256.Sum256([]byte("efgh"))})
}

// TestWhatIsWorthless: a part file of which nobody has said that a piece is in it.
// Not one whose journal cannot be read: it may be another time.
func TestWhatIsWorthless(t *testing.T) {
	dest := filepath.Join(t.TempDir(), "file")
	p := create(t, dest, 3<<20, Option{})
	if !p.Worthless() {
		t.Error("a new one is worth something")
	}
	write(t, p, "bytes that nobody has verified")
	if !p.Worthless() {
		t.Error("what is not noted is found by nobody")
	}
	p.Note(Record{Piece: 1})
	if p.Worthless() {
		t.Error("a piece was noted")
	}
	if err := p.Checkpoint(); err != nil || p.Worthless() {
		t.Errorf("a piece is in the journal (%v)", err)
	}
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	p = create(t, dest, 3<<20, Option{})
	if p.Worthless() {
		t.Error("an earlier run has left a piece")
	}
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(journalPath(dest)); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(journalPath(dest), 0o700); err != nil {
		t.Fatal(err)
	}
	p = create(t, dest, 3<<20, Option{})
	if p.Worthless() {
		t.Error("what the journal says is not known")
	}
}
