package snapshot

import networkingv1 "k8s.io/api/networking/v1"

// legacyClassAnnotation named the class before Ingress had a field for it. It still wins over the field where both
// are set, as in ingress-nginx.
const legacyClassAnnotation = "kubernetes.io/ingress.class"

// classes are the IngressClasses of this controller.
type classes struct {
	names        map[string]bool
	legacy       string
	withoutClass bool
}

func classesOf(all []*networkingv1.IngressClass, settings Settings) classes {
	own := classes{
		names:        map[string]bool{},
		legacy:       settings.LegacyClass,
		withoutClass: settings.WithoutClass,
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
	if legacy := ingress.Annotations[legacyClassAnnotation]; legacy != "" {
		return legacy == c.legacy
	}
	if name := ingress.Spec.IngressClassName; name != nil {
		return c.names[*name]
	}
	return c.withoutClass
}
