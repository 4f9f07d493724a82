package terminal_test

import (
	"strings"
	"testing"

	"github.com/ingress-testbed/testbed/reports/terminal"
)

func TestColumnsOfATableAreAligned(t *testing.T) {
	var out strings.Builder
	err := terminal.WriteTable(&out, [][]string{{"Feature", "a", "b"}, {"호스트", "✓ 9", "x"}, {"evil\x1b[2J\nname", "", "y"}, {"short"}})
	want := "Feature    a    b\n호스트     ✓ 9  x\nevil name       y\nshort\n"
	if err != nil || out.String() != want {
		t.Errorf("error %v, table:\n%s\nwant:\n%s", err, out.String(), want)
	}
}
