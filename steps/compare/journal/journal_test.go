package journal_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ingress-testbed/testbed/reports/comparison"
	"github.com/ingress-testbed/testbed/reports/effect"
	"github.com/ingress-testbed/testbed/steps/compare"
	"github.com/ingress-testbed/testbed/steps/compare/journal"
)

func TestResultsAreFoundAgain(t *testing.T) {
	name := filepath.Join(t.TempDir(), "journal")
	result := compare.Result{
		{Finding: &comparison.Finding{ID: "a", Ingress: "x/y", Effect: effect.ProtectionLost, Differences: []comparison.Difference{{What: "status"}}}},
		{ByChance: true},
		{Skipped: "a reason"},
	}
	first, err := journal.Open(name, "key")
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range []string{"a", "b"} {
		if err := first.Add(id, result); err != nil {
			t.Fatal(err)
		}
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	// The run was killed within a line.
	content, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, content[:len(content)-7], 0o644); err != nil {
		t.Fatal(err)
	}
	again, err := journal.Open(name, "key")
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close()
	got, ok := again.Lookup("a")
	if diff := cmp.Diff(result, got); !ok || diff != "" {
		t.Errorf("%v (-want +got):\n%s", ok, diff)
	}
	if _, ok := again.Lookup("b"); ok || again.Known() != 1 {
		t.Errorf("the incomplete line is known: %d", again.Known())
	}
	if err := again.Add("b", result); err != nil {
		t.Fatal(err)
	}
	if content, err = os.ReadFile(name); err != nil || strings.Count(string(content), "\n") != 3 {
		t.Errorf("%v:\n%s", err, content)
	}
}

func TestOtherFilesAreRefused(t *testing.T) {
	name := filepath.Join(t.TempDir(), "journal")
	for content, want := range map[string]string{
		"{\"key\":\"other\"}\n":           "another comparison",
		"apiVersion: v1\n":                "not an entry of a comparison",
		"{\"key\":\"key\"}\n{\"id\":1}\n": "line 2",
	} {
		if err := os.WriteFile(name, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
		_, err := journal.Open(name, "key")
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", content, err)
		}
		if kept, _ := os.ReadFile(name); string(kept) != content {
			t.Errorf("%q was changed to %q", content, kept)
		}
	}
}
