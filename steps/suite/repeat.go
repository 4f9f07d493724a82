package suite

import (
	"fmt"
	"io/fs"
	"path"
	"strconv"
	"strings"

	"github.com/ingress-testbed/testbed/reports/results"
)

// maxRepeat bounds the rounds of a run, whose results are kept in memory.
const maxRepeat = 100

// rounds is a file system that shows the files of another once for each round after the first, in a folder of its own, so
// that the same feature files are other ones for godog.
type rounds struct{ files fs.FS }

// Open implements fs.FS.
func (r rounds) Open(name string) (fs.File, error) {
	return r.files.Open(withoutRound(name))
}

// roundName is the path of a feature file or folder in a round, counted from 1.
func roundName(round int, name string) string {
	if round == 1 {
		return name
	}
	return path.Join(roundFolder(round), name)
}

func roundFolder(round int) string { return "round " + strconv.Itoa(round) }

// withoutRound is the path of a feature file or folder as the user knows it.
func withoutRound(name string) string {
	folder, rest, found := strings.Cut(name, "/")
	if !found {
		folder, rest = name, "."
	}
	number, isRound := strings.CutPrefix(folder, "round ")
	if n, err := strconv.Atoi(number); isRound && err == nil && n > 1 && roundFolder(n) == folder {
		return rest
	}
	return name
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
			paths = append(paths, roundName(round+1, name))
		}
	}
	selection.Files, selection.Paths = rounds{selection.Files}, paths
	return selection, nil
}

// Unsteady lists the scenarios of a repeated run that have passed in one round and failed in another, a line each: whether
// they pass is chance, or depends on what ran before.
func Unsteady(run results.Run) []string {
	type tally struct{ failed, ran int }
	tallies := map[string]*tally{}
	var order []string
	for _, feature := range run.Features {
		file := withoutRound(feature.URI)
		for i := range feature.Scenarios {
			scenario := &feature.Scenarios[i]
			status := scenario.Status()
			if !status.Failing() && status != results.Passed {
				continue
			}
			name := fmt.Sprintf("%s:%d %s", file, scenario.Line, scenario.FullName())
			if tallies[name] == nil {
				tallies[name] = &tally{}
				order = append(order, name)
			}
			tallies[name].ran++
			if status.Failing() {
				tallies[name].failed++
			}
		}
	}
	var unsteady []string
	for _, name := range order {
		if t := tallies[name]; t.failed > 0 && t.failed < t.ran {
			unsteady = append(unsteady, fmt.Sprintf("%s: failed in %d of %d rounds", name, t.failed, t.ran))
		}
	}
	return unsteady
}
