package translate_test

import (
	"cmp"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/utils/ptr"

	"github.com/ingress-testbed/testbed/controller/compatibility"
	"github.com/ingress-testbed/testbed/controller/snapshot"
	"github.com/ingress-testbed/testbed/controller/snapshot/snapshottest"
	"github.com/ingress-testbed/testbed/controller/translate"
	"github.com/ingress-testbed/testbed/controller/translate/problem"
	"github.com/ingress-testbed/testbed/fixtures/certificates"
)

// changingCluster is a cluster in which any object may change, come or go. Names and hosts are few, so that objects meet: also
// wildcards and their hosts, hosts with and without www, aliases, and Services whose upstreams would have the same name.
type changingCluster struct {
	random   *rand.Rand
	objects  map[string]runtime.Object // by kind and name
	secrets  []map[string][]byte
	settings snapshot.Settings
}

func newChangingCluster(t *testing.T, seed uint64, mode compatibility.Mode) *changingCluster {
	t.Helper()
	c := &changingCluster{
		random: rand.New(rand.NewPCG(seed, 1)), objects: map[string]runtime.Object{},
		secrets: []map[string][]byte{{}, {"auth": []byte("user:{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g=")}},
		settings: snapshot.Settings{
			WithoutClass: true, AnnotationsPrefix: "p", Passthrough: true, Compatibility: mode,
			DefaultBackend: named("x", "a"), DefaultCertificate: named("x", "secret-0"), ConfigMap: named("x", "settings"),
			TCPServices: named("x", "tcp"),
		},
	}
	for _, host := range []string{"*.p.test", "a.p.test", "b.test"} {
		pair, err := certificates.SelfSigned(host)
		if err != nil {
			t.Fatal(err)
		}
		c.secrets = append(c.secrets, map[string][]byte{
			corev1.TLSCertKey: pair.Certificate, corev1.TLSPrivateKeyKey: pair.Key, corev1.ServiceAccountRootCAKey: pair.Certificate,
		})
	}
	for range 60 {
		c.change()
	}
	return c
}

func named(namespace, name string) types.NamespacedName {
	return types.NamespacedName{Namespace: namespace, Name: name}
}

func (c *changingCluster) pick(from ...string) string { return from[c.random.IntN(len(from))] }

func (c *changingCluster) meta(names ...string) metav1.ObjectMeta {
	return metav1.ObjectMeta{Namespace: c.pick("x", "x-a"), Name: c.pick(names...)}
}

// change makes, changes or deletes an object.
func (c *changingCluster) change() {
	made := []func() (string, metav1.Object, runtime.Object){
		c.ingress, c.ingress, c.ingress, c.service, c.slice, c.secret, c.configMap,
	}[c.random.IntN(7)]
	kind, meta, object := made()
	key := kind + "/" + meta.GetNamespace() + "/" + meta.GetName()
	if c.random.IntN(6) == 0 {
		delete(c.objects, key)
	} else {
		c.objects[key] = object
	}
}

func (c *changingCluster) ingress() (string, metav1.Object, runtime.Object) {
	ingress := &networkingv1.Ingress{ObjectMeta: c.meta("one", "two", "three", "four", "five", "six", "seven", "eight")}
	ingress.CreationTimestamp = metav1.NewTime(time.Unix(c.random.Int64N(3), 0))
	ingress.Annotations = map[string]string{}
	for range c.random.IntN(4) {
		pair := strings.SplitN(c.pick(
			"canary=true", "canary-weight=5", "affinity=cookie", "backend-protocol=HTTPS", "backend-protocol=GRPC",
			"proxy-ssl-secret=x/secret-2", "proxy-ssl-verify=on", "proxy-ssl-name=a", "server-alias=B.test,alias.test", "server-alias=*.p.test",
			"from-to-www-redirect=true", "auth-url=http://$host/x", "auth-url=http://auth.test/", "auth-url=http://a.x.svc/", "auth-type=basic", "auth-secret=secret-1",
			"mirror-target=http://mirror.test", "custom-headers=x/fields", "auth-tls-secret=x/secret-2", "ssl-passthrough=true", "ssl-ciphers=AES128-SHA",
			"default-backend=a-b", "custom-http-errors=500", "use-regex=true", "rewrite-target=/$1", "service-upstream=true", "limit-rps=5",
			"auth-proxy-set-headers=x/fields", "ssl-redirect=false", "force-ssl-redirect=maybe", "unknown=1"), "=", 2)
		ingress.Annotations["p/"+pair[0]] = pair[1]
	}
	for range c.random.IntN(3) {
		rule := networkingv1.IngressRule{Host: c.host()}
		if c.random.IntN(8) > 0 {
			rule.HTTP = &networkingv1.HTTPIngressRuleValue{}
			for range c.random.IntN(3) {
				kind := networkingv1.PathType(c.pick("Prefix", "Exact", "ImplementationSpecific"))
				rule.HTTP.Paths = append(rule.HTTP.Paths, networkingv1.HTTPIngressPath{
					Path: c.pick("/", "/a", "/a/", "/(x"), PathType: &kind, Backend: c.backend(),
				})
			}
		}
		ingress.Spec.Rules = append(ingress.Spec.Rules, rule)
	}
	if c.random.IntN(8) == 0 {
		ingress.Spec.DefaultBackend = ptr.To(c.backend())
	}
	if c.random.IntN(3) == 0 {
		ingress.Spec.TLS = []networkingv1.IngressTLS{{
			Hosts: slices.DeleteFunc([]string{c.host(), c.host()}, func(host string) bool { return host == "" }), SecretName: c.secretName(),
		}}
	}
	return "Ingress", ingress, ingress
}

func (c *changingCluster) host() string {
	return c.pick("", "a.p.test", "B.p.test", "*.p.test", "www.a.p.test", "b.test", "c.test", "d.test", "e.test", "f.test", "not a host")
}

func (c *changingCluster) backend() networkingv1.IngressBackend {
	port := networkingv1.ServiceBackendPort{Number: 80}
	if c.random.IntN(4) == 0 {
		port = networkingv1.ServiceBackendPort{Name: "http"}
	}
	return networkingv1.IngressBackend{Service: &networkingv1.IngressServiceBackend{Name: c.serviceName(), Port: port}}
}

// serviceName is one of names that may make equal names of upstreams: that of x/a-b is x-a-b-80, as that of x-a/b.
func (c *changingCluster) serviceName() string {
	if c.random.IntN(20) == 0 {
		return c.pick("a-b", "b")
	}
	return c.pick("a", "c", "d", "e")
}

func (c *changingCluster) service() (string, metav1.Object, runtime.Object) {
	service := &corev1.Service{ObjectMeta: c.meta("a", "b", "a-b", "c", "d", "e")}
	service.Spec.Ports = []corev1.ServicePort{{Name: "http", Port: 80, TargetPort: intstr.FromInt32(8080)}}
	service.Spec.ClusterIP = c.pick("10.96.0.1", "10.96.0.2", "None")
	switch c.random.IntN(8) {
	case 0:
		service.Spec.Type, service.Spec.ExternalName = corev1.ServiceTypeExternalName, c.pick("out.test", "b.test", "192.0.2.1")
	case 1:
		service.Spec.Ports[0].AppProtocol = ptr.To("kubernetes.io/h2c")
	case 2:
		service.Spec.Ports = nil
	}
	return "Service", service, service
}

func (c *changingCluster) slice() (string, metav1.Object, runtime.Object) {
	slice := &discoveryv1.EndpointSlice{
		ObjectMeta: c.meta("a", "b", "a-b", "c", "d", "e"),
		Ports:      []discoveryv1.EndpointPort{{Name: ptr.To("http"), Port: ptr.To(int32(8080))}},
	}
	slice.Labels = map[string]string{discoveryv1.LabelServiceName: slice.Name}
	slice.Name += c.pick("-1", "-2")
	for range c.random.IntN(3) {
		slice.Endpoints = append(slice.Endpoints, discoveryv1.Endpoint{Addresses: []string{fmt.Sprintf("10.0.0.%d", 1+c.random.IntN(3))}})
	}
	return "EndpointSlice", slice, slice
}

func (c *changingCluster) secretName() string { return fmt.Sprintf("secret-%d", c.random.IntN(5)) }

func (c *changingCluster) secret() (string, metav1.Object, runtime.Object) {
	secret := &corev1.Secret{ObjectMeta: c.meta(c.secretName()), Data: c.secrets[c.random.IntN(len(c.secrets))]}
	return "Secret", secret, secret
}

func (c *changingCluster) configMap() (string, metav1.Object, runtime.Object) {
	held := &corev1.ConfigMap{ObjectMeta: c.meta("settings", "tcp", "fields", "fields", "fields")}
	switch held.Name {
	case "settings":
		pair := strings.SplitN(c.pick("proxy-set-headers=x/fields", "global-auth-url=http://$host/", "global-auth-url=http://auth.test/", "hsts=false",
			"ssl-ciphers=AES128-SHA", "global-allowed-response-headers=X-Field", "unknown=1"), "=", 2)
		held.Data = map[string]string{pair[0]: pair[1]}
	case "tcp":
		held.Data = map[string]string{"9000": c.pick("x/a:80", "x/c:80", "x/missing:80")}
	case "fields":
		held.Data = map[string]string{c.pick("X-Field", "Connection"): c.pick("1", "2")}
	}
	return "ConfigMap", held, held
}

func (c *changingCluster) store() *snapshottest.Store {
	store := snapshottest.NewStore(slices.Collect(maps.Values(c.objects))...)
	store.Names = map[string][]netip.Addr{
		"out.test": {netip.MustParseAddr("192.0.2.7")}, "auth.test": {netip.MustParseAddr("192.0.2.8")}, "b.test": {netip.MustParseAddr("192.0.2.9")},
	}
	if c.random.IntN(20) == 0 {
		store.Names["out.test"] = nil
	}
	return store
}

// TestAfterIsTranslate changes a cluster at random. Whatever has changed, After gives what a translation of the whole cluster
// gives, and a Snapshot that follows another one is equal to one that is taken anew.
func TestAfterIsTranslate(t *testing.T) {
	t.Parallel()
	for _, mode := range []compatibility.Mode{compatibility.Mend, compatibility.IngressNginx} {
		for seed := range uint64(4) {
			t.Run(fmt.Sprintf("%s/%d", mode, seed), func(t *testing.T) {
				t.Parallel()
				c := newChangingCluster(t, seed, mode)
				last := &snapshot.Snapshot{Settings: c.settings}
				var result translate.Result
				reused := 0
				for step := range 150 {
					for range c.random.IntN(3) {
						c.change()
					}
					store := c.store()
					last = last.Next(store)
					problems := translate.ProblemsAfter(result, last)
					result = translate.After(result, last)
					want := translate.Translate(snapshot.Take(store, c.settings))
					if diff := difference(t, result, want); diff != "" {
						t.Fatalf("step %d: %s", step, diff)
					}
					if diff := gocmp.Diff(sortedProblems(problems), sortedProblems(want.Problems)); diff != "" {
						t.Fatalf("step %d: problems alone: %s", step, diff)
					}
					if len(result.Decisions) < len(want.Decisions) {
						reused++
					}
				}
				if reused < 50 {
					t.Errorf("in %d of 150 steps something was reused", reused)
				}
			})
		}
	}
}

func difference(t *testing.T, got, want translate.Result) string {
	t.Helper()
	if diff := gocmp.Diff(strings.Split(tableText(t, want), "\n"), strings.Split(tableText(t, got), "\n")); diff != "" {
		return "tables differ: " + diff
	}
	if !got.Table.Equal(want.Table) {
		return "tables with the same text differ"
	}
	if diff := gocmp.Diff(sortedProblems(want.Problems), sortedProblems(got.Problems)); diff != "" {
		return "problems differ: " + diff
	}
	return gocmp.Diff(want.Served, got.Served)
}

// sortedProblems are the problems of each object in the order of their text: those of one object are found in any order where
// TLS is passed on.
func sortedProblems(problems []problem.Problem) []problem.Problem {
	sorted, place := slices.Clone(problems), map[problem.Object]int{}
	for i, found := range problems {
		if _, known := place[found.Object]; !known {
			place[found.Object] = i
		}
	}
	slices.SortFunc(sorted, func(a, b problem.Problem) int {
		return cmp.Or(cmp.Compare(place[a.Object], place[b.Object]), strings.Compare(a.String(), b.String()))
	})
	return sorted
}

// Nothing is translated again while nothing changes.
func TestAfterWithoutChange(t *testing.T) {
	t.Parallel()
	first := manyIngresses(20)
	result := translate.After(translate.Result{}, first)
	if len(result.Decisions) == 0 {
		t.Fatal("nothing was translated")
	}
	if again := translate.After(result, first); len(again.Decisions) > 0 || !again.Table.Equal(result.Table) {
		t.Errorf("decisions without a change: %v", again.Decisions)
	}
}
