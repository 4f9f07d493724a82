package arguments_test

import (
	"strings"
	"testing"

	"github.com/cucumber/godog"
	messages "github.com/cucumber/messages/go/v21"
	"github.com/google/go-cmp/cmp"

	"github.com/ingress-testbed/testbed/steps/arguments"
)

func table(rows ...[]string) *godog.Table {
	built := &godog.Table{}
	for _, row := range rows {
		var cells []*messages.PickleTableCell
		for _, cell := range row {
			cells = append(cells, &messages.PickleTableCell{Value: cell})
		}
		built.Rows = append(built.Rows, &messages.PickleTableRow{Cells: cells})
	}
	return built
}

func TestMatches(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		expected, value string
		want            bool
	}{
		{"a", "a", true},
		{"a", "ab", false},
		{"/a+/", "aaa", true},
		{"/a+/", "aab", false}, // a pattern has to match the whole value
		{"/a|ab/", "ab", true}, // whichever alternative that takes
		{"//", "//", true},     // too short to be a pattern
		{"/", "/", true},
		{"/a", "/a", true},
	} {
		got, err := arguments.Matches(test.expected, test.value)
		if err != nil || got != test.want {
			t.Errorf("Matches(%q, %q) = %v, %v; want %v", test.expected, test.value, got, err, test.want)
		}
	}
	if _, err := arguments.Matches("/(/", ""); err == nil || !strings.Contains(err.Error(), "invalid pattern /(/") {
		t.Errorf("an invalid pattern gave %v", err)
	}
}

func TestRows(t *testing.T) {
	t.Parallel()
	got, err := arguments.Rows(table([]string{"URL", "status"}, []string{"/", "200"}, []string{"/b", "404"}), "status", "URL")
	if err != nil {
		t.Fatal(err)
	}
	want := []map[string]string{{"URL": "/", "status": "200"}, {"URL": "/b", "status": "404"}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("rows (-want +got):\n%s", diff)
	}
	for _, broken := range []*godog.Table{table(), table([]string{"status"}), table([]string{"URL"}, []string{"/"})} {
		if _, err := arguments.Rows(broken, "status"); err == nil || !strings.Contains(err.Error(), "status") {
			t.Errorf("%+v gave %v, want an error that names the column", broken, err)
		}
	}
}

func TestPairs(t *testing.T) {
	t.Parallel()
	got, err := arguments.Pairs(table([]string{"X-A", "1"}, []string{"X-A", "2"}))
	if diff := cmp.Diff([][2]string{{"X-A", "1"}, {"X-A", "2"}}, got); err != nil || diff != "" {
		t.Errorf("error %v, pairs (-want +got):\n%s", err, diff)
	}
	if _, err := arguments.Pairs(table([]string{"a", "b", "c"})); err == nil || !strings.Contains(err.Error(), "3 cells") {
		t.Errorf("a row of three cells gave %v", err)
	}
}
