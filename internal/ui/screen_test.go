package ui

import (
	"fmt"
	"strings"
	"sync"
	"testing"
)

// screen is a terminal: it keeps what is written as a user would see it. It
// knows what this package sends and fails the test on all else. Lines longer
// than the screen wrap, anew when it is resized, as most terminals do it.
type screen struct {
	t *testing.T

	mu            sync.Mutex
	columns, rows int
	lines         []string // as ended by line feeds, scrolled ones included; the cursor is in the last
	column        int      // of the cursor in that line
	writes        int
}

func newScreen(t *testing.T, columns, rows int) *screen {
	return &screen{t: t, columns: columns, rows: rows, lines: []string{""}}
}

func (s *screen) size() (int, int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.columns, s.rows, nil
}

func (s *screen) resize(columns, rows int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.columns, s.rows = columns, rows
}

func (s *screen) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.writes++
	for text := string(p); text != ""; {
		switch {
		case text[0] == '\n':
			s.lines, s.column = append(s.lines, ""), 0
			text = text[1:]
		case text[0] == '\r':
			s.column = 0
			text = text[1:]
		case text[0] == '\x1b':
			var up int
			if _, err := fmt.Sscanf(text, "\x1b[%dA\x1b[J", &up); err != nil || s.column != 0 {
				s.t.Errorf("the terminal got %q in column %d", text, s.column)
				return len(p), nil
			}
			s.eraseUp(up)
			text = text[strings.Index(text, "J")+1:]
		case text[0] < ' ' || text[0] > '~':
			s.t.Errorf("the terminal got the byte %#x", text[0])
			return len(p), nil
		default:
			run := strings.IndexFunc(text+"\n", func(r rune) bool { return r < ' ' || r > '~' })
			s.lines[len(s.lines)-1] += text[:run]
			s.column += run
			text = text[run:]
		}
	}
	return len(p), nil
}

// eraseUp moves the cursor up by rows, no further than the top of the screen,
// and erases all from there on.
func (s *screen) eraseUp(rows int) {
	if rows > s.rows-1 {
		s.t.Errorf("moved up %d rows on a screen of %d: the top ones have scrolled away", rows, s.rows)
	}
	for rows > 0 {
		s.lines = s.lines[:len(s.lines)-1]
		last := s.lines[len(s.lines)-1]
		rows -= max(1, (len(last)+s.columns-1)/s.columns)
	}
	if rows < 0 {
		s.t.Errorf("moved up into the middle of a wrapped line")
	}
	s.lines[len(s.lines)-1] = ""
}

// echo is the terminal showing what was typed.
func (s *screen) echo(text string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lines[len(s.lines)-1] += text
	s.column += len(text)
}

func (s *screen) written() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.writes
}

func (s *screen) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return strings.Join(s.lines, "\n")
}
