package theme

import (
	"math"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// colours are the custom properties of one scheme.
func colours(t *testing.T, css string) map[string]string {
	t.Helper()
	found := map[string]string{}
	for _, match := range regexp.MustCompile(`--([a-z-]+): (#[0-9a-f]{6})`).FindAllStringSubmatch(css, -1) {
		found[match[1]] = match[2]
	}
	return found
}

// luminance is that of WCAG 2.2, section "relative luminance".
func luminance(t *testing.T, colour string) float64 {
	t.Helper()
	sum := 0.0
	for i, weight := range []float64{0.2126, 0.7152, 0.0722} {
		value, err := strconv.ParseUint(colour[1+2*i:3+2*i], 16, 8)
		if err != nil {
			t.Fatal(err)
		}
		channel := float64(value) / 255
		if channel <= 0.04045 {
			channel /= 12.92
		} else {
			channel = math.Pow((channel+0.055)/1.055, 2.4)
		}
		sum += weight * channel
	}
	return sum
}

func TestTextHasEnoughContrastInBothSchemes(t *testing.T) {
	light, dark, ok := strings.Cut(style, "@media (prefers-color-scheme: dark)")
	if !ok {
		t.Fatal("the style has no dark scheme")
	}
	dark, _, _ = strings.Cut(dark, "* {")
	pairs := [][2]string{
		{"text", "page"}, {"text", "card"}, {"text", "soft"}, {"quiet", "page"}, {"quiet", "card"}, {"quiet", "soft"},
		{"link", "card"}, {"passed", "card"}, {"passed", "passed-soft"}, {"failed", "card"}, {"failed", "failed-soft"},
		{"text", "failed-soft"}, {"quiet", "failed-soft"}, {"skipped", "skipped-soft"}, {"notrun", "notrun-soft"}, {"notrun", "card"},
	}
	for name, css := range map[string]string{"light": light, "dark": dark} {
		scheme := colours(t, css)
		for _, pair := range pairs {
			front, back := scheme[pair[0]], scheme[pair[1]]
			if front == "" || back == "" {
				t.Fatalf("%s: no colour for %v", name, pair)
			}
			a, b := luminance(t, front), luminance(t, back)
			// 4.5 is the limit of WCAG 2.2, success criterion 1.4.3 (AA).
			if ratio := (math.Max(a, b) + 0.05) / (math.Min(a, b) + 0.05); ratio < 4.5 {
				t.Errorf("%s: %s on %s has a contrast of %.2f", name, pair[0], pair[1], ratio)
			}
		}
	}
}
