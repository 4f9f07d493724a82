//go:build linux

package volume

import (
	"context"
	"fmt"
	"io/fs"
	"time"

	corev1 "k8s.io/api/core/v1"
)

// defaultTokenSeconds is how long a token lasts unless the volume sets it.
const defaultTokenSeconds = 3600

type tokenKey struct {
	audience string
	seconds  int64
}

type cachedToken struct {
	value string
	renew time.Time
}

// token adds a token of the Pod's service account. It is requested once, and again when it is due for renewal.
func (w *writer) token(ctx context.Context, files map[string]file, s *corev1.ServiceAccountTokenProjection, mode fs.FileMode) error {
	key := tokenKey{s.Audience, defaultTokenSeconds}
	if s.ExpirationSeconds != nil {
		key.seconds = *s.ExpirationSeconds
	}
	t := w.set.tokens[key]
	if t == nil || time.Now().After(t.renew) {
		value, renew, err := w.set.sources.Token(ctx, key.audience, key.seconds)
		if err != nil {
			return fmt.Errorf("failed to fetch token: %w", err)
		}
		t = &cachedToken{value, renew}
		w.set.tokens[key] = t
	}
	w.refreshAt(t.renew)
	files[s.Path] = w.owned([]byte(t.value), mode)
	return nil
}

// soleUser is the runAsUser of all containers of the Pod; nil if they differ or have none.
func soleUser(pod *corev1.Pod) *int64 {
	var sole *int64
	if pod.Spec.SecurityContext != nil {
		sole = pod.Spec.SecurityContext.RunAsUser
	}
	var users []*int64
	for _, list := range [][]corev1.Container{pod.Spec.InitContainers, pod.Spec.Containers} {
		for i := range list {
			own := sole
			if sc := list[i].SecurityContext; sc != nil && sc.RunAsUser != nil {
				own = sc.RunAsUser
			}
			users = append(users, own)
		}
	}
	for _, u := range users {
		if u == nil || *u != *users[0] {
			return nil
		}
	}
	if len(users) == 0 {
		return nil
	}
	return users[0]
}
