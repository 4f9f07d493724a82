package translate_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/randfill"

	"github.com/ingress-testbed/testbed/controller/snapshot"
	"github.com/ingress-testbed/testbed/controller/snapshot/snapshottest"
	"github.com/ingress-testbed/testbed/controller/translate"
	"github.com/ingress-testbed/testbed/proxy"
)

// FuzzTranslate fills objects with anything at all, also with what no API server would take. Whatever they say, they
// translate, the same way each time and in whatever order they come, to a table that the proxy takes in full.
func FuzzTranslate(f *testing.F) {
	for seed := range int64(100) {
		f.Add(seed)
	}
	server, err := proxy.New(proxy.Config{})
	if err != nil {
		f.Fatal(err)
	}
	settings := snapshot.Settings{ControllerClass: "mine", LegacyClass: "nginx", WithoutClass: true, AnnotationsPrefix: "p"}
	f.Fuzz(func(t *testing.T, seed int64) {
		objects := randomObjects(seed)
		result := translate.Translate(snapshot.Take(snapshottest.NewStore(objects...), settings))

		taken := snapshot.Take(snapshottest.NewStore(objects...), settings)
		if diff := difference(t, translate.After(translate.Result{}, taken), result); diff != "" {
			t.Errorf("in parts: %s", diff)
		}

		slices.Reverse(objects)
		again := translate.Translate(snapshot.Take(snapshottest.NewStore(objects...), settings))
		if !result.Table.Equal(again.Table) {
			t.Errorf("two translations of the same objects differ:\n%s\n%s", text(t, result), text(t, again))
		}
		if diff := cmp.Diff(result.Problems, again.Problems); diff != "" {
			t.Errorf("two translations of the same objects find different problems: %s", diff)
		}
		if refused := server.Apply(result.Table); len(refused) > 0 {
			t.Errorf("the proxy refuses %v of\n%s", refused, text(t, result))
		}
		for _, decision := range result.Decisions {
			if fmt.Sprint(decision) == "" {
				t.Errorf("a decision says nothing: %#v", decision)
			}
		}
	})
}

// randomObjects makes Ingresses and what they may refer to. Names are from a small set, so that they meet.
func randomObjects(seed int64) []runtime.Object {
	filler := randfill.NewWithSeed(seed).NilChance(0.1).NumElements(1, 3).MaxDepth(40).Funcs(
		func(meta *metav1.ObjectMeta, c randfill.Continue) {
			meta.Name, meta.Namespace = pick(c, "a", "b"), pick(c, "x", "x-a")
			meta.CreationTimestamp = metav1.Unix(int64(c.Intn(3)), 0)
			meta.Labels = map[string]string{discoveryv1.LabelServiceName: pick(c, "a", "b")}
			meta.Annotations = map[string]string{}
			for range c.Intn(4) {
				meta.Annotations["p/"+pick(c, "canary", "canary-weight", "canary-by-header", "affinity", "backend-protocol", "proxy-ssl-secret", "proxy-ssl-verify", "proxy-ssl-name",
					"ssl-redirect", "proxy-body-size", "canary-by-header-pattern", c.String(5))] = pick(c, "true", "5", "cookie", "GRPC", "HTTPS", "on", "x/a", c.String(5))
			}
		},
		func(rule *networkingv1.IngressRule, c randfill.Continue) {
			c.FillNoCustom(rule)
			rule.Host = pick(c, "", "a.example", "*.example", "A.example", c.String(8))
		},
		func(path *networkingv1.HTTPIngressPath, c randfill.Continue) {
			c.FillNoCustom(path)
			path.Path = pick(c, "", "/", "/a", "/a/", "/%61", "/a/../b", "/"+c.String(8), c.String(8))
			path.Backend.Resource = nil
			path.PathType = pick(c, nil, ptr.To(networkingv1.PathTypePrefix), ptr.To(networkingv1.PathTypeExact))
		},
		func(backend *networkingv1.IngressServiceBackend, c randfill.Continue) {
			backend.Name = pick(c, "a", "b", "a-a", c.String(4))
			backend.Port = pick(c, networkingv1.ServiceBackendPort{Number: 80}, networkingv1.ServiceBackendPort{Name: "http"},
				networkingv1.ServiceBackendPort{Number: int32(c.Uint32())})
		},
		func(port *corev1.ServicePort, c randfill.Continue) {
			c.FillNoCustom(port)
			port.Name, port.Port = pick(c, "http", ""), pick(c, int32(80), int32(c.Uint32()))
			port.Protocol = pick(c, "", corev1.ProtocolTCP, corev1.ProtocolUDP)
		},
		func(target *intstr.IntOrString, c randfill.Continue) {
			*target = pick(c, intstr.FromInt32(8080), intstr.FromString("http"), intstr.FromInt32(int32(c.Uint32())), intstr.IntOrString{})
		},
		func(endpoint *discoveryv1.Endpoint, c randfill.Continue) {
			c.FillNoCustom(endpoint)
			endpoint.Addresses = []string{pick(c, "10.0.0.1", "10.0.0.2", "2001:db8::1", c.String(6))}
		},
		func(port *discoveryv1.EndpointPort, c randfill.Continue) {
			c.FillNoCustom(port)
			port.Name, port.Port = pick(c, nil, ptr.To("http"), ptr.To("")), pick(c, nil, ptr.To(int32(8080)), ptr.To(int32(c.Uint32())))
			port.Protocol = pick(c, nil, ptr.To(corev1.ProtocolTCP), ptr.To(corev1.ProtocolUDP))
		},
		func(kind *discoveryv1.AddressType, c randfill.Continue) {
			*kind = pick(c, discoveryv1.AddressTypeIPv4, discoveryv1.AddressTypeIPv6, discoveryv1.AddressTypeFQDN)
		},
		func(family *corev1.IPFamily, c randfill.Continue) {
			*family = pick(c, corev1.IPv4Protocol, corev1.IPv6Protocol)
		},
		func(kind *corev1.ServiceType, c randfill.Continue) {
			*kind = pick(c, corev1.ServiceTypeClusterIP, corev1.ServiceTypeNodePort, corev1.ServiceTypeExternalName)
		},
		func(spec *corev1.ServiceSpec, c randfill.Continue) {
			c.FillNoCustom(spec)
			spec.ExternalName = pick(c, "192.0.2.1", "127.0.0.1", c.String(5))
		},
	)
	var objects []runtime.Object
	for range 3 {
		ingress, service, slice, secret := &networkingv1.Ingress{}, &corev1.Service{}, &discoveryv1.EndpointSlice{}, &corev1.Secret{}
		filler.Fill(ingress)
		filler.Fill(service)
		filler.Fill(slice)
		filler.Fill(secret)
		// The API server's objects are unique by namespace and name; so are these, or their order would matter.
		for _, object := range []metav1.Object{ingress, service, slice, secret} {
			object.SetName(fmt.Sprintf("%s%d", object.GetName(), len(objects)))
		}
		service.Name = []string{"a", "b", "a-a"}[len(objects)/4]
		ingress.Spec.IngressClassName = nil
		objects = append(objects, ingress, service, slice, secret)
	}
	return objects
}

func pick[T any](c randfill.Continue, from ...T) T {
	return from[c.Intn(len(from))]
}

func text(t *testing.T, result translate.Result) string {
	t.Helper()
	var out bytes.Buffer
	if err := result.Table.WriteText(&out); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// TestTranslateKeepsTheSnapshot checks that Translate does not change the snapshot.
func TestTranslateKeepsTheSnapshot(t *testing.T) {
	objects, err := snapshottest.Objects(read(t, "testdata/tls-selection/in.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	var copies []runtime.Object
	for _, object := range objects {
		copies = append(copies, object.DeepCopyObject())
	}
	translate.Translate(snapshot.Take(snapshottest.NewStore(objects...), snapshot.Settings{ControllerClass: "testbed.local/ingress"}))
	for i, object := range objects {
		if secret, ok := object.(*corev1.Secret); ok {
			secret.Data, copies[i].(*corev1.Secret).Data = nil, nil // filled in by the store
		}
		if diff := cmp.Diff(copies[i], object); diff != "" {
			t.Errorf("an object has changed: %s", diff)
		}
	}
}

// manyIngresses is a cluster with so many Ingresses of ten paths each.
func manyIngresses(count int) *snapshot.Snapshot {
	return snapshot.Take(snapshottest.NewStore(ingressObjects(count)...), snapshot.Settings{WithoutClass: true})
}

// ingressObjects are that many Ingresses of ten paths each, and their Services with three endpoints each.
func ingressObjects(count int) []runtime.Object {
	var objects []runtime.Object
	for i := range count {
		name := fmt.Sprintf("app-%d", i)
		ingress := &networkingv1.Ingress{ObjectMeta: metav1.ObjectMeta{
			Namespace: "default", Name: name, CreationTimestamp: metav1.NewTime(time.Unix(rand.Int64N(1<<30), 0)),
		}}
		var paths []networkingv1.HTTPIngressPath
		for p := range 10 {
			paths = append(paths, networkingv1.HTTPIngressPath{
				Path: fmt.Sprintf("/path-%d", p), PathType: ptr.To(networkingv1.PathTypePrefix),
				Backend: networkingv1.IngressBackend{Service: &networkingv1.IngressServiceBackend{
					Name: name, Port: networkingv1.ServiceBackendPort{Number: 80},
				}},
			})
		}
		ingress.Spec.Rules = []networkingv1.IngressRule{{Host: name + ".example.com", IngressRuleValue: networkingv1.IngressRuleValue{
			HTTP: &networkingv1.HTTPIngressRuleValue{Paths: paths},
		}}}
		service := &corev1.Service{
			ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: name},
			Spec:       corev1.ServiceSpec{Ports: []corev1.ServicePort{{Name: "http", Port: 80, TargetPort: intstr.FromInt32(8080)}}},
		}
		slice := &discoveryv1.EndpointSlice{
			ObjectMeta: metav1.ObjectMeta{
				Namespace: "default", Name: name, Labels: map[string]string{discoveryv1.LabelServiceName: name},
			},
			Ports: []discoveryv1.EndpointPort{{Name: ptr.To("http"), Port: ptr.To(int32(8080))}},
		}
		for e := range 3 {
			slice.Endpoints = append(slice.Endpoints, discoveryv1.Endpoint{Addresses: []string{
				fmt.Sprintf("10.%d.%d.%d", i>>8&255, i&255, e+1),
			}})
		}
		objects = append(objects, ingress, service, slice)
	}
	return objects
}

func BenchmarkTranslate(b *testing.B) {
	for _, count := range []int{100, 1000, 10_000} {
		b.Run(fmt.Sprintf("ingresses=%d", count), func(b *testing.B) {
			s := manyIngresses(count)
			b.ReportAllocs()
			for b.Loop() {
				translate.Translate(s)
			}
		})
	}
}
