package subject

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
)

// settingsTimeout bounds the wait until changed settings are served.
const settingsTimeout = 30 * time.Second

// waitSettings waits until all Pods of an installation serve the settings in its ConfigMaps. A controller gets these and Ingresses
// by separate watches, so that it may serve an Ingress that was applied after a change of the settings before it knows of the change.
func (c Cluster) waitSettings(ctx context.Context, installation Installation) error {
	if len(installation.Settings) == 0 {
		return nil
	}
	wanted := map[string]string{} // resource versions, by name
	for _, name := range installation.Settings {
		current, err := c.Objects.Workloads.Clientset.CoreV1().ConfigMaps(installation.Namespace).Get(ctx, name, metav1.GetOptions{})
		if err != nil {
			return fmt.Errorf("reading the settings of the ingress controller: %w", err)
		}
		wanted[name] = current.ResourceVersion
	}
	var last error
	err := wait.PollUntilContextTimeout(ctx, pollInterval, settingsTimeout, true, func(ctx context.Context) (bool, error) {
		last = c.checkSettings(ctx, installation, wanted)
		return last == nil, nil
	})
	if err != nil {
		return fmt.Errorf("waiting until the ingress controller serves its settings: %w (%w)", last, err)
	}
	return nil
}

func (c Cluster) checkSettings(ctx context.Context, installation Installation, wanted map[string]string) error {
	pods, err := c.Objects.Workloads.ReadyPods(ctx, installation.Namespace, installation.Selector)
	if err != nil {
		return err
	}
	for _, pod := range pods {
		served, err := c.servedSettings(ctx, pod, installation.Dump)
		if err != nil {
			return err
		}
		for name, version := range wanted {
			if served[name] != version {
				return fmt.Errorf("the Pod %s serves version %q of the ConfigMap %s/%s instead of %q", pod.Name, served[name],
					installation.Namespace, name, version)
			}
		}
	}
	return nil
}

// servedSettings returns the resource versions of the ConfigMaps that a Pod serves, by their names.
func (c Cluster) servedSettings(ctx context.Context, pod corev1.Pod, dump []string) (map[string]string, error) {
	output, err := c.Objects.Workloads.Exec(ctx, pod.Namespace, pod.Name, append(dump[:len(dump):len(dump)], "--output=json")...)
	if err != nil {
		return nil, err
	}
	var table struct {
		Settings []struct{ Namespace, Name, ResourceVersion string }
	}
	if err := json.Unmarshal([]byte(output), &table); err != nil {
		return nil, fmt.Errorf("reading the routing table of the Pod %s: %w", pod.Name, err)
	}
	versions := map[string]string{}
	for _, one := range table.Settings {
		if one.Namespace == pod.Namespace {
			versions[one.Name] = one.ResourceVersion
		}
	}
	return versions, nil
}
