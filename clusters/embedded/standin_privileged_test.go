//go:build privileged

package embedded_test

import (
	"archive/tar"
	"bytes"
	"encoding/binary"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// testControllerManifests installs a stand-in for ingress controllers whose manifests use what those that ingress-nginx and
// Traefik publish use: Jobs that make the certificate of an admission webhook, a mountPath with a slash at its end, a user
// other than root that binds port 80 by its program's file capability, log files that are links to /dev/stdout, host ports,
// a Service of type LoadBalancer, and names of Services.
func testControllerManifests(t *testing.T, n nodes) {
	for _, archive := range []string{packTest(t), packController(t)} {
		if err := n.cluster.LoadImage(t.Context(), archive); err != nil {
			t.Fatal(err)
		}
	}
	n.kubectl(t, "apply", "-f", filepath.Join("testdata", "controller.yaml"))
	n.kubectl(t, "wait", "--namespace=stand-in", "--for=condition=Complete", "--timeout=60s", "job/certificate-create", "job/certificate-patch")
	n.kubectl(t, "rollout", "status", "--namespace=stand-in", "--timeout=60s", "deployment/controller")

	if body := n.get(t, "client", "http://3.35.217.40/"); body != "stand-in" {
		t.Errorf("port 80 of the node answers %q", body)
	}
	eventually(t, "the access log is in the container's", func() bool {
		return strings.Contains(n.kubectl(t, "logs", "--namespace=stand-in", "deployment/controller"), "GET / from 175.116.31.155")
	})
	eventually(t, "the Service has an address that answers", func() bool {
		service, err := n.client.CoreV1().Services("stand-in").Get(t.Context(), "controller", metav1.GetOptions{})
		if err != nil {
			t.Fatal(err)
		}
		addresses := service.Status.LoadBalancer.Ingress
		return len(addresses) == 1 && dial(t, n.cluster, "client", addresses[0].IP+":80") == nil
	})
	ingress := &networkingv1.Ingress{
		ObjectMeta: metav1.ObjectMeta{Name: "shop"},
		Spec:       networkingv1.IngressSpec{DefaultBackend: &networkingv1.IngressBackend{Service: &networkingv1.IngressServiceBackend{Name: "shop", Port: networkingv1.ServiceBackendPort{Number: 80}}}},
	}
	ingresses := n.client.NetworkingV1().Ingresses(metav1.NamespaceDefault)
	eventually(t, "the webhook admits an Ingress", func() bool { // once kube-proxy knows its endpoint
		_, err := ingresses.Create(t.Context(), ingress, metav1.CreateOptions{})
		return err == nil
	})
	ingress.Name = "refused"
	if _, err := ingresses.Create(t.Context(), ingress, metav1.CreateOptions{}); err == nil || !strings.Contains(err.Error(), "the stand-in refuses it") {
		t.Errorf("an Ingress that the webhook refuses: %v", err)
	}
	pods, err := n.client.CoreV1().Pods("stand-in").List(t.Context(), metav1.ListOptions{LabelSelector: "app=controller"})
	if err != nil || len(pods.Items) != 1 || pods.Items[0].Status.ContainerStatuses[0].RestartCount != 0 {
		t.Errorf("%d Pods, %v", len(pods.Items), err)
	}
	if status := pods.Items[0].Status; status.Phase != corev1.PodRunning {
		t.Errorf("phase %s", status.Phase)
	}
}

// kubectl runs kubectl and returns what it writes.
func (n nodes) kubectl(t *testing.T, args ...string) string {
	t.Helper()
	return n.testbed(t, append([]string{"kubectl", "--name", n.cluster.Name()}, args...)...)
}

// packController packs the running test as the stand-in: with a user of its own, a program that has a file capability, and
// log files that are links.
func packController(t *testing.T) string {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	program, err := os.ReadFile(self)
	if err != nil {
		t.Fatal(err)
	}
	var content bytes.Buffer
	files := tar.NewWriter(&content)
	add := func(header tar.Header, data string) {
		header.Size, header.ModTime = int64(len(data)), time.Unix(0, 0)
		if err := files.WriteHeader(&header); err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(files, data); err != nil {
			t.Fatal(err)
		}
	}
	add(tar.Header{Name: "etc/passwd", Mode: 0o644}, "root:x:0:0:::\nwww-data:x:101:82:::\n")
	add(tar.Header{Name: "test", Mode: 0o755, PAXRecords: map[string]string{"SCHILY.xattr.security.capability": bindService()}}, string(program))
	add(tar.Header{Name: "var/log/controller/access.log", Typeflag: tar.TypeSymlink, Linkname: "/dev/stdout", Mode: 0o777}, "")
	if err := files.Close(); err != nil {
		t.Fatal(err)
	}
	layer, err := tarball.LayerFromOpener(func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(content.Bytes())), nil })
	if err != nil {
		t.Fatal(err)
	}
	image, err := mutate.AppendLayers(empty.Image, layer)
	if err != nil {
		t.Fatal(err)
	}
	if image, err = mutate.Config(image, v1.Config{Entrypoint: []string{"/test"}, User: "www-data"}); err != nil {
		t.Fatal(err)
	}
	tag, err := name.NewTag(controllerImage)
	if err != nil {
		t.Fatal(err)
	}
	archive := filepath.Join(t.TempDir(), "controller.tar")
	if err := tarball.WriteToFile(archive, tag, image); err != nil {
		t.Fatal(err)
	}
	return archive
}

// bindService is the extended attribute that `setcap cap_net_bind_service=+ep` sets: struct vfs_cap_data, revision 2.
func bindService() string {
	const revision2, effective, netBindService = 0x02000000, 1, 10
	value := make([]byte, 20)
	binary.LittleEndian.PutUint32(value, revision2|effective)
	binary.LittleEndian.PutUint32(value[4:], 1<<netBindService)
	return string(value)
}
