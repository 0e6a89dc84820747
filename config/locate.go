package config

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

const (
	// maxDepth and maxKey bound a key before the TOML library sees it, which
	// takes memory in proportion to the square of a key's parts, and of all
	// keys to the length of their table's name: tens of GB for a file of 1 MiB.
	// Twice the depth of this format; the length is arbitrary.
	maxDepth = 4
	maxKey   = 64 // bytes of one part
)

var (
	errDepth = fmt.Errorf("tables within tables, more than %d deep: this format needs only %d", maxDepth, maxDepth/2)
	errKey   = fmt.Errorf("a key of more than %d characters: there is none so long", maxKey)

	// errNotTOML ends the search of a file that the TOML library will refuse.
	errNotTOML = errors.New("not TOML")
)

// locator finds the lines of keys, which the TOML library keeps to itself. It
// follows the grammar of TOML 1.1 as far as it takes to tell keys from values,
// and leaves the errors to the library.
type locator struct {
	rest  string
	line  int
	lines map[string]int // line of each key, by path: "peer[0].addr"
	count map[string]int // tables in each array of tables, by path
}

// locate returns the line of every key of a TOML document, by path. It fails
// only on a document that goes beyond maxDepth or maxKey. Of one that is not
// TOML it returns what comes before the first error, at least.
func locate(document string) (map[string]int, *Error) {
	// What the library reads over as well.
	for _, mark := range []string{"\xff\xfe", "\xfe\xff", "\xef\xbb\xbf"} {
		if rest, ok := strings.CutPrefix(document, mark); ok {
			document = rest
			break
		}
	}
	l := locator{rest: document, line: 1, lines: map[string]int{}, count: map[string]int{}}
	if err := l.document(); err == errDepth || err == errKey {
		return nil, &Error{Line: l.line, Err: err}
	}
	return l.lines, nil
}

// join appends a key to a path, quoted if it could be taken for something else.
func join(path, key string) string {
	if strings.Trim(key, bareKey) != "" || key == "" {
		key = strconv.Quote(key)
	}
	if path == "" {
		return key
	}
	return path + "." + key
}

// bareKey is what a key without quotes is made of (TOML 1.0, Keys).
const bareKey = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-"

// element returns the path of an element of the array at path.
func element(path string, i int) string { return fmt.Sprintf("%s[%d]", path, i) }

func (l *locator) document() error {
	table, depth := "", 0
	for l.space(); l.rest != ""; l.space() {
		if l.peek() != '[' {
			if err := l.keyValue(table, depth); err != nil {
				return err
			}
			continue
		}
		var err error
		if table, depth, err = l.header(); err != nil {
			return err
		}
	}
	return nil
}

// header reads [a.b] or [[a.b]] and returns the table's path and depth.
func (l *locator) header() (string, int, error) {
	line := l.line
	l.take("[")
	array := l.take("[")
	keys, err := l.key()
	if err != nil {
		return "", 0, err
	}
	if !l.take("]") || array && !l.take("]") {
		return "", 0, errNotTOML
	}
	path := ""
	for i, key := range keys {
		path = join(path, key)
		if array && i == len(keys)-1 {
			l.count[path]++
		}
		// A name leads to the last table of an array.
		if n := l.count[path]; n > 0 {
			l.found(path, line)
			path = element(path, n-1)
		}
		l.found(path, line)
	}
	return path, len(keys), nil
}

// keyValue reads a = value, in the table at path.
func (l *locator) keyValue(path string, depth int) error {
	line := l.line
	keys, err := l.key()
	if err != nil {
		return err
	}
	for _, key := range keys {
		path = join(path, key)
		l.found(path, line)
	}
	if !l.take("=") {
		return errNotTOML
	}
	return l.value(path, depth+len(keys))
}

func (l *locator) found(path string, line int) {
	if _, ok := l.lines[path]; !ok {
		l.lines[path] = line
	}
}

// key reads a key of one or more parts with dots between them.
func (l *locator) key() ([]string, error) {
	var keys []string
	for {
		l.blank()
		key, err := l.part()
		if err != nil {
			return nil, err
		}
		if keys = append(keys, key); len(keys) > maxDepth {
			return nil, errDepth
		}
		l.blank()
		if !l.take(".") {
			return keys, nil
		}
	}
}

func (l *locator) part() (string, error) {
	if c := l.peek(); c == '"' || c == '\'' {
		text, err := l.quoted()
		if err == nil && len(text) > maxKey {
			err = errKey
		}
		return text, err
	}
	text := l.rest[:len(l.rest)-len(strings.TrimLeft(l.rest, bareKey))]
	if text == "" {
		return "", errNotTOML
	}
	if len(text) > maxKey {
		return "", errKey
	}
	l.rest = l.rest[len(text):]
	return text, nil
}
