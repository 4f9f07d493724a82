package cluster

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"strings"
	"time"

	networkingv1 "k8s.io/api/networking/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/utils/ptr"

	"github.com/ingress-testbed/testbed/internal/sleep"
	"github.com/ingress-testbed/testbed/steps/replay"
	"github.com/ingress-testbed/testbed/steps/replay/record"
	"github.com/ingress-testbed/testbed/steps/replay/send"
)

const (
	// probeBackend is the Service that every case has for the probe, and probeTimeout how long it may fail.
	probeBackend = "probe"
	probeTimeout = 60 * time.Second
	// objectSpacing is the least time between two objects of a case: webhooks decide by the controller's cache, which has to have
	// the objects before, as it has between two calls of kubectl.
	objectSpacing = 200 * time.Millisecond
	// configMapDelay is how long to wait until a controller has applied a changed ConfigMap, which it watches independently
	// of Ingresses, and ownConfigMapDelay the same for the test-bed's own controller. --settle replaces both.
	configMapDelay    = 2 * time.Second
	ownConfigMapDelay = 500 * time.Millisecond
)

// Begin implements replay.Target.
func (t *Target) Begin(ctx context.Context, one *record.Case) (*replay.Session, error) {
	s := &session{target: t, one: one, namespace: "replay-" + strings.ToLower(rand.Text()[:8])}
	bindings := maps.Clone(t.shared)
	bindings["namespace"] = s.namespace
	s.bindings = bindings
	if err := s.begin(ctx); err != nil {
		ending, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
		defer cancel()
		return nil, errors.Join(err, s.end(ending))
	}
	return &replay.Session{
		Client: &send.Client{
			Dialer: t.environment.Cluster.Client(), Entry: t.entry,
			ClientCertificates: t.secrets.Clients, Secrets: t.secrets.Certificates,
		},
		Bindings: s.bindings, Admission: s.admission, End: s.end,
	}, nil
}

// session is a case with its objects in the cluster.
type session struct {
	target     *Target
	one        *record.Case
	namespace  string
	bindings   record.Bindings
	admission  map[string]record.Admission
	ingresses  []*unstructured.Unstructured // that were applied
	services   []*unstructured.Unstructured // that were made
	namespaces []string                     // that were made
	restore    func(context.Context) error  // the ConfigMap; nil if it wasn't changed
}

func (s *session) begin(ctx context.Context) error {
	bound, err := s.boundObjects()
	if err != nil {
		return err
	}
	if _, known := s.bindings["client address"]; !known {
		s.bindings["client address"] = "${any}" // in answers
	}
	if s.one.ConfigMap != nil {
		if s.restore, err = s.target.configMap.set(ctx, s.one.ConfigMap); err != nil {
			return err
		}
	}
	if err := s.prepare(ctx); err != nil {
		return err
	}
	if err := s.applyObjects(ctx, bound); err != nil {
		return err
	}
	if err := s.probe(ctx); err != nil {
		return err
	}
	if s.one.ConfigMap != nil {
		return sleep.For(ctx, s.configMapDelay())
	}
	return nil
}

// boundObjects are the case's objects with their placeholders replaced.
func (s *session) boundObjects() ([]record.Object, error) {
	var all []record.Object
	for _, object := range s.one.Objects {
		bound, err := s.bindings.Object(object)
		if err != nil {
			if _, known := s.bindings["client address"]; !known {
				return nil, fmt.Errorf("the address of the client, as the controller sees it, is unknown: %w", replay.ErrUnsupported)
			}
			return nil, err
		}
		all = append(all, bound)
	}
	return all, nil
}

// prepare makes the namespaces of the case, with Services and Secrets.
func (s *session) prepare(ctx context.Context) error {
	second := false
	for _, object := range s.one.Objects {
		second = second || object.Namespace() != ""
	}
	names := append(s.target.setup.Needed(s.one), probeBackend)
	if err := s.prepareNamespace(ctx, s.namespace, names); err != nil {
		return err
	}
	if !second {
		return nil
	}
	return s.prepareNamespace(ctx, s.namespace+"-two", s.target.second)
}

func (s *session) prepareNamespace(ctx context.Context, namespace string, services []string) error {
	if _, err := s.target.environment.Objects.Apply(ctx, namespaceObject(namespace), ""); err != nil {
		return err
	}
	s.namespaces = append(s.namespaces, namespace)
	made, err := s.target.setup.ServicesIn(namespace, services, s.target.pods)
	if err != nil {
		return err
	}
	for _, object := range made {
		applied, err := s.target.apply(ctx, object, namespace)
		if err != nil {
			return err
		}
		if applied.GetKind() == "Service" {
			s.services = append(s.services, applied)
		}
	}
	for _, secret := range s.target.secrets.In(namespace) {
		if !s.refersTo(secret.Name) {
			continue
		}
		if _, err := s.target.apply(ctx, secret, namespace); err != nil {
			return err
		}
	}
	return nil
}

// refersTo reports whether the objects of the case have the name anywhere.
func (s *session) refersTo(name string) bool {
	content, err := json.Marshal(s.one.Objects)
	return err != nil || strings.Contains(string(content), name)
}

// applyObjects applies the case's objects one by one, and keeps the decisions on them. It begins anew if Ingresses got different
// ages that the record had with the same.
func (s *session) applyObjects(ctx context.Context, all []record.Object) error {
	for attempt := 1; ; attempt++ {
		if s.one.Spacing == 0 {
			if err := sleep.For(ctx, untilRoom(time.Now(), all)); err != nil {
				return err
			}
		}
		if err := s.applyOnce(ctx, all); err != nil {
			return err
		}
		if s.one.Spacing > 0 || sameAge(s.ingresses) || attempt == ageAttempts {
			return nil
		}
		if err := s.target.environment.Objects.Delete(ctx, s.ingresses); err != nil {
			return err
		}
		s.ingresses = nil
	}
}

// applyOnce is one attempt of applyObjects.
func (s *session) applyOnce(ctx context.Context, all []record.Object) error {
	s.admission = map[string]record.Admission{}
	for i, object := range all {
		if i > 0 {
			if err := sleep.For(ctx, max(objectSpacing, time.Duration(s.one.Spacing))); err != nil {
				return err
			}
		}
		content, err := json.Marshal(object)
		if err != nil {
			return fmt.Errorf("encoding an object of the case: %w", err)
		}
		converted := &unstructured.Unstructured{}
		if err := converted.UnmarshalJSON(content); err != nil {
			return fmt.Errorf("reading an object of the case: %w", err)
		}
		applied, err := s.target.environment.Objects.Apply(ctx, converted, s.namespace)
		decision, err := decisionOf(err)
		if err != nil {
			return err
		}
		s.admission[object.Name()] = decision
		if decision == record.Accepted && object.Kind() == "Ingress" {
			s.ingresses = append(s.ingresses, applied)
		}
	}
	return nil
}

// decisionOf returns the decision that the error of an apply is, or else the error.
func decisionOf(err error) (record.Admission, error) {
	switch {
	case err == nil:
		return record.Accepted, nil
	case apierrors.IsInternalError(err), apierrors.IsServerTimeout(err):
		return "", err // a webhook that didn't answer
	}
	var status apierrors.APIStatus
	if !errors.As(err, &status) {
		return "", err
	}
	const denied = " denied the request: "
	message := status.Status().Message
	if _, reason, ok := strings.Cut(message, denied); ok {
		return record.Admission(record.RefusedByWebhook + reason), nil
	}
	if apierrors.IsInvalid(err) || apierrors.IsBadRequest(err) {
		return record.Admission(record.RefusedByAPIServer + message), nil
	}
	return "", err
}

// probe applies an Ingress after those of the case and waits until it is served. A controller handles changes in their
// order, so it has then handled those of the case.
func (s *session) probe(ctx context.Context) error {
	host := s.namespace + ".probe.test"
	ingress := &networkingv1.Ingress{
		TypeMeta:   metav1.TypeMeta{APIVersion: networkingv1.SchemeGroupVersion.String(), Kind: "Ingress"},
		ObjectMeta: metav1.ObjectMeta{Name: "replay-probe", Namespace: s.namespace},
		Spec: networkingv1.IngressSpec{
			IngressClassName: ptr.To(s.bindings["class"]),
			Rules: []networkingv1.IngressRule{{Host: host, IngressRuleValue: networkingv1.IngressRuleValue{
				HTTP: &networkingv1.HTTPIngressRuleValue{Paths: []networkingv1.HTTPIngressPath{{
					Path: "/", PathType: ptr.To(networkingv1.PathTypePrefix),
					Backend: networkingv1.IngressBackend{Service: &networkingv1.IngressServiceBackend{
						Name: probeBackend, Port: networkingv1.ServiceBackendPort{Number: 80},
					}},
				}}},
			}}},
		},
	}
	applied, err := s.target.apply(ctx, ingress, s.namespace)
	if err != nil {
		return fmt.Errorf("applying the Ingress of the probe: %w", err)
	}
	s.ingresses = append(s.ingresses, applied)
	prober := &send.Client{Dialer: s.target.environment.Cluster.Client(), Entry: s.target.entry}
	var last record.Answer
	err = wait.PollUntilContextTimeout(ctx, pollInterval, probeTimeout, true, func(ctx context.Context) (bool, error) {
		// ConfigMaps of cases may redirect the path "/" or limit it, but never this far.
		exchanges, err := prober.Do(ctx, record.Request{Target: "/status/204", Host: host})
		if err != nil {
			return false, err
		}
		last = exchanges[0].Answer
		return last.Backend == probeBackend || last.Status == 308 || last.Status == 301, nil
	})
	if err != nil {
		return fmt.Errorf("waiting until the controller serves %s: the last answer was %d %s: %w", host, last.Status, last.Error, err)
	}
	return nil
}

// end deletes the objects of the case and restores the ConfigMap. Services are deleted at once, because the namespaces take
// their time to end and clusters have a few hundred addresses for Services only.
func (s *session) end(ctx context.Context) error {
	api := s.target.environment.Objects
	problems := []error{api.StartDelete(ctx, s.ingresses), api.StartDelete(ctx, s.services)}
	for _, namespace := range s.namespaces {
		problems = append(problems, api.StartDelete(ctx, []*unstructured.Unstructured{namespaceObject(namespace)}))
	}
	if s.restore != nil {
		problems = append(problems, s.restore(ctx), sleep.For(ctx, s.configMapDelay()))
	}
	return errors.Join(problems...)
}

func (s *session) configMapDelay() time.Duration {
	if settle := s.target.environment.WaitPolicy.Settle; settle > 0 {
		return settle
	}
	if installation, err := s.target.environment.Controller.Installation(); err == nil && !installation.ServesLater { // the test-bed's own
		return ownConfigMapDelay
	}
	return configMapDelay
}
