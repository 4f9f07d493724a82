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

// WriteText prints an explanation for people: a line for each fact, with the Ingress that it comes from.
func (x *Explanation) WriteText(w io.Writer) error {
	out := &columns{out: bufio.NewWriter(w)}
	fmt.Fprintf(out.out, "%s %s, from %s\n\n", x.Method, printable(x.URL), x.Client)
	if c := x.Certificate; c != nil {
		out.section("certificate", [][]string{{secretText(c), serverNameText(c)}})
	}
	out.section("server", [][]string{{x.serverText()}})
	out.section("path", x.pathRows())
	var rows [][]string
	for _, p := range x.Policies {
		rows = append(rows, []string{p.Stage, p.Text, p.Did})
	}
	out.section("policies", rows)
	for _, call := range x.Calls {
		out.section("asks", call.rows())
	}
	if b := x.Backend; b != nil {
		out.section("backend", b.rows())
	}
	if x.Sent != nil {
		out.section("gets", x.Sent.rows())
	}
	out.section("answer", x.answerRows())
	rows = nil
	for _, note := range x.Notes {
		rows = append(rows, []string{note})
	}
	out.section("note", rows)
	if x.Other != nil {
		rows = nil
		for _, difference := range x.Other.Differences {
			rows = append(rows, []string{difference})
		}
		if len(rows) == 0 {
			rows = [][]string{{"the same"}}
		}
		out.section(x.Other.Mode, rows)
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
		if path.verdict == trace.OtherPath {
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
const nameWidth = 14

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
