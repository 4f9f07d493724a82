//go:build linux

package apiobjects

import (
	"crypto"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"strings"
	"testing"
	"time"

	certificatesv1 "k8s.io/api/certificates/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes/fake"
	"k8s.io/utils/ptr"
)

func block(content string) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: []byte(content)}))
}

func TestTrustAnchors(t *testing.T) {
	bundle := func(name, label, trust string) *certificatesv1.ClusterTrustBundle {
		return &certificatesv1.ClusterTrustBundle{
			ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{"live": label}},
			Spec:       certificatesv1.ClusterTrustBundleSpec{SignerName: "test.example/ca", TrustBundle: trust},
		}
	}
	client := fake.NewClientset(bundle("one", "yes", "text\n"+block("b")+block("a")), bundle("two", "yes", block("a")+block("c")), bundle("old", "no", block("z")))
	everything := &metav1.LabelSelector{}
	cases := []struct {
		name      string
		projected corev1.ClusterTrustBundleProjection
		want      string // "" for an error
	}{
		{"by name", corev1.ClusterTrustBundleProjection{Name: ptr.To("one")}, block("a") + block("b")},
		{"no such name", corev1.ClusterTrustBundleProjection{Name: ptr.To("none")}, ""},
		{"of a signer, by label", corev1.ClusterTrustBundleProjection{
			SignerName: ptr.To("test.example/ca"), LabelSelector: &metav1.LabelSelector{MatchLabels: map[string]string{"live": "yes"}},
		}, block("a") + block("b") + block("c")},
		{"all of a signer", corev1.ClusterTrustBundleProjection{SignerName: ptr.To("test.example/ca"), LabelSelector: everything}, block("a") + block("b") + block("c") + block("z")},
		{"of a signer, without labels", corev1.ClusterTrustBundleProjection{SignerName: ptr.To("test.example/ca")}, ""},
		{"neither", corev1.ClusterTrustBundleProjection{}, ""},
	}
	for _, c := range cases {
		got, err := TrustAnchors(t.Context(), client, &c.projected)
		if string(got) != c.want || (err != nil) != (c.want == "") {
			t.Errorf("%s: %q, %v", c.name, got, err)
		}
	}
	got, err := TrustAnchors(t.Context(), client, &corev1.ClusterTrustBundleProjection{Name: ptr.To("none"), Optional: ptr.To(true)})
	if err != nil || len(got) != 0 {
		t.Errorf("optional: %q, %v", got, err)
	}
}

func TestPodCertificates(t *testing.T) {
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "web", Namespace: "shop", UID: "u-1"}, Spec: corev1.PodSpec{ServiceAccountName: "web", NodeName: "k3s-w1"}}
	for _, kind := range []string{"ECDSAP256", "ECDSAP384", "ECDSAP521", "ED25519", "RSA3072"} {
		client := fake.NewClientset(
			&corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Name: "web", Namespace: "shop", UID: "u-2"}},
			&corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: "k3s-w1", UID: "u-3"}})
		key, _, err := RequestCertificate(t.Context(), client, pod, &corev1.PodCertificateProjection{SignerName: "test.example/ca", KeyType: kind})
		if err != nil {
			t.Fatal(err)
		}
		requests := client.CertificatesV1().PodCertificateRequests("shop")
		list, err := requests.List(t.Context(), metav1.ListOptions{})
		if err != nil || len(list.Items) != 1 {
			t.Fatalf("%d requests, %v", len(list.Items), err)
		}
		request := list.Items[0]
		if s := request.Spec; s.PodUID != "u-1" || s.ServiceAccountUID != "u-2" || s.NodeUID != "u-3" || s.SignerName != "test.example/ca" {
			t.Errorf("%+v", s)
		}
		decoded, _ := pem.Decode(key)
		private, err := x509.ParsePKCS8PrivateKey(decoded.Bytes)
		if err != nil {
			t.Fatal(err)
		}
		stub, err := x509.ParseCertificateRequest(request.Spec.StubPKCS10Request)
		if err != nil {
			t.Fatal(err)
		}
		signer, ok := private.(crypto.Signer)
		if !ok {
			t.Fatalf("%s: a %T is not a private key", kind, private)
		}
		if public, ok := signer.Public().(interface{ Equal(crypto.PublicKey) bool }); !ok || !public.Equal(stub.PublicKey) || stub.CheckSignature() != nil {
			t.Errorf("%s: the request is not for the key", kind)
		}
		if _, _, err := IssuedCertificate(t.Context(), client, "shop", request.Name); !errors.Is(err, ErrPending) {
			t.Errorf("before it is issued: %v", err)
		}
		renew := time.Now().Add(time.Hour).Truncate(time.Second)
		request.Status = certificatesv1.PodCertificateRequestStatus{
			CertificateChain: "leaf:\n" + block("leaf") + block("intermediate"), BeginRefreshAt: ptr.To(metav1.NewTime(renew)),
			Conditions: []metav1.Condition{{Type: certificatesv1.PodCertificateRequestConditionTypeIssued}},
		}
		if _, err := requests.UpdateStatus(t.Context(), &request, metav1.UpdateOptions{}); err != nil {
			t.Fatal(err)
		}
		chain, at, err := IssuedCertificate(t.Context(), client, "shop", request.Name)
		if err != nil || string(chain) != block("leaf")+block("intermediate") || !at.Equal(renew) {
			t.Errorf("issued: %q, %v, %v", chain, at, err)
		}
		request.Status.Conditions[0] = metav1.Condition{Type: certificatesv1.PodCertificateRequestConditionTypeDenied, Reason: "UnsupportedKeyType"}
		if _, err := requests.UpdateStatus(t.Context(), &request, metav1.UpdateOptions{}); err != nil {
			t.Fatal(err)
		}
		if _, _, err := IssuedCertificate(t.Context(), client, "shop", request.Name); !errors.Is(err, ErrDenied) || !strings.Contains(err.Error(), "UnsupportedKeyType") {
			t.Errorf("denied: %v", err)
		}
	}
	if _, _, err := RequestCertificate(t.Context(), fake.NewClientset(), pod, &corev1.PodCertificateProjection{KeyType: "DES"}); err == nil {
		t.Error("an unknown key type is accepted")
	}
}
