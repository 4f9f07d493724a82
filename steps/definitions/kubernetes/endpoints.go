package kubernetes

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/ingress-testbed/testbed/fixtures/backends"
	"github.com/ingress-testbed/testbed/internal/sleep"
	"github.com/ingress-testbed/testbed/reports/effect"
	"github.com/ingress-testbed/testbed/reports/evidence"
	"github.com/ingress-testbed/testbed/steps/client"
	"github.com/ingress-testbed/testbed/steps/objects"
	"github.com/ingress-testbed/testbed/steps/vocabulary"
	"github.com/ingress-testbed/testbed/steps/world"
)

const (
	// maxMoves bounds the changes of an endpoint in one step.
	maxMoves = 10_000
	// moveInterval is the time between two requests that look for the new endpoint.
	moveInterval = time.Millisecond
)

// endpointSteps change the endpoints of Services whose EndpointSlices no controller manages.
type endpointSteps struct{ objects *objects.API }

func (e endpointSteps) definitions() []vocabulary.Definition {
	return []vocabulary.Definition{
		{
			Pattern: `the endpoint of the Service "([^"]*)" changes (\d+) times, and each time requests to "([^"]*)" reach the new one within (\d+) ms`,
			Example: `the endpoint of the Service "shop" changes 1000 times, and each time requests to "http://shop.${domain}/" reach the new one within 1000 ms`,
			Handler: e.move,
			Uses:    vocabulary.Cluster,
		},
	}
}

// move makes one Pod after the other the only endpoint of a Service, and waits each time until the Pod answers. At the end all
// are endpoints again.
func (e endpointSteps) move(ctx context.Context, service string, times int, url string, milliseconds int) error {
	if times < 1 || times > maxMoves {
		return fmt.Errorf("an endpoint can change 1 to %d times, not %d", maxMoves, times)
	}
	scenario := world.From(ctx)
	slice, pods, err := e.endpoints(ctx, service)
	if err != nil {
		return err
	}
	all := slice.Endpoints
	session := scenario.Client.Session()
	defer session.Close()
	var took []time.Duration
	for i := range times {
		endpoint := all[i%len(all)]
		pod := pods[endpoint.Addresses[0]]
		started := time.Now()
		slice.Endpoints = []discoveryv1.Endpoint{endpoint}
		if slice, err = e.update(ctx, slice); err != nil {
			return err
		}
		limit := started.Add(time.Duration(milliseconds) * time.Millisecond)
		if answered, err := awaitPod(ctx, session, url, pod, limit); err != nil {
			return err
		} else if answered != pod {
			return world.AnswerFailure(effect.AnotherBackend, fmt.Sprintf("%d ms after change %d of the endpoint, %s answers", milliseconds, i+1, pod),
				answered+" does", world.Diagnosis)
		}
		took = append(took, time.Since(started))
	}
	slices.Sort(took)
	within := func(percent int) time.Duration { return took[(len(took)-1)*percent/100].Round(100 * time.Microsecond) }
	scenario.Attach(evidence.Text{Title: "Changes of the endpoint", Body: fmt.Sprintf(
		"From the call of the API server until the new endpoint answered, %d changes:\n50 %% within %s, 99 %% within %s, the slowest %s\n",
		times, within(50), within(99), within(100))})
	slice.Endpoints = all
	_, err = e.update(ctx, slice)
	return err
}

// endpoints returns the EndpointSlice of a Service, and the names of its Pods by their addresses.
func (e endpointSteps) endpoints(ctx context.Context, service string) (*discoveryv1.EndpointSlice, map[string]string, error) {
	namespace, name := world.From(ctx).Qualify(service)
	found, err := e.objects.Workloads.Endpoints(ctx, namespace, name)
	if err != nil {
		return nil, nil, err
	}
	if len(found) != 1 || len(found[0].Endpoints) < 2 || found[0].Labels[discoveryv1.LabelManagedBy] != "" {
		return nil, nil, fmt.Errorf("the endpoint of Service %s/%s can't be changed: it needs one EndpointSlice with at least two endpoints that no controller "+
			"manages, as the step \"a Service ... with 2 shared probe servers\" makes it", namespace, name)
	}
	owners, owner := world.From(ctx).QualifyPods(service)
	pods, err := e.objects.Workloads.PodsOf(ctx, owners, owner)
	if err != nil {
		return nil, nil, err
	}
	names := map[string]string{}
	for _, pod := range pods {
		names[pod.Status.PodIP] = pod.Name
	}
	return &found[0], names, nil
}

func (e endpointSteps) update(ctx context.Context, slice *discoveryv1.EndpointSlice) (*discoveryv1.EndpointSlice, error) {
	updated, err := e.objects.Workloads.Clientset.DiscoveryV1().EndpointSlices(slice.Namespace).Update(ctx, slice, metav1.UpdateOptions{})
	if err != nil {
		return nil, fmt.Errorf("changing EndpointSlice %s/%s: %w", slice.Namespace, slice.Name, err)
	}
	return updated, nil
}

// awaitPod makes requests until a Pod answers or the limit is reached. It returns the Pod that answered last.
func awaitPod(ctx context.Context, session *client.Session, url, pod string, limit time.Time) (answered string, err error) {
	for {
		exchange, err := session.Do(ctx, client.Request{Method: http.MethodGet, URL: url})
		if err != nil {
			return "", err
		}
		answered = exchange.Header.Get(backends.PodHeader)
		if answered == "" && strings.Contains(exchange.Body, pod) { // an echo server
			answered = pod
		}
		if answered == pod || time.Now().After(limit) {
			return answered, nil
		}
		if err := sleep.For(ctx, moveInterval); err != nil {
			return "", err
		}
	}
}
