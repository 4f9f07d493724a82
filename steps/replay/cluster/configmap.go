package cluster

import (
	"context"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"

	"github.com/ingress-testbed/testbed/steps"
	"github.com/ingress-testbed/testbed/steps/replay"
)

// configMap is the ConfigMap of the controller; nil if it is unknown.
type configMap struct {
	clientset kubernetes.Interface
	name      types.NamespacedName
}

// findConfigMap returns the ConfigMap of that name or, without one, that of the controller's objects.
func findConfigMap(environment *steps.Environment, name types.NamespacedName) (*configMap, error) {
	clientset := environment.Objects.Workloads.Clientset
	if name.Name != "" {
		return &configMap{clientset: clientset, name: name}, nil
	}
	installation, err := environment.Controller.Installation()
	if err != nil || installation.Existing() {
		return nil, err
	}
	for _, object := range installation.Objects {
		if object.GetKind() == "ConfigMap" {
			return &configMap{clientset: clientset, name: types.NamespacedName{Namespace: object.GetNamespace(), Name: object.GetName()}}, nil
		}
	}
	return nil, nil //nolint:nilnil // they have none
}

// set replaces the data of the ConfigMap, and returns what restores it.
func (c *configMap) set(ctx context.Context, data map[string]string) (restore func(context.Context) error, err error) {
	if c == nil {
		return nil, fmt.Errorf("the case changes the controller's ConfigMap, whose name was not given: %w", replay.ErrUnsupported)
	}
	before, err := c.replace(ctx, data)
	if err != nil {
		return nil, err
	}
	return func(ctx context.Context) error {
		_, err := c.replace(ctx, before)
		return err
	}, nil
}

// replace returns the data as it was.
func (c *configMap) replace(ctx context.Context, data map[string]string) (before map[string]string, err error) {
	client := c.clientset.CoreV1().ConfigMaps(c.name.Namespace)
	current, err := client.Get(ctx, c.name.Name, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return nil, fmt.Errorf("the cluster has no ConfigMap %s: name the one that the controller reads with --controller-configmap", c.name)
	}
	if err != nil {
		return nil, fmt.Errorf("reading the controller's ConfigMap %s: %w", c.name, err)
	}
	before = current.Data
	current.Data = data
	if _, err := client.Update(ctx, current, metav1.UpdateOptions{}); err != nil {
		return nil, fmt.Errorf("changing the controller's ConfigMap %s: %w", c.name, err)
	}
	return before, nil
}
