package steps

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/cucumber/godog"

	"github.com/ingress-testbed/testbed/reports/evidence"
)

// matches compares a value with what a feature file says of it: the text itself, or a regular expression (RE2) of the
// whole text between slashes.
func matches(wanted, value string) (bool, error) {
	if len(wanted) > 2 && strings.HasPrefix(wanted, "/") && strings.HasSuffix(wanted, "/") {
		expression, err := regexp.Compile("^(?:" + wanted[1:len(wanted)-1] + ")$")
		if err != nil {
			return false, fmt.Errorf("reading the pattern %s: %w", wanted, err)
		}
		return expression.MatchString(value), nil
	}
	return wanted == value, nil
}

// failure is the error of a step that saw something else than it expected.
func failure(expected, seen string, look ...string) error {
	return &evidence.Failure{Expected: expected, Seen: seen, Look: look}
}

// rows reads a table as maps by its heading. Missing columns are an error, others are allowed.
func rows(table *godog.Table, required ...string) ([]map[string]string, error) {
	if len(table.Rows) < 2 {
		return nil, fmt.Errorf("the table needs a heading (%s) and a row", strings.Join(required, " | "))
	}
	heading := table.Rows[0].Cells
	for _, column := range required {
		found := false
		for _, cell := range heading {
			found = found || cell.Value == column
		}
		if !found {
			return nil, fmt.Errorf("the table has no column %q", column)
		}
	}
	var all []map[string]string
	for _, row := range table.Rows[1:] {
		values := map[string]string{}
		for i, cell := range row.Cells {
			values[heading[i].Value] = cell.Value
		}
		all = append(all, values)
	}
	return all, nil
}

// pairs reads a table of two columns without heading, in its order.
func pairs(table *godog.Table) ([][2]string, error) {
	var all [][2]string
	for _, row := range table.Rows {
		if len(row.Cells) != 2 {
			return nil, fmt.Errorf("a row of the table has %d cells, not a name and a value", len(row.Cells))
		}
		all = append(all, [2]string{row.Cells[0].Value, row.Cells[1].Value})
	}
	return all, nil
}
