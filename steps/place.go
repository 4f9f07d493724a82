package steps

import (
	"cmp"
	"context"
	"crypto/rand"
	"fmt"
	"strings"
	"time"

	messages "github.com/cucumber/messages/go/v21"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/ingress-testbed/testbed/steps/client"
)

// StoryTag marks a feature whose scenarios go on from each other: they share one namespace, "default" unless the
// environment has another, and what one applies is there for the next, until the last scenario of the file has run.
const StoryTag = "@walkthrough"

// cleanTimeout bounds the removal of what a scenario made.
const cleanTimeout = 90 * time.Second

// place is where a scenario's objects live: a namespace and hosts of its own, or those of its story.
type place struct {
	namespace string
	// domain is for host names that nobody else uses.
	domain string
	story  bool
	// scenarios of the story that are still to come, this one included.
	remaining int
	objects   []*unstructured.Unstructured
	names     *client.Names
	// certified says what the certificate in each Secret of the place is for, so that a background that is run for each
	// scenario of a story makes it once.
	certified map[string]string
}

// placeOf makes a scenario's place, or finds that of its story.
func (e *Environment) placeOf(ctx context.Context, pickle *messages.Pickle, scenariosInFile int) (*place, error) {
	if isStory(pickle) {
		e.mu.Lock()
		defer e.mu.Unlock()
		if e.stories == nil {
			e.stories = map[string]*place{}
		}
		if e.stories[pickle.Uri] == nil {
			namespace := cmp.Or(e.StoryNamespace, "default")
			e.stories[pickle.Uri] = &place{
				namespace: namespace, domain: namespace + ".test", story: true, remaining: scenariosInFile,
				names: &client.Names{}, certified: map[string]string{},
			}
		}
		return e.stories[pickle.Uri], nil
	}
	name := "scenario-" + strings.ToLower(rand.Text()[:8])
	namespace := &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "v1", "kind": "Namespace", "metadata": map[string]any{"name": name},
	}}
	applied, err := e.Objects.Apply(ctx, namespace, "")
	if err != nil {
		return nil, fmt.Errorf("making the scenario's namespace: %w", err)
	}
	return &place{
		namespace: name, domain: name + ".test", objects: []*unstructured.Unstructured{applied},
		names: &client.Names{}, certified: map[string]string{},
	}, nil
}

func isStory(pickle *messages.Pickle) bool {
	for _, tag := range pickle.Tags {
		if tag.Name == StoryTag {
			return true
		}
	}
	return false
}

// leave is called when a scenario is over. It removes what was made, unless the story goes on.
func (e *Environment) leave(ctx context.Context, uri string, place *place) error {
	// What was made is removed also after Ctrl-C.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), cleanTimeout)
	defer cancel()
	if !place.story {
		err := e.Objects.StartDelete(ctx, place.objects) // nobody else uses the names, so nobody has to wait
		e.mu.Lock()
		defer e.mu.Unlock()
		e.leaving = append(e.leaving, place.objects...)
		return err
	}
	if place.remaining--; place.remaining > 0 {
		return nil
	}
	e.mu.Lock()
	delete(e.stories, uri)
	e.mu.Unlock()
	return e.Objects.Delete(ctx, place.objects)
}

// remember keeps an object for removal. An object that is applied again is not kept twice.
func (p *place) remember(object *unstructured.Unstructured) {
	for _, known := range p.objects {
		if known.GetUID() == object.GetUID() && known.GetUID() != "" {
			return
		}
	}
	p.objects = append(p.objects, object)
}
