//go:build privileged

package embedded_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/ingress-testbed/testbed/clusters"
	"github.com/ingress-testbed/testbed/clusters/embedded"
)

// testDisruptions checks each disturbance: that what it disturbs doesn't work meanwhile, that the rest does, and that all works
// afterwards.
func testDisruptions(t *testing.T, cluster *embedded.Cluster) {
	config, err := clientcmd.BuildConfigFromFlags("", cluster.Kubeconfig())
	if err != nil {
		t.Fatal(err)
	}
	config.Timeout = 2 * time.Second // of requests without etcd
	n := nodes{cluster, kubernetes.NewForConfigOrDie(config)}
	d := disruptions{nodes: n}
	for pod, node := range map[string]string{"near": "k3s-s", "far": "k3s-w1"} {
		made := echo(pod, node)
		made.Spec.Containers[0].ReadinessProbe.HTTPGet.Port.IntVal = 8080
		n.create(t, made)
		d.addresses = append(d.addresses, address{pod, n.await(t, pod, "ready", ready).PodIP})
	}
	t.Run("cable", d.cable)
	t.Run("lost packets", d.loss)
	t.Run("slow network", d.delay)
	t.Run("hanging Pod", d.pod)
	t.Run("hanging node", d.node)
	t.Run("API server", d.apiServer)
	t.Run("etcd", d.etcd)
	t.Run("control plane's node", d.refused)
}

type disruptions struct {
	nodes
	addresses []address
}

// address is that of a Pod.
type address struct{ pod, ip string }

// reached lists the Pods that answer to the first node within two seconds.
func (d disruptions) reached(t *testing.T) string {
	t.Helper()
	client := http.Client{Timeout: 2 * time.Second, Transport: &http.Transport{
		DisableKeepAlives: true,
		DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			return d.cluster.DialFrom(ctx, "k3s-s", network, address)
		},
	}}
	var answered []string
	for _, a := range d.addresses {
		reply, err := client.Get("http://" + net.JoinHostPort(a.ip, "8080") + "/")
		if err != nil {
			continue
		}
		body, err := io.ReadAll(reply.Body)
		reply.Body.Close()
		if err == nil && strings.Contains(string(body), a.pod) {
			answered = append(answered, a.pod)
		}
	}
	return strings.Join(answered, " ")
}

// during checks which Pods answer while something is disturbed, and that all do afterwards.
func (d disruptions) during(t *testing.T, want string, end func(context.Context) error, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	if got := d.reached(t); got != want {
		t.Errorf("meanwhile, %q answer, want %q", got, want)
	}
	if err := end(t.Context()); err != nil {
		t.Fatal(err)
	}
	eventually(t, "all Pods answer again", func() bool { return d.reached(t) == d.all() })
}

// all lists all Pods, as reached does.
func (d disruptions) all() string {
	pods := make([]string, 0, len(d.addresses))
	for _, a := range d.addresses {
		pods = append(pods, a.pod)
	}
	return strings.Join(pods, " ")
}

func (d disruptions) cable(t *testing.T) {
	end, err := d.cluster.Disconnect(t.Context(), "k3s-w1")
	d.during(t, "near", end, err)
}

func (d disruptions) loss(t *testing.T) {
	end, err := d.cluster.Impair(t.Context(), "k3s-w1", clusters.Impairment{Loss: 1})
	d.during(t, "near", end, err)
	if _, err := d.cluster.Impair(t.Context(), "k3s-w1", clusters.Impairment{Loss: 2}); err == nil {
		t.Error("more packets than all can be lost")
	}
}

// delay delays the packets of a node in both directions, so that a round trip takes twice as long.
func (d disruptions) delay(t *testing.T) {
	const delay = 100 * time.Millisecond
	connect := func(pod string) time.Duration {
		t.Helper()
		for _, a := range d.addresses {
			if a.pod != pod {
				continue
			}
			began := time.Now()
			conn, err := d.cluster.DialFrom(t.Context(), "k3s-s", "tcp", net.JoinHostPort(a.ip, "8080"))
			if err != nil {
				t.Fatal(err)
			}
			conn.Close()
			return time.Since(began)
		}
		t.Fatalf("no Pod %q", pod)
		return 0
	}
	end, err := d.cluster.Impair(t.Context(), "k3s-w1", clusters.Impairment{Delay: delay})
	if errors.Is(err, clusters.ErrUnsupported) {
		t.Skip(err)
	}
	if err == nil {
		if took := connect("far"); took < 2*delay {
			t.Errorf("a connection to the slow node was made in %s, want at least %s", took, 2*delay)
		}
	}
	d.during(t, d.all(), end, err)
	eventually(t, "connections to the node take less time again", func() bool { return connect("far") < 2*delay })
}

func (d disruptions) pod(t *testing.T) {
	end, err := d.cluster.Suspend(t.Context(), clusters.Processes{Namespace: metav1.NamespaceDefault, Pod: "near"})
	d.during(t, "far", end, err)
	if _, err := d.cluster.Suspend(t.Context(), clusters.Processes{Namespace: metav1.NamespaceDefault, Pod: "missing"}); err == nil {
		t.Error("a Pod that doesn't exist hangs")
	}
}

func (d disruptions) node(t *testing.T) {
	end, err := d.cluster.Suspend(t.Context(), clusters.Processes{Node: "k3s-w1"})
	d.during(t, "near", end, err)
}

// api reports whether the API server answers a read and a write.
func (d disruptions) api(t *testing.T) (reads, writes bool) {
	t.Helper()
	pods := d.client.CoreV1().Pods(metav1.NamespaceDefault)
	pod, err := pods.Get(t.Context(), "near", metav1.GetOptions{ResourceVersion: "0"}) // from the API server's cache
	if err != nil {
		return false, false
	}
	pod.Labels["touched"] = time.Now().Format("150405.000000")
	patch := []byte(`{"metadata":{"labels":{"touched":"` + pod.Labels["touched"] + `"}}}`)
	_, err = pods.Patch(t.Context(), "near", "application/merge-patch+json", patch, metav1.PatchOptions{})
	return true, err == nil
}

func (d disruptions) apiServer(t *testing.T) {
	end, err := d.cluster.Stop(t.Context(), clusters.APIServer)
	if err != nil {
		t.Fatal(err)
	}
	if reads, writes := d.api(t); reads || writes {
		t.Errorf("without API server, reads: %t, writes: %t", reads, writes)
	}
	d.during(t, d.all(), end, nil)
	eventually(t, "the API server takes writes", func() bool { _, writes := d.api(t); return writes })
}

func (d disruptions) etcd(t *testing.T) {
	end, err := d.cluster.Stop(t.Context(), clusters.Etcd)
	if err != nil {
		t.Fatal(err)
	}
	if _, writes := d.api(t); writes {
		t.Error("objects are written without etcd")
	}
	d.during(t, d.all(), end, nil)
	eventually(t, "the API server takes writes", func() bool { _, writes := d.api(t); return writes })
}

func (d disruptions) refused(t *testing.T) {
	if _, err := d.cluster.Disconnect(t.Context(), "k3s-s"); err == nil {
		t.Error("the node of the control plane is cut off")
	}
	if _, err := d.cluster.Suspend(t.Context(), clusters.Processes{Node: "k3s-s"}); err == nil {
		t.Error("the processes of the control plane hang")
	}
	if _, err := d.cluster.Stop(t.Context(), "kube-scheduler"); err == nil {
		t.Error("a component stops that can't be started again")
	}
}
