package config

import (
	"strconv"
	"strings"
)

// value reads over the value of the key at path and finds the keys in it.
func (l *locator) value(path string, depth int) error {
	if depth > maxDepth {
		return errDepth
	}
	l.blank()
	switch l.peek() {
	case '"', '\'':
		_, err := l.quoted()
		return err
	case '[':
		return l.array(path, depth)
	case '{':
		return l.inlineTable(path, depth)
	}
	end := strings.IndexAny(l.rest, ",]}#\n")
	if end < 0 {
		end = len(l.rest)
	}
	if strings.TrimSpace(l.rest[:end]) == "" {
		return errNotTOML
	}
	l.rest = l.rest[end:]
	return nil
}

func (l *locator) array(path string, depth int) error {
	l.take("[")
	for i := 0; ; i++ {
		l.space()
		if l.take("]") {
			return nil
		}
		at := element(path, i)
		l.found(at, l.line)
		if err := l.value(at, depth+1); err != nil {
			return err
		}
		l.space()
		if !l.take(",") && l.peek() != ']' {
			return errNotTOML
		}
	}
}

func (l *locator) inlineTable(path string, depth int) error {
	l.take("{")
	for {
		l.space() // TOML 1.1 allows line breaks here
		if l.take("}") {
			return nil
		}
		if err := l.keyValue(path, depth); err != nil {
			return err
		}
		l.space()
		if !l.take(",") && l.peek() != '}' {
			return errNotTOML
		}
	}
}

// quoted reads a string of any of the four kinds and returns its text. Escapes
// are resolved as Go does, which differs from TOML only in rare ones.
func (l *locator) quoted() (string, error) {
	mark := l.rest[:1]
	if long := strings.Repeat(mark, 3); strings.HasPrefix(l.rest, long) {
		return l.quotedLines(long)
	}
	end := 1
	for ; end < len(l.rest); end++ {
		switch c := l.rest[end]; {
		case c == '\n':
			return "", errNotTOML
		case c == '\\' && mark == `"`:
			end++
		case c == mark[0]:
			text := l.rest[:end+1]
			l.rest = l.rest[end+1:]
			if plain, err := strconv.Unquote(text); err == nil && mark == `"` {
				return plain, nil
			}
			return text[1 : len(text)-1], nil
		}
	}
	return "", errNotTOML
}

// quotedLines reads a string over several lines, which is never a key.
func (l *locator) quotedLines(mark string) (string, error) {
	for end := len(mark); end < len(l.rest); end++ {
		switch {
		case l.rest[end] == '\\' && mark[0] == '"':
			end++
		case strings.HasPrefix(l.rest[end:], mark):
			end += len(mark)
			// One or two more marks belong to the text (TOML 1.0, String).
			for range 2 {
				if strings.HasPrefix(l.rest[end:], mark[:1]) {
					end++
				}
			}
			text := l.rest[:end]
			l.line += strings.Count(text, "\n")
			l.rest = l.rest[end:]
			return text, nil
		}
	}
	return "", errNotTOML
}

func (l *locator) peek() byte {
	if l.rest == "" {
		return 0
	}
	return l.rest[0]
}

func (l *locator) take(s string) bool {
	rest, ok := strings.CutPrefix(l.rest, s)
	l.rest = rest
	return ok
}

// blank skips spaces within a line.
func (l *locator) blank() { l.rest = strings.TrimLeft(l.rest, " \t") }

// space skips spaces, line breaks and comments.
func (l *locator) space() {
	for {
		rest := strings.TrimLeft(l.rest, " \t\r\n")
		l.line += strings.Count(l.rest[:len(l.rest)-len(rest)], "\n")
		l.rest = rest
		if l.peek() != '#' {
			return
		}
		end := strings.IndexByte(l.rest, '\n')
		if end < 0 {
			end = len(l.rest)
		}
		l.rest = l.rest[end:]
	}
}
