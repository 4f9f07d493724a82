package helm_test

import (
	"errors"
	"io/fs"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/ingress-testbed/testbed/fixtures/charts"
	"github.com/ingress-testbed/testbed/steps/helm"
)

func read(name string) ([]byte, error) {
	return fs.ReadFile(fstest.MapFS{"values.yaml": {Data: []byte("controller: {extraArgs: {v: \"3\"}}\n")}}, name)
}

func TestParse(t *testing.T) {
	named := charts.Release{Name: "ingress-nginx", Namespace: "ingress"}
	for line, want := range map[string]helm.Command{
		"helm upgrade ingress-nginx ingress-nginx/ingress-nginx -f values.yaml --namespace ingress --version 4.11.2": {
			Verb: helm.Upgrade, Release: named,
			Values: map[string]any{"controller": map[string]any{"extraArgs": map[string]any{"v": "3"}}},
		},
		"helm upgrade -i ingress-nginx any -n ingress --set 'a=b c' --create-namespace --wait --timeout 1m --reuse-values": {
			Verb: helm.Upgrade, Release: named, OrInstall: true, ReuseValues: true, Values: map[string]any{"a": "b c"},
		},
		"helm install web any":                    {Verb: helm.Install, Release: charts.Release{Name: "web", Namespace: "default"}, Values: map[string]any{}},
		"helm uninstall ingress-nginx -n ingress": {Verb: helm.Uninstall, Release: named},
		"helm list --namespace=ingress":           {Verb: helm.List, Release: charts.Release{Namespace: "ingress"}},
	} {
		want.Line = line
		got, err := helm.Parse(line, read)
		if err != nil {
			t.Errorf("%s: %v", line, err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", line, diff)
		}
	}
	for line, part := range map[string]string{
		"kubectl get svc":                "does not begin with helm",
		"helm":                           "does not begin with helm",
		"helm rollback a 1":              "helm rollback is not supported",
		"helm install a":                 `takes RELEASE CHART, not ["a"]`,
		"helm list a":                    "takes no arguments",
		"helm install a b --atomic":      "--atomic",
		"helm install a b -i":            "-i",
		"helm install a b -f other.yaml": "other.yaml",
		"helm install a b -f -":          "standard input",
		"helm install a b --set c":       "--set",
		"helm install a b | cat":         "operator |",
	} {
		if _, err := helm.Parse(line, read); err == nil || !strings.Contains(err.Error(), part) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: error %v, want one line with %q", line, err, part)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add("helm upgrade -i a b -f values.yaml --set c.d=e", "controller: {a: 1}")
	f.Add("helm list -n x", "")
	f.Fuzz(func(t *testing.T, line, values string) {
		command, err := helm.Parse(line, func(string) ([]byte, error) { return []byte(values), nil })
		if err == nil && command.Verb != helm.List && strings.TrimSpace(command.Release.Name) == "" && !strings.ContainsAny(line, "'\"\\ \t\n") {
			t.Errorf("%q has no release: %+v", line, command)
		}
		if errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%q read a file that is not there", line)
		}
	})
}
