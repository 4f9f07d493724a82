//go:build privileged

package embedded_test

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/ingress-testbed/testbed/clusters/embedded"
	"github.com/ingress-testbed/testbed/clusters/embedded/addressplan"
)

// These tests make real clusters from what `make build` built.
const binaries = "../../bin"

func create(t *testing.T, name string) *embedded.Cluster {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	cluster, err := embedded.Create(ctx, embedded.Config{
		Name: name, Binaries: binaries, Logs: t.TempDir(), Network: addressplan.Network{}.WithWorkers(1),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cluster.Destroy(context.Background()) })
	return cluster
}

func nodeNames(t *testing.T, c *embedded.Cluster) string {
	t.Helper()
	config, err := clientcmd.BuildConfigFromFlags("", c.Kubeconfig())
	if err != nil {
		t.Fatal(err)
	}
	nodes, err := kubernetes.NewForConfigOrDie(config).CoreV1().Nodes().List(t.Context(), metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for i := range nodes.Items {
		names = append(names, nodes.Items[i].Name)
	}
	return strings.Join(names, " ")
}

func dial(t *testing.T, c *embedded.Cluster, from, address string) error {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
	defer cancel()
	conn, err := c.DialFrom(ctx, from, "tcp", address)
	if err == nil {
		conn.Close()
	}
	return err
}

// runAlone runs the tests on a machine without other clusters. It checks that all clusters of the tests have ended in the end, and
// have left nothing. What is kept of a cluster for later commands is in a folder of the tests meanwhile.
func runAlone(m *testing.M) int {
	cache, err := os.MkdirTemp("", "testbed-cache-")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(cache)
	os.Setenv("XDG_CACHE_HOME", cache)
	if n := programsRunning(); n > 0 {
		fmt.Fprintf(os.Stderr, "%d processes of another cluster run on this machine: end it with `testbed down` first\n", n)
		return 1
	}
	before := hostNetwork()
	code := m.Run()
	if n := programsRunning(); n > 0 {
		fmt.Fprintf(os.Stderr, "%d processes of clusters are left\n", n)
		code = 1
	}
	if after := hostNetwork(); after != before {
		fmt.Fprintf(os.Stderr, "the host's network is:\n%s\nbefore the tests:\n%s\n", after, before)
		code = 1
	}
	return code
}

// hostNetwork is everything about this machine's network that a cluster could disturb.
func hostNetwork() string {
	var all bytes.Buffer
	for _, command := range [][]string{
		{"ip", "-o", "link"}, {"ip", "-o", "address"}, {"ip", "route", "show", "table", "all"}, {"nft", "list", "ruleset"},
		{"cat", "/proc/self/mounts", "/proc/sys/net/ipv4/ip_forward"},
	} {
		out, err := exec.Command(command[0], command[1:]...).CombinedOutput()
		if err != nil {
			panic(fmt.Errorf("%v: %w\n%s", command, err, out))
		}
		all.Write(out)
	}
	return all.String()
}

func TestTwoClustersDisturbNeitherEachOtherNorTheHost(t *testing.T) {
	t.Parallel()
	before := hostNetwork()
	one, two := create(t, "test-one"), create(t, "test-two")
	for _, c := range []*embedded.Cluster{one, two} {
		if got := nodeNames(t, c); got != "k3s-s k3s-w1" {
			t.Errorf("cluster %s has nodes %s", c.Name(), got)
		}
		if err := dial(t, c, "client", "3.35.217.39:6443"); err != nil {
			t.Errorf("client to the public address: %v", err)
		}
		if err := dial(t, c, "client", "192.168.10.10:6443"); err == nil {
			t.Error("a client on the internet reaches a private address")
		}
	}
	if during := hostNetwork(); during != before {
		t.Errorf("the host's network was changed:\n%s\nnow:\n%s", before, during)
	}
	one.Destroy(t.Context())
	if got := nodeNames(t, two); got != "k3s-s k3s-w1" {
		t.Errorf("the end of one disturbs the other: nodes %s", got)
	}
}

// TestOneCluster runs tests that don't disturb each other, one after another, on one cluster.
func TestOneCluster(t *testing.T) {
	t.Parallel()
	s := newServices(t, "test-one-cluster")
	n := nodes{s.cluster, s.client}
	for _, test := range []struct {
		name string
		run  func(*testing.T)
	}{
		{"nodes", func(t *testing.T) { testNodes(t, n) }},
		{"manifests of controllers", func(t *testing.T) { testControllerManifests(t, n) }},
		{"load balancers", func(t *testing.T) { testLoadBalancers(services{t, s.cluster, s.client}) }},
		{"DNS", func(t *testing.T) { testDNS(services{t, s.cluster, s.client}) }},
		{"loaded images", func(t *testing.T) { testLoadedImageRuns(t, s.cluster) }},
		{"killed containers", func(t *testing.T) { testKilledContainers(services{t, s.cluster, s.client}) }},
		{"disruptions", func(t *testing.T) { testDisruptions(t, s.cluster) }},
		{"isolation", func(t *testing.T) { testNothingInsideReachesOutside(t, s.cluster) }},
	} {
		t.Run(test.name, test.run)
	}
}

func testNothingInsideReachesOutside(t *testing.T, cluster *embedded.Cluster) {
	outside, err := net.Listen("tcp4", "0.0.0.0:0")
	if err != nil {
		t.Fatal(err)
	}
	defer outside.Close()
	_, port, _ := net.SplitHostPort(outside.Addr().String())
	addresses, err := net.InterfaceAddrs()
	if err != nil {
		t.Fatal(err)
	}
	for _, address := range addresses {
		ip, _, _ := net.ParseCIDR(address.String())
		if ip.To4() == nil {
			continue
		}
		for _, machine := range []string{"client", "router", "k3s-w1"} {
			if dial(t, cluster, machine, net.JoinHostPort(ip.String(), port)) == nil {
				t.Errorf("%s inside reaches %s of this machine", machine, ip)
			}
		}
	}
}

// programsRunning counts this machine's processes that run one of the cluster's programs.
func programsRunning() (count int) {
	dir, err := filepath.Abs(binaries)
	if err != nil {
		panic(err)
	}
	executables, err := filepath.Glob("/proc/[0-9]*/exe")
	if err != nil {
		panic(err)
	}
	for _, link := range executables {
		if path, err := os.Readlink(link); err == nil && strings.HasPrefix(path, dir) {
			count++
		}
	}
	return count
}

func eventually(t *testing.T, what string, is func() bool) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(100 * time.Millisecond) {
		if is() {
			return
		}
	}
	t.Fatalf("timed out until %s", what)
}
