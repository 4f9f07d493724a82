package apiserver

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"reflect"
	"strconv"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"
	sigsyaml "sigs.k8s.io/yaml"
)

// answer is the answer to a request.
type answer struct {
	status int
	body   []byte
}

func (a answer) response(request *http.Request) *http.Response {
	return &http.Response{
		StatusCode: a.status, Status: fmt.Sprintf("%d %s", a.status, http.StatusText(a.status)), Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: http.Header{"Content-Type": {"application/json"}}, ContentLength: int64(len(a.body)),
		Body: io.NopCloser(bytes.NewReader(a.body)), Request: request,
	}
}

// handle answers a request. Its error is about what the server doesn't have.
func (s *Server) handle(request *http.Request, at target, body []byte) (answer, error) {
	query := request.URL.Query()
	switch {
	case request.Method == http.MethodGet && at.resource.name == "pods" && at.subresource == "log":
		return answer{http.StatusOK, []byte(s.hooks.Log(at.namespace, at.key.name))}, nil
	case request.Method == http.MethodGet && at.resource.name == "pods" && at.subresource == "proxy":
		return s.getFromPod(request, at)
	case at.subresource != "":
		return answer{}, unsupported("%s of %s", at.subresource, at.resource.name)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case request.Method == http.MethodGet && at.key.name != "":
		return s.get(at)
	case request.Method == http.MethodGet && query.Get("fieldSelector") == "" && query.Get("watch") == "":
		selector, err := labels.Parse(query.Get("labelSelector"))
		if err != nil {
			return failure(http.StatusBadRequest, metav1.StatusReasonBadRequest, err.Error()), nil
		}
		return asList(at.resource, s.list(at.key, selector))
	case request.Method == http.MethodPatch && request.Header.Get("Content-Type") == string(types.ApplyYAMLPatchType):
		return s.apply(at, body, query.Get("fieldManager"))
	case request.Method == http.MethodDelete && at.key.name != "":
		if s.stored[at.key] == nil {
			return notFound(at), nil
		}
		s.remove(at.key)
		return asJSON(metav1.Status{Status: metav1.StatusSuccess}, s.changed())
	}
	return answer{}, unsupported("the request %s %s to the API server", request.Method, request.URL.Path)
}

func (s *Server) get(at target) (answer, error) {
	object := s.stored[at.key]
	if object == nil {
		return notFound(at), nil
	}
	return asJSON(object.Object, nil)
}

// getFromPod makes a request to a Pod, which is named as "http:NAME:PORT".
func (s *Server) getFromPod(request *http.Request, at target) (answer, error) {
	parts := strings.Split(at.key.name, ":")
	port, err := strconv.Atoi(parts[len(parts)-1])
	if len(parts) != 3 || err != nil {
		return answer{}, unsupported("a request to the port %q of a Pod", at.key.name)
	}
	body, err := s.hooks.Get(request.Context(), at.namespace, parts[1], port, "/"+at.rest)
	if err != nil {
		return failure(http.StatusBadGateway, metav1.StatusReasonInternalError, err.Error()), nil
	}
	return answer{http.StatusOK, body}, nil
}

// apply stores an object as a server-side apply by the only manager of its fields does: what it leaves out is removed, but
// for the status and what the cluster has added.
func (s *Server) apply(at target, body []byte, manager string) (answer, error) {
	applied := &unstructured.Unstructured{}
	if err := sigsyaml.Unmarshal(body, &applied.Object); err != nil {
		return failure(http.StatusBadRequest, metav1.StatusReasonBadRequest, err.Error()), nil
	}
	before := s.stored[at.key]
	complete(applied, before)
	applied.SetManagedFields([]metav1.ManagedFieldsEntry{{Manager: manager, Operation: metav1.ManagedFieldsOperationApply}})
	if err := s.hooks.Admit(&Objects{s}, applied, before == nil); err != nil {
		return failure(http.StatusUnprocessableEntity, metav1.StatusReasonInvalid, err.Error()), nil
	}
	s.store(at.key, applied)
	if err := s.changed(); err != nil {
		return answer{}, err
	}
	return asJSON(s.stored[at.key].Object, nil)
}

// complete adds to an object what it has in common with the one that it replaces, and the defaults that something depends
// on.
func complete(object, before *unstructured.Unstructured) {
	if object.GetKind() == "Secret" {
		encodeSecret(object)
	}
	object.SetGeneration(1)
	if before == nil {
		return
	}
	object.SetUID(before.GetUID())
	object.SetCreationTimestamp(before.GetCreationTimestamp())
	if status, found := before.Object["status"]; found {
		object.Object["status"] = status
	}
	object.SetGeneration(before.GetGeneration())
	if address, found, _ := unstructured.NestedString(before.Object, "spec", "clusterIP"); found && object.GetKind() == "Service" {
		_ = unstructured.SetNestedField(object.Object, address, "spec", "clusterIP") // the spec is an object: before has one
	}
	if !reflect.DeepEqual(object.Object["spec"], before.Object["spec"]) {
		object.SetGeneration(before.GetGeneration() + 1)
	}
}

// encodeSecret moves stringData to data.
func encodeSecret(secret *unstructured.Unstructured) {
	texts, found, _ := unstructured.NestedStringMap(secret.Object, "stringData")
	if !found {
		return
	}
	data, _, _ := unstructured.NestedMap(secret.Object, "data")
	if data == nil {
		data = map[string]any{}
	}
	for name, text := range texts {
		encoded, _ := json.Marshal([]byte(text)) // in base64
		data[name] = strings.Trim(string(encoded), `"`)
	}
	secret.Object["data"] = data
	unstructured.RemoveNestedField(secret.Object, "stringData")
}

func asList(of resource, objects []*unstructured.Unstructured) (answer, error) {
	items := make([]any, 0, len(objects))
	for _, object := range objects {
		items = append(items, object.Object)
	}
	return asJSON(map[string]any{
		"apiVersion": of.kind.GroupVersion().String(), "kind": of.kind.Kind + "List", "metadata": map[string]any{}, "items": items,
	}, nil)
}

func asJSON(value any, err error) (answer, error) {
	if err != nil {
		return answer{}, err
	}
	body, err := json.Marshal(value)
	if err != nil {
		return answer{}, fmt.Errorf("encoding an answer of the API server: %w", err)
	}
	return answer{http.StatusOK, body}, nil
}

func notFound(at target) answer {
	return failure(http.StatusNotFound, metav1.StatusReasonNotFound, fmt.Sprintf("%s %q not found", at.resource.name, at.key.name))
}

func failure(status int32, reason metav1.StatusReason, message string) answer {
	body, _ := json.Marshal(metav1.Status{ // of texts and a number
		TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "Status"}, Status: metav1.StatusFailure, Code: status, Reason: reason, Message: message,
	})
	return answer{int(status), body}
}
