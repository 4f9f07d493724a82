package snapshot

import (
	networkingv1 "k8s.io/api/networking/v1"

	"github.com/ingress-testbed/testbed/controller/compatibility"
)

// legacyClassAnnotation named the class before Ingress had a field for it. Where both are set it wins, as the API has it
// (IngressSpec.ingressClassName); in ingress-nginx the field does.
const legacyClassAnnotation = "kubernetes.io/ingress.class"

// classes are the IngressClasses of this controller.
type classes struct {
	names        map[string]bool
	legacy       string
	withoutClass bool
	// fieldFirst has the field win over the annotation.
	fieldFirst bool
}

func classesOf(all []*networkingv1.IngressClass, settings Settings) classes {
	own := classes{
		names:        map[string]bool{},
		legacy:       settings.LegacyClass,
		withoutClass: settings.WithoutClass,
		fieldFirst:   settings.Compatibility.Reproduces(compatibility.ClassField),
	}
	for _, class := range all {
		if class.Spec.Controller != settings.ControllerClass {
			continue
		}
		own.names[class.Name] = true
		if class.Annotations[networkingv1.AnnotationIsDefaultIngressClass] == "true" {
			own.withoutClass = true
		}
	}
	return own
}

// claim reports whether an Ingress belongs to this controller.
func (c classes) claim(ingress *networkingv1.Ingress) bool {
	name := ingress.Spec.IngressClassName
	if legacy := ingress.Annotations[legacyClassAnnotation]; legacy != "" && (name == nil || !c.fieldFirst) {
		return legacy == c.legacy
	}
	if name != nil {
		return c.names[*name]
	}
	return c.withoutClass
}
