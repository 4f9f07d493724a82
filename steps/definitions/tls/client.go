package tls

import (
	"context"
	"crypto/tls"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/ingress-testbed/testbed/steps/vocabulary"
	"github.com/ingress-testbed/testbed/steps/world"
)

// clientCertificates are the steps about certificates of the client outside the cluster.
func (s steps) clientCertificates() []vocabulary.Definition {
	return []vocabulary.Definition{
		{
			Pattern: `the client presents the certificate of the Secret "([^"]*)"`,
			Example: `the client presents the certificate of the Secret "alice"`,
			Handler: s.presents,
		},
		{
			Pattern: `a Secret "([^"]*)" with the certificate of the Secret "([^"]*)" as authority`,
			Example: `a Secret "authorities" with the certificate of the Secret "alice" as authority`,
			Handler: s.authority,
		},
	}
}

// presents has the client present a certificate in all later requests of the scenario.
func (s steps) presents(ctx context.Context, name string) error {
	secret, err := s.read(ctx, name)
	if err != nil {
		return err
	}
	pair, err := tls.X509KeyPair(secret.Data[corev1.TLSCertKey], secret.Data[corev1.TLSPrivateKeyKey])
	if err != nil {
		return fmt.Errorf("parsing the certificate in Secret %s: %w", name, err)
	}
	world.From(ctx).Client.Certificate = &pair
	return nil
}

// authority applies a Secret with the key ca.crt. A self-signed certificate is its own authority.
func (s steps) authority(ctx context.Context, name, source string) error {
	secret, err := s.read(ctx, source)
	if err != nil {
		return err
	}
	fields, err := runtime.DefaultUnstructuredConverter.ToUnstructured(&corev1.Secret{
		TypeMeta:   metav1.TypeMeta{APIVersion: "v1", Kind: "Secret"},
		ObjectMeta: metav1.ObjectMeta{Name: name},
		Data:       map[string][]byte{corev1.ServiceAccountRootCAKey: secret.Data[corev1.TLSCertKey]},
	})
	if err != nil {
		return fmt.Errorf("encoding Secret %s: %w", name, err)
	}
	_, err = world.From(ctx).Namespace.Apply(ctx, &unstructured.Unstructured{Object: fields})
	return err
}

func (s steps) read(ctx context.Context, name string) (*corev1.Secret, error) {
	secret, err := s.secrets.Secrets(world.From(ctx).Namespace.Name).Get(ctx, name, metav1.GetOptions{})
	if err != nil {
		return nil, fmt.Errorf("reading Secret %s: %w", name, err)
	}
	return secret, nil
}
