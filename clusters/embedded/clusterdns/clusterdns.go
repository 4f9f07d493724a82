// Package clusterdns deploys CoreDNS as the DNS server of a cluster, under the names that clusters of kubeadm have
// (Kubernetes documentation, "Using CoreDNS for Service Discovery").
package clusterdns

import (
	"context"
	"fmt"
	"net/netip"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
)

// ServiceName is the name of the server's Service in the namespace kube-system.
const ServiceName = "kube-dns"

// Config of a DNS server.
type Config struct {
	// Image of CoreDNS, which the nodes have.
	Image string
	// Address is the cluster IP of the Service.
	Address netip.Addr
	// Domain of the cluster, such as "cluster.local".
	Domain string
}

// Deploy creates the objects. They must not exist, and the namespace kube-system must. It doesn't wait until the server is
// ready.
func Deploy(ctx context.Context, client kubernetes.Interface, config Config) error {
	core, rbac := client.CoreV1(), client.RbacV1()
	var options metav1.CreateOptions
	for _, object := range []struct {
		name   string
		create func() error
	}{
		{"Service", func() error {
			_, err := core.Services(namespace).Create(ctx, service(config.Address), options)
			return err
		}},
		{"ServiceAccount", func() error {
			_, err := core.ServiceAccounts(namespace).Create(ctx, serviceAccount(), options)
			return err
		}},
		{"ClusterRole", func() error {
			_, err := rbac.ClusterRoles().Create(ctx, clusterRole(), options)
			return err
		}},
		{"ClusterRoleBinding", func() error {
			_, err := rbac.ClusterRoleBindings().Create(ctx, clusterRoleBinding(), options)
			return err
		}},
		{"ConfigMap", func() error {
			_, err := core.ConfigMaps(namespace).Create(ctx, configMap(config.Domain), options)
			return err
		}},
		{"Deployment", func() error {
			_, err := client.AppsV1().Deployments(namespace).Create(ctx, deployment(config.Image), options)
			return err
		}},
	} {
		if err := object.create(); err != nil {
			return fmt.Errorf("creating the %s of the cluster's DNS server: %w", object.name, err)
		}
	}
	return nil
}
