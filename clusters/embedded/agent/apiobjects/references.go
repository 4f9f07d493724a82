//go:build linux

package apiobjects

import (
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
)

// References lists the ConfigMaps and Secrets that a Pod's volumes, environments and image pull secrets refer to, each once.
func References(pod *corev1.Pod) []Reference {
	r := references{namespace: pod.Namespace, seen: map[Reference]bool{}}
	for i := range pod.Spec.Volumes {
		r.volume(pod.Spec.Volumes[i].VolumeSource)
	}
	for _, secret := range pod.Spec.ImagePullSecrets {
		r.secret(secret.Name)
	}
	for _, list := range [][]corev1.Container{pod.Spec.InitContainers, pod.Spec.Containers} {
		for i := range list {
			r.environment(&list[i])
		}
	}
	all := make([]Reference, 0, len(r.seen))
	for ref := range r.seen {
		all = append(all, ref)
	}
	slices.SortFunc(all, func(a, b Reference) int {
		return strings.Compare(a.Resource+"/"+a.Name, b.Resource+"/"+b.Name)
	})
	return all
}

type references struct {
	namespace string
	seen      map[Reference]bool
}

func (r *references) configMap(name string) { r.seen[Reference{ConfigMaps, r.namespace, name}] = true }
func (r *references) secret(name string)    { r.seen[Reference{Secrets, r.namespace, name}] = true }

func (r *references) volume(v corev1.VolumeSource) {
	switch {
	case v.ConfigMap != nil:
		r.configMap(v.ConfigMap.Name)
	case v.Secret != nil:
		r.secret(v.Secret.SecretName)
	case v.Projected != nil:
		for _, s := range v.Projected.Sources {
			if s.ConfigMap != nil {
				r.configMap(s.ConfigMap.Name)
			}
			if s.Secret != nil {
				r.secret(s.Secret.Name)
			}
		}
	}
}

func (r *references) environment(c *corev1.Container) {
	for _, from := range c.EnvFrom {
		if from.ConfigMapRef != nil {
			r.configMap(from.ConfigMapRef.Name)
		}
		if from.SecretRef != nil {
			r.secret(from.SecretRef.Name)
		}
	}
	for _, v := range c.Env {
		if v.ValueFrom == nil {
			continue
		}
		if ref := v.ValueFrom.ConfigMapKeyRef; ref != nil {
			r.configMap(ref.Name)
		}
		if ref := v.ValueFrom.SecretKeyRef; ref != nil {
			r.secret(ref.Name)
		}
	}
}
