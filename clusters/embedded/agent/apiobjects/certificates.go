//go:build linux

package apiobjects

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	certificatesv1 "k8s.io/api/certificates/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
)

// Errors of IssuedCertificate.
var (
	// ErrPending says that the signer has not answered yet.
	ErrPending = errors.New("waiting for the signer")
	// ErrDenied says that the signer will not issue the certificate.
	ErrDenied = errors.New("the signer issues no certificate")
)

// TrustAnchors returns the certificates of the ClusterTrustBundles that a volume refers to, in PEM, each once and sorted. If
// there are none, that is an error unless the volume says that they are optional.
func TrustAnchors(ctx context.Context, client kubernetes.Interface, p *corev1.ClusterTrustBundleProjection) ([]byte, error) {
	bundles, err := trustBundles(ctx, client, p)
	if err != nil {
		return nil, err
	}
	var anchors []string
	for i := range bundles {
		anchors = append(anchors, blocks(bundles[i].Spec.TrustBundle)...)
	}
	if len(anchors) == 0 && (p.Optional == nil || !*p.Optional) {
		return nil, errors.New("combination of signerName and labelSelector matched zero ClusterTrustBundles")
	}
	slices.Sort(anchors)
	return []byte(strings.Join(slices.Compact(anchors), "")), nil
}

// blocks returns the blocks of a text in PEM, without what stands between them and in their headers.
func blocks(text string) []string {
	var list []string
	for block, rest := pem.Decode([]byte(text)); block != nil; block, rest = pem.Decode(rest) {
		list = append(list, string(pem.EncodeToMemory(&pem.Block{Type: block.Type, Bytes: block.Bytes})))
	}
	return list
}

func trustBundles(ctx context.Context, client kubernetes.Interface, p *corev1.ClusterTrustBundleProjection) ([]certificatesv1.ClusterTrustBundle, error) {
	api := client.CertificatesV1().ClusterTrustBundles()
	switch {
	case p.Name != nil:
		bundle, err := api.Get(ctx, *p.Name, metav1.GetOptions{})
		if apierrors.IsNotFound(err) && p.Optional != nil && *p.Optional {
			return nil, nil
		}
		if err != nil {
			return nil, fmt.Errorf("reading ClusterTrustBundle %s: %w", *p.Name, err)
		}
		return []certificatesv1.ClusterTrustBundle{*bundle}, nil
	case p.SignerName != nil && p.LabelSelector == nil:
		return nil, nil // which selects nothing
	case p.SignerName != nil:
		selector, err := metav1.LabelSelectorAsSelector(p.LabelSelector)
		if err != nil {
			return nil, fmt.Errorf("selecting ClusterTrustBundles: %w", err)
		}
		list, err := api.List(ctx, metav1.ListOptions{
			LabelSelector: selector.String(), FieldSelector: fields.OneTermEqualSelector("spec.signerName", *p.SignerName).String(),
		})
		if err != nil {
			return nil, fmt.Errorf("listing ClusterTrustBundles of signer %s: %w", *p.SignerName, err)
		}
		return list.Items, nil
	}
	return nil, errors.New("ClusterTrustBundle projection requires either name or signerName to be set")
}

// RequestCertificate makes a key and requests a certificate for it, in the name of a Pod. It returns the key in PEM and the
// name of the PodCertificateRequest.
func RequestCertificate(ctx context.Context, client kubernetes.Interface, pod *corev1.Pod, p *corev1.PodCertificateProjection) (key []byte, request string, err error) {
	private, err := generateKey(p.KeyType)
	if err != nil {
		return nil, "", err
	}
	encoded, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		return nil, "", fmt.Errorf("encoding the key: %w", err)
	}
	// The signer reads nothing but the key from it.
	stub, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{}, private)
	if err != nil {
		return nil, "", fmt.Errorf("signing the request: %w", err)
	}
	account, err := client.CoreV1().ServiceAccounts(pod.Namespace).Get(ctx, pod.Spec.ServiceAccountName, metav1.GetOptions{})
	if err != nil {
		return nil, "", fmt.Errorf("reading the Pod's service account: %w", err)
	}
	node, err := client.CoreV1().Nodes().Get(ctx, pod.Spec.NodeName, metav1.GetOptions{})
	if err != nil {
		return nil, "", fmt.Errorf("reading the Pod's node: %w", err)
	}
	created, err := client.CertificatesV1().PodCertificateRequests(pod.Namespace).Create(ctx, &certificatesv1.PodCertificateRequest{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: pod.Namespace, GenerateName: "req-",
			OwnerReferences: []metav1.OwnerReference{{APIVersion: "v1", Kind: "Pod", Name: pod.Name, UID: pod.UID}},
		},
		Spec: certificatesv1.PodCertificateRequestSpec{
			SignerName: p.SignerName, PodName: pod.Name, PodUID: pod.UID,
			ServiceAccountName: account.Name, ServiceAccountUID: account.UID,
			NodeName: types.NodeName(node.Name), NodeUID: node.UID,
			MaxExpirationSeconds: p.MaxExpirationSeconds, StubPKCS10Request: stub, UnverifiedUserAnnotations: p.UserAnnotations,
		},
	}, metav1.CreateOptions{})
	if err != nil {
		return nil, "", fmt.Errorf("creating a PodCertificateRequest: %w", err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: encoded}), created.Name, nil
}

func generateKey(kind string) (crypto.Signer, error) {
	const small, large = 3072, 4096
	switch kind {
	case "RSA3072":
		return rsa.GenerateKey(rand.Reader, small)
	case "RSA4096":
		return rsa.GenerateKey(rand.Reader, large)
	case "ECDSAP256":
		return ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case "ECDSAP384":
		return ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	case "ECDSAP521":
		return ecdsa.GenerateKey(elliptic.P521(), rand.Reader)
	case "ED25519":
		_, key, err := ed25519.GenerateKey(rand.Reader)
		return key, err
	}
	return nil, fmt.Errorf("unknown key type %q", kind)
}

// IssuedCertificate returns the chain that was issued for a request, in PEM, and when the certificate should be replaced.
func IssuedCertificate(ctx context.Context, client kubernetes.Interface, namespace, request string) (chain []byte, renew time.Time, err error) {
	r, err := client.CertificatesV1().PodCertificateRequests(namespace).Get(ctx, request, metav1.GetOptions{})
	if err != nil {
		return nil, time.Time{}, fmt.Errorf("reading PodCertificateRequest %s: %w", request, err)
	}
	for _, c := range r.Status.Conditions {
		switch c.Type {
		case certificatesv1.PodCertificateRequestConditionTypeDenied, certificatesv1.PodCertificateRequestConditionTypeFailed:
			return nil, time.Time{}, fmt.Errorf("%w: PodCertificateRequest %s: %s, reason=%q, message=%q", ErrDenied, request, c.Type, c.Reason, c.Message)
		case certificatesv1.PodCertificateRequestConditionTypeIssued:
			return []byte(strings.Join(blocks(r.Status.CertificateChain), "")), r.Status.BeginRefreshAt.Time, nil
		}
	}
	return nil, time.Time{}, fmt.Errorf("%w: PodCertificateRequest %s", ErrPending, request)
}
