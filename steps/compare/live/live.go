// Package live reads the Ingresses of a cluster, and what they refer to, with the rights to get and list. Secrets are never read.
package live

import (
	"context"
	"fmt"
	"slices"
	"strings"

	networkingv1 "k8s.io/api/networking/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"

	"github.com/ingress-testbed/testbed/steps/compare/estate"
)

// pageSize is how many objects are listed at once.
const pageSize = 500

// Objects are what was read.
type Objects struct {
	Objects []runtime.Object
	// Notes are sentences on what couldn't be read.
	Notes []string
}

// Read lists Ingresses and Services, and gets the ConfigMaps that Ingresses name, and settings, that of the controller. ConfigMaps
// that are missing, or that may not be read, are left out.
func Read(ctx context.Context, client kubernetes.Interface, settings types.NamespacedName) (*Objects, error) {
	read := &Objects{}
	var ingresses []networkingv1.Ingress
	err := pages(func(options metav1.ListOptions) (string, error) {
		list, err := client.NetworkingV1().Ingresses(metav1.NamespaceAll).List(ctx, options)
		if err != nil {
			return "", err
		}
		ingresses = append(ingresses, list.Items...)
		return list.Continue, nil
	})
	if err != nil {
		return nil, fmt.Errorf("listing Ingresses: %w", err)
	}
	for i := range ingresses {
		read.Objects = append(read.Objects, &ingresses[i])
	}
	err = pages(func(options metav1.ListOptions) (string, error) {
		list, err := client.CoreV1().Services(metav1.NamespaceAll).List(ctx, options)
		if err != nil {
			return "", err
		}
		for i := range list.Items {
			read.Objects = append(read.Objects, &list.Items[i])
		}
		return list.Continue, nil
	})
	if err != nil {
		return nil, fmt.Errorf("listing Services: %w", err)
	}
	for _, name := range configMaps(ingresses, settings) {
		configMap, err := client.CoreV1().ConfigMaps(name.Namespace).Get(ctx, name.Name, metav1.GetOptions{})
		switch {
		case err == nil:
			read.Objects = append(read.Objects, configMap)
		case apierrors.IsNotFound(err):
		case apierrors.IsForbidden(err):
			read.Notes = append(read.Notes, fmt.Sprintf("the ConfigMap %s may not be read, so that it is left out", name))
		default:
			return nil, fmt.Errorf("getting the ConfigMap %s: %w", name, err)
		}
	}
	return read, nil
}

func pages(list func(metav1.ListOptions) (next string, err error)) error {
	options := metav1.ListOptions{Limit: pageSize}
	for {
		next, err := list(options)
		if err != nil || next == "" {
			return err
		}
		options.Continue = next
	}
}

// configMaps are those that the Ingresses name, and that of the controller.
func configMaps(ingresses []networkingv1.Ingress, settings types.NamespacedName) []types.NamespacedName {
	var names []types.NamespacedName
	if settings.Namespace != "" && settings.Name != "" {
		names = append(names, settings)
	}
	for i := range ingresses {
		for _, annotation := range []string{"custom-headers", "auth-proxy-set-headers", "fastcgi-params-configmap"} {
			text, _ := estate.Annotation(&ingresses[i], annotation)
			namespace, name, found := strings.Cut(text, "/")
			if !found {
				namespace, name = ingresses[i].Namespace, text
			}
			if key := (types.NamespacedName{Namespace: namespace, Name: name}); name != "" && !slices.Contains(names, key) {
				names = append(names, key)
			}
		}
	}
	return names
}
