package kubectl

import (
	"strings"
)

// Table is a table that kubectl has printed.
type Table struct {
	Columns []string
	Rows    []map[string]string // cell by column
}

// Tables parses the tables in the output of kubectl get, which are separated by empty lines. The headings determine where
// the columns begin, because cells may be empty or contain spaces.
func Tables(text string) []Table {
	var tables []Table
	for block := range strings.SplitSeq(strings.TrimSpace(text), "\n\n") {
		lines := strings.Split(strings.Trim(block, "\n"), "\n")
		columns, starts := headings(lines[0])
		if len(columns) == 0 {
			continue
		}
		table := Table{Columns: columns}
		for _, line := range lines[1:] {
			row := map[string]string{}
			characters := []rune(line)
			for i, column := range columns {
				end := len(characters)
				if i+1 < len(starts) {
					end = min(end, starts[i+1])
				}
				if start := starts[i]; start < end {
					row[column] = strings.TrimSpace(string(characters[start:end]))
				} else {
					row[column] = ""
				}
			}
			table.Rows = append(table.Rows, row)
		}
		tables = append(tables, table)
	}
	return tables
}

// headings splits a heading into columns, which are at least two spaces apart: "NOMINATED NODE" is one column.
func headings(line string) (columns []string, starts []int) {
	characters := []rune(line)
	for i := 0; i < len(characters); {
		if characters[i] == ' ' {
			i++
			continue
		}
		start := i
		for i < len(characters) && (characters[i] != ' ' || i+1 < len(characters) && characters[i+1] != ' ') {
			i++
		}
		columns = append(columns, strings.TrimSpace(string(characters[start:i])))
		starts = append(starts, start)
	}
	return columns, starts
}
