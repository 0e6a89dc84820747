package config

import (
	"fmt"
	"slices"
	"strings"
)

// Error is one fault in what the user configured.
type Error struct {
	Path string // the file; "" for a flag or the environment
	Line int    // 1 for the first; 0 where it is not known
	Err  error
}

func (e *Error) Error() string {
	switch {
	case e.Path == "":
		return e.Err.Error()
	case e.Line == 0:
		return fmt.Sprintf("%s: %v", e.Path, e.Err)
	}
	return fmt.Sprintf("%s:%d: %v", e.Path, e.Line, e.Err)
}

func (e *Error) Unwrap() error { return e.Err }

// byLine puts errors in the order in which a user goes through the file. The
// text decides between those of one line, so that the order is always the same.
func byLine(errs []error) []error {
	slices.SortStableFunc(errs, func(a, b error) int {
		if d := a.(*Error).Line - b.(*Error).Line; d != 0 {
			return d
		}
		return strings.Compare(a.Error(), b.Error())
	})
	return errs
}
