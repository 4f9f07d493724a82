package compatibility

import (
	"bytes"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"slices"

	"go.yaml.in/yaml/v3"
)

//go:embed recorded.yaml
var recordedFile []byte

// Check is a check of the record of ingress-nginx, as steps/replay names it.
type Check struct {
	Case string
	Name string
}

// Recorded maps the checks of the record of ingress-nginx that disagree by default to the difference that each is due to.
func Recorded() (map[Check]Difference, error) { return parseRecorded(recordedFile) }

// parseRecorded reads recorded.yaml: for each difference its cases, and for each case its checks.
func parseRecorded(content []byte) (map[Check]Difference, error) {
	var file map[Difference]map[string][]string
	if err := yaml.NewDecoder(bytes.NewReader(content)).Decode(&file); err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("reading recorded.yaml: %w", err)
	}
	known := Rows()
	all := map[Check]Difference{}
	for difference, cases := range file {
		if !slices.ContainsFunc(known, func(row Row) bool { return row.Difference == difference }) {
			return nil, fmt.Errorf("recorded.yaml: there is no difference %q", difference)
		}
		for name, checks := range cases {
			for _, check := range checks {
				key := Check{Case: name, Name: check}
				if other, twice := all[key]; twice {
					return nil, fmt.Errorf("recorded.yaml: the check %q of the case %q is listed by %s and by %s", check, name, other, difference)
				}
				all[key] = difference
			}
		}
	}
	return all, nil
}
