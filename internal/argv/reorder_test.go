package argv

import (
	"errors"
	"flag"
	"io"
	"slices"
	"strings"
	"testing"
)

func fetchFlags() []Flag {
	return []Flag{
		{Names: []string{"sessions", "n"}, TakesValue: true},
		{Names: []string{"out", "o"}, TakesValue: true},
		{Names: []string{"peer"}, TakesValue: true},
		{Names: []string{"json"}},
		{Names: []string{"quiet", "q"}},
		{Names: []string{"no-clobber"}},
		{Names: []string{"help", "h"}},
	}
}

// Words are separated by a space, and _ stands for the empty word.
func words(line string) []string {
	list := strings.Fields(line)
	for i, w := range list {
		if w == "_" {
			list[i] = ""
		}
	}
	return list
}

func TestReorder(t *testing.T) {
	for _, c := range []struct{ name, in, want string }{
		{"nothing", "", ""},
		{"flags first already", "-n 8 FILE", "-n 8 FILE"},
		{"flags last", "FILE -n 8", "-n 8 FILE"},
		{"flags around", "-q A -n 8 B --json", "-q -n 8 --json A B"},
		{"order kept", "B --peer x A --peer y", "--peer x --peer y B A"},
		{"long with a value joined", "FILE --sessions=8", "--sessions=8 FILE"},
		{"long with one dash", "FILE -sessions 8", "-sessions 8 FILE"},
		{"short with = ", "FILE -n=8", "-n=8 FILE"},
		{"short with a value attached", "FILE -n8", "-n=8 FILE"},
		{"short with a path attached", "FILE -o/tmp/x", "-o=/tmp/x FILE"},
		{"short with a value that has =", "FILE -oa=b", "-o=a=b FILE"},
		{"an empty value", "FILE -o _", "-o _ FILE"},
		{"an empty value joined", "FILE --out=", "--out= FILE"},
		{"a switch turned off", "FILE --json=false", "--json=false FILE"},
		{"a switch takes no value", "--json FILE", "--json FILE"},
		{"- as a value", "FILE -o -", "-o - FILE"},
		{"- as an argument", "- -q", "-q -"},
		{"an empty argument", "_ -q", "-q _"},
		{"a negative value", "FILE -n -1", "-n -1 FILE"},
		{"a value like a flag, joined", "FILE -o=--json", "-o=--json FILE"},
		{"-- ends the flags", "-q -- -n 8", "-q -- -n 8"},
		{"-- after an argument", "FILE -q -- --json", "-q -- FILE --json"},
		{"-- needed by nobody", "FILE -q -- A", "-q FILE A"},
		{"-- twice", "-- --", "-- --"},
		{"-- last", "FILE --", "FILE"},
		{"- after --", "-- - -q", "-- - -q"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := Reorder(words(c.in), fetchFlags())
			if err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(got, words(c.want)) {
				t.Errorf("got %q, want %q", got, words(c.want))
			}
		})
	}
}

func TestReorderRefuses(t *testing.T) {
	for _, c := range []struct{ in, word, want string }{
		{"FILE --sesions 8", "--sesions", `unknown flag "--sesions": did you mean --sessions?`},
		{"FILE --no-clober", "--no-clober", `unknown flag "--no-clober": did you mean --no-clobber?`},
		{"FILE --jsn=true", "--jsn=true", `unknown flag "--jsn=true": did you mean --json?`},
		{"FILE --sess 8", "--sess", `unknown flag "--sess": did you mean --sessions?`},
		{"FILE -ouf x", "-ouf", `unknown flag "-ouf": did you mean --out?`},
		{"FILE -ou x", "-ou", `unknown flag "-ou": did you mean --out?`},
		{"FILE -qn", "-qn", `unknown flag "-qn": did you mean -q?`},
		{"FILE --n8", "--n8", `unknown flag "--n8": did you mean -n?`},
		{"FILE --zzzzzz", "--zzzzzz", `unknown flag "--zzzzzz"`},
		{"FILE -x", "-x", `unknown flag "-x"`},
		{"FILE -5", "-5", `unknown flag "-5"`},
		{"FILE ---json", "---json", `unknown flag "---json": did you mean --json?`},
		{"FILE -=x", "-=x", `unknown flag "-=x"`},
		{"FILE --=x", "--=x", `unknown flag "--=x"`},
		{"FILE -n", "-n", `flag -n has no value`},
		{"FILE -n --", "-n", `flag -n has no value but is followed by "--": if that is its value, write "-n=--"`},
		{"FILE -o --json", "-o", `flag -o has no value but is followed by "--json": if that is its value, write "-o=--json"`},
		{"FILE --out -q", "--out", `flag --out has no value but is followed by "-q": if that is its value, write "--out=-q"`},
		{"FILE -o --other", "-o", `flag -o has no value but is followed by "--other": if that is its value, write "-o=--other"`},
	} {
		t.Run(c.in, func(t *testing.T) {
			got, err := Reorder(words(c.in), fetchFlags())
			var usage *Error
			if !errors.As(err, &usage) {
				t.Fatalf("got %q, error %v; want an *Error", got, err)
			}
			if usage.Word != c.word || err.Error() != c.want {
				t.Errorf("word %q, error %q\nwant %q, error %q", usage.Word, err, c.word, c.want)
			}
		})
	}
}

func FuzzReorder(f *testing.F) {
	f.Add("FILE\n-n\n8\n--json\n-o\n-")
	f.Add("-q\n--\n-n8\n-")
	f.Add("-n-q\n-o=\n\n---\n-=")
	f.Fuzz(func(t *testing.T, lines string) {
		args := strings.Split(lines, "\n")
		got, err := Reorder(args, fetchFlags())
		if err != nil {
			var usage *Error
			if !errors.As(err, &usage) || !slices.Contains(args, usage.Word) {
				t.Errorf("%q: error %v names no word of it", args, err)
			}
			return
		}
		again, err := Reorder(got, fetchFlags())
		if err != nil || !slices.Equal(again, got) {
			t.Errorf("%q: %q, reordered again %q, %v", args, got, again, err)
		}
		// What Go's flag package then leaves as arguments are all that were
		// given, in the same order.
		left, err := parse(got)
		if err != nil {
			t.Errorf("%q: %q does not parse: %v", args, got, err)
		}
		if !inOrder(left, args) || len(left) < plainWords(args) {
			t.Errorf("%q: %q leaves the arguments %q", args, got, left)
		}
	})
}

// parse does what the CLI library does with its arguments.
func parse(args []string) ([]string, error) {
	set := flag.NewFlagSet("fetch", flag.ContinueOnError)
	set.SetOutput(io.Discard)
	for _, f := range fetchFlags() {
		for _, name := range f.Names {
			if f.TakesValue {
				set.String(name, "", "")
			} else {
				set.BoolFunc(name, "", func(string) error { return nil })
			}
		}
	}
	err := set.Parse(args)
	return set.Args(), err
}

// inOrder reports whether all of part stand in whole, in the same order.
func inOrder(part, whole []string) bool {
	for _, w := range whole {
		if len(part) > 0 && part[0] == w {
			part = part[1:]
		}
	}
	return len(part) == 0
}

// plainWords counts the words that must be arguments: those that neither are
// flags nor follow one.
func plainWords(args []string) int {
	n := 0
	for i, w := range args {
		if !isFlag(w) && (i == 0 || !isFlag(args[i-1])) {
			n++
		}
	}
	return n
}
