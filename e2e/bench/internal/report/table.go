package report

import (
	"fmt"
	"io"
	"strings"
)

// table is a table of Markdown, whose first column is text and the others
// numbers.
type table struct {
	head []string
	rows [][]string
}

func (t *table) add(cells ...string) { t.rows = append(t.rows, cells) }

// write aligns the columns, so that the source reads well too.
func (t *table) write(w io.Writer) {
	widths := make([]int, len(t.head))
	all := append([][]string{t.head}, t.rows...)
	for _, row := range all {
		for i, cell := range row {
			widths[i] = max(widths[i], len(escape(cell)))
		}
	}
	for n, row := range all {
		var cells []string
		for i := range t.head {
			cell := ""
			if i < len(row) {
				cell = escape(row[i])
			}
			if i == 0 {
				cells = append(cells, fmt.Sprintf("%-*s", widths[i], cell))
			} else {
				cells = append(cells, fmt.Sprintf("%*s", widths[i], cell))
			}
		}
		fmt.Fprintf(w, "| %s |\n", strings.Join(cells, " | "))
		if n == 0 {
			t.rule(w, widths)
		}
	}
	fmt.Fprintln(w)
}

func (t *table) rule(w io.Writer, widths []int) {
	var marks []string
	for i, width := range widths {
		if i == 0 {
			marks = append(marks, strings.Repeat("-", width+2))
		} else {
			marks = append(marks, strings.Repeat("-", width+1)+":")
		}
	}
	fmt.Fprintf(w, "|%s|\n", strings.Join(marks, "|"))
}

// escape keeps a cell in its place.
func escape(cell string) string {
	return strings.NewReplacer("|", `\|`, "\n", " ").Replace(cell)
}
