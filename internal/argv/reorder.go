package argv

import (
	"fmt"
	"slices"
	"strings"
)

// Reorder returns args with all flags first, then the arguments, each in the
// order they came in. It puts -- between them where an argument would be taken
// for a flag. Reordering the result again changes nothing. All its errors are
// of type *Error.
func Reorder(args []string, flags []Flag) ([]string, error) {
	known := newLookup(flags)
	var front, rest []string
	for i := 0; i < len(args); i++ {
		word := args[i]
		if word == "--" {
			rest = append(rest, args[i+1:]...)
			break
		}
		if !isFlag(word) {
			rest = append(rest, word)
			continue
		}
		name, _, hasValue := split(word)
		flag, ok := known[name]
		switch {
		case !ok:
			name, value, ok := known.attached(word)
			if !ok {
				return nil, known.unknown(word)
			}
			front = append(front, "-"+name+"="+value)
		case !flag.TakesValue || hasValue:
			front = append(front, word)
		default:
			if err := known.checkValue(word, args[i+1:]); err != nil {
				return nil, err
			}
			i++
			front = append(front, word, args[i])
		}
	}
	if slices.ContainsFunc(rest, isFlag) {
		front = append(front, "--")
	}
	return append(front, rest...), nil
}

// checkValue looks at what follows the flag word, which takes a value.
func (known lookup) checkValue(word string, next []string) error {
	if len(next) == 0 {
		return &Error{Word: word, Msg: fmt.Sprintf("flag %s has no value", word)}
	}
	value := next[0]
	name, _, _ := split(value)
	_, isKnown := known[name]
	if strings.HasPrefix(value, "--") || isFlag(value) && isKnown {
		return &Error{
			Word: word,
			Msg:  fmt.Sprintf("flag %s has no value but is followed by %q", word, value),
			Hint: fmt.Sprintf("if that is its value, write %q", word+"="+value),
		}
	}
	return nil
}

func (known lookup) unknown(word string) error {
	name, _, _ := split(word)
	return &Error{Word: word, Msg: fmt.Sprintf("unknown flag %q", word), Hint: known.suggest(name)}
}
