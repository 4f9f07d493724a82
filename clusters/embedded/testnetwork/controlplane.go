//go:build linux

package testnetwork

import (
	"context"
	"fmt"
	"time"

	"github.com/ingress-testbed/testbed/clusters/embedded/addressplan"
	"github.com/ingress-testbed/testbed/clusters/embedded/control"
	"github.com/ingress-testbed/testbed/internal/kubeclient"
)

const (
	etcdURL       = "http://127.0.0.1:2379" // on the first node's loopback
	clusterDomain = "cluster.local"

	// pollTimeout bounds each wait. The API server and nodes take seconds; the rest is for machines that are busy with other work.
	pollTimeout  = 2 * time.Minute
	pollInterval = 50 * time.Millisecond
)

// startAPI starts etcd and the API server on the first node and waits until it is ready.
func (r *testNetwork) startAPI(ctx context.Context) error {
	first := r.topology.Nodes[0]
	if err := r.processes.start(first, "etcd", r.program("etcd", etcdFlags())...); err != nil {
		return err
	}
	flags := apiServerFlags(r.spec.Network)
	if err := r.processes.start(first, "kube-apiserver", r.program("kube-apiserver", flags)...); err != nil {
		return err
	}
	_, client, err := kubeclient.Connect(control.NodeKubeconfig, kubeclient.Options{QPS: 100, Burst: 200})
	if err != nil {
		return err
	}
	r.client = client
	return poll(ctx, func(ctx context.Context) error {
		return r.client.Discovery().RESTClient().Get().AbsPath("/readyz").Do(ctx).Error()
	})
}

// startControllers starts what acts on objects.
func (r *testNetwork) startControllers() error {
	first := r.topology.Nodes[0]
	for name, flags := range map[string][]string{
		"kube-controller-manager":  controllerManagerFlags(r.spec.Network),
		"kube-scheduler":           schedulerFlags(),
		"cloud-controller-manager": cloudControllerFlags(r.spec.Network),
	} {
		if err := r.processes.start(first, name, r.program(name, flags)...); err != nil {
			return err
		}
	}
	return nil
}

func (r *testNetwork) program(name string, flags []string) []string {
	return append([]string{r.spec.Kube, name}, flags...)
}

func etcdFlags() []string {
	return []string{
		"--data-dir=" + control.StateDir + "/etcd",
		"--listen-client-urls=" + etcdURL,
		"--advertise-client-urls=" + etcdURL,
		"--listen-peer-urls=http://127.0.0.1:2380",
		// The data is in memory and ends with the cluster: there is nothing that syncing to disk would save.
		"--unsafe-no-fsync",
	}
}

func apiServerFlags(p addressplan.Network) []string {
	return []string{
		"--etcd-servers=" + etcdURL,
		"--advertise-address=" + p.Nodes[0].Address.String(),
		fmt.Sprintf("--secure-port=%d", control.APIPort),
		"--service-cluster-ip-range=" + p.ServiceCIDR.String(),
		"--allow-privileged",
		"--authorization-mode=Node,RBAC",
		"--enable-admission-plugins=NodeRestriction",
		"--client-ca-file=" + certificate("ca"),
		"--tls-cert-file=" + certificate(apiServerFile),
		"--tls-private-key-file=" + key(apiServerFile),
		"--kubelet-certificate-authority=" + certificate("ca"),
		"--kubelet-client-certificate=" + certificate(toKubeletFile),
		"--kubelet-client-key=" + key(toKubeletFile),
		"--kubelet-preferred-address-types=InternalIP",
		// API aggregation: how this API server proves to others, such as metrics-server, on whose behalf it calls them.
		"--proxy-client-cert-file=" + frontProxyCertificate,
		"--proxy-client-key-file=" + frontProxyKey,
		"--requestheader-client-ca-file=" + frontProxyCA,
		"--requestheader-allowed-names=" + frontProxyFile,
		"--requestheader-username-headers=X-Remote-User",
		"--requestheader-group-headers=X-Remote-Group",
		"--requestheader-extra-headers-prefix=X-Remote-Extra-",
		"--service-account-issuer=https://kubernetes.default.svc." + clusterDomain,
		"--service-account-signing-key-file=" + key(accountsFile),
		"--service-account-key-file=" + certificate(accountsFile),
	}
}

func controllerManagerFlags(p addressplan.Network) []string {
	config := kubeconfigPath("kube-controller-manager")
	return []string{
		"--kubeconfig=" + config,
		"--authentication-kubeconfig=" + config,
		"--authorization-kubeconfig=" + config,
		"--bind-address=127.0.0.1",
		"--authentication-skip-lookup", // only this machine reaches its port, and with a token
		"--leader-elect=false",         // there is one
		"--use-service-account-credentials",
		// Each of some forty controllers asks for a token of its own at the start. At the default rate, meant for
		// clusters with other users, that alone takes four seconds.
		"--kube-api-qps=500",
		"--kube-api-burst=1000",
		"--root-ca-file=" + certificate("ca"),
		"--service-account-private-key-file=" + key(accountsFile),
		"--cluster-signing-cert-file=" + certificate("ca"),
		"--cluster-signing-key-file=" + key("ca"),
		"--cluster-cidr=" + p.PodCIDR.String(),
		// The plan says which node has which range, and each node registers with its own.
		"--allocate-node-cidrs=false",
		"--controllers=*,-node-ipam-controller",
	}
}

func schedulerFlags() []string {
	config := kubeconfigPath("kube-scheduler")
	return []string{
		"--kubeconfig=" + config,
		"--authentication-kubeconfig=" + config,
		"--authorization-kubeconfig=" + config,
		"--bind-address=127.0.0.1",
		"--authentication-skip-lookup",
		"--leader-elect=false",
	}
}

func cloudControllerFlags(p addressplan.Network) []string {
	return []string{
		"--kubeconfig=" + kubeconfigPath(cloudFile),
		"--load-balancer-cidr=" + p.LoadBalancerCIDR.String(),
	}
}

// proxyFlags are kube-proxy's on one node. A network namespace can't set the machine's limit of tracked connections, hence
// the zeros, which leave it alone. It can set the time-outs, so these are kube-proxy's defaults.
func proxyFlags(p addressplan.Network, node string) []string {
	return []string{
		"--kubeconfig=" + kubeconfigPath("kube-proxy"),
		"--proxy-mode=nftables",
		"--cluster-cidr=" + p.PodCIDR.String(),
		"--hostname-override=" + node,
		"--conntrack-max-per-core=0",
		"--conntrack-min=0",
		"--metrics-bind-address=127.0.0.1:10249",
	}
}

func certificate(file string) string { return certificateDir + "/" + file + ".crt" }
func key(file string) string         { return certificateDir + "/" + file + ".key" }

// poll retries until there is no error. After the time-out it returns the last one.
func poll(ctx context.Context, try func(context.Context) error) error {
	ctx, cancel := context.WithTimeoutCause(ctx, pollTimeout, fmt.Errorf("%w after %v", errTimeout, pollTimeout))
	defer cancel()
	tick := time.NewTicker(pollInterval)
	defer tick.Stop()
	for {
		err := try(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%w; last: %w", context.Cause(ctx), err)
		case <-tick.C:
		}
	}
}
