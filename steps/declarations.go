package steps

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"
	"time"

	"github.com/cucumber/godog"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/ingress-testbed/testbed/reports/evidence"
	"github.com/ingress-testbed/testbed/steps/objects"
	"github.com/ingress-testbed/testbed/steps/vocabulary"
)

const (
	// readyTimeout bounds the wait for one object, the start of its Pods included.
	readyTimeout = 90 * time.Second
	// quietWait is how long a wait may take before people are told what it is for.
	quietWait = 3 * time.Second
)

// declarations are the steps that apply objects.
type declarations struct{ *scenario }

func (m *declarations) Definitions() []vocabulary.Definition {
	return []vocabulary.Definition{
		{
			Pattern: `(?:the|these) objects(?: are applied)?:`,
			Example: `these objects:`,
			Handler: func(ctx context.Context, manifest *godog.DocString) error {
				return m.apply(ctx, []byte(manifest.Content), true)
			},
		},
		{
			Pattern: `the objects of "([^"]*)"`,
			Example: `the objects of "manifests/echo.yaml"`,
			Handler: m.applyFile,
		},
		{
			Pattern: `these objects, which nobody needs to be ready:`,
			Example: `these objects, which nobody needs to be ready:`,
			Handler: func(ctx context.Context, manifest *godog.DocString) error {
				return m.apply(ctx, []byte(manifest.Content), false)
			},
		},
		{
			Pattern: `the (\S+) "([^"]*)" is deleted`,
			Example: `the Ingress "shop" is deleted`,
			Handler: m.delete,
		},
		{
			Pattern: `applying these objects is refused with "([^"]*)":`,
			Example: `applying these objects is refused with "duplicate":`,
			Handler: m.refused,
		},
	}
}

// applyFile applies a manifest that lies beside the feature file.
func (m *declarations) applyFile(ctx context.Context, name string) error {
	uri, _, _ := strings.Cut(m.uri, ".feature:")
	file := path.Join(path.Dir(uri), name)
	manifest, err := fs.ReadFile(m.Features, file)
	if err != nil {
		return fmt.Errorf("reading the manifest %s: %w", file, err)
	}
	expanded, err := m.expand(ctx, string(manifest))
	if err != nil {
		return fmt.Errorf("reading the manifest %s: %w", file, err)
	}
	if err := m.apply(ctx, []byte(expanded), true); err != nil {
		return fmt.Errorf("the manifest %s: %w", file, err)
	}
	return nil
}

// apply applies everything but Ingresses, waits until it is ready, and only then applies the Ingresses: a controller
// that takes an Ingress up then serves it with all of its endpoints.
func (m *declarations) apply(ctx context.Context, manifest []byte, untilReady bool) error {
	all, err := objects.Decode(manifest)
	if err != nil {
		return err
	}
	var ingresses, others []*unstructured.Unstructured
	for _, object := range all {
		if object.GetKind() == "Ingress" {
			ingresses = append(ingresses, object)
		} else {
			others = append(others, object)
		}
	}
	if err := m.applyAll(ctx, others); err != nil {
		return err
	}
	if untilReady {
		for _, object := range others {
			if err := m.waitReady(ctx, object); err != nil {
				return err
			}
		}
	}
	if err := m.applyAll(ctx, ingresses); err != nil || !untilReady {
		return err
	}
	note, err := m.waitTakenUp(ctx, ingresses)
	if note != "" {
		m.show(evidence.Text{Title: "Ingress status", Body: note})
	}
	return err
}

// applyAll applies objects, and puts each into its place as the cluster has it.
func (m *declarations) applyAll(ctx context.Context, group []*unstructured.Unstructured) error {
	for i, object := range group {
		applied, err := m.applyOne(ctx, object)
		if err != nil {
			return err
		}
		group[i] = applied
	}
	return nil
}

// applyOne applies an object and keeps it for removal, unless it is somebody else's: in a namespace that the scenario
// has to itself nothing is.
func (s *scenario) applyOne(ctx context.Context, object *unstructured.Unstructured) (*unstructured.Unstructured, error) {
	err := s.Objects.CheckOurs(ctx, object, s.place.namespace)
	if own := !s.place.story && object.GetNamespace() == s.place.namespace; err != nil && (!own || !errors.Is(err, objects.ErrForeign)) {
		return nil, err
	}
	applied, err := s.Objects.Apply(ctx, object, s.place.namespace)
	if err != nil {
		return nil, err
	}
	s.place.remember(applied)
	return applied, nil
}

func (e *Environment) waitReady(ctx context.Context, object *unstructured.Unstructured) error {
	ctx, cancel := context.WithTimeout(ctx, readyTimeout)
	defer cancel()
	slow := time.AfterFunc(quietWait, func() { e.note("waiting for %s", objects.Name(object)) })
	defer slow.Stop()
	return e.Objects.WaitReady(ctx, object)
}

func (m *declarations) delete(ctx context.Context, kind, name string) error {
	for i, object := range m.place.objects {
		if object.GetKind() != kind || object.GetName() != name {
			continue
		}
		ctx, cancel := context.WithTimeout(ctx, cleanTimeout)
		defer cancel()
		if err := m.Objects.Delete(ctx, []*unstructured.Unstructured{object}); err != nil {
			return err
		}
		m.place.objects = append(m.place.objects[:i], m.place.objects[i+1:]...)
		return nil
	}
	return fmt.Errorf("the scenario has applied no %s %q", kind, name)
}

// refused applies objects that the cluster must not take, because of an admission webhook or the API server itself.
func (m *declarations) refused(ctx context.Context, reason string, manifest *godog.DocString) error {
	all, err := objects.Decode([]byte(manifest.Content))
	if err != nil {
		return err
	}
	for _, object := range all {
		_, err := m.applyOne(ctx, object)
		if err == nil {
			return failure(fmt.Sprintf("%s is refused with a message that has %q", objects.Name(object), reason), "it was accepted",
				"the ValidatingWebhookConfiguration and the controller's log")
		}
		if !strings.Contains(err.Error(), reason) {
			return failure(fmt.Sprintf("%s is refused with a message that has %q", objects.Name(object), reason), err.Error())
		}
	}
	if len(all) == 0 {
		return errors.New("there is no object")
	}
	return nil
}
