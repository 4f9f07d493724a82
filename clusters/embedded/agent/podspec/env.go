//go:build linux

// Package podspec turns a Pod's specification into those of its containers. It has no side effects.
package podspec

import (
	"fmt"
	"sort"
	"strings"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
)

// Objects looks up what a Pod refers to, in the Pod's namespace. A missing object is a NotFound error of the API.
type Objects interface {
	ConfigMap(name string) (*corev1.ConfigMap, error)
	Secret(name string) (*corev1.Secret, error)
}

// environment collects variables in order; a later one of the same name replaces the earlier one in its place.
type environment struct {
	variables []variable
	index     map[string]int
}

func (e *environment) set(name, value string) {
	if i, ok := e.index[name]; ok {
		e.variables[i].value = value
		return
	}
	e.index[name] = len(e.variables)
	e.variables = append(e.variables, variable{name, value})
}

func (e *environment) lookUp(name string) (string, bool) {
	i, ok := e.index[name]
	if !ok {
		return "", false
	}
	return e.variables[i].value, true
}

func (e *environment) list() []string {
	list := make([]string, len(e.variables))
	for i, v := range e.variables {
		list[i] = v.name + "=" + v.value
	}
	return list
}

// buildEnvironment has, each overriding those before: the image's variables, HOSTNAME, Services, envFrom, env.
func buildEnvironment(in Input) (*environment, error) {
	e := &environment{index: map[string]int{}}
	for _, entry := range in.Image.Config.Env {
		if name, value, ok := strings.Cut(entry, "="); ok {
			e.set(name, value)
		}
	}
	e.set("HOSTNAME", Hostname(in.Pod))
	for _, v := range serviceVariables(in.Pod, in.Services) {
		e.set(v.name, v.value)
	}
	for _, from := range in.Container.EnvFrom {
		if err := addAll(e, from, in.Objects); err != nil {
			return nil, err
		}
	}
	for _, v := range in.Container.Env {
		value, set, err := valueOf(v, in, e)
		if err != nil {
			return nil, err
		}
		if set {
			e.set(v.Name, value)
		}
	}
	return e, nil
}

func addAll(e *environment, from corev1.EnvFromSource, objects Objects) error {
	data := map[string]string{}
	switch {
	case from.ConfigMapRef != nil:
		cm, err := objects.ConfigMap(from.ConfigMapRef.Name)
		if err != nil {
			return unlessOptional(err, from.ConfigMapRef.Optional)
		}
		for k, v := range cm.Data {
			data[k] = v
		}
	case from.SecretRef != nil:
		secret, err := objects.Secret(from.SecretRef.Name)
		if err != nil {
			return unlessOptional(err, from.SecretRef.Optional)
		}
		for k, v := range secret.Data {
			data[k] = string(v)
		}
	}
	keys := make([]string, 0, len(data))
	for k := range data {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	for _, k := range keys {
		e.set(from.Prefix+k, data[k])
	}
	return nil
}

// valueOf is a variable's value and whether it has one: optional sources may be missing.
func valueOf(v corev1.EnvVar, in Input, e *environment) (value string, set bool, err error) {
	from := v.ValueFrom
	switch {
	case from == nil:
		return Expand(v.Value, e.lookUp), true, nil
	case from.FieldRef != nil:
		value, err = Field(in.Pod, in.Runtime, from.FieldRef.FieldPath)
	case from.ResourceFieldRef != nil:
		container := in.Container
		if name := from.ResourceFieldRef.ContainerName; name != "" {
			if container = FindContainer(in.Pod, name); container == nil {
				return "", false, fmt.Errorf("variable %s refers to container %q, which the Pod doesn't have", v.Name, name)
			}
		}
		value, err = Resource(container, in.Runtime, from.ResourceFieldRef)
	case from.ConfigMapKeyRef != nil:
		return configMapValue(from.ConfigMapKeyRef, in)
	case from.SecretKeyRef != nil:
		return secretValue(from.SecretKeyRef, in)
	default:
		return "", false, fmt.Errorf("variable %s has an unsupported source", v.Name)
	}
	if err != nil {
		return "", false, fmt.Errorf("variable %s: %w", v.Name, err)
	}
	return value, true, nil
}

func configMapValue(ref *corev1.ConfigMapKeySelector, in Input) (string, bool, error) {
	cm, err := in.Objects.ConfigMap(ref.Name)
	if err != nil {
		return "", false, unlessOptional(err, ref.Optional)
	}
	value, ok := cm.Data[ref.Key]
	if !ok && !isTrue(ref.Optional) {
		return "", false, fmt.Errorf("couldn't find key %s in ConfigMap %s/%s", ref.Key, in.Pod.Namespace, ref.Name)
	}
	return value, ok, nil
}

func secretValue(ref *corev1.SecretKeySelector, in Input) (string, bool, error) {
	secret, err := in.Objects.Secret(ref.Name)
	if err != nil {
		return "", false, unlessOptional(err, ref.Optional)
	}
	value, ok := secret.Data[ref.Key]
	if !ok && !isTrue(ref.Optional) {
		return "", false, fmt.Errorf("couldn't find key %s in Secret %s/%s", ref.Key, in.Pod.Namespace, ref.Name)
	}
	return string(value), ok, nil
}

func unlessOptional(err error, optional *bool) error {
	if isTrue(optional) && apierrors.IsNotFound(err) {
		return nil
	}
	return err
}

func isTrue(b *bool) bool { return b != nil && *b }
