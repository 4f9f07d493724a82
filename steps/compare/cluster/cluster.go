// Package cluster compares an ingress controller on a cluster.
package cluster

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/ingress-testbed/testbed/steps"
	"github.com/ingress-testbed/testbed/steps/compare"
	"github.com/ingress-testbed/testbed/steps/compare/estate"
	"github.com/ingress-testbed/testbed/steps/compare/standin"
)

// Target is the controller of an environment. It implements compare.Target.
type Target struct {
	Environment *steps.Environment
	// Settings of the controller that is deployed; see subject.Controller.
	Settings map[string]string
}

// Description implements compare.Target.
func (t *Target) Description() string {
	described := t.Environment.Controller.Description()
	for _, name := range slices.Sorted(maps.Keys(t.Settings)) {
		described += fmt.Sprintf(", --%s=%s", strings.TrimPrefix(name, "flag "), t.Settings[name])
	}
	return described + ", on " + t.Environment.Cluster.Name()
}

// endTimeout bounds the deletion of objects after an error.
const endTimeout = 2 * time.Minute

// Begin implements compare.Target. The objects are in namespaces of their own, whose names have a prefix.
func (t *Target) Begin(ctx context.Context, e *estate.Estate, clientCertificates []string) (_ compare.Session, err error) {
	entry, err := t.Environment.Controller.Ensure(ctx, t.Settings)
	if err != nil {
		return nil, err
	}
	installation, err := t.Environment.Controller.Installation()
	if err != nil {
		return nil, err
	}
	if err := t.checkHosts(ctx, e); err != nil {
		return nil, err
	}
	own := "compare-" + strings.ToLower(rand.Text()[:5]) + "-"
	s := &session{
		target: t, entry: entry, class: installation.IngressClass, prefix: prefix(own), namespace: own + "stand-ins", refused: map[string]string{},
		started: time.Now(),
	}
	var certificates []string
	for _, name := range clientCertificates {
		certificates = append(certificates, s.prefix.certificate(name))
	}
	if s.standIns, err = standin.Build(e.Prefixed(own), standin.Options{Namespace: s.namespace, Prefix: own, ClientCertificates: certificates}); err != nil {
		return nil, err
	}
	if err := s.begin(ctx); err != nil {
		ending, cancel := context.WithTimeout(context.WithoutCancel(ctx), endTimeout)
		defer cancel()
		return nil, errors.Join(err, s.End(ending))
	}
	return s, nil
}

// checkHosts refuses a cluster that serves hosts of the estate already: the copies would interfere with them.
func (t *Target) checkHosts(ctx context.Context, e *estate.Estate) error {
	hosts := map[string]bool{}
	for _, ingress := range e.Ingresses {
		for _, rule := range ingress.Spec.Rules {
			hosts[rule.Host] = true
		}
	}
	list, err := t.Environment.Objects.Workloads.Clientset.NetworkingV1().Ingresses(metav1.NamespaceAll).List(ctx, metav1.ListOptions{})
	if err != nil {
		return fmt.Errorf("listing the Ingresses of the cluster: %w", err)
	}
	for i := range list.Items {
		ingress := &list.Items[i]
		if at := slices.IndexFunc(ingress.Spec.Rules, func(rule networkingv1.IngressRule) bool { return hosts[rule.Host] }); at >= 0 {
			return fmt.Errorf("the cluster has the Ingress %s for %q already, with which copies would interfere: compare on a cluster without it, such as --cluster embedded",
				estate.Key(ingress), ingress.Spec.Rules[at].Host)
		}
	}
	return nil
}
