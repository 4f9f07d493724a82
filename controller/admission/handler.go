package admission

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"

	admissionv1 "k8s.io/api/admission/v1"
	"k8s.io/klog/v2"
)

// Path is the URL path of the webhook.
const Path = "/networking/v1/ingresses"

// largest is the limit of a request's size in bytes: etcd stores no object of more than 1.5 MiB, and an update has two.
const largest = 8 << 20

// Handler answers AdmissionReviews of version v1. Each answer is passed to count.
func Handler(cluster Cluster, last *Last, count func(allowed bool)) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST "+Path, func(w http.ResponseWriter, r *http.Request) {
		var review admissionv1.AdmissionReview
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, largest))
		if err == nil {
			err = json.Unmarshal(body, &review)
		}
		if err != nil || review.Request == nil {
			http.Error(w, fmt.Sprintf("not an AdmissionReview with a request: %v", err), http.StatusBadRequest)
			return
		}
		review.Response = Review(cluster, last.Result(), review.Request)
		logReview(review.Request, review.Response)
		count(review.Response.Allowed)
		review.Request = nil
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(review) // an error means that the API server has gone
	})
	return mux
}

// logReview logs what is denied, as ingress-nginx does: whoever looks for an Ingress that isn't served finds the reason in the log,
// even if the client that applied it has not shown it. What is allowed is logged with -v=2.
func logReview(request *admissionv1.AdmissionRequest, response *admissionv1.AdmissionResponse) {
	ingress := klog.KRef(request.Namespace, request.Name)
	if response.Allowed {
		klog.V(2).InfoS("Allowed an Ingress", "ingress", ingress, "operation", request.Operation)
		return
	}
	klog.InfoS("Denied an Ingress", "ingress", ingress, "operation", request.Operation, "why", response.Result.Message)
}
