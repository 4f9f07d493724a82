package kubeconfig

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/kubernetes"
)

const (
	// listedImages is how many images a kubelet lists (--node-status-max-images). A node that lists as many may have others,
	// and so may one that lists none (0 as that setting, or a virtual node).
	listedImages = 50
	// listedAfter is how long a kubelet may take to list an image that was just loaded: it updates the list every ten seconds.
	listedAfter = 20 * time.Second
)

// checkImages checks that the images are on the nodes, unless they are pulled from a registry. Otherwise every scenario
// would fail when its Pods start.
func checkImages(ctx context.Context, clientset kubernetes.Interface, config Config) error {
	if config.ImageRegistry != "" {
		return nil
	}
	var missing []string
	err := wait.PollUntilContextTimeout(ctx, time.Second, listedAfter, true, func(context.Context) (bool, error) {
		// Not with the wait's own deadline: a request that it cuts off would hide what is missing.
		list, err := clientset.CoreV1().Nodes().List(ctx, metav1.ListOptions{})
		if err != nil {
			return false, fmt.Errorf("listing the nodes: %w", err)
		}
		missing = nil
		for _, node := range list.Items {
			missing = append(missing, missingOn(node, config.images())...)
		}
		return len(missing) == 0, nil
	})
	if wait.Interrupted(err) && ctx.Err() == nil {
		return fmt.Errorf("the nodes lack images of the test-bed: %s: load the archives of bin/images into every node, "+
			"or push them to a registry and give it with --image-registry", strings.Join(missing, ", "))
	}
	return err
}

func missingOn(node corev1.Node, images []string) []string {
	if listed := len(node.Status.Images); listed == 0 || listed >= listedImages {
		return nil
	}
	var missing []string
	for _, image := range images {
		has := slices.ContainsFunc(node.Status.Images, func(listed corev1.ContainerImage) bool { return slices.Contains(listed.Names, image) })
		if !has {
			missing = append(missing, image+" on "+node.Name)
		}
	}
	return missing
}
