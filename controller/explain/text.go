package explain

import (
	"bufio"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/ingress-testbed/testbed/proxy/trace"
)

// maxOthers is how many paths are listed that don't match.
const maxOthers = 5

// Section is one part of an explanation: rows of cells.
type Section struct {
	Name string
	Rows [][]string
}

// Sections are the parts in the order of a request's way. Sections without a row are left out.
func (x *Explanation) Sections() []Section {
	var all []Section
	add := func(name string, rows ...[]string) {
		if len(rows) > 0 {
			all = append(all, Section{name, rows})
		}
	}
	if c := x.Certificate; c != nil {
		add("certificate", []string{secretText(c), serverNameText(c)})
	}
	add("server", []string{x.serverText()})
	add("path", x.pathRows()...)
	var rows [][]string
	for _, p := range x.Policies {
		rows = append(rows, []string{p.Stage, p.Text, p.Did})
	}
	add("policies", rows...)
	if p := x.Passthrough; p != nil {
		add("passthrough", []string{"the TLS connection is forwarded as it is, by the server name " + p.Host, "to Service " + p.Service})
	}
	calls := func(early bool) {
		for _, call := range x.Calls {
			if early == (call.For == ForAuthentication) {
				add(call.For.section(), call.rows()...)
			}
		}
	}
	calls(true)
	if b := x.Backend; b != nil {
		add("backend", b.rows()...)
	}
	if x.Sent != nil {
		add("gets", x.Sent.rows()...)
	}
	calls(false)
	add("answer", x.answerRows()...)
	add("note", singles(x.Notes)...)
	if x.Other != nil {
		differences := x.Other.Differences
		if len(differences) == 0 {
			differences = []string{"the same"}
		}
		add("in "+x.Other.Mode, singles(differences)...)
	}
	return all
}

func singles(cells []string) [][]string {
	var rows [][]string
	for _, cell := range cells {
		rows = append(rows, []string{cell})
	}
	return rows
}

// Title is the request in one line.
func (x *Explanation) Title() string {
	return fmt.Sprintf("%s %s, from %s, in mode %s", x.Method, printable(x.URL), x.Client, x.Mode)
}

// WriteText prints an explanation for people: a line for each fact, with the Ingress that it comes from.
func (x *Explanation) WriteText(w io.Writer) error {
	out := &columns{out: bufio.NewWriter(w)}
	fmt.Fprintf(out.out, "%s\n\n", x.Title())
	for _, section := range x.Sections() {
		out.section(section.Name, section.Rows)
	}
	if err := out.out.Flush(); err != nil {
		return fmt.Errorf("writing the explanation: %w", err)
	}
	return nil
}

func secretText(c *Certificate) string {
	if c.Secret == "" {
		return "the controller's own"
	}
	return "Secret " + c.Secret
}

func serverNameText(c *Certificate) string {
	if c.ServerName == "" {
		return "no server name was sent"
	}
	return fmt.Sprintf("%s match for %s", c.Match, c.ServerName)
}

func (x *Explanation) serverText() string {
	switch x.Server.Match {
	case "none":
		return fmt.Sprintf("none: no rule is for %s, and none is for every host", x.Host)
	case "any":
		return fmt.Sprintf("every other host: no rule names %s", x.Host)
	case "wildcard":
		return fmt.Sprintf("%s: no rule names %s itself", x.Server.Name, x.Host)
	}
	return x.Server.Name
}

// pathRows lists the paths that match, and some of the others.
func (x *Explanation) pathRows() [][]string {
	var rows [][]string
	others := 0
	for _, path := range x.Paths {
		mark := "-"
		if path.Selected {
			mark = ">"
		}
		if !path.Matches {
			if others++; others > maxOthers {
				continue
			}
		}
		from := path.Source
		if from == "" {
			from = "default backend"
		}
		rows = append(rows, []string{mark + " " + path.Match, from, path.Action, path.Reason})
	}
	if others > maxOthers {
		rows = append(rows, []string{fmt.Sprintf("- and %d more that don't match", others-maxOthers)})
	}
	if len(x.Paths) > 0 && x.Answer.Status == 404 && x.Backend == nil && len(x.Policies) == 0 {
		rows = append(rows, []string{"none matches"})
	}
	return rows
}

func (b *Backend) rows() [][]string {
	first := "Service " + b.Service
	if b.Canary {
		first = "canary, " + first
	}
	rows := [][]string{{first, b.Source}}
	certain := len(b.Odds) == 1 && !b.Canary && b.By == trace.ByWeight.String()
	if !certain {
		rows[0] = append(rows[0], "by "+b.By)
	}
	if b.Endpoint != "" {
		rows = append(rows, []string{b.Endpoint, fmt.Sprintf("%s, one of %d, %s", b.Protocol, b.Endpoints, b.Balancing)})
	}
	if len(b.Odds) > 0 && !certain {
		rows = append(rows, []string{"of requests like this one, " + strings.Join(b.Odds, ", ")})
	}
	return rows
}

func (s *Sent) rows() [][]string {
	rows := [][]string{{s.Line, "to " + s.To}}
	for _, field := range s.Header {
		rows = append(rows, []string{field.String()})
	}
	if s.Body > 0 {
		rows = append(rows, []string{fmt.Sprintf("a body of %d bytes", s.Body)})
	}
	return rows
}

func (x *Explanation) answerRows() [][]string {
	first := fmt.Sprintf("%d by the %s", x.Answer.Status, x.Answer.By)
	if x.Answer.Reason != "" {
		first += ": " + x.Answer.Reason
	}
	rows := [][]string{{first}}
	for _, field := range x.Answer.Header {
		switch field.Name {
		case "Date", "Content-Length", "Content-Type":
		default:
			rows = append(rows, []string{field.String()})
		}
	}
	return rows
}

// columns aligns the cells of a section.
type columns struct{ out *bufio.Writer }

// nameWidth is that of the longest name of a section.
const nameWidth = 18

// maxCell is the width that a cell may align others to.
const maxCell = 60

func (c *columns) section(name string, rows [][]string) {
	var widths []int
	for _, row := range rows {
		for i, cell := range row {
			if i == len(widths) {
				widths = append(widths, 0)
			}
			if n := utf8.RuneCountInString(cell); i < len(row)-1 && n <= maxCell {
				widths[i] = max(widths[i], n)
			}
		}
	}
	for _, row := range rows {
		var line strings.Builder
		fmt.Fprintf(&line, "%-*s", nameWidth, name)
		for i, cell := range row {
			fmt.Fprintf(&line, "%-*s  ", widths[i], printable(cell))
		}
		fmt.Fprintln(c.out, strings.TrimRight(line.String(), " "))
		name = ""
	}
}

// printable replaces control characters, which terminals would obey.
func printable(text string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return '?'
		}
		return r
	}, text)
}
