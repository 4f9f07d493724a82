package cluster

import (
	"errors"
	"fmt"
	"net/netip"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes/fake"

	"github.com/ingress-testbed/testbed/steps/replay"
	"github.com/ingress-testbed/testbed/steps/replay/record"
)

// What the API server or a webhook refuses is a decision on the object; that they didn't answer is an error.
func TestDecisions(t *testing.T) {
	t.Parallel()
	ingresses := schema.GroupResource{Group: "networking.k8s.io", Resource: "ingresses"}
	denied := apierrors.NewBadRequest(`admission webhook "validate.example.com" denied the request: host "a" is taken`)
	for name, c := range map[string]struct {
		err  error
		want record.Admission
	}{
		"stored":             {nil, record.Accepted},
		"webhook":            {fmt.Errorf("applying: %w", denied), `refused by the webhook: host "a" is taken`},
		"webhook with 403":   {apierrors.NewForbidden(ingresses, "a", errors.New(`admission webhook "x" denied the request: no`)), "refused by the webhook: no"},
		"invalid":            {apierrors.NewInvalid(schema.GroupKind{Group: "networking.k8s.io", Kind: "Ingress"}, "a", nil), `refused by the API server: Ingress.networking.k8s.io "a" is invalid`},
		"no rights":          {apierrors.NewForbidden(ingresses, "a", errors.New("no")), ""},
		"webhook is missing": {apierrors.NewInternalError(errors.New(`failed calling webhook "x"`)), ""},
		"no connection":      {errors.New("connection refused"), ""},
	} {
		got, err := decisionOf(c.err)
		if got != c.want || (err != nil) != (c.want == "") {
			t.Errorf("%s: %q, %v, want %q", name, got, err, c.want)
		}
	}
}

func TestTheConfigMapIsRestored(t *testing.T) {
	t.Parallel()
	before := map[string]string{"hsts": "true"}
	clientset := fake.NewClientset(&corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: "ingress", Name: "controller"}, Data: before})
	data := func() map[string]string {
		current, err := clientset.CoreV1().ConfigMaps("ingress").Get(t.Context(), "controller", metav1.GetOptions{})
		if err != nil {
			t.Fatal(err)
		}
		return current.Data
	}
	c := &configMap{clientset: clientset, name: types.NamespacedName{Namespace: "ingress", Name: "controller"}}
	changed := map[string]string{"use-gzip": "true"}
	restore, err := c.set(t.Context(), changed)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(changed, data()); diff != "" {
		t.Errorf("during the case (-want +got):\n%s", diff)
	}
	if err := restore(t.Context()); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(before, data()); diff != "" {
		t.Errorf("afterwards (-want +got):\n%s", diff)
	}
	c.name.Name = "other"
	if _, err := c.set(t.Context(), changed); err == nil || errors.Is(err, replay.ErrUnsupported) {
		t.Errorf("a ConfigMap that doesn't exist gives %v", err)
	}
	var unknown *configMap
	if _, err := unknown.set(t.Context(), changed); !errors.Is(err, replay.ErrUnsupported) {
		t.Errorf("without a ConfigMap: %v, want that the case is skipped", err)
	}
}

// Cases that have the client's address in their objects are skipped where it is hidden; others aren't.
func TestCasesThatNeedTheClientsAddress(t *testing.T) {
	t.Parallel()
	needs := &record.Case{Objects: []record.Object{{"kind": "Ingress", "allow": "${client network}"}}}
	other := &record.Case{Objects: []record.Object{{"kind": "Ingress", "class": "${class}"}}}
	hidden := record.Bindings{"class": "nginx"}
	known := record.Bindings{"class": "nginx", "client network": networkOf(netip.MustParseAddr("192.0.2.7")).String(), "client address": "192.0.2.7"}
	if _, err := (&session{one: needs, bindings: hidden}).boundObjects(); !errors.Is(err, replay.ErrUnsupported) {
		t.Errorf("a hidden address: %v", err)
	}
	if _, err := (&session{one: other, bindings: hidden}).boundObjects(); err != nil {
		t.Errorf("an address that isn't needed: %v", err)
	}
	got, err := (&session{one: needs, bindings: known}).boundObjects()
	if err != nil || got[0]["allow"] != "192.0.2.0/24" {
		t.Errorf("%v, %v", got, err)
	}
	if got := networkOf(netip.MustParseAddr("2001:db8::7")).String(); got != "2001:db8::/64" {
		t.Errorf("the network of an IPv6 address is %s", got)
	}
}
