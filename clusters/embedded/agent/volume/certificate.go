//go:build linux

package volume

import (
	"context"
	"errors"
	"io/fs"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/ingress-testbed/testbed/clusters/embedded/agent/apiobjects"
)

// trustRefresh is how often ClusterTrustBundles are read again.
const trustRefresh = 30 * time.Second

func (w *writer) clusterTrustBundle(ctx context.Context, files map[string]file, p *corev1.ClusterTrustBundleProjection, mode fs.FileMode) error {
	anchors, err := w.set.sources.TrustAnchors(ctx, p)
	if err != nil {
		return err
	}
	w.refreshAt(time.Now().Add(trustRefresh))
	files[p.Path] = w.owned(anchors, mode)
	return nil
}

// certificateKey is a source of a projected volume.
type certificateKey struct {
	volume string
	source int
}

// podCertificate is a certificate of the Pod, and the request for it or for its successor.
type podCertificate struct {
	key, chain []byte
	renew      time.Time

	request     string // "" while there is none
	requestKey  []byte
	requestFail error // for good
}

// pendingInterval is how often a request for a new certificate is looked at while the old one serves.
const pendingInterval = 2 * time.Second

// certificate adds a certificate of the Pod and its key. Until the first is issued the volume can't be set up.
func (w *writer) certificate(ctx context.Context, files map[string]file, key certificateKey, p *corev1.PodCertificateProjection, mode fs.FileMode) error {
	c := w.set.certificates[key]
	if c == nil {
		c = &podCertificate{}
		w.set.certificates[key] = c
	}
	err := w.renewCertificate(ctx, c, p)
	switch {
	case c.chain == nil:
		return err
	case err != nil:
		w.refreshAt(time.Now().Add(pendingInterval))
	default:
		w.refreshAt(c.renew)
	}
	for path, data := range map[string][]byte{
		p.KeyPath: c.key, p.CertificateChainPath: c.chain, p.CredentialBundlePath: append(append([]byte(nil), c.key...), c.chain...),
	} {
		if path != "" {
			files[path] = w.owned(data, mode)
		}
	}
	return nil
}

// renewCertificate requests a certificate if there is none or it is due for renewal, and takes what was issued.
func (w *writer) renewCertificate(ctx context.Context, c *podCertificate, p *corev1.PodCertificateProjection) error {
	if c.requestFail != nil {
		return c.requestFail
	}
	if c.chain != nil && time.Now().Before(c.renew) {
		return nil
	}
	if c.request == "" {
		key, name, err := w.set.sources.RequestCertificate(ctx, p)
		if err != nil {
			return err
		}
		c.request, c.requestKey = name, key
	}
	chain, renew, err := w.set.sources.IssuedCertificate(ctx, c.request)
	if errors.Is(err, apiobjects.ErrDenied) {
		c.requestFail = err
	}
	if err != nil {
		return err
	}
	c.key, c.chain, c.renew, c.request, c.requestKey = c.requestKey, chain, renew, "", nil
	return nil
}

// owned is a file that only its user may read if that is known, as the kubelet writes credentials.
func (w *writer) owned(data []byte, mode fs.FileMode) file {
	f := file{data: data, mode: mode, uid: soleUser(w.pod)}
	if f.uid != nil || fsGroup(w.pod) != nil {
		f.mode = 0o600
	}
	return f
}

// refreshAt makes the volumes be written again at a time at the latest.
func (w *writer) refreshAt(at time.Time) {
	if w.renew.IsZero() || at.Before(w.renew) {
		w.renew = at
	}
}
