package clusters

// Reach is a path from the client outside a cluster to a Service in it.
type Reach string

const (
	// ReachNodePort connects to node ports at the nodes' addresses.
	ReachNodePort Reach = "node-port"
	// ReachLoadBalancer connects to the address of a Service of type LoadBalancer.
	ReachLoadBalancer Reach = "load-balancer"
	// ReachPortForward goes through the API server to a Pod, bypassing its Service. It works wherever kubectl does.
	ReachPortForward Reach = "port-forward"
)

// Access describes how requests of the Client reach Services of a cluster.
type Access struct {
	Reach Reach
	// HidesClient is true if the address under which Pods see the Client is unknown.
	HidesClient bool
	// NodePorts is true if requests pass through node ports. Otherwise the Client takes the cluster IP and port of a
	// Service, or one of its node ports, as the Service's name, and no node port is connected to.
	NodePorts bool
}

// DirectAccess is that of a client which connects to node ports at the nodes' addresses.
func DirectAccess(client Client) Access {
	return Access{Reach: ReachNodePort, HidesClient: !client.Addr().IsValid(), NodePorts: true}
}
