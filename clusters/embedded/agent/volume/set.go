//go:build linux

// Package volume makes a Pod's volumes on the node and keeps their content up to date: one file a kind of volume.
package volume

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/ingress-testbed/testbed/clusters/embedded/agent/podspec"
	"github.com/ingress-testbed/testbed/clusters/embedded/container"
)

// Sources is where volumes get their content, for one Pod.
type Sources interface {
	podspec.Objects
	// Token for the Pod's service account and when it should be replaced.
	Token(ctx context.Context, audience string, seconds int64) (token string, renew time.Time, err error)
	// TrustAnchors returns the certificates of ClusterTrustBundles in PEM.
	TrustAnchors(ctx context.Context, p *corev1.ClusterTrustBundleProjection) ([]byte, error)
	// RequestCertificate requests a certificate for the Pod, and returns its key and the name of the request.
	RequestCertificate(ctx context.Context, p *corev1.PodCertificateProjection) (key []byte, request string, err error)
	// IssuedCertificate returns the chain that was issued for a request and when it should be replaced. Errors are those of
	// package apiobjects.
	IssuedCertificate(ctx context.Context, request string) (chain []byte, renew time.Time, err error)
	// ImageRootFS returns the folder with the files of a volume's image.
	ImageRootFS(ctx context.Context, v *corev1.ImageVolumeSource) (string, error)
}

// Set is the volumes of one Pod.
type Set struct {
	dir          string
	sources      Sources
	tokens       map[tokenKey]*cachedToken
	certificates map[certificateKey]*podCertificate
	paths        map[string]string // by volume name
}

// NewSet keeps what the volumes need in dir.
func NewSet(dir string, sources Sources) *Set {
	return &Set{
		dir: dir, sources: sources, tokens: map[tokenKey]*cachedToken{},
		certificates: map[certificateKey]*podCertificate{}, paths: map[string]string{},
	}
}

// Setup creates all volumes. After an error it may be called again and continues where it failed. The time is when
// Refresh is due because a token grows old, or zero.
func (s *Set) Setup(ctx context.Context, pod *corev1.Pod, rt podspec.Runtime) (time.Time, error) {
	return s.each(ctx, pod, rt, func(v *corev1.Volume) bool { return true })
}

// Refresh brings files up to date with the objects they come from.
func (s *Set) Refresh(ctx context.Context, pod *corev1.Pod, rt podspec.Runtime) (time.Time, error) {
	return s.each(ctx, pod, rt, func(v *corev1.Volume) bool { return isWritten(v.VolumeSource) })
}

func (s *Set) each(ctx context.Context, pod *corev1.Pod, rt podspec.Runtime, wanted func(*corev1.Volume) bool) (time.Time, error) {
	var errs []error
	w := &writer{set: s, pod: pod, runtime: rt}
	for i := range pod.Spec.Volumes {
		v := &pod.Spec.Volumes[i]
		if !wanted(v) {
			continue
		}
		w.volume = v.Name
		if err := w.create(ctx, v); err != nil {
			errs = append(errs, fmt.Errorf("volume %q: %w", v.Name, err))
		}
	}
	return w.renew, errors.Join(errs...)
}

// writer makes volumes during one call of Setup or Refresh.
type writer struct {
	set     *Set
	pod     *corev1.Pod
	runtime podspec.Runtime
	volume  string    // that is being made
	renew   time.Time // the earliest
}

// isWritten is true for volumes whose files are written from objects of the API.
func isWritten(v corev1.VolumeSource) bool {
	return v.ConfigMap != nil || v.Secret != nil || v.DownwardAPI != nil || v.Projected != nil
}

func (w *writer) create(ctx context.Context, v *corev1.Volume) error {
	own := filepath.Join(w.set.dir, v.Name)
	switch {
	case v.EmptyDir != nil:
		w.set.paths[v.Name] = own
		return makeEmptyDir(own, v.EmptyDir, fsGroup(w.pod))
	case v.HostPath != nil:
		w.set.paths[v.Name] = v.HostPath.Path
		return checkHostPath(v.HostPath)
	case v.Image != nil:
		path, err := w.set.sources.ImageRootFS(ctx, v.Image)
		w.set.paths[v.Name] = path
		return err
	case isWritten(v.VolumeSource):
		w.set.paths[v.Name] = own
		files, err := w.files(ctx, v.VolumeSource)
		if err != nil {
			return err
		}
		return replaceFiles(own, files)
	}
	return errors.New("unsupported kind of volume: use emptyDir, configMap, secret, downwardAPI, projected, hostPath or image")
}

// Mounts of a container, in the order in which they have to be made.
func (s *Set) Mounts(pod *corev1.Pod, c *corev1.Container, expand func(string) string) ([]container.Mount, error) {
	mounts := make([]container.Mount, 0, len(c.VolumeMounts))
	for _, m := range c.VolumeMounts {
		path, ok := s.paths[m.Name]
		if !ok {
			return nil, fmt.Errorf("container %s mounts volume %q, which the Pod doesn't have", c.Name, m.Name)
		}
		subPath := m.SubPath
		if m.SubPathExpr != "" {
			subPath = expand(m.SubPathExpr)
		}
		if subPath != "" {
			var err error
			if path, err = below(path, subPath); err != nil {
				return nil, fmt.Errorf("mounting part of volume %q: %w", m.Name, err)
			}
		}
		mounts = append(mounts, container.Mount{
			Source: path, Destination: m.MountPath, Recursive: true,
			ReadOnly: m.ReadOnly || alwaysReadOnly(pod, m.Name),
		})
	}
	return mounts, nil
}

// alwaysReadOnly is true for volumes that only the node writes to.
func alwaysReadOnly(pod *corev1.Pod, name string) bool {
	for i := range pod.Spec.Volumes {
		if v := &pod.Spec.Volumes[i]; v.Name == name {
			return isWritten(v.VolumeSource) || v.Image != nil
		}
	}
	return false
}

// below finds a path inside a volume and makes it a folder if it is missing. Symbolic links may not lead out.
func below(volume, subPath string) (string, error) {
	root, err := os.OpenRoot(volume)
	if err != nil {
		return "", err
	}
	defer root.Close() //nolint:errcheck // only looked into
	f, err := root.Open(subPath)
	if errors.Is(err, fs.ErrNotExist) {
		if err := root.MkdirAll(subPath, 0o755); err != nil {
			return "", err
		}
		f, err = root.Open(subPath)
	}
	if err != nil {
		return "", err
	}
	defer f.Close()
	// With links resolved, as the path is going to be looked up from outside the volume.
	return os.Readlink(fmt.Sprintf("/proc/self/fd/%d", f.Fd()))
}

// Teardown removes the volumes with their content, except for the node's own folders.
func (s *Set) Teardown() error {
	if err := unmountAll(s.dir); err != nil {
		return err // never remove what may still be mounted
	}
	if err := os.RemoveAll(s.dir); err != nil {
		return fmt.Errorf("removing volumes: %w", err)
	}
	return nil
}

func fsGroup(pod *corev1.Pod) *int64 {
	if pod.Spec.SecurityContext == nil {
		return nil
	}
	return pod.Spec.SecurityContext.FSGroup
}
