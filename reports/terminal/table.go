package terminal

import (
	"io"
	"strings"

	"github.com/ingress-testbed/testbed/reports/plaintext"
)

// WriteTable writes rows in aligned columns; wide characters take two.
func WriteTable(w io.Writer, rows [][]string) error {
	var widths []int
	for _, row := range rows {
		for i, cell := range row {
			if i == len(widths) {
				widths = append(widths, 0)
			}
			widths[i] = max(widths[i], columnsOf(plaintext.Line(cell)))
		}
	}
	var text strings.Builder
	for _, row := range rows {
		var line strings.Builder
		for i, cell := range row {
			cell = plaintext.Line(cell)
			line.WriteString(cell + strings.Repeat(" ", widths[i]-columnsOf(cell)+2))
		}
		text.WriteString(strings.TrimRight(line.String(), " ") + "\n")
	}
	_, err := io.WriteString(w, text.String())
	return err
}
