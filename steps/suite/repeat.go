package suite

import (
	"fmt"
	"io/fs"

	"github.com/ingress-testbed/testbed/reports/results"
)

// maxRepeat bounds the rounds of a run, whose results are kept in memory.
const maxRepeat = 100

// rounds is a file system that shows the files of another one again in a folder for each round after the first, so that godog
// treats them as different feature files.
type rounds struct{ files fs.FS }

// Open implements fs.FS.
func (r rounds) Open(name string) (fs.File, error) {
	return r.files.Open(results.WithoutRound(name))
}

// repeat returns the files and paths of a selection that runs several times.
func repeat(selection Selection, times int) (Selection, error) {
	if times == 0 {
		times = 1
	}
	if times < 1 || times > maxRepeat {
		return selection, fmt.Errorf("scenarios can be repeated 1 to %d times, not %d", maxRepeat, times)
	}
	if times == 1 {
		return selection, nil
	}
	if len(selection.Paths) == 0 {
		selection.Paths = []string{"."}
	}
	var paths []string
	for round := range times {
		for _, name := range selection.Paths {
			paths = append(paths, results.RoundURI(round+1, name))
		}
	}
	selection.Files, selection.Paths = rounds{selection.Files}, paths
	return selection, nil
}
