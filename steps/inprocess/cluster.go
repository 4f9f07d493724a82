// Package inprocess runs scenarios without a cluster: with the test-bed's own controller and proxy in this process, an API
// server that is a map of objects, and backends that listen on the loopback interface.
//
// It is fast, as nothing waits for anything: after each change the Pods, the endpoints and the proxy's table are made anew
// before the request for the change is answered. Each scenario has a cluster of its own.
//
// It shows what the controller does with objects and requests, and nothing of what happens between: no source addresses,
// packets, roll-outs or load balancers, and no validation by a real API server. A scenario with a step that needs one of these
// is skipped with the reason.
package inprocess

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/types"

	"github.com/ingress-testbed/testbed/clusters"
	"github.com/ingress-testbed/testbed/controller/compatibility"
	"github.com/ingress-testbed/testbed/proxy/route"
	"github.com/ingress-testbed/testbed/steps/inprocess/apiserver"
)

const (
	nodeName = "in-process"
	loopback = "127.0.0.1"
)

// Options are what clusters differ in.
type Options struct {
	// Mode of the controller.
	Mode compatibility.Mode
	// Change returns the table that is served in the place of a translation's; nil changes nothing. It must not change the
	// given one.
	Change func(*route.Table) *route.Table
	// Certificate returns the certificate of backends, as NewCertificate does, so that clusters can share one: making it takes
	// longer than most scenarios. Nil makes one for each Pod.
	Certificate func() (tls.Certificate, error)
	// Tags select examples of a scenario, as in godog's tag expressions; "" is all.
	Tags string
}

// Cluster is the cluster of a scenario. It implements clusters.Cluster.
type Cluster struct {
	server   *apiserver.Server
	network  *network
	control  *control
	pods     *pods
	services *services

	stop    context.CancelFunc
	running *sync.WaitGroup
}

// Start starts a cluster without any object.
func Start(ctx context.Context, o Options) (*Cluster, error) {
	ctx, stop := context.WithCancel(context.WithoutCancel(ctx)) // until Destroy
	running := &sync.WaitGroup{}
	c := &Cluster{network: newNetwork(), stop: stop, running: running}
	c.pods = &pods{certificate: o.Certificate, network: c.network, ctx: ctx, servers: running, running: map[types.NamespacedName]context.CancelFunc{}}
	c.services = &services{allocated: map[types.NamespacedName]string{}}
	if c.pods.certificate == nil {
		c.pods.certificate = NewCertificate
	}
	var err error
	if c.control, err = startControl(ctx, running, c.network, o); err != nil {
		stop()
		return nil, err
	}
	c.server = apiserver.New(apiserver.Hooks{
		Admit: c.control.admit, Changed: c.changed, Get: c.get,
		Log: func(namespace, pod string) string {
			if namespace == controllerNamespace && pod == controllerName {
				return c.control.log.String()
			}
			return ""
		},
	})
	return c, nil
}

// changed makes everything follow a change.
func (c *Cluster) changed(held *apiserver.Objects) error {
	if err := c.pods.update(held); err != nil {
		return err
	}
	if err := c.services.update(held); err != nil {
		return err
	}
	view, err := newView(held)
	if err != nil {
		return err
	}
	c.network.route(clusterRoutes(view))
	return c.control.update(held, view)
}

// get makes a GET request to a Pod.
func (c *Cluster) get(ctx context.Context, namespace, pod string, port int, path string) ([]byte, error) {
	api, err := c.server.API()
	if err != nil {
		return nil, err
	}
	found, err := api.Workloads.PodsOf(ctx, namespace, pod)
	if err != nil {
		return nil, fmt.Errorf("finding the Pod: %w", err)
	}
	transport := &http.Transport{DialContext: c.network.dial, DisableKeepAlives: true}
	url := fmt.Sprintf("http://%s:%d%s", found[0].Status.PodIP, port, path)
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, fmt.Errorf("requesting %s: %w", url, err)
	}
	response, err := transport.RoundTrip(request)
	if err != nil {
		return nil, fmt.Errorf("requesting %s: %w", url, err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return nil, fmt.Errorf("reading the answer of %s: %w", url, err)
	}
	return body, nil
}

// Name implements clusters.Cluster.
func (c *Cluster) Name() string { return nodeName }

// Kubeconfig implements clusters.Cluster. There is none.
func (c *Cluster) Kubeconfig() string { return "" }

// Nodes implements clusters.Cluster.
func (c *Cluster) Nodes(context.Context) ([]clusters.Node, error) {
	address := netip.MustParseAddr(loopback)
	return []clusters.Node{{Name: nodeName, InternalIP: address, ExternalIP: address}}, nil
}

// Client implements clusters.Cluster.
func (c *Cluster) Client() clusters.Client { return outside{c.network} }

// Access implements clusters.Cluster.
func (c *Cluster) Access() clusters.Access { return clusters.Access{Reach: clusters.ReachLoadBalancer} }

// LoadImage implements clusters.Cluster.
func (c *Cluster) LoadImage(context.Context, string) error { return unsupported("images") }

// Capture implements clusters.Cluster.
func (c *Cluster) Capture(context.Context, clusters.CaptureTarget) (io.ReadCloser, error) {
	return nil, unsupported("captures")
}

// ExportLogs implements clusters.Cluster. There are none.
func (c *Cluster) ExportLogs(context.Context, string) error { return nil }

// Destroy implements clusters.Cluster. It waits until requests that run have ended.
func (c *Cluster) Destroy(context.Context) error {
	c.stop()
	c.running.Wait()
	return nil
}

// outside is the client.
type outside struct{ network *network }

// Addr implements clusters.Client.
func (outside) Addr() netip.Addr { return netip.MustParseAddr(loopback) }

// DialContext implements clusters.Client.
func (o outside) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	if o.network.isNodePort(address) {
		return o.network.dial(ctx, network, address)
	}
	connection, err := (&net.Dialer{Timeout: 10 * time.Second}).DialContext(ctx, network, address)
	if err != nil {
		return nil, fmt.Errorf("connecting to %s: %w", address, err)
	}
	return connection, nil
}
