package compatibility

import (
	"strings"
	"testing"
)

func TestMistakesInRecordedChecks(t *testing.T) {
	for content, want := range map[string]string{
		"":                           "",
		"cut-slash: {tls: [a, b]}":   "",
		"no-such-row: {tls: [a]}":    `no difference "no-such-row"`,
		"cut-slash: {tls: [a, a]}":   `"a" of the case "tls" is listed by`,
		"cut-slash: {tls: [{a: b}]}": "reading recorded.yaml",
		"cut-slash: [tls]":           "reading recorded.yaml",
		"{cut-slash: {tls: [a]}, www-port: {tls: [a]}}": "is listed by",
	} {
		checks, err := parseRecorded([]byte(content))
		switch {
		case want == "" && err != nil:
			t.Errorf("%q: %v", content, err)
		case want != "" && (err == nil || !strings.Contains(err.Error(), want)):
			t.Errorf("%q: error %v, want one with %q", content, err, want)
		case strings.HasSuffix(content, "[a, b]}") && (len(checks) != 2 || checks[Check{"tls", "b"}] != CutSlash):
			t.Errorf("%q: %v", content, checks)
		}
	}
}
