package argv

import (
	"maps"
	"slices"
	"strings"
)

// nearest returns the known name of two letters or more that name was likely
// meant to be, or "". Likely is: the start of it, or a third of its letters
// mistyped (arbitrary, but at least one).
func (known lookup) nearest(name string) string {
	best, least := "", max(1, len([]rune(name))/3)+1
	for _, candidate := range slices.Sorted(maps.Keys(known)) {
		if len(candidate) < 2 || len(name) < 2 {
			continue
		}
		far := distance(name, candidate)
		if strings.HasPrefix(candidate, name) {
			far = 0
		}
		if far < least {
			best, least = candidate, far
		}
	}
	return best
}

// suggest names the flag that was likely meant by name, with its dashes.
func (known lookup) suggest(name string) string {
	if near := known.nearest(name); near != "" {
		return "did you mean --" + near + "?"
	}
	if name != "" {
		if _, ok := known[name[:1]]; ok {
			return "did you mean -" + name[:1] + "?"
		}
	}
	return ""
}

// distance is Levenshtein's: how many letters to insert, delete or replace to
// get from a to b. Words of a command line are short enough for a table.
func distance(a, b string) int {
	from, to := []rune(a), []rune(b)
	before := make([]int, len(to)+1)
	for j := range before {
		before[j] = j
	}
	for i := range from {
		row := make([]int, len(to)+1)
		row[0] = i + 1
		for j := range to {
			replaced := before[j] + 1
			if from[i] == to[j] {
				replaced = before[j]
			}
			row[j+1] = min(replaced, before[j+1]+1, row[j]+1)
		}
		before = row
	}
	return before[len(to)]
}
