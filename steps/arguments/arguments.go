// Package arguments reads the arguments of steps: tables, and patterns in their cells.
package arguments

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/cucumber/godog"
	messages "github.com/cucumber/messages/go/v21"
)

// Matches compares a value with an expected text. An expected text between slashes is a regular expression (RE2) that
// has to match the whole value.
func Matches(expected, value string) (bool, error) {
	if len(expected) <= 2 || !strings.HasPrefix(expected, "/") || !strings.HasSuffix(expected, "/") {
		return expected == value, nil
	}
	expression, err := regexp.Compile("^(?:" + expected[1:len(expected)-1] + ")$")
	if err != nil {
		return false, fmt.Errorf("invalid pattern %s: %w", expected, err)
	}
	return expression.MatchString(value), nil
}

// Rows reads a table with a heading that consists of the columns: one map per row, with the cells by column. A column that
// no step reads would check nothing.
func Rows(table *godog.Table, columns ...string) ([]map[string]string, error) {
	return RowsWith(table, columns, nil)
}

// RowsWith is Rows for a table that may have other columns besides.
func RowsWith(table *godog.Table, required, optional []string) ([]map[string]string, error) {
	if len(table.Rows) < 2 {
		return nil, fmt.Errorf("the table needs a heading (%s) and at least one row", strings.Join(required, " | "))
	}
	for _, column := range required {
		if !slices.Contains(Columns(table), column) {
			return nil, fmt.Errorf("the table has no column %q", column)
		}
	}
	rows, err := AnyRows(table)
	if err != nil {
		return nil, err
	}
	known := slices.Concat(required, optional)
	for _, column := range Columns(table) {
		if !slices.Contains(known, column) {
			return nil, fmt.Errorf("unknown column %q: the table can have %s", column, strings.Join(known, ", "))
		}
	}
	return rows, nil
}

// AnyRows is Rows for a table with any columns.
func AnyRows(table *godog.Table) ([]map[string]string, error) {
	if len(table.Rows) < 2 {
		return nil, errors.New("the table needs a heading and at least one row")
	}
	columns := Columns(table)
	for i, column := range columns {
		if slices.Contains(columns[:i], column) {
			return nil, fmt.Errorf("the table has the column %q twice", column)
		}
	}
	var rows []map[string]string
	for _, row := range table.Rows[1:] {
		cells := map[string]string{}
		for i, cell := range row.Cells {
			cells[columns[i]] = cell.Value
		}
		rows = append(rows, cells)
	}
	return rows, nil
}

// Columns returns the heading of a table, in order. The table must have a row.
func Columns(table *godog.Table) []string { return values(table.Rows[0].Cells) }

func values(cells []*messages.PickleTableCell) []string {
	texts := make([]string, 0, len(cells))
	for _, cell := range cells {
		texts = append(texts, cell.Value)
	}
	return texts
}

// Pairs reads a table of names and values without a heading, in order. A name may occur more than once.
func Pairs(table *godog.Table) ([][2]string, error) {
	var pairs [][2]string
	for _, row := range table.Rows {
		if len(row.Cells) != 2 {
			return nil, fmt.Errorf("a row of the table has %d cells instead of a name and a value", len(row.Cells))
		}
		pairs = append(pairs, [2]string{row.Cells[0].Value, row.Cells[1].Value})
	}
	return pairs, nil
}
