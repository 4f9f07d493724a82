// Package progress shows how far a command is.
package progress

import (
	"fmt"
	"io"
	"os"

	"golang.org/x/term"
)

// Line shows a text that is replaced by the next one on a terminal, and is a line of its own elsewhere.
type Line struct {
	// Replaces is whether texts replace each other.
	Replaces bool
	w        io.Writer
}

// NewLine returns a Line on a writer.
func NewLine(w io.Writer) Line {
	file, ok := w.(*os.File)
	return Line{w: w, Replaces: ok && term.IsTerminal(int(file.Fd()))}
}

// erase moves to the beginning of the line and erases it (ECMA-48, EL).
const erase = "\r\x1b[K"

// Show shows a text.
func (l Line) Show(text string) {
	if l.Replaces {
		fmt.Fprint(l.w, erase, text)
	} else {
		fmt.Fprintln(l.w, text)
	}
}

// End erases the text on a terminal.
func (l Line) End() {
	if l.Replaces {
		fmt.Fprint(l.w, erase)
	}
}
