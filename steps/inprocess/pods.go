package inprocess

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"net"
	"sync"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/ingress-testbed/testbed/fixtures/backends"
	"github.com/ingress-testbed/testbed/steps/inprocess/apiserver"
)

// pods runs the servers of Deployments.
type pods struct {
	certificate func() (tls.Certificate, error)

	network *network
	ctx     context.Context // that of the cluster, which the servers end with
	servers *sync.WaitGroup

	started int
	running map[types.NamespacedName]context.CancelFunc
}

// update starts Pods that Deployments lack and stops those that are of none.
func (p *pods) update(held *apiserver.Objects) error {
	deployments, err := apiserver.Typed[appsv1.Deployment](held, "deployments")
	if err != nil {
		return err
	}
	wanted := map[types.NamespacedName]bool{}
	for _, deployment := range deployments {
		count := int32(1)
		if deployment.Spec.Replicas != nil {
			count = *deployment.Spec.Replicas
		}
		for i := range count {
			pod := podOf(deployment, i)
			name := types.NamespacedName{Namespace: pod.Namespace, Name: pod.Name}
			wanted[name] = true
			if p.running[name] == nil {
				if err := p.start(held, pod); err != nil {
					return err
				}
			}
		}
		held.SetStatus("deployments", types.NamespacedName{Namespace: deployment.Namespace, Name: deployment.Name}, map[string]any{
			"observedGeneration": deployment.Generation, "replicas": int64(count), "updatedReplicas": int64(count),
			"readyReplicas": int64(count), "availableReplicas": int64(count),
		})
	}
	for name, stop := range p.running {
		if !wanted[name] {
			stop()
			delete(p.running, name)
			held.Delete("pods", name)
		}
	}
	return nil
}

// podOf is a Pod of a Deployment. Its name changes with the template.
func podOf(deployment *appsv1.Deployment, number int32) *corev1.Pod {
	template, _ := json.Marshal(deployment.Spec.Template) // it was decoded
	hash := fnv.New32a()
	_, _ = hash.Write(template) // never fails
	return &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: deployment.Namespace, Name: fmt.Sprintf("%s-%08x-%d", deployment.Name, hash.Sum32(), number),
			Labels: deployment.Spec.Template.Labels, Annotations: deployment.Spec.Template.Annotations,
		},
		Spec: deployment.Spec.Template.Spec,
	}
}

// start starts a Pod's server and stores the Pod.
func (p *pods) start(held *apiserver.Objects, pod *corev1.Pod) error {
	programs, err := programsOf(pod, p.certificate)
	if err != nil {
		return err
	}
	p.started++
	pod.Spec.NodeName = nodeName
	pod.Status = corev1.PodStatus{
		Phase: corev1.PodRunning, PodIP: fmt.Sprintf("10.244.%d.%d", p.started/250, p.started%250+1),
		Conditions: []corev1.PodCondition{{Type: corev1.PodReady, Status: corev1.ConditionTrue}},
	}
	running, stop := context.WithCancel(p.ctx)
	for _, one := range programs {
		if err := p.serve(running, fmt.Sprintf("%s:%d", pod.Status.PodIP, one.port), one); err != nil {
			stop()
			return err
		}
	}
	p.running[types.NamespacedName{Namespace: pod.Namespace, Name: pod.Name}] = stop
	return held.Put(pod)
}

// serve runs a program at an address of the cluster until ctx is done.
func (p *pods) serve(ctx context.Context, inCluster string, one program) error {
	var config net.ListenConfig
	listener, err := config.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return fmt.Errorf("listening for a Pod: %w", err)
	}
	if queue, ok := listener.(*net.TCPListener); ok && one.full {
		if err := backends.Fill(ctx, queue); err != nil {
			return fmt.Errorf("starting a Pod: %w", errors.Join(err, listener.Close()))
		}
	}
	p.network.listen(inCluster, listener.Addr().String())
	p.servers.Go(func() {
		_ = one.serve(ctx, listener) // the scenario sees what becomes of its requests
	})
	context.AfterFunc(ctx, func() { p.network.close(inCluster) })
	return nil
}

// grace is how long requests may still run when a Pod ends.
const grace = time.Second
