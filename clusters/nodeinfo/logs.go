package nodeinfo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"sigs.k8s.io/yaml"
)

const (
	// tailLines of each log are kept.
	tailLines = 2000
	// maxLogs bounds how many Pods' logs are kept.
	maxLogs = 100
)

// ExportLogs writes the nodes' status and the logs of the Pods in kube-system into dir: what the API server of
// any cluster knows of its components. The error lists the logs that could not be read; all others are written.
func ExportLogs(ctx context.Context, clientset kubernetes.Interface, dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("making the folder for logs: %w", err)
	}
	nodes, err := clientset.CoreV1().Nodes().List(ctx, metav1.ListOptions{})
	if err != nil {
		return fmt.Errorf("reading the nodes: %w", err)
	}
	text, err := yaml.Marshal(nodes.Items)
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, "nodes.yaml"), text, 0o644)
	}
	problems := []error{err}
	pods, err := clientset.CoreV1().Pods(metav1.NamespaceSystem).List(ctx, metav1.ListOptions{Limit: maxLogs})
	if err != nil {
		return errors.Join(append(problems, fmt.Errorf("listing the Pods of %s: %w", metav1.NamespaceSystem, err))...)
	}
	for _, pod := range pods.Items {
		for _, container := range pod.Spec.Containers {
			problems = append(problems, exportLog(ctx, clientset, pod, container.Name, dir))
		}
	}
	return errors.Join(problems...)
}

func exportLog(ctx context.Context, clientset kubernetes.Interface, pod corev1.Pod, container, dir string) error {
	lines := int64(tailLines)
	options := &corev1.PodLogOptions{Container: container, TailLines: &lines}
	stream, err := clientset.CoreV1().Pods(pod.Namespace).GetLogs(pod.Name, options).Stream(ctx)
	if err != nil {
		return fmt.Errorf("reading the log of container %s of Pod %s: %w", container, pod.Name, err)
	}
	defer stream.Close()
	file, err := os.Create(filepath.Join(dir, pod.Name+"_"+container+".log"))
	if err != nil {
		return fmt.Errorf("writing a log: %w", err)
	}
	_, err = io.Copy(file, stream)
	if err := errors.Join(err, file.Close()); err != nil {
		return fmt.Errorf("writing the log of container %s of Pod %s: %w", container, pod.Name, err)
	}
	return nil
}
