// Package admission refuses Ingresses that could not be served as they are written, when they are created or updated,
// so that their author sees the error at once.
package admission

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"

	admissionv1 "k8s.io/api/admission/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/ingress-testbed/testbed/controller"
	"github.com/ingress-testbed/testbed/controller/snapshot"
	"github.com/ingress-testbed/testbed/controller/translate"
	"github.com/ingress-testbed/testbed/controller/translate/problem"
)

// Cluster gives the snapshots that an Ingress is validated against.
type Cluster interface {
	Snapshot() *snapshot.Snapshot
	// SnapshotWith is the Snapshot as it would be with the Ingress.
	SnapshotWith(*networkingv1.Ingress) *snapshot.Snapshot
}

// Last is a controller.Observer that keeps the last Result, so that a review translates only what differs from it.
type Last struct {
	result atomic.Pointer[translate.Result]
}

// Observe implements controller.Observer.
func (l *Last) Observe(outcome controller.Outcome) { l.result.Store(&outcome.Result) }

// Result is the last one; the zero value before the first.
func (l *Last) Result() translate.Result {
	if last := l.result.Load(); last != nil {
		return *last
	}
	return translate.Result{}
}

// Review validates an Ingress. Errors of the Ingress itself, and conflicts between it and another one, refuse it; other
// problems become warnings. Errors that existed before are ignored, so that an Ingress can be repaired step by step and
// labelled. last, which may be the zero value, saves the translation of what has not changed since.
func Review(cluster Cluster, last translate.Result, request *admissionv1.AdmissionRequest) *admissionv1.AdmissionResponse {
	response := &admissionv1.AdmissionResponse{UID: request.UID, Allowed: true}
	if request.Operation != admissionv1.Create && request.Operation != admissionv1.Update {
		return response
	}
	if gv := networkingv1.SchemeGroupVersion; request.Kind.Group != gv.Group || request.Kind.Kind != "Ingress" {
		return response
	}
	var ingress networkingv1.Ingress
	if err := json.Unmarshal(request.Object.Raw, &ingress); err != nil {
		return refuse(response, http.StatusBadRequest, fmt.Sprintf("reading the Ingress: %v", err))
	}
	if ingress.DeletionTimestamp != nil {
		return response
	}
	if ingress.Namespace == "" {
		ingress.Namespace = request.Namespace
	}
	if ingress.Name == "" {
		ingress.Name = ingress.GenerateName // the API server completes it later
	}
	errors, warnings := newProblems(cluster, last, &ingress)
	response.Warnings = messages(warnings)
	if len(errors) > 0 {
		return refuse(response, http.StatusUnprocessableEntity, strings.Join(messages(errors), "; "))
	}
	return response
}

func refuse(response *admissionv1.AdmissionResponse, code int32, message string) *admissionv1.AdmissionResponse {
	response.Allowed = false
	response.Result = &metav1.Status{Status: metav1.StatusFailure, Code: code, Message: message}
	return response
}

// newProblems are those that the Ingress causes. A problem of another Ingress counts if this one takes something away
// from it.
func newProblems(cluster Cluster, last translate.Result, ingress *networkingv1.Ingress) (errors, warnings []problem.Problem) {
	before := map[problem.Problem]bool{}
	for _, found := range translate.ProblemsAfter(last, cluster.Snapshot()) {
		before[anonymous(found)] = true
	}
	own := problem.IngressObject(ingress)
	own.UID = ""
	for _, found := range translate.ProblemsAfter(last, cluster.SnapshotWith(ingress)) {
		found = anonymous(found)
		switch {
		case found.Object != own && found.Other != own:
		case found.Severity == problem.Warning && found.Object == own:
			warnings = append(warnings, found)
		case found.Severity == problem.Error && !before[found]:
			errors = append(errors, found)
		}
	}
	return errors, warnings
}

// anonymous removes the UIDs, which an Ingress doesn't have before it is created.
func anonymous(found problem.Problem) problem.Problem {
	found.Object.UID, found.Other.UID = "", ""
	return found
}

func messages(problems []problem.Problem) []string {
	var texts []string
	for _, found := range problems {
		texts = append(texts, found.Message)
	}
	return texts
}
