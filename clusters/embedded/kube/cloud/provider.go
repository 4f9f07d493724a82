// Package cloud is the cloud controller manager of the simulated internet. It runs Kubernetes' service controller, which
// gives Services of type LoadBalancer their addresses, with a cloud provider that has nothing but these addresses.
package cloud

import cloudprovider "k8s.io/cloud-provider"

// provider is a cloud that has load balancers and nothing else.
type provider struct{ balancers loadBalancers }

var _ cloudprovider.Interface = provider{}

func (provider) Initialize(cloudprovider.ControllerClientBuilder, <-chan struct{}) {}

func (p provider) LoadBalancer() (cloudprovider.LoadBalancer, bool) { return p.balancers, true }
func (provider) Instances() (cloudprovider.Instances, bool)         { return nil, false }
func (provider) InstancesV2() (cloudprovider.InstancesV2, bool)     { return nil, false }
func (provider) Zones() (cloudprovider.Zones, bool)                 { return nil, false }
func (provider) Clusters() (cloudprovider.Clusters, bool)           { return nil, false }
func (provider) Routes() (cloudprovider.Routes, bool)               { return nil, false }
func (provider) ProviderName() string                               { return "testbed" }
func (provider) HasClusterID() bool                                 { return true }
