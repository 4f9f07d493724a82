package terminal

import "golang.org/x/text/width"

// palette paints text, or leaves it as it is if false.
type palette bool

func (p palette) passed(text string) string { return p.sgr("32", text) }
func (p palette) failed(text string) string { return p.sgr("1;31", text) }
func (p palette) bold(text string) string   { return p.sgr("1", text) }
func (p palette) quiet(text string) string  { return p.sgr("2", text) }

// sgr wraps text in the control sequence "select graphic rendition" (ECMA-48).
func (p palette) sgr(code, text string) string {
	if !p || text == "" {
		return text
	}
	return "\x1b[" + code + "m" + text + "\x1b[0m"
}

// columnsOf is the number of terminal columns that a text takes.
func columnsOf(text string) int {
	columns := 0
	for _, r := range text {
		columns += columnsOfRune(r)
	}
	return columns
}

func columnsOfRune(r rune) int {
	switch width.LookupRune(r).Kind() {
	case width.EastAsianWide, width.EastAsianFullwidth:
		return 2
	}
	return 1
}

// fit shortens a line to a number of columns.
func fit(text string, columns int) string {
	if columnsOf(text) <= columns {
		return text
	}
	used := 1 // for the ellipsis
	for i, r := range text {
		if used += columnsOfRune(r); used > columns {
			return text[:i] + "…"
		}
	}
	return text
}
