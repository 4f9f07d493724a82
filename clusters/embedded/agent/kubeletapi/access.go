//go:build linux

package kubeletapi

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	authenticationv1 "k8s.io/api/authentication/v1"
	authorizationv1 "k8s.io/api/authorization/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/cache"
	"k8s.io/client-go/kubernetes"
)

// Decisions of the API server are kept as long as the kubelet's defaults keep them.
const (
	authenticationTTL = 2 * time.Minute
	allowedTTL        = 5 * time.Minute
	deniedTTL         = 30 * time.Second
)

// access decides about requests as a kubelet with webhook authentication and authorization: a client has a certificate of
// the cluster, or a token that the API server knows, and needs the permission for a subresource of the node
// (Kubernetes documentation, "Kubelet authentication/authorization").
type access struct {
	node   string
	client kubernetes.Interface
	tokens *cache.Expiring // of authenticationv1.UserInfo, by token
	rights *cache.Expiring // of bool, by right
}

func newAccess(node string, client kubernetes.Interface) *access {
	return &access{node: node, client: client, tokens: cache.NewExpiring(), rights: cache.NewExpiring()}
}

// protect passes on requests that are allowed. Without a decision a request is denied.
func (a *access) protect(next http.Handler, fail func(http.ResponseWriter, error)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		user, err := a.authenticate(r)
		if err == nil {
			err = a.authorize(r, user)
		}
		if err != nil {
			fail(w, err)
			return
		}
		next.ServeHTTP(w, r)
	})
}

var (
	errUnauthenticated = errors.New("unauthorized")
	errForbidden       = errors.New("forbidden")
)

func (a *access) authenticate(r *http.Request) (authenticationv1.UserInfo, error) {
	if r.TLS != nil && len(r.TLS.VerifiedChains) > 0 {
		subject := r.TLS.VerifiedChains[0][0].Subject
		return authenticationv1.UserInfo{Username: subject.CommonName, Groups: append(subject.Organization, "system:authenticated")}, nil
	}
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	token = strings.TrimSpace(token)
	if !strings.EqualFold(scheme, "Bearer") || token == "" {
		return authenticationv1.UserInfo{}, errUnauthenticated
	}
	if known, ok := a.tokens.Get(token); ok {
		if user, ok := known.(authenticationv1.UserInfo); ok {
			return user, nil
		}
	}
	review, err := a.client.AuthenticationV1().TokenReviews().Create(r.Context(),
		&authenticationv1.TokenReview{Spec: authenticationv1.TokenReviewSpec{Token: token}}, metav1.CreateOptions{})
	if err != nil {
		return authenticationv1.UserInfo{}, fmt.Errorf("reviewing the token: %w", err)
	}
	if !review.Status.Authenticated {
		return authenticationv1.UserInfo{}, errUnauthenticated
	}
	a.tokens.Set(token, review.Status.User, authenticationTTL)
	return review.Status.User, nil
}

// right is the permission to do something with a subresource of the node.
type right struct{ user, groups, verb, subresource string }

func (a *access) authorize(r *http.Request, user authenticationv1.UserInfo) error {
	verb, subresources := verbOf(r.Method), subresourcesOf(r.URL.Path)
	for _, subresource := range subresources {
		allowed, err := a.allowed(r.Context(), user, verb, subresource)
		if err != nil {
			return err
		}
		if allowed {
			return nil
		}
	}
	return fmt.Errorf("%w (user=%s, verb=%s, resource=nodes, subresource(s)=%v)", errForbidden, user.Username, verb, subresources)
}

func (a *access) allowed(ctx context.Context, user authenticationv1.UserInfo, verb, subresource string) (bool, error) {
	key := right{user.Username, strings.Join(user.Groups, "\n"), verb, subresource}
	if known, ok := a.rights.Get(key); ok {
		return known == true, nil
	}
	extra := map[string]authorizationv1.ExtraValue{}
	for name, values := range user.Extra {
		extra[name] = authorizationv1.ExtraValue(values)
	}
	review, err := a.client.AuthorizationV1().SubjectAccessReviews().Create(ctx, &authorizationv1.SubjectAccessReview{
		Spec: authorizationv1.SubjectAccessReviewSpec{
			User: user.Username, UID: user.UID, Groups: user.Groups, Extra: extra,
			ResourceAttributes: &authorizationv1.ResourceAttributes{
				Version: "v1", Resource: "nodes", Subresource: subresource, Name: a.node, Verb: verb,
			},
		},
	}, metav1.CreateOptions{})
	if err != nil {
		return false, fmt.Errorf("reviewing the access of %s: %w", user.Username, err)
	}
	ttl := deniedTTL
	if review.Status.Allowed {
		ttl = allowedTTL
	}
	a.rights.Set(key, review.Status.Allowed, ttl)
	return review.Status.Allowed, nil
}

// verbOf is the verb of Kubernetes' authorization for an HTTP method.
func verbOf(method string) string {
	switch method {
	case http.MethodPost:
		return "create"
	case http.MethodPut:
		return "update"
	case http.MethodPatch:
		return "patch"
	case http.MethodDelete:
		return "delete"
	}
	return "get"
}

// subresourcesOf returns the subresources of the node of which one has to be allowed for a path.
func subresourcesOf(path string) []string {
	first, _, _ := strings.Cut(strings.TrimPrefix(path, "/"), "/")
	switch first {
	case "stats", "metrics":
		return []string{first}
	case "logs":
		return []string{"log"}
	case "healthz", "configz", "pods":
		return []string{first, "proxy"}
	case "runningpods":
		return []string{"pods", "proxy"}
	}
	return []string{"proxy"}
}
