package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/urfave/cli/v2"

	"chunkcp/internal/rangeset"
	"chunkcp/internal/tree"
	"chunkcp/internal/ui"
	"chunkcp/peer"
)

func verifyCommand() *cli.Command {
	return command(&cli.Command{
		Name:      "verify",
		Usage:     "tell which bytes of a file are wrong, by its hash or by what servers have",
		ArgsUsage: "FILE",
		Flags: slices.Concat(clientFlags(), []cli.Flag{
			&cli.StringFlag{Name: "name", Usage: "what the servers call it", DefaultText: "the last part of FILE"},
			&cli.BoolFlag{Name: "repair", Usage: "fetch what is wrong"},
		}, experimentFlags()),
		Action: verify,
	})
}

// verdict is what verify finds. Its names are promised to programs.
type verdict struct {
	OK       bool       `json:"ok"`       // the file is what it should be, now
	File     string     `json:"file"`     // its path
	Hash     string     `json:"hash"`     // that it had
	Expected string     `json:"expected"` // that it should have
	Wrong    [][2]int64 `json:"wrong"`    // [start, end) of what was wrong; null if only that something was is known
	Repaired bool       `json:"repaired"`
	Error    string     `json:"error"` // why it could not be found out, or ""
}

func verify(c *cli.Context) error {
	if c.NArg() != 1 {
		return &usageError{fmt.Errorf("verify takes one FILE, got %d arguments", c.NArg())}
	}
	path := c.Args().First()
	v := verdict{File: path}
	want, err := wantedHash(c.String("hash"))
	if err != nil {
		return v.fail(c, err)
	}
	mine, err := hashFile(c.Context, path)
	if err != nil {
		return v.fail(c, err)
	}
	root, _ := mine.Root()
	v.Hash = root.Text()
	if want != nil {
		v.Expected = want.Text()
		if v.OK = root == *want; v.OK {
			return v.tell(c)
		}
		if v.alone(c) {
			return v.tell(c)
		}
	}
	return v.ask(c, mine)
}

// alone reports whether there is nobody to ask: a hash alone was given.
func (v *verdict) alone(c *cli.Context) bool {
	if c.Bool("repair") || len(c.StringSlice("peer")) > 0 {
		return false
	}
	file, err := loadConfig(c.String("config"))
	return err == nil && len(file.Peers) == 0
}

// ask holds the file against what the servers have.
func (v *verdict) ask(c *cli.Context, mine *tree.List) error {
	name := first(c.String("name"), filepath.Base(v.File))
	k, err := newClient(c, name)
	if err != nil {
		return v.fail(c, err)
	}
	k.opt.HashesOnly = true
	f, err := k.run(c)
	if err != nil {
		return v.fail(c, err)
	}
	theirs := f.List()
	root, _ := theirs.Root() // a fetch of hashes ends when all are known
	v.Expected = root.Text()
	right, wrong := compare(mine, theirs)
	v.OK = v.Hash == v.Expected
	v.Wrong = [][2]int64{}
	for _, r := range wrong.Ranges() {
		v.Wrong = append(v.Wrong, [2]int64{r.Start, r.End})
	}
	if v.OK || !c.Bool("repair") {
		return v.tell(c)
	}
	return v.repair(c, k, root, right)
}

// repair fetches what is wrong, and puts the whole in the file's place.
func (v *verdict) repair(c *cli.Context, k *client, root tree.Hash, right rangeset.Set) error {
	file, err := os.Open(v.File)
	if err != nil {
		return v.fail(c, err)
	}
	defer file.Close()
	place, err := filepath.EvalSymlinks(v.File) // what a link leads to is mended, and not replaced by a copy
	if err != nil {
		return v.fail(c, err)
	}
	k.opt.HashesOnly, k.opt.Hash = false, &root
	k.opt.Out, k.opt.Seed = place, &peer.Seed{File: file, Pieces: right}
	f, err := k.run(c)
	if err != nil {
		return v.fail(c, err)
	}
	v.OK, v.Repaired = true, true
	if !c.Bool("q") && !c.Bool("json") {
		fmt.Fprint(os.Stderr, ui.Summary(ui.Result{Snapshot: shown(f.Snapshot()), Out: v.File}))
	}
	return v.tell(c)
}

// fail tells programs, too, why nothing was found out or mended.
func (v *verdict) fail(c *cli.Context, err error) error {
	v.Error = err.Error()
	if c.Bool("json") {
		err = errors.Join(err, v.print(true, true))
	}
	return err
}

// compare returns which bytes of theirs mine has, and which it has not.
func compare(mine, theirs *tree.List) (right, wrong rangeset.Set) {
	for i := range theirs.Len() {
		r := rangeset.Range{Start: i * tree.PieceBytes, End: min((i+1)*tree.PieceBytes, theirs.Size())}
		want, _ := theirs.Get(i)
		if i < mine.Len() {
			if got, _ := mine.Get(i); got == want && r.End <= mine.Size() {
				right.Add(r)
				continue
			}
		}
		wrong.Add(r)
	}
	wrong.Add(rangeset.Range{Start: theirs.Size(), End: mine.Size()}) // what is too much
	return right, wrong
}

// tell prints what was found. A file that is wrong, and stays so, is an error.
func (v *verdict) tell(c *cli.Context) error {
	if err := v.print(c.Bool("json"), c.Bool("q")); err != nil {
		return &localError{err}
	}
	if !v.OK {
		return fmt.Errorf("%w: %s is %s, not %s", peer.ErrIntegrity, v.File, v.Hash, v.Expected)
	}
	return nil
}

func (v *verdict) print(asJSON, quiet bool) error {
	switch {
	case asJSON:
		return ui.EncodeJSON(os.Stdout, v)
	case quiet:
		return nil
	case v.OK && !v.Repaired:
		_, err := fmt.Printf("%s: right\n", ui.Escape(v.File))
		return err
	}
	what := "wrong"
	if v.Repaired {
		what = "was wrong, fetched again"
	}
	for _, r := range v.Wrong {
		if _, err := fmt.Printf("%s: bytes %d to %d: %s\n", ui.Escape(v.File), r[0], r[1], what); err != nil {
			return err
		}
	}
	return nil
}
