package manifests_test

import (
	"crypto/tls"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/ingress-testbed/testbed/controller/snapshot"
	"github.com/ingress-testbed/testbed/steps/manifests"
)

const (
	shop = `apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: shop, namespace: web}
spec:
  ingressClassName: nginx
  rules:
  - host: shop.test
    http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: shop, port: {number: 80}}}}]}
`
	service = `apiVersion: v1
kind: Service
metadata: {name: shop, namespace: web}
spec: {ports: [{name: http, port: 80, targetPort: 8080}]}
`
)

func read(t *testing.T, content string) *manifests.Set {
	t.Helper()
	set, err := manifests.Read(t.Context(), strings.NewReader(content), manifests.Stdin)
	if err != nil {
		t.Fatal(err)
	}
	return set
}

// names lists the objects with their lines.
func names(set *manifests.Set) string {
	var all []string
	for _, object := range set.Objects {
		all = append(all, fmt.Sprintf("%s@%d", object.ID, object.Source.Line))
	}
	return strings.Join(all, ", ")
}

func TestForms(t *testing.T) {
	list := "apiVersion: v1\nkind: List\nitems:\n- " + indent(shop) + "- " + indent(service)
	typedList := "{\"kind\": \"ServiceList\", \"apiVersion\": \"v1\", \"items\": [\n{\"metadata\": {\"name\": \"a\"}},\n{\"metadata\": {\"name\": \"b\"}}]}"
	for _, test := range []struct{ name, content, want string }{
		{"documents", shop + "---\n" + service, "Ingress web/shop@1, Service web/shop@10"},
		{"a List", list, "Ingress web/shop@4, Service web/shop@12"},
		{"a typed list as JSON", typedList, "Service default/a@2, Service default/b@3"},
		{"JSON values in a row", "{\"kind\":\"Service\",\"apiVersion\":\"v1\",\"metadata\":{\"name\":\"a\"}}\n" +
			"{\"kind\":\"Service\",\"apiVersion\":\"v1\",\n\"metadata\":{\"name\":\"b\"}}", "Service default/a@1, Service default/b@2"},
		{"Helm", "---\n# Source: shop/templates/ingress.yaml\n" + shop + "---\n# Source: shop/templates/empty.yaml\n---\n" + service,
			"Ingress web/shop@3, Service web/shop@14"},
		{"Windows", "\xef\xbb\xbf" + strings.ReplaceAll(shop+"---\n"+service, "\n", "\r\n"), "Ingress web/shop@1, Service web/shop@10"},
		{"a marker within a text", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata:\n  a: |\n    ---\n    b\n", "ConfigMap default/a@1"},
	} {
		t.Run(test.name, func(t *testing.T) {
			set := read(t, test.content)
			if err := set.Err(); err != nil {
				t.Error(err)
			}
			if diff := cmp.Diff(test.want, names(set)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func indent(text string) string {
	return strings.ReplaceAll(strings.TrimSuffix(text, "\n"), "\n", "\n  ") + "\n"
}

func TestProblems(t *testing.T) {
	for _, test := range []struct{ name, content, want string }{
		{"syntax", service + "---\nkind: Ingress\nmetadata: {name: a\nspec: b\n",
			"standard input:7: not valid YAML: did not find expected ',' or '}'"},
		{"a template", "metadata:\n  name: {{ .Values.name }}\n",
			"standard input:1: not valid YAML (invalid map key: map[interface {}]interface {}{\".Values.name\":interface {}(nil)}); " +
				"it looks like a template: give the output of helm template in place of the chart"},
		{"a field given twice", "kind: Service\nkind: Ingress\n", "standard input:2: not valid YAML: key \"kind\" already set in map"},
		{"no object", "- a\n", "standard input:1: not a Kubernetes object: it must have the fields apiVersion, kind and metadata"},
		{"no kind", "metadata: {name: a}\n", "standard input:1: not a Kubernetes object: it must have the fields apiVersion, kind and metadata"},
		{"no name", "\n\napiVersion: v1\nkind: Service\n", "standard input:3: the Service has no metadata.name"},
		{"an old API", strings.Replace(shop, "networking.k8s.io/v1", "extensions/v1beta1", 1), "standard input:1: Ingress of extensions/v1beta1 " +
			"is not served since Kubernetes 1.22: convert it to networking.k8s.io/v1 (kubectl convert)"},
		{"a type", strings.Replace(shop, "number: 80", "number: http", 1), "standard input:1: Ingress web/shop: " +
			"spec.rules.http.paths.backend.service.port.number is a string; it must be of the type int32"},
		{"a path type", strings.Replace(shop, "Prefix", "prefix", 1), "standard input:1: Ingress web/shop: " +
			`spec.rules[0].http.paths[0].pathType: "prefix" is not Prefix, Exact or ImplementationSpecific`},
		{"no path type", strings.Replace(shop, "pathType: Prefix, ", "", 1), "standard input:1: Ingress web/shop: " +
			"spec.rules[0].http.paths[0].pathType is required: give Prefix, Exact or ImplementationSpecific"},
		{"a path", strings.Replace(shop, "path: /", "path: a", 1), "standard input:1: Ingress web/shop: " +
			`spec.rules[0].http.paths[0].path: "a" does not begin with a slash`},
		{"a host", strings.Replace(shop, "shop.test", "Shop.test", 1), "standard input:1: Ingress web/shop: " +
			`spec.rules[0].host: "Shop.test" is not a DNS name in lower case, nor one after "*."`},
		{"no port", strings.Replace(shop, "{number: 80}", "{}", 1), "standard input:1: Ingress web/shop: " +
			"spec.rules[0].http.paths[0].backend.service.port needs a number or a name"},
	} {
		t.Run(test.name, func(t *testing.T) {
			err := read(t, test.content+"\n---\n"+strings.Replace(service, "name: shop", "name: other", 1)).Err()
			if err == nil || err.Error() != test.want {
				t.Errorf("got  %v\nwant %s", err, test.want)
			}
			if set := read(t, test.content+"\n---\n"+strings.Replace(service, "name: shop", "name: other", 1)); !strings.Contains(names(set), "web/other") {
				t.Errorf("the other document is missing: %s", names(set))
			}
		})
	}
}

func TestNotes(t *testing.T) {
	set := read(t, "{apiVersion: apps/v1, kind: Deployment, metadata: {name: a}}\n---\n{apiVersion: v1, kind: Pod}\n---\n"+
		strings.Replace(shop, "spec:", "spec:\n  class: x", 1)+"---\n"+shop)
	want := []string{
		`standard input:5: Ingress web/shop: unknown field "spec.class"; Kubernetes ignores it`,
		"standard input:15: Ingress web/shop replaces that of standard input:5",
		"skipped, because they have no effect here: Deployment (1), Pod (1)",
	}
	if diff := cmp.Diff(want, set.Notes); diff != "" {
		t.Error(diff)
	}
	if len(set.Objects) != 1 || set.Objects[0].Source.Line != 15 {
		t.Error("the later of two objects must win", names(set))
	}
}

func TestFolders(t *testing.T) {
	folder := t.TempDir()
	for name, content := range map[string]string{
		"b.yml": shop, "a/x.YAML": service, ".git/c.yaml": "broken: {", "notes.txt": "broken: {", "a/.hidden.yaml": "broken: {",
	} {
		path := filepath.Join(folder, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	set, err := manifests.Read(t.Context(), nil, folder)
	if err != nil || set.Err() != nil || names(set) != "Service web/shop@1, Ingress web/shop@1" {
		t.Error(names(set), err, set.Err())
	}
	files, err := manifests.Files(folder, manifests.Stdin)
	if want := []string{filepath.Join(folder, "a/x.YAML"), filepath.Join(folder, "b.yml")}; err != nil || !slices.Equal(files, want) {
		t.Error(files, err)
	}
	for _, wrong := range [][]string{{t.TempDir()}, {"missing.yaml"}, {"-", "-"}, {}} {
		if _, err := manifests.Read(t.Context(), strings.NewReader(service), wrong...); err == nil {
			t.Errorf("%q: no error", wrong)
		}
	}
	if _, err := manifests.Read(t.Context(), strings.NewReader("# nothing\n"), "-"); err == nil {
		t.Error("nothing read, and no error")
	}
}

func TestStandIns(t *testing.T) {
	set := read(t, strings.Replace(shop, "{name: shop, namespace: web}\nspec:", `
  name: shop
  namespace: web
  annotations:
    nginx.ingress.kubernetes.io/auth-type: basic
    nginx.ingress.kubernetes.io/auth-secret: users
    nginx.ingress.kubernetes.io/auth-url: http://auth.test/check
spec:
  tls: [{hosts: [shop.test], secretName: shop-tls}]`, 1))
	if err := set.Err(); err != nil || len(set.Notes) > 0 {
		t.Error(err, set.Notes)
	}
	stored, notes, err := set.Store(manifests.Class{Name: "nginx", Controller: "c"})
	if err != nil {
		t.Fatal(err)
	}
	var _ snapshot.Store = stored
	taken := snapshot.Take(stored, snapshot.Settings{ControllerClass: "c"})
	if len(taken.Ingresses) != 1 {
		t.Fatal("the Ingress is not claimed")
	}
	key := types.NamespacedName{Namespace: "web", Name: "shop"}
	slices := taken.EndpointSlices[key]
	if len(slices) != 1 || len(slices[0].Endpoints) != 1 || *slices[0].Ports[0].Port != 80 {
		t.Errorf("endpoints: %v", slices)
	}
	if addresses := taken.Addresses["auth.test"]; len(addresses) != 1 {
		t.Errorf("addresses: %v", addresses)
	} else if target, ok := stored.Target(addresses[0]); !ok || target.Host != "auth.test" {
		t.Errorf("target: %v", target)
	}
	certificate := taken.Secrets[types.NamespacedName{Namespace: "web", Name: "shop-tls"}]
	pair, err := tls.X509KeyPair(certificate.Data[corev1.TLSCertKey], certificate.Data[corev1.TLSPrivateKeyKey])
	if err != nil || pair.Leaf.VerifyHostname("shop.test") != nil {
		t.Error(err)
	}
	users := string(taken.Secrets[types.NamespacedName{Namespace: "web", Name: "users"}].Data["auth"])
	if want := manifests.User + ":{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g=\n"; users != want { // as of htpasswd -nbs
		t.Errorf("got the users %q, want %q", users, want)
	}
	if len(notes) != 3 {
		t.Errorf("notes: %q", notes)
	}
}

// What the manifests have is kept, and what a whole namespace lacks stays missing.
func TestNoStandInWhereManifestsDecide(t *testing.T) {
	other := strings.ReplaceAll(service, "shop", "other")
	class := "{apiVersion: networking.k8s.io/v1, kind: IngressClass, metadata: {name: mine}, spec: {controller: c}}"
	slice := "{apiVersion: discovery.k8s.io/v1, kind: EndpointSlice, addressType: IPv4, endpoints: [{addresses: [10.0.0.1]}], " +
		"metadata: {name: x, namespace: web, labels: {kubernetes.io/service-name: other}}}"
	stored, notes, err := read(t, shop+"---\n"+other+"---\n"+class+"\n---\n"+slice).Store(manifests.Class{Name: "nginx", Controller: "c"})
	if err != nil {
		t.Fatal(err)
	}
	if stored.Service(types.NamespacedName{Namespace: "web", Name: "shop"}) != nil {
		t.Error("a Service that its namespace lacks was made")
	}
	found := stored.EndpointSlices(types.NamespacedName{Namespace: "web", Name: "other"})
	if len(found) != 1 || found[0].Endpoints[0].Addresses[0] != "10.0.0.1" {
		t.Errorf("endpoints: %v", found)
	}
	if classes := stored.IngressClasses(); len(classes) != 1 || classes[0].Name != "mine" {
		t.Errorf("classes: %v", classes)
	}
	if len(notes) != 0 {
		t.Errorf("notes: %q", notes)
	}
}

func FuzzRead(f *testing.F) {
	for _, seed := range []string{
		shop, service, "{}{}", "a: &a [*a]", "apiVersion: v1\nkind: List\nitems: [1, {}]\n", "--- {\n---", "\"", "{\"kind\":\"List\",\"items\":{}}",
		"{kind: SecretList, apiVersion: v1, items: [{metadata: {name: a}, data: {a: \"!\"}, stringData: {a: b}}]}",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, content []byte) {
		set, err := manifests.Read(t.Context(), strings.NewReader(string(content)), manifests.Stdin)
		if err != nil {
			return
		}
		lines := strings.Count(string(content), "\n") + 1
		for _, problem := range set.Problems {
			if problem.Source.Line < 1 || problem.Source.Line > lines || strings.Contains(problem.Text, "\n") || problem.Text == "" {
				t.Errorf("line %d of %d: %q", problem.Source.Line, lines, problem.Text)
			}
		}
		stored, _, err := set.Store(manifests.Class{Name: "nginx", Controller: "c"})
		if err != nil {
			return
		}
		for _, ingress := range stored.Ingresses() {
			if ingress.Name == "" || ingress.Namespace == "" {
				t.Errorf("an Ingress without a name: %v", ingress)
			}
		}
		snapshot.Take(stored, snapshot.Settings{WithoutClass: true})
	})
}
