package argv

import "strings"

// Flag is what Reorder must know of a flag.
type Flag struct {
	Names      []string // without dashes: "sessions", "n"
	TakesValue bool
}

// Error is a mistake in the command line, for the person who typed it.
type Error struct {
	Word string // as typed
	Hint string // what to do
	Msg  string // what is wrong with Word
}

func (e *Error) Error() string {
	if e.Hint == "" {
		return e.Msg
	}
	return e.Msg + ": " + e.Hint
}

// lookup finds flags by name.
type lookup map[string]Flag

func newLookup(flags []Flag) lookup {
	known := lookup{}
	for _, f := range flags {
		for _, name := range f.Names {
			known[name] = f
		}
	}
	return known
}

// isFlag reports whether word looks like a flag, known or not.
func isFlag(word string) bool { return len(word) > 1 && word[0] == '-' }

// split takes -name=value and --name=value apart.
func split(word string) (name, value string, hasValue bool) {
	name = strings.TrimPrefix(strings.TrimPrefix(word, "-"), "-")
	return strings.Cut(name, "=")
}

// attached takes -n8 apart. It refuses what is nearly the name of a flag.
func (known lookup) attached(word string) (name, value string, ok bool) {
	if len(word) < 3 || word[1] == '-' {
		return "", "", false
	}
	name, value = word[1:2], word[2:]
	if !known[name].TakesValue || known.nearest(word[1:]) != "" {
		return "", "", false
	}
	return name, value, true
}
