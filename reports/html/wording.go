package html

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/ingress-testbed/testbed/reports/plaintext"
)

// prose undoes the line breaks of a feature file's description, but for those between paragraphs.
func prose(text string) string {
	var paragraphs []string
	for paragraph := range strings.SplitSeq(plaintext.Clean(text), "\n\n") {
		if paragraph = plaintext.Line(paragraph); paragraph != "" {
			paragraphs = append(paragraphs, paragraph)
		}
	}
	return strings.Join(paragraphs, "\n\n")
}

// size words a number of bytes.
func size(bytes int64) string {
	switch {
	case bytes < 1<<10:
		return fmt.Sprintf("%d bytes", bytes)
	case bytes < 1<<20:
		return fmt.Sprintf("%.1f KiB", float64(bytes)/(1<<10))
	}
	return fmt.Sprintf("%.1f MiB", float64(bytes)/(1<<20))
}

// number words a count that need not be whole.
func number(n float64) string {
	if math.IsNaN(n) || math.IsInf(n, 0) {
		return "?"
	}
	if n == math.Trunc(n) && math.Abs(n) < 1e15 {
		return strconv.FormatFloat(n, 'f', 0, 64)
	}
	return strconv.FormatFloat(n, 'f', 1, 64)
}

// probability words a probability: "0.37", "0.0021", "3.1 × 10⁻¹⁶".
func probability(p float64) string {
	switch {
	case math.IsNaN(p):
		return "?"
	case p <= 0 || p >= 0.001:
		return strconv.FormatFloat(p, 'g', 2, 64)
	}
	exponent := int(math.Floor(math.Log10(p)))
	return strconv.FormatFloat(p/math.Pow(10, float64(exponent)), 'f', 1, 64) + " × 10" + superscript(exponent)
}

func superscript(n int) string {
	digits := []rune("⁰¹²³⁴⁵⁶⁷⁸⁹")
	text := ""
	if n < 0 {
		text, n = "⁻", -n
	}
	for _, digit := range strconv.Itoa(n) {
		text += string(digits[digit-'0'])
	}
	return text
}

// chance words a small probability as "1 in 10 million".
func chance(p float64) string {
	if p <= 0 || p >= 1 || math.IsNaN(p) {
		return probability(p)
	}
	inverse := 1 / p
	for _, scale := range []struct {
		factor float64
		name   string
	}{{1e12, "trillion"}, {1e9, "billion"}, {1e6, "million"}} {
		if inverse >= scale.factor*0.9995 {
			return "1 in " + strconv.FormatFloat(inverse/scale.factor, 'g', 3, 64) + " " + scale.name
		}
	}
	return "1 in " + strconv.FormatFloat(math.Round(inverse), 'f', 0, 64)
}
