//go:build linux

package testnetwork

import (
	"context"
	"fmt"

	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

const nodesGroup = "system:nodes"

// allowNodes gives nodes the permission to watch what their agent keeps in informers. A kubelet reads single objects, for
// which the Node authorizer suffices.
func (r *testNetwork) allowNodes(ctx context.Context) error {
	const name = "testbed:nodes"
	role := &rbacv1.ClusterRole{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		Rules: []rbacv1.PolicyRule{{
			APIGroups: []string{""}, Verbs: []string{"get", "list", "watch"},
			Resources: []string{"secrets", "configmaps", "services", "pods", "nodes", "namespaces"},
		}},
	}
	if _, err := r.client.RbacV1().ClusterRoles().Create(ctx, role, metav1.CreateOptions{}); err != nil {
		return fmt.Errorf("creating cluster role %s: %w", name, err)
	}
	binding := &rbacv1.ClusterRoleBinding{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: name},
		Subjects:   []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: rbacv1.GroupKind, Name: nodesGroup}},
	}
	if _, err := r.client.RbacV1().ClusterRoleBindings().Create(ctx, binding, metav1.CreateOptions{}); err != nil {
		return fmt.Errorf("binding cluster role %s: %w", name, err)
	}
	return nil
}
