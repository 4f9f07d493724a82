// Package problem has the Problems that a translation reports: what keeps an object from being served as it is written.
package problem

import (
	"fmt"

	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/types"
)

// Severity of a Problem.
type Severity uint8

const (
	// Notice is usually temporary, such as a roll-out whose first Pod is not ready yet.
	Notice Severity = iota
	// Warning is a problem outside the object: it is served, or will be once another object changes.
	Warning
	// Error is a fault in the object itself, part of which is not served. Admission refuses it.
	Error
)

// String is "notice", "warning" or "error".
func (s Severity) String() string {
	switch s {
	case Notice:
		return "notice"
	case Warning:
		return "warning"
	case Error:
		return "error"
	}
	return fmt.Sprintf("Severity(%d)", uint8(s))
}

// Reason is the kind of a Problem, in the form that Events use.
type Reason string

// Reasons of problems.
const (
	InvalidAnnotation     Reason = "InvalidAnnotation"
	UnsupportedAnnotation Reason = "UnsupportedAnnotation"
	InvalidSetting        Reason = "InvalidSetting"
	UnsupportedSetting    Reason = "UnsupportedSetting"
	InvalidHost           Reason = "InvalidHost"
	InvalidPath           Reason = "InvalidPath"
	InvalidBackend        Reason = "InvalidBackend"
	Conflict              Reason = "Conflict"
	CanaryConflict        Reason = "CanaryConflict"
	CanaryWithoutMain     Reason = "CanaryWithoutMain"
	ServiceNotFound       Reason = "ServiceNotFound"
	PortNotFound          Reason = "PortNotFound"
	NoEndpoints           Reason = "NoEndpoints"
	SecretNotFound        Reason = "SecretNotFound"
	InvalidSecret         Reason = "InvalidSecret"
	ConfigMapNotFound     Reason = "ConfigMapNotFound"
	InvalidConfigMap      Reason = "InvalidConfigMap"
)

// MayBeLate reports whether the problem is that another object is not there, or that a Service has no endpoints. Right
// after an Ingress has arrived, that may be only because the caches of other kinds are behind.
func (r Reason) MayBeLate() bool {
	switch r {
	case ServiceNotFound, NoEndpoints, SecretNotFound, ConfigMapNotFound:
		return true
	default:
		return false
	}
}

// Object is the Kubernetes object that a Problem is about.
type Object struct {
	APIVersion, Kind string
	Namespace, Name  string
	UID              types.UID
}

// String is "Kind namespace/name".
func (o Object) String() string {
	return fmt.Sprintf("%s %s/%s", o.Kind, o.Namespace, o.Name)
}

// Problem is something that keeps an object from being served as it is written. It is a value: two are the same
// problem if they are equal.
type Problem struct {
	Severity Severity
	Reason   Reason
	Object   Object
	// Message is one sentence for the object's owner.
	Message string
	// Other is the object that takes precedence, in a conflict between two.
	Other Object
}

// String is one line: "error Conflict Ingress default/two: …".
func (p Problem) String() string {
	return fmt.Sprintf("%s %s %s: %s", p.Severity, p.Reason, p.Object, p.Message)
}

// IngressObject refers to an Ingress.
func IngressObject(ingress *networkingv1.Ingress) Object {
	return Object{
		APIVersion: networkingv1.SchemeGroupVersion.String(),
		Kind:       "Ingress",
		Namespace:  ingress.Namespace,
		Name:       ingress.Name,
		UID:        ingress.UID,
	}
}
