package kubectl

import (
	"slices"
	"strings"
)

// Gap is the line that stands for any number of lines in an expected text, as in a walkthrough that leaves lines out.
const Gap = "..."

// Prints tells whether the expected lines are in the output, one directly after the other from some line on,
// where Gap stands for any number of lines. Amounts of white space don't matter, as kubectl pads its columns, and
// empty lines neither. If the text is not there, missing is the expected line that was not found where it should be.
func Prints(output, expected string) (missing string, ok bool) {
	have := squeeze(output)
	for _, block := range blocks(squeeze(expected)) {
		best := 0
		start := slices.IndexFunc(indexes(have), func(i int) bool {
			equal := common(have[i:], block)
			best = max(best, equal)
			return equal == len(block)
		})
		if start < 0 {
			return block[best], false
		}
		have = have[start+len(block):] // the first place is as good as any: it leaves most for the blocks to come
	}
	return "", true
}

// blocks are the lines between the gaps.
func blocks(lines []string) [][]string {
	var all [][]string
	for len(lines) > 0 {
		end := slices.Index(lines, Gap)
		if end < 0 {
			return append(all, lines)
		}
		if end > 0 {
			all = append(all, lines[:end])
		}
		lines = lines[end+1:]
	}
	return all
}

func indexes(lines []string) []int {
	all := make([]int, len(lines))
	for i := range all {
		all[i] = i
	}
	return all
}

// common counts the lines with which both begin.
func common(a, b []string) int {
	n := 0
	for n < len(a) && n < len(b) && a[n] == b[n] {
		n++
	}
	return n
}

func squeeze(text string) []string {
	var lines []string
	for line := range strings.SplitSeq(text, "\n") {
		if words := strings.Fields(line); len(words) > 0 {
			lines = append(lines, strings.Join(words, " "))
		}
	}
	return lines
}
