//go:build linux

package volume

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	"github.com/ingress-testbed/testbed/clusters/embedded/agent/apiobjects"
	"github.com/ingress-testbed/testbed/clusters/embedded/agent/podspec"
)

// sources are in memory; tokens are numbered and last as long as life says.
type sources struct {
	configMaps map[string]*corev1.ConfigMap
	secrets    map[string]*corev1.Secret
	tokens     int
	life       time.Duration
	image      string
	requests   int   // for certificates
	unissued   error // why no certificate is issued
}

func (s *sources) ConfigMap(name string) (*corev1.ConfigMap, error) {
	if cm := s.configMaps[name]; cm != nil {
		return cm, nil
	}
	return nil, apierrors.NewNotFound(corev1.Resource("configmaps"), name)
}

func (s *sources) Secret(name string) (*corev1.Secret, error) {
	if secret := s.secrets[name]; secret != nil {
		return secret, nil
	}
	return nil, apierrors.NewNotFound(corev1.Resource("secrets"), name)
}

func (s *sources) Token(_ context.Context, audience string, seconds int64) (string, time.Time, error) {
	s.tokens++
	return fmt.Sprintf("token-%d-%s-%d", s.tokens, audience, seconds), time.Now().Add(s.life), nil
}

func (s *sources) TrustAnchors(context.Context, *corev1.ClusterTrustBundleProjection) ([]byte, error) {
	return []byte("anchors"), nil
}

func (s *sources) RequestCertificate(context.Context, *corev1.PodCertificateProjection) ([]byte, string, error) {
	s.requests++
	return fmt.Appendf(nil, "key-%d\n", s.requests), fmt.Sprintf("req-%d", s.requests), nil
}

func (s *sources) IssuedCertificate(_ context.Context, request string) ([]byte, time.Time, error) {
	if s.unissued != nil {
		return nil, time.Time{}, fmt.Errorf("%w: %s", s.unissued, request)
	}
	return []byte("chain of " + request), time.Now().Add(s.life), nil
}

func (s *sources) ImageRootFS(context.Context, *corev1.ImageVolumeSource) (string, error) {
	return s.image, nil
}

func newSet(t *testing.T) (*Set, *sources) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "volumes")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	s := &sources{
		configMaps: map[string]*corev1.ConfigMap{"conf": {Data: map[string]string{"a": "1", "b": "2"}, BinaryData: map[string][]byte{"bin": {0, 255}}}},
		secrets:    map[string]*corev1.Secret{"sec": {Data: map[string][]byte{"password": []byte("geheim")}}},
		life:       time.Hour, image: t.TempDir(),
	}
	return NewSet(dir, s), s
}

func podWith(volumes ...corev1.Volume) *corev1.Pod {
	return &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: "web", Namespace: "shop", Labels: map[string]string{"app": "web"}},
		Spec:       corev1.PodSpec{Volumes: volumes, Containers: []corev1.Container{{Name: "c"}}},
	}
}

func named(source corev1.VolumeSource) corev1.Volume {
	return corev1.Volume{Name: "v", VolumeSource: source}
}

// content reads what a container would see, following links.
func content(t *testing.T, s *Set) map[string]string {
	t.Helper()
	dir := s.paths["v"]
	all := map[string]string{}
	data, err := filepath.EvalSymlinks(filepath.Join(dir, dataLink))
	if err != nil {
		t.Fatal(err)
	}
	err = filepath.WalkDir(data, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		relative, _ := filepath.Rel(data, path)
		seen, err := os.ReadFile(filepath.Join(dir, relative)) // through the links that users see
		if err != nil {
			return err
		}
		info, err := os.Stat(path)
		if err != nil {
			return err
		}
		all[relative] = fmt.Sprintf("%s %o", seen, info.Mode().Perm())
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func check(t *testing.T, got, want map[string]string) {
	t.Helper()
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("files %q, want %q", got, want)
	}
}

func TestWrittenVolumes(t *testing.T) {
	ref := corev1.LocalObjectReference{Name: "conf"}
	none := corev1.LocalObjectReference{Name: "none"}
	cases := []struct {
		name   string
		source corev1.VolumeSource
		want   map[string]string
		err    string
	}{
		{"ConfigMap", corev1.VolumeSource{ConfigMap: &corev1.ConfigMapVolumeSource{LocalObjectReference: ref}}, map[string]string{"a": "1 644", "b": "2 644", "bin": "\x00\xff 644"}, ""},
		{"items and modes", corev1.VolumeSource{ConfigMap: &corev1.ConfigMapVolumeSource{LocalObjectReference: ref, DefaultMode: ptr.To[int32](0o400), Items: []corev1.KeyToPath{{Key: "a", Path: "x/y"}, {Key: "b", Path: "z", Mode: ptr.To[int32](0o755)}}}}, map[string]string{"x/y": "1 400", "z": "2 755"}, ""},
		{"missing key", corev1.VolumeSource{ConfigMap: &corev1.ConfigMapVolumeSource{LocalObjectReference: ref, Items: []corev1.KeyToPath{{Key: "q", Path: "x"}}}}, nil, "non-existent key: q"},
		{"missing ConfigMap", corev1.VolumeSource{ConfigMap: &corev1.ConfigMapVolumeSource{LocalObjectReference: none}}, nil, `"none" not found`},
		{"optional ConfigMap", corev1.VolumeSource{ConfigMap: &corev1.ConfigMapVolumeSource{LocalObjectReference: none, Optional: ptr.To(true)}}, map[string]string{}, ""},
		{"Secret", corev1.VolumeSource{Secret: &corev1.SecretVolumeSource{SecretName: "sec", DefaultMode: ptr.To[int32](0o600)}}, map[string]string{"password": "geheim 600"}, ""},
		{"downward API", corev1.VolumeSource{DownwardAPI: &corev1.DownwardAPIVolumeSource{Items: []corev1.DownwardAPIVolumeFile{{Path: "labels", FieldRef: &corev1.ObjectFieldSelector{FieldPath: "metadata.labels"}}, {Path: "ip", FieldRef: &corev1.ObjectFieldSelector{FieldPath: "status.podIP"}}}}}, map[string]string{"labels": "app=\"web\" 644", "ip": "172.16.1.3 644"}, ""},
		{"service account", corev1.VolumeSource{Projected: &corev1.ProjectedVolumeSource{Sources: []corev1.VolumeProjection{
			{ServiceAccountToken: &corev1.ServiceAccountTokenProjection{Path: "token", ExpirationSeconds: ptr.To[int64](3607), Audience: "api"}},
			{ConfigMap: &corev1.ConfigMapProjection{LocalObjectReference: ref, Items: []corev1.KeyToPath{{Key: "a", Path: "ca.crt"}}}},
			{DownwardAPI: &corev1.DownwardAPIProjection{Items: []corev1.DownwardAPIVolumeFile{{Path: "namespace", FieldRef: &corev1.ObjectFieldSelector{FieldPath: "metadata.namespace"}}}}},
		}}}, map[string]string{"token": "token-1-api-3607 644", "ca.crt": "1 644", "namespace": "shop 644"}, ""},
		{"a path that leads out", corev1.VolumeSource{ConfigMap: &corev1.ConfigMapVolumeSource{LocalObjectReference: ref, Items: []corev1.KeyToPath{{Key: "a", Path: "../x"}}}}, nil, "must be relative"},
		{"a path that clashes", corev1.VolumeSource{ConfigMap: &corev1.ConfigMapVolumeSource{LocalObjectReference: ref, Items: []corev1.KeyToPath{{Key: "a", Path: "..data/x"}}}}, nil, "must be relative"},
		{"unknown kind", corev1.VolumeSource{NFS: &corev1.NFSVolumeSource{}}, nil, "unsupported kind of volume"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			s, _ := newSet(t)
			_, err := s.Setup(context.Background(), podWith(named(c.source)), podspec.Runtime{PodIPs: []netip.Addr{netip.MustParseAddr("172.16.1.3")}})
			if c.err != "" {
				if err == nil || !strings.Contains(err.Error(), c.err) {
					t.Fatalf("error %v, want one with %q", err, c.err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			check(t, content(t, s), c.want)
		})
	}
}

func TestRefreshSwapsAllFilesAtOnce(t *testing.T) {
	s, src := newSet(t)
	pod := podWith(named(corev1.VolumeSource{ConfigMap: &corev1.ConfigMapVolumeSource{LocalObjectReference: corev1.LocalObjectReference{Name: "conf"}}}))
	ctx := context.Background()
	if _, err := s.Setup(ctx, pod, podspec.Runtime{}); err != nil {
		t.Fatal(err)
	}
	before, err := os.Readlink(filepath.Join(s.paths["v"], dataLink))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Refresh(ctx, pod, podspec.Runtime{}); err != nil {
		t.Fatal(err)
	}
	if same, _ := os.Readlink(filepath.Join(s.paths["v"], dataLink)); same != before {
		t.Error("unchanged files were swapped, which wakes watchers for nothing")
	}
	src.configMaps["conf"] = &corev1.ConfigMap{Data: map[string]string{"b": "new", "c": "3"}}
	if _, err := s.Refresh(ctx, pod, podspec.Runtime{}); err != nil {
		t.Fatal(err)
	}
	check(t, content(t, s), map[string]string{"b": "new 644", "c": "3 644"})
	if _, err := os.Lstat(filepath.Join(s.paths["v"], "a")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the link of a key that is gone: %v", err)
	}
	if _, err := os.Stat(filepath.Join(s.paths["v"], before)); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the old files are still there: %v", err)
	}
}

func TestTokenIsRenewedWhenItIsOld(t *testing.T) {
	s, src := newSet(t)
	src.life = 30 * time.Millisecond
	pod := podWith(named(corev1.VolumeSource{Projected: &corev1.ProjectedVolumeSource{Sources: []corev1.VolumeProjection{{ServiceAccountToken: &corev1.ServiceAccountTokenProjection{Path: "token"}}}}}))
	ctx := context.Background()
	renew, err := s.Setup(ctx, pod, podspec.Runtime{})
	if err != nil || time.Until(renew) > src.life {
		t.Fatalf("renewal due at %s, %v", renew, err)
	}
	if _, err := s.Refresh(ctx, pod, podspec.Runtime{}); err != nil || src.tokens != 1 {
		t.Fatalf("%d tokens, %v; a fresh one must be kept", src.tokens, err)
	}
	time.Sleep(time.Until(renew) + time.Millisecond)
	if _, err := s.Refresh(ctx, pod, podspec.Runtime{}); err != nil {
		t.Fatal(err)
	}
	check(t, content(t, s), map[string]string{"token": "token-2--3600 644"})
}

func TestSoleUser(t *testing.T) {
	user := func(id int64) *corev1.SecurityContext { return &corev1.SecurityContext{RunAsUser: &id} }
	cases := []struct {
		name string
		spec corev1.PodSpec
		want *int64
	}{
		{"default", corev1.PodSpec{Containers: []corev1.Container{{}}}, nil},
		{"the Pod says", corev1.PodSpec{SecurityContext: &corev1.PodSecurityContext{RunAsUser: ptr.To[int64](5)}, Containers: []corev1.Container{{}, {}}}, ptr.To[int64](5)},
		{"all agree", corev1.PodSpec{InitContainers: []corev1.Container{{SecurityContext: user(5)}}, Containers: []corev1.Container{{SecurityContext: user(5)}}}, ptr.To[int64](5)},
		{"they differ", corev1.PodSpec{Containers: []corev1.Container{{SecurityContext: user(5)}, {SecurityContext: user(6)}}}, nil},
		{"one doesn't say", corev1.PodSpec{Containers: []corev1.Container{{SecurityContext: user(5)}, {}}}, nil},
	}
	for _, c := range cases {
		got := soleUser(&corev1.Pod{Spec: c.spec})
		if ptr.Deref(got, -1) != ptr.Deref(c.want, -1) {
			t.Errorf("%s: %d, want %d", c.name, ptr.Deref(got, -1), ptr.Deref(c.want, -1))
		}
	}
}

func TestMounts(t *testing.T) {
	s, src := newSet(t)
	host := t.TempDir()
	if err := os.Symlink("/etc", filepath.Join(host, "out")); err != nil {
		t.Fatal(err)
	}
	pod := podWith(
		corev1.Volume{Name: "empty", VolumeSource: corev1.VolumeSource{EmptyDir: &corev1.EmptyDirVolumeSource{}}},
		corev1.Volume{Name: "host", VolumeSource: corev1.VolumeSource{HostPath: &corev1.HostPathVolumeSource{Path: host}}},
		corev1.Volume{Name: "conf", VolumeSource: corev1.VolumeSource{ConfigMap: &corev1.ConfigMapVolumeSource{LocalObjectReference: corev1.LocalObjectReference{Name: "conf"}}}},
		corev1.Volume{Name: "image", VolumeSource: corev1.VolumeSource{Image: &corev1.ImageVolumeSource{Reference: "x"}}},
	)
	ctx := context.Background()
	for range 2 { // existing files must not be in the way
		if _, err := s.Setup(ctx, pod, podspec.Runtime{}); err != nil {
			t.Fatal(err)
		}
	}
	if info, err := os.Stat(s.paths["empty"]); err != nil || info.Mode().Perm() != 0o777 {
		t.Errorf("emptyDir: %v, %v", info.Mode(), err)
	}
	expand := func(string) string { return "expanded" }
	cases := []struct {
		mount    corev1.VolumeMount
		source   string
		readOnly bool
		err      string
	}{
		{corev1.VolumeMount{Name: "empty", MountPath: "/m"}, s.paths["empty"], false, ""},
		{corev1.VolumeMount{Name: "empty", MountPath: "/m", ReadOnly: true}, s.paths["empty"], true, ""},
		{corev1.VolumeMount{Name: "empty", MountPath: "/m", SubPath: "a/b"}, filepath.Join(s.paths["empty"], "a/b"), false, ""},
		{corev1.VolumeMount{Name: "empty", MountPath: "/m", SubPathExpr: "$(X)"}, filepath.Join(s.paths["empty"], "expanded"), false, ""},
		{corev1.VolumeMount{Name: "conf", MountPath: "/m"}, s.paths["conf"], true, ""},
		{corev1.VolumeMount{Name: "image", MountPath: "/m"}, src.image, true, ""},
		{corev1.VolumeMount{Name: "host", MountPath: "/m", SubPath: "out"}, "", false, "escapes"},
		{corev1.VolumeMount{Name: "host", MountPath: "/m", SubPath: "../x"}, "", false, "escapes"},
		{corev1.VolumeMount{Name: "none", MountPath: "/m"}, "", false, "doesn't have"},
	}
	for _, c := range cases {
		t.Run(c.mount.Name+c.mount.SubPath+c.mount.SubPathExpr, func(t *testing.T) {
			got, err := s.Mounts(pod, &corev1.Container{VolumeMounts: []corev1.VolumeMount{c.mount}}, expand)
			if c.err != "" {
				if err == nil || !strings.Contains(err.Error(), c.err) {
					t.Fatalf("error %v, want one with %q", err, c.err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if got[0].Source != c.source || got[0].ReadOnly != c.readOnly || got[0].Destination != "/m" {
				t.Errorf("mount %+v, want source %s, read-only %v", got[0], c.source, c.readOnly)
			}
		})
	}
	sub, err := s.Mounts(pod, &corev1.Container{VolumeMounts: []corev1.VolumeMount{{Name: "conf", MountPath: "/m", SubPath: "a"}}}, expand)
	if err != nil {
		t.Fatal(err)
	}
	if raw, err := os.ReadFile(sub[0].Source); err != nil || string(raw) != "1" {
		t.Errorf("subPath of a ConfigMap leads to %q, %v", raw, err)
	}
}

func TestHostPathTypes(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	cases := []struct {
		path string
		kind corev1.HostPathType
		ok   bool
	}{
		{dir, corev1.HostPathUnset, true}, {filepath.Join(dir, "new"), corev1.HostPathUnset, true},
		{dir, corev1.HostPathDirectory, true}, {file, corev1.HostPathDirectory, false}, {filepath.Join(dir, "none"), corev1.HostPathDirectory, false},
		{filepath.Join(dir, "made"), corev1.HostPathDirectoryOrCreate, true}, {file, corev1.HostPathFile, true}, {dir, corev1.HostPathFile, false},
		{filepath.Join(dir, "made2"), corev1.HostPathFileOrCreate, true}, {"/dev/null", corev1.HostPathCharDev, true}, {file, corev1.HostPathSocket, false},
		{"/dev/null", corev1.HostPathBlockDev, false},
	}
	for _, c := range cases {
		err := checkHostPath(&corev1.HostPathVolumeSource{Path: c.path, Type: &c.kind})
		if (err == nil) != c.ok {
			t.Errorf("%s as %q: %v", c.path, c.kind, err)
		}
	}
}

func TestCleanUpRemovesWhatIsLeft(t *testing.T) {
	s, _ := newSet(t)
	podDir := filepath.Dir(filepath.Dir(s.dir))
	pod := podWith(named(corev1.VolumeSource{EmptyDir: &corev1.EmptyDirVolumeSource{}}))
	if _, err := s.Setup(context.Background(), pod, podspec.Runtime{}); err != nil {
		t.Fatal(err)
	}
	if err := s.Teardown(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(s.dir); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("after Teardown: %v", err)
	}
	if err := s.Teardown(); err != nil {
		t.Errorf("a second Teardown: %v", err)
	}
	if err := CleanUp(podDir); err != nil {
		t.Fatal(err)
	}
	if left, _ := os.ReadDir(podDir); len(left) != 0 {
		t.Errorf("left: %v", left)
	}
}

func TestTrustBundlesAndCertificates(t *testing.T) {
	set, sources := newSet(t)
	sources.unissued = apiobjects.ErrPending
	pod := podWith(corev1.Volume{Name: "identity", VolumeSource: corev1.VolumeSource{Projected: &corev1.ProjectedVolumeSource{Sources: []corev1.VolumeProjection{
		{ClusterTrustBundle: &corev1.ClusterTrustBundleProjection{Name: ptr.To("any"), Path: "anchors.pem"}},
		{PodCertificate: &corev1.PodCertificateProjection{CredentialBundlePath: "bundle.pem", KeyPath: "key.pem", CertificateChainPath: "chain.pem"}},
	}}}})
	ctx, rt := t.Context(), podspec.Runtime{}
	holds := func(when string, want map[string]string) {
		t.Helper()
		for name, content := range want {
			got, err := os.ReadFile(filepath.Join(set.dir, "identity", name))
			if err != nil || string(got) != content {
				t.Errorf("%s, %s: %q, %v; want %q", when, name, got, err, content)
			}
		}
	}
	for range 2 {
		if _, err := set.Setup(ctx, pod, rt); !errors.Is(err, apiobjects.ErrPending) {
			t.Fatalf("before a certificate is issued: %v", err)
		}
	}
	if sources.requests != 1 {
		t.Errorf("%d requests", sources.requests)
	}
	sources.unissued, sources.life = nil, 0
	if _, err := set.Setup(ctx, pod, rt); err != nil {
		t.Fatal(err)
	}
	first := map[string]string{"anchors.pem": "anchors", "bundle.pem": "key-1\nchain of req-1", "key.pem": "key-1\n", "chain.pem": "chain of req-1"}
	holds("issued", first)
	// While its successor is not issued, the old one stays.
	sources.unissued = apiobjects.ErrPending
	due, err := set.Refresh(ctx, pod, rt)
	if err != nil || due.IsZero() || time.Until(due) > 2*pendingInterval {
		t.Errorf("due again at %v, %v", due, err)
	}
	holds("renewing", first)
	sources.unissued, sources.life = nil, time.Hour
	if due, err = set.Refresh(ctx, pod, rt); err != nil || time.Until(due) > trustRefresh {
		t.Errorf("due again at %v, %v", due, err)
	}
	holds("renewed", map[string]string{"bundle.pem": "key-2\nchain of req-2"})
	if _, err = set.Refresh(ctx, pod, rt); err != nil || sources.requests != 2 {
		t.Errorf("%d requests, %v", sources.requests, err)
	}
}

func TestDeniedCertificate(t *testing.T) {
	set, sources := newSet(t)
	sources.unissued = apiobjects.ErrDenied
	pod := podWith(corev1.Volume{Name: "identity", VolumeSource: corev1.VolumeSource{Projected: &corev1.ProjectedVolumeSource{Sources: []corev1.VolumeProjection{
		{PodCertificate: &corev1.PodCertificateProjection{CredentialBundlePath: "bundle.pem"}},
	}}}})
	for range 2 {
		if _, err := set.Setup(t.Context(), pod, podspec.Runtime{}); !errors.Is(err, apiobjects.ErrDenied) {
			t.Errorf("error %v", err)
		}
		sources.unissued = nil // it is not requested again
	}
	if sources.requests != 1 {
		t.Errorf("%d requests", sources.requests)
	}
}
