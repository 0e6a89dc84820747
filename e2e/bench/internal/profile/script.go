package profile

import (
	"bufio"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// read counts the samples that perf script prints with -F pid,ip,sym,dso: of
// each the process, alone in its line, then its stack, a function a line, and an
// empty line. Samples of the processes that are left out are not counted, nor
// those of process 0, in which a processor has nothing to do.
func read(script io.Reader, leftOut ...int) (map[Use]int, error) {
	counts := map[Use]int{}
	lines := bufio.NewScanner(script)
	lines.Buffer(nil, longestLine)
	skip := map[int]bool{0: true}
	for _, pid := range leftOut {
		skip[pid] = true
	}
	pid := 0
	var stack []frame
	end := func() {
		if len(stack) > 0 && !skip[pid] {
			counts[use(stack)]++
		}
		stack = stack[:0]
	}
	inside := false
	for lines.Scan() {
		line := strings.TrimSpace(lines.Text())
		switch {
		case line == "":
			end()
			inside = false
		case inside:
			f, err := parseFrame(line)
			if err != nil {
				return nil, err
			}
			stack = append(stack, f)
		default:
			var err error
			if pid, err = strconv.Atoi(line); err != nil {
				return nil, fmt.Errorf("perf script: %q where the number of a process was expected", line)
			}
			inside = true
		}
	}
	end()
	return counts, lines.Err()
}

// longestLine is more than any symbol's name; arbitrary.
const longestLine = 1 << 20

// parseFrame reads "ffffffff81baf9f0 _copy_to_iter ([kernel.kallsyms])".
func parseFrame(line string) (frame, error) {
	_, rest, found := strings.Cut(line, " ")
	at := strings.LastIndex(rest, " (")
	if !found || at < 0 || !strings.HasSuffix(rest, ")") {
		return frame{}, fmt.Errorf("perf script: %q where a function was expected", line)
	}
	return frame{symbol: rest[:at], object: rest[at+len(" (") : len(rest)-len(")")]}, nil
}
