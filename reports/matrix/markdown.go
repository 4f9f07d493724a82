package matrix

import (
	"fmt"
	"io"
	"strings"

	"github.com/ingress-testbed/testbed/reports/internal/theme"
	"github.com/ingress-testbed/testbed/reports/plaintext"
)

// maxMarkdown bounds one text, in bytes: GitHub shows no summary of more than a megabyte.
const maxMarkdown = 2 << 10

// WriteMarkdown writes the verdict, the table and the differences in GitHub's Markdown, as job summaries want it.
func (m *Matrix) WriteMarkdown(w io.Writer) error {
	var text strings.Builder
	verdict := "✓ Passed"
	if !m.Passed() {
		verdict = "✗ Not passed"
	}
	fmt.Fprintf(&text, "## %s: %s\n\n", markdown(m.Title), verdict)
	if reason := m.Reason(); reason != "" {
		fmt.Fprintf(&text, "%s\n\n", markdown(reason))
	}
	for i, row := range m.rows(func(c theme.Count) string { return fmt.Sprintf("%s %d %s", c.Mark, c.Count, c.Name) }, ", ") {
		for _, cell := range row {
			fmt.Fprintf(&text, "| %s ", markdown(cell))
		}
		text.WriteString("|\n")
		if i == 0 {
			text.WriteString(strings.Repeat("| --- ", len(row)) + "|\n")
		}
	}
	if remarks := m.Remarks(); len(remarks) > 0 {
		text.WriteString("\n")
		for _, line := range remarks {
			indent := len(line) - len(strings.TrimLeft(line, " "))
			fmt.Fprintf(&text, "%s- %s\n", strings.Repeat(" ", indent), markdown(line))
		}
	}
	text.WriteString("\n")
	_, err := io.WriteString(w, text.String())
	return err
}

// markdown makes one line of which nothing reads as Markdown, HTML or the end of a cell. Backslashes work before every
// character of punctuation (CommonMark, section 2.4).
func markdown(text string) string {
	text = plaintext.Line(plaintext.Shorten(text, maxMarkdown, func(int) string { return " … " }))
	var escaped strings.Builder
	for _, r := range text {
		if strings.ContainsRune("\\`*_{}[]<>()#+-.!|~&@:$^=\"'", r) {
			escaped.WriteByte('\\')
		}
		escaped.WriteRune(r)
	}
	return escaped.String()
}
