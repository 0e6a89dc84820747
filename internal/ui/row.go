package ui

import (
	"strings"

	"github.com/mattn/go-runewidth"
)

// gap separates the cells of a row, in columns.
const gap = 2

// cell is one column of a row.
type cell struct {
	text  string
	width int  // at least; the text is padded to it
	right bool // align to the right
	rank  int  // of the cells that do not fit, the highest rank goes first

	// fill, where set, draws the cell in place of text, in its width and all
	// that the other cells leave.
	fill func(width int) string
}

func (c cell) columns() int { return max(c.width, runewidth.StringWidth(c.text)) }

// row joins the cells to a line of at most width columns. It leaves out cells
// by rank until the rest fits, and cuts the last one that remains.
func row(width int, cells []cell) string {
	for len(cells) > 1 && needed(cells) > width {
		worst := 0
		for i, c := range cells {
			if c.rank >= cells[worst].rank {
				worst = i
			}
		}
		cells = append(append([]cell{}, cells[:worst]...), cells[worst+1:]...)
	}
	spare := max(0, width-needed(cells))
	var line strings.Builder
	for i, c := range cells {
		if i > 0 {
			line.WriteString(strings.Repeat(" ", gap))
		}
		switch {
		case c.fill != nil:
			line.WriteString(c.fill(c.columns() + spare))
		case c.right:
			line.WriteString(runewidth.FillLeft(c.text, c.width))
		default:
			line.WriteString(runewidth.FillRight(c.text, c.width))
		}
	}
	return strings.TrimRight(cut(line.String(), width), " ")
}

func needed(cells []cell) int {
	n := gap * (len(cells) - 1)
	for _, c := range cells {
		n += c.columns()
	}
	return n
}

// cut shortens s to width columns and shows that it did where there is room.
func cut(s string, width int) string {
	tail := "..."
	if width < 2*len(tail) {
		tail = ""
	}
	return runewidth.Truncate(s, width, tail)
}
