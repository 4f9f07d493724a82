package cluster

import (
	"context"
	"fmt"
	"net/http"
	"time"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/utils/ptr"

	"github.com/ingress-testbed/testbed/steps/replay/record"
	"github.com/ingress-testbed/testbed/steps/replay/send"
)

const (
	// takeUpTimeout bounds the wait until the last Ingress is served, and pollInterval is the time between two attempts.
	takeUpTimeout = 5 * time.Minute
	pollInterval  = 100 * time.Millisecond
	// settle is how long the controller gets for the Secrets, which are watched independently of Ingresses.
	settle = 2 * time.Second
)

// waitServed applies an Ingress after all others and waits until it is served. A controller takes up changes in their order, so
// it has taken up the others by then.
func (s *session) waitServed(ctx context.Context) error {
	host := s.prefix.host()
	_, last := s.standIns.Ports()
	name := "probe"
	service := &corev1.Service{
		TypeMeta:   metav1.TypeMeta{APIVersion: "v1", Kind: "Service"},
		ObjectMeta: metav1.ObjectMeta{Namespace: s.namespace, Name: name},
		Spec: corev1.ServiceSpec{
			Selector: map[string]string{"app": "stand-in"},
			Ports:    []corev1.ServicePort{{Port: 80, TargetPort: intstr.FromInt32(int32(last + 1))}},
		},
	}
	if _, err := s.apply(ctx, service); err != nil {
		return err
	}
	ingress := &networkingv1.Ingress{
		TypeMeta:   metav1.TypeMeta{APIVersion: networkingv1.SchemeGroupVersion.String(), Kind: "Ingress"},
		ObjectMeta: metav1.ObjectMeta{Namespace: s.namespace, Name: name},
		Spec: networkingv1.IngressSpec{IngressClassName: &s.class, Rules: []networkingv1.IngressRule{{
			Host: host, IngressRuleValue: networkingv1.IngressRuleValue{HTTP: &networkingv1.HTTPIngressRuleValue{
				Paths: []networkingv1.HTTPIngressPath{{Path: "/", PathType: ptr.To(networkingv1.PathTypePrefix), Backend: networkingv1.IngressBackend{
					Service: &networkingv1.IngressServiceBackend{Name: name, Port: networkingv1.ServiceBackendPort{Number: 80}},
				}}},
			}},
		}}},
	}
	applied, err := s.apply(ctx, ingress)
	if err != nil {
		return err
	}
	s.ingresses = append(s.ingresses, applied)
	var answer record.Answer
	err = wait.PollUntilContextTimeout(ctx, pollInterval, takeUpTimeout, true, func(ctx context.Context) (served bool, err error) {
		got, served, err := s.control(ctx)
		if ctx.Err() == nil { // the end of the wait isn't the controller's answer
			answer = got
		}
		return served, err
	})
	if err != nil {
		return fmt.Errorf("waiting until the controller serves an Ingress of class %q, which it may not be meant for: %w; the last answer was %d %s%s",
			s.class, err, answer.Status, answer.Error, s.logAboutProbe(ctx))
	}
	select {
	case <-time.After(max(settle, s.target.Environment.WaitPolicy.Settle)):
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// logAboutProbe is what the controller's log says about the Ingress that was applied last, for an error.
func (s *session) logAboutProbe(ctx context.Context) string {
	log, err := s.LogAbout(context.WithoutCancel(ctx), s.prefix.trim(s.namespace+"/probe"))
	switch {
	case err != nil:
		return "; its log can't be read: " + err.Error()
	case log == "":
		return "; its log has no line about it"
	}
	return "; its log says:\n" + log
}

// control sends a request for the Ingress that was applied last, and reports whether it is served.
func (s *session) control(ctx context.Context) (answer record.Answer, served bool, err error) {
	prober := &send.Client{Dialer: s.target.Environment.Cluster.Client(), Entry: s.entry}
	exchanges, err := prober.Do(ctx, record.Request{Target: "/", Host: s.prefix.host()})
	if err != nil {
		return answer, false, err
	}
	answer = exchanges[0].Answer
	return answer, answer.Backend != "" || answer.Status == http.StatusMovedPermanently || answer.Status == http.StatusPermanentRedirect, nil
}

// Alive implements compare.Session.
func (s *session) Alive(ctx context.Context) error {
	answer, served, err := s.control(ctx)
	if err == nil && !served {
		err = fmt.Errorf("the answer to a request for %s is %d %s", s.prefix.host(), answer.Status, answer.Error)
	}
	return err
}
