package kubernetes

import (
	"context"
	"fmt"
	"io/fs"
	"path"
	"strings"
	"time"

	"github.com/cucumber/godog"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/ingress-testbed/testbed/internal/sleep"
	"github.com/ingress-testbed/testbed/reports/evidence"
	"github.com/ingress-testbed/testbed/steps/objects"
	"github.com/ingress-testbed/testbed/steps/vocabulary"
	"github.com/ingress-testbed/testbed/steps/world"
)

// applySteps apply and delete objects.
type applySteps struct {
	objects      *objects.API
	readiness    Readiness
	placeholders Placeholders
	features     fs.FS
}

func (a applySteps) definitions() []vocabulary.Definition {
	return []vocabulary.Definition{
		{
			Pattern: `(?:the|these) objects(?: are applied)?:`,
			Example: `these objects:`,
			Handler: func(ctx context.Context, manifest *godog.DocString) error {
				return a.apply(ctx, []byte(manifest.Content), true)
			},
		},
		{
			Pattern: `the objects of "([^"]*)"`,
			Example: `the objects of "manifests/echo.yaml"`,
			Handler: a.applyFile,
		},
		{
			Pattern: `these objects, without waiting until they are ready:`,
			Example: `these objects, without waiting until they are ready:`,
			Handler: func(ctx context.Context, manifest *godog.DocString) error {
				return a.apply(ctx, []byte(manifest.Content), false)
			},
		},
		{
			Pattern: `the next objects are younger by a second`,
			Example: `the next objects are younger by a second`,
			Handler: waitSecond,
		},
		{
			Pattern: `the (\S+) "([^"]*)" is deleted`,
			Example: `the Ingress "shop" is deleted`,
			Handler: deleted,
		},
		{
			Pattern: `applying these objects is rejected with "([^"]*)":`,
			Example: `applying these objects is rejected with "duplicate":`,
			Handler: rejected,
		},
	}
}

// applyFile applies a manifest, whose path is relative to the feature file.
func (a applySteps) applyFile(ctx context.Context, name string) error {
	uri, _, _ := strings.Cut(world.From(ctx).URI, ".feature:")
	file := path.Join(path.Dir(uri), name)
	manifest, err := fs.ReadFile(a.features, file)
	if err != nil {
		return fmt.Errorf("reading the manifest %s: %w", file, err)
	}
	expanded, err := a.placeholders.Expand(ctx, string(manifest))
	if err != nil {
		return fmt.Errorf("reading the manifest %s: %w", file, err)
	}
	if err := a.apply(ctx, []byte(expanded), true); err != nil {
		return fmt.Errorf("the manifest %s: %w", file, err)
	}
	return nil
}

// apply applies everything but the Ingresses, waits until it is ready, and then applies the Ingresses, so that the
// controller serves an Ingress with all of its endpoints from the start.
func (a applySteps) apply(ctx context.Context, manifest []byte, untilReady bool) error {
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
	if err := applyAll(ctx, others); err != nil {
		return err
	}
	if untilReady {
		for _, object := range others {
			if err := a.waitReady(ctx, object); err != nil {
				return err
			}
		}
	}
	if err := applyAll(ctx, ingresses); err != nil || !untilReady {
		return err
	}
	note, err := a.readiness.Wait(ctx, ingresses)
	if note != "" {
		world.From(ctx).Attach(evidence.Text{Title: "Ingress status", Body: note})
	}
	return err
}

// applyAll applies objects, and replaces each by its stored form.
func applyAll(ctx context.Context, group []*unstructured.Unstructured) error {
	for i, object := range group {
		applied, err := world.From(ctx).Namespace.Apply(ctx, object)
		if err != nil {
			return err
		}
		group[i] = applied
	}
	return nil
}

func (a applySteps) waitReady(ctx context.Context, object *unstructured.Unstructured) error {
	ctx, cancel := context.WithTimeout(ctx, objects.ReadyTimeout)
	defer cancel()
	return a.objects.WaitReady(ctx, object)
}

// waitSecond waits so long that a controller can distinguish the ages of objects: their creationTimestamp has whole seconds.
func waitSecond(ctx context.Context) error {
	return sleep.For(ctx, time.Second)
}

func deleted(ctx context.Context, kind, name string) error {
	return world.From(ctx).Namespace.Delete(ctx, kind, name)
}

// rejected applies objects that must be rejected, by an admission webhook or by the API server itself.
func rejected(ctx context.Context, reason string, manifest *godog.DocString) error {
	all, err := objects.Decode([]byte(manifest.Content))
	if err != nil {
		return err
	}
	for _, object := range all {
		_, err := world.From(ctx).Namespace.Apply(ctx, object)
		if err == nil {
			return world.Failure(fmt.Sprintf("%s is rejected with a message that contains %q", objects.Name(object), reason), "it was accepted",
				"the ValidatingWebhookConfiguration and the controller's log")
		}
		if !strings.Contains(err.Error(), reason) {
			return world.Failure(fmt.Sprintf("%s is rejected with a message that contains %q", objects.Name(object), reason), err.Error())
		}
	}
	return nil
}
