//go:build linux && privileged

package embedded_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/ingress-testbed/testbed/clusters/embedded"
	"github.com/ingress-testbed/testbed/fixtures/images"
	"github.com/ingress-testbed/testbed/internal/kubeclient"
)

// loopbackRegistry is a registry on this machine's loopback. Its repositories below "private/" have one user, and those
// below "slow/" have blobs only after the registry is released.
type loopbackRegistry struct {
	host      string
	manifests atomic.Int32 // how often one was read
	released  chan struct{}
}

func newLoopbackRegistry(t *testing.T) *loopbackRegistry {
	t.Helper()
	r := &loopbackRegistry{released: make(chan struct{})}
	handler := registry.New(registry.Logger(log.New(io.Discard, "", 0)))
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, request *http.Request) {
		if request.Method == http.MethodGet && strings.Contains(request.URL.Path, "/manifests/") {
			r.manifests.Add(1)
		}
		user, password, _ := request.BasicAuth()
		if request.Method == http.MethodGet && strings.HasPrefix(request.URL.Path, "/v2/private/") && (user != "me" || password != "secret") {
			w.WriteHeader(http.StatusUnauthorized)
			io.WriteString(w, `{"errors":[{"code":"UNAUTHORIZED","message":"authentication required"}]}`)
			return
		}
		if request.Method == http.MethodGet && strings.HasPrefix(request.URL.Path, "/v2/slow/") && strings.Contains(request.URL.Path, "/blobs/") {
			select {
			case <-r.released:
			case <-request.Context().Done():
			}
		}
		// The client sends credentials only if the registry asks for them here.
		if request.URL.Path == "/v2/" && user == "" {
			w.Header().Set("WWW-Authenticate", `Basic realm="test"`)
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		handler.ServeHTTP(w, request)
	}))
	t.Cleanup(server.Close)
	r.host = strings.TrimPrefix(server.URL, "http://")
	return r
}

// push pushes the test-bed's backends and returns the image's digest.
func (r *loopbackRegistry) push(t *testing.T, repository string, labels map[string]string) (image, digest string) {
	t.Helper()
	img, err := images.Build(images.Spec{Binary: filepath.Join(binaries, "backends"), Entrypoint: "/backends", Labels: labels})
	if err != nil {
		t.Fatal(err)
	}
	ref, err := name.ParseReference(r.host + "/" + repository)
	if err != nil {
		t.Fatal(err)
	}
	if err := remote.Write(ref, img); err != nil {
		t.Fatal(err)
	}
	hash, err := img.Digest()
	if err != nil {
		t.Fatal(err)
	}
	return ref.String(), hash.String()
}

func (r *loopbackRegistry) dockerConfig() string {
	config, _ := json.Marshal(map[string]any{"auths": map[string]any{r.host: map[string]string{"username": "me", "password": "secret"}}})
	return string(config)
}

// pods runs Pods on a cluster.
type pods struct {
	t      *testing.T
	client kubernetes.Interface
}

func newPods(t *testing.T, c *embedded.Cluster) pods {
	t.Helper()
	_, client, err := kubeclient.Connect(c.Kubeconfig(), kubeclient.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return pods{t, client}
}

func (p pods) run(podName, image string, change func(*corev1.PodSpec)) {
	p.t.Helper()
	pod := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: podName},
		Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "web", Image: image, Args: []string{"echo"}}}},
	}
	if change != nil {
		change(&pod.Spec)
	}
	if _, err := p.client.CoreV1().Pods("default").Create(p.t.Context(), pod, metav1.CreateOptions{}); err != nil {
		p.t.Fatal(err)
	}
}

func (p pods) await(podName, what string, is func(corev1.ContainerStatus) bool) corev1.ContainerStatus {
	p.t.Helper()
	var last corev1.ContainerStatus
	deadline := time.Now().Add(30 * time.Second)
	for time.Now().Before(deadline) {
		pod, err := p.client.CoreV1().Pods("default").Get(p.t.Context(), podName, metav1.GetOptions{})
		if err != nil {
			p.t.Fatal(err)
		}
		if len(pod.Status.ContainerStatuses) > 0 {
			if last = pod.Status.ContainerStatuses[0]; is(last) {
				return last
			}
		}
		time.Sleep(50 * time.Millisecond)
	}
	p.t.Fatalf("%s is never %s; its container is %+v", podName, what, last)
	return last
}

func (p pods) awaitRunning(podName string) corev1.ContainerStatus {
	p.t.Helper()
	return p.await(podName, "running", func(s corev1.ContainerStatus) bool { return s.State.Running != nil })
}

func (p pods) awaitWaiting(podName, reason string) string {
	p.t.Helper()
	status := p.await(podName, "waiting: "+reason, func(s corev1.ContainerStatus) bool {
		return s.State.Waiting != nil && s.State.Waiting.Reason == reason
	})
	return status.State.Waiting.Message
}

// awaitEvent waits for an event of a Pod.
func (p pods) awaitEvent(podName, reason, text string) {
	p.t.Helper()
	var seen []string
	deadline := time.Now().Add(10 * time.Second)
	for time.Now().Before(deadline) {
		events, err := p.client.CoreV1().Events("default").List(p.t.Context(), metav1.ListOptions{FieldSelector: "involvedObject.name=" + podName})
		if err != nil {
			p.t.Fatal(err)
		}
		seen = nil
		for _, e := range events.Items {
			if e.Reason == reason && strings.Contains(e.Message, text) {
				return
			}
			seen = append(seen, e.Reason+": "+e.Message)
		}
		time.Sleep(50 * time.Millisecond)
	}
	p.t.Errorf("%s has no event %s with %q, but\n%s", podName, reason, text, strings.Join(seen, "\n"))
}

func TestPodsPullFromLoopback(t *testing.T) {
	t.Setenv("DOCKER_CONFIG", t.TempDir())
	t.Setenv("HOME", t.TempDir())
	r := newLoopbackRegistry(t)
	var proxied atomic.Int32
	toRegistry := httputil.NewSingleHostReverseProxy(&url.URL{Scheme: "http", Host: r.host})
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, request *http.Request) {
		proxied.Add(1)
		toRegistry.ServeHTTP(w, request)
	}))
	t.Cleanup(proxy.Close)
	t.Setenv("HTTP_PROXY", proxy.URL) // doesn't apply to the loopback
	t.Setenv("NO_PROXY", "")
	public, digest := r.push(t, "public/web:1", nil)
	private, _ := r.push(t, "private/web:1", map[string]string{"repository": "private"})
	p := newPods(t, create(t, "test-pull"))

	t.Run("two nodes share one pull", func(t *testing.T) {
		p := pods{t, p.client}
		before := r.manifests.Load()
		for _, node := range []string{"k3s-s", "k3s-w1"} {
			p.run("tag-"+node, public, func(spec *corev1.PodSpec) { spec.NodeName = node })
		}
		for _, node := range []string{"k3s-s", "k3s-w1"} {
			status := p.awaitRunning("tag-" + node)
			if want := r.host + "/public/web@" + digest; status.ImageID != want || status.Image != public {
				t.Errorf("image %s, ID %s, want %s", status.Image, status.ImageID, want)
			}
		}
		p.awaitEvent("tag-k3s-s", "Pulled", public)
		if n := r.manifests.Load() - before; n > 2 {
			t.Errorf("the manifest was read %d times", n)
		}
	})

	t.Run("by digest", func(t *testing.T) {
		p := pods{t, p.client}
		p.run("digest", r.host+"/public/web:other@"+digest, nil)
		p.awaitRunning("digest")
	})

	t.Run("through the host's proxy", func(t *testing.T) {
		p := pods{t, p.client}
		r.push(t, "public/proxied:1", map[string]string{"repository": "proxied"})
		p.run("proxied", "registry.local/public/proxied:1", nil)
		p.awaitRunning("proxied")
		if proxied.Load() == 0 {
			t.Error("the proxy got no request")
		}
	})

	t.Run("progress", func(t *testing.T) {
		p := pods{t, p.client}
		slow, _ := r.push(t, "slow/web:1", map[string]string{"repository": "slow"})
		p.run("slow", slow, nil)
		p.await("slow", "waiting with progress", func(s corev1.ContainerStatus) bool {
			return s.State.Waiting != nil && s.State.Waiting.Reason == "ContainerCreating" && strings.Contains(s.State.Waiting.Message, "Pulling image")
		})
		close(r.released)
		p.awaitRunning("slow")
	})

	t.Run("without credentials", func(t *testing.T) {
		p := pods{t, p.client}
		p.run("refused", private, nil)
		message := p.awaitWaiting("refused", "ErrImagePull")
		for _, want := range []string{"authentication required", "testbed load --name test-pull ARCHIVE"} {
			if !strings.Contains(message, want) {
				t.Errorf("message %q lacks %q", message, want)
			}
		}
		message = p.awaitWaiting("refused", "ImagePullBackOff")
		if !strings.Contains(message, "Back-off pulling image") || !strings.Contains(message, "authentication required") {
			t.Errorf("message %q", message)
		}
		p.awaitEvent("refused", "Pulling", private)
		p.awaitEvent("refused", "Failed", "Failed to pull image")
		p.awaitEvent("refused", "Failed", "Error: ErrImagePull")
		p.awaitEvent("refused", "BackOff", "Back-off pulling image")
	})

	t.Run("with the pull secret of the ServiceAccount", func(t *testing.T) {
		p := pods{t, p.client}
		secret := &corev1.Secret{
			ObjectMeta: metav1.ObjectMeta{Name: "pull"}, Type: corev1.SecretTypeDockerConfigJson,
			StringData: map[string]string{corev1.DockerConfigJsonKey: r.dockerConfig()},
		}
		if _, err := p.client.CoreV1().Secrets("default").Create(t.Context(), secret, metav1.CreateOptions{}); err != nil {
			t.Fatal(err)
		}
		account := &corev1.ServiceAccount{
			ObjectMeta: metav1.ObjectMeta{Name: "puller"}, ImagePullSecrets: []corev1.LocalObjectReference{{Name: "pull"}},
		}
		if _, err := p.client.CoreV1().ServiceAccounts("default").Create(t.Context(), account, metav1.CreateOptions{}); err != nil {
			t.Fatal(err)
		}
		p.run("account", private, func(spec *corev1.PodSpec) { spec.ServiceAccountName = "puller" })
		p.awaitRunning("account")
	})

	t.Run("with the user's Docker configuration", func(t *testing.T) {
		p := pods{t, p.client}
		mine, _ := r.push(t, "private/mine:1", map[string]string{"repository": "mine"})
		if err := os.WriteFile(filepath.Join(os.Getenv("DOCKER_CONFIG"), "config.json"), []byte(r.dockerConfig()), 0o600); err != nil {
			t.Fatal(err)
		}
		p.run("mine", mine, func(spec *corev1.PodSpec) { spec.Containers[0].ImagePullPolicy = corev1.PullAlways })
		p.awaitRunning("mine")
	})

	t.Run("never", func(t *testing.T) {
		p := pods{t, p.client}
		p.run("never", r.host+"/public/never:1", func(spec *corev1.PodSpec) { spec.Containers[0].ImagePullPolicy = corev1.PullNever })
		p.awaitWaiting("never", "ErrImageNeverPull")
		p.awaitEvent("never", "ErrImageNeverPull", "is not present with pull policy of Never")
	})

	t.Run("an image volume", func(t *testing.T) {
		p := pods{t, p.client}
		files, _ := r.push(t, "public/files:1", map[string]string{"repository": "files"})
		p.run("volume", public, func(spec *corev1.PodSpec) {
			spec.Volumes = []corev1.Volume{{Name: "files", VolumeSource: corev1.VolumeSource{Image: &corev1.ImageVolumeSource{Reference: files}}}}
			spec.Containers[0].VolumeMounts = []corev1.VolumeMount{{Name: "files", MountPath: "/files"}}
			spec.Containers[0].Command = []string{"/files/backends"}
		})
		p.awaitRunning("volume")
	})
}

// testLoadedImageRuns waits with a Pod whose image can't be pulled until it is loaded, whatever the policy.
func testLoadedImageRuns(t *testing.T, cluster *embedded.Cluster) {
	p := newPods(t, cluster)
	const image = "127.0.0.1:1/web" // a port that refuses connections, and the policy Always by default
	p.run("web", image, nil)
	if message := p.awaitWaiting("web", "ErrImagePull"); !strings.Contains(message, "connection refused") {
		t.Errorf("message %q", message)
	}
	img, err := images.Build(images.Spec{Binary: filepath.Join(binaries, "backends"), Entrypoint: "/backends"})
	if err != nil {
		t.Fatal(err)
	}
	tag, err := name.NewTag(image)
	if err != nil {
		t.Fatal(err)
	}
	archive := filepath.Join(t.TempDir(), "web.tar")
	if err := tarball.WriteToFile(archive, tag, img); err != nil {
		t.Fatal(err)
	}
	loaded, err := cluster.LoadImages(context.Background(), archive)
	if err != nil || len(loaded) != 1 || loaded[0].Name != image+":latest" {
		t.Fatalf("loaded %v, %v", loaded, err)
	}
	p.awaitRunning("web")
	p.run("other", fmt.Sprintf("%s:latest@sha256:%064d", image, 1), nil)
	if message := p.awaitWaiting("other", "ErrImagePull"); !strings.Contains(message, image+":latest is there, but has no digest") {
		t.Errorf("message %q", message)
	}
}
