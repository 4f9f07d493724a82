package cloud

import (
	"context"
	"fmt"
	"net/netip"

	"github.com/spf13/cobra"
	utilfeature "k8s.io/apiserver/pkg/util/feature"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/cloud-provider/controllers/service"
	"k8s.io/component-base/metrics/prometheus/controllers"
)

const (
	clusterName = "testbed"
	// workers is how many Services are handled at the same time.
	workers = 2
)

// NewCommand returns the program. It runs until it is killed.
func NewCommand() *cobra.Command {
	var kubeconfig, addresses string
	cmd := &cobra.Command{
		Use:          "cloud-controller-manager --kubeconfig FILE --load-balancer-cidr CIDR",
		Short:        "Give Services of type LoadBalancer addresses of a range",
		Args:         cobra.NoArgs,
		SilenceUsage: true,
		RunE: func(cmd *cobra.Command, _ []string) error {
			pool, err := netip.ParsePrefix(addresses)
			if err != nil {
				return fmt.Errorf("--load-balancer-cidr: %w", err)
			}
			return run(cmd.Context(), kubeconfig, pool)
		},
	}
	cmd.Flags().StringVar(&kubeconfig, "kubeconfig", "", "kubeconfig `file` of the API server")
	cmd.Flags().StringVar(&addresses, "load-balancer-cidr", "", "`range` of the addresses")
	return cmd
}

func run(ctx context.Context, kubeconfig string, addresses netip.Prefix) error {
	if ctx == nil { // cobra passes on the context of its caller, who may have none
		ctx = context.Background()
	}
	config, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
	if err != nil {
		return fmt.Errorf("reading the kubeconfig %s: %w", kubeconfig, err)
	}
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return fmt.Errorf("creating a client: %w", err)
	}
	objects := informers.NewSharedInformerFactory(client, 0)
	cloud := provider{loadBalancers{NewPool(addresses)}}
	controller, err := service.New(cloud, client, objects.Core().V1().Services(), objects.Core().V1().Nodes(), clusterName,
		utilfeature.DefaultFeatureGate)
	if err != nil {
		return fmt.Errorf("creating the service controller: %w", err)
	}
	objects.Start(ctx.Done())
	defer objects.Shutdown()
	controller.Run(ctx, workers, controllers.NewControllerManagerMetrics("cloud-controller-manager"))
	return ctx.Err()
}
