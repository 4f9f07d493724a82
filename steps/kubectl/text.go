package kubectl

import (
	"slices"
	"strings"
)

// Gap is the line of an expected text that matches any number of lines.
const Gap = "..."

// Prints reports whether the output contains the expected lines consecutively, except for gaps. Empty lines are ignored,
// and so is the amount of white space, because kubectl pads its columns. If the lines are not found, missing is the first
// one that differs, in the longest match.
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
		have = have[start+len(block):] // the first match leaves the most lines for the following blocks
	}
	return "", true
}

// blocks returns the lines between the gaps.
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

// common returns the length of the common prefix.
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
