//go:build privileged

package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/ingress-testbed/testbed/fixtures/recipes"
	"github.com/ingress-testbed/testbed/reports/comparison"
)

// testbedProgram runs the program that `make build` built.
type testbedProgram struct{ path string }

func built(t *testing.T) testbedProgram {
	t.Helper()
	path, err := filepath.Abs("../../bin/testbed")
	if err != nil {
		t.Fatal(err)
	}
	return testbedProgram{path}
}

// run returns what a command prints to its standard output, and fails the test if it fails.
func (p testbedProgram) run(t *testing.T, stdin string, args ...string) string {
	t.Helper()
	out, errs, err := p.try(t, stdin, args...)
	if err != nil {
		t.Fatalf("%q: %v\n%s%s", args, err, out, errs)
	}
	return out
}

func (p testbedProgram) try(t *testing.T, stdin string, args ...string) (out, errs string, err error) {
	t.Helper()
	var stdout, stderr bytes.Buffer
	command := exec.CommandContext(t.Context(), p.path, args...)
	command.Stdin, command.Stdout, command.Stderr, command.Dir = strings.NewReader(stdin), &stdout, &stderr, t.TempDir()
	err = command.Run()
	return stdout.String(), stderr.String(), err
}

// cluster starts an embedded cluster of one node and returns a function that runs kubectl on it.
func (p testbedProgram) cluster(t *testing.T, name string) func(stdin string, args ...string) string {
	t.Helper()
	p.run(t, "", "up", "--name", name, "--workers", "0")
	t.Cleanup(func() {
		if out, err := exec.Command(p.path, "down", "--name", name).CombinedOutput(); err != nil {
			t.Errorf("down: %v\n%s", err, out)
		}
	})
	return func(stdin string, args ...string) string {
		t.Helper()
		return p.run(t, stdin, append([]string{"kubectl", "--name", name}, args...)...)
	}
}

const protectedShop = `
apiVersion: v1
kind: Namespace
metadata: {name: web}
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: shop
  namespace: web
  annotations:
    nginx.ingress.kubernetes.io/auth-type: basic
    nginx.ingress.kubernetes.io/auth-secret: users
    nginx.ingress.kubernetes.io/custom-headers: web/headers
spec:
  tls: [{hosts: [shop.example.com], secretName: shop-tls}]
  rules:
  - host: shop.example.com
    http: {paths: [{path: /Shop/, pathType: Prefix, backend: {service: {name: shop, port: {number: 80}}}}]}
---
apiVersion: v1
kind: Service
metadata: {name: shop, namespace: web}
spec: {selector: {app: shop}, ports: [{port: 80}]}
---
apiVersion: v1
kind: Secret
metadata: {name: users, namespace: web}
stringData: {auth: "root:nobody-may-read-this"}
---
apiVersion: v1
kind: ServiceAccount
metadata: {name: reader, namespace: web}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: reader}
rules:
- {apiGroups: [networking.k8s.io], resources: [ingresses], verbs: [list]}
- {apiGroups: [""], resources: [services], verbs: [list]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: reader}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: reader}
subjects: [{kind: ServiceAccount, name: reader, namespace: web}]
`

// A role that can list Ingresses and Services, and read neither Secrets nor ConfigMaps, is enough to compare the Ingresses of a cluster.
func TestCompareWithoutRightsToSecrets(t *testing.T) {
	t.Parallel()
	testbed := built(t)
	kubectl := testbed.cluster(t, "compare-reader")
	kubectl(protectedShop, "apply", "-f", "-")
	reader := readerConfig(t, kubectl)
	for _, forbidden := range [][]string{{"get", "secrets"}, {"list", "secrets"}, {"get", "configmaps"}, {"create", "ingresses"}} {
		args := append([]string{"auth", "can-i", "--as", "system:serviceaccount:web:reader", "-A"}, forbidden...)
		if out, _, _ := testbed.try(t, "", append([]string{"kubectl", "--name", "compare-reader"}, args...)...); strings.TrimSpace(out) != "no" {
			t.Errorf("the reader may %s: %s", strings.Join(forbidden, " "), out)
		}
	}
	out, errs, err := testbed.try(t, "", "compare", "--from-context", ".", "--from-kubeconfig", reader, "--reports", "", "--output", "json", "--fail-on", "none")
	if err != nil {
		t.Fatalf("%v\n%s", err, errs)
	}
	var report comparison.Report
	if err := json.Unmarshal([]byte(out), &report); err != nil {
		t.Fatal(err)
	}
	if len(report.Ingresses) != 1 || report.Ingresses[0] != "web/shop" || report.Requests < 20 || len(report.Candidates[0].Unjudged) > 0 {
		t.Errorf("%d requests for %v; %+v", report.Requests, report.Ingresses, report.Candidates[0].Unjudged)
	}
	if !strings.Contains(errs, "the ConfigMap web/headers may not be read, so that it is left out") {
		t.Errorf("notes:\n%s", errs)
	}
	if strings.Contains(out, "nobody-may-read-this") {
		t.Error("the report has a password of the cluster")
	}
	// Paths that end with a slash are a difference of the modes: the Ingress of the cluster was compared.
	if len(report.Candidates[0].Findings) == 0 {
		t.Error("no difference was found")
	}
	kubectl("", "delete", "clusterrolebinding", "reader")
	if _, errs, err := testbed.try(t, "", "compare", "--from-context", ".", "--from-kubeconfig", reader, "--reports", ""); err == nil || !strings.Contains(errs, "listing Ingresses: ") {
		t.Errorf("without any right: %v\n%s", err, errs)
	}
}

// readerConfig writes a kubeconfig for the ServiceAccount.
func readerConfig(t *testing.T, kubectl func(string, ...string) string) string {
	t.Helper()
	field := func(path string) string {
		return strings.TrimSpace(kubectl("", "config", "view", "--raw", "--minify", "-o", "jsonpath="+path))
	}
	token := strings.TrimSpace(kubectl("", "create", "token", "reader", "-n", "web"))
	config := fmt.Sprintf(`
apiVersion: v1
kind: Config
current-context: reader
contexts: [{name: reader, context: {cluster: cluster, user: reader}}]
clusters: [{name: cluster, cluster: {server: %q, certificate-authority-data: %q}}]
users: [{name: reader, user: {token: %q}}]
`, field("{.clusters[0].cluster.server}"), field("{.clusters[0].cluster.certificate-authority-data}"), token)
	name := filepath.Join(t.TempDir(), "reader.yaml")
	if err := os.WriteFile(name, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

// The API server accepts the objects of each recipe as they are, without a field that it doesn't know.
func TestRecipesAreValid(t *testing.T) {
	t.Parallel()
	kubectl := built(t).cluster(t, "recipes")
	for _, name := range recipes.Names() {
		r, err := recipes.Find(name)
		if err != nil {
			t.Fatal(err)
		}
		if r.Install != "" {
			continue
		}
		objects, err := r.Objects()
		if err != nil {
			t.Fatal(err)
		}
		kubectl("", "create", "namespace", r.Namespace) // objects in a namespace that isn't there are refused
		list := &unstructured.UnstructuredList{Object: map[string]any{"apiVersion": "v1", "kind": "List"}}
		for _, object := range objects {
			if object.GetKind() != "Namespace" {
				list.Items = append(list.Items, *object)
			}
		}
		content, err := list.MarshalJSON()
		if err != nil {
			t.Fatal(err)
		}
		out := kubectl(string(content), "apply", "--server-side", "--dry-run=server", "--validate=strict", "-f", "-")
		if got := strings.Count(out, "serverside-applied (server dry run)"); got != len(list.Items) {
			t.Errorf("%s: %d of %d objects were accepted:\n%s", name, got, len(list.Items), out)
		}
	}
}
