//go:build linux

package testnetwork

import (
	"context"
	"fmt"

	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

const (
	nodesGroup    = "system:nodes"
	cloudUser     = "system:cloud-controller-manager"
	announcerUser = "testbed:announcer"
)

// permission is a cluster role, and who has it.
type permission struct {
	role    string
	subject rbacv1.Subject
	rules   []rbacv1.PolicyRule
}

func permissions() []permission {
	recordEvents := rbacv1.PolicyRule{APIGroups: []string{""}, Resources: []string{"events"}, Verbs: []string{"create", "patch", "update"}}
	return []permission{
		{
			// Nodes watch what their agents keep in informers. A kubelet reads single objects, for which the Node authorizer
			// suffices.
			role: "testbed:nodes", subject: rbacv1.Subject{APIGroup: rbacv1.GroupName, Kind: rbacv1.GroupKind, Name: nodesGroup},
			rules: []rbacv1.PolicyRule{{
				APIGroups: []string{""}, Verbs: []string{"get", "list", "watch"},
				Resources: []string{"secrets", "configmaps", "services", "pods", "nodes", "namespaces"},
			}},
		},
		{
			role: cloudUser, subject: user(cloudUser),
			rules: []rbacv1.PolicyRule{
				{APIGroups: []string{""}, Resources: []string{"nodes", "services"}, Verbs: []string{"get", "list", "watch"}},
				{APIGroups: []string{""}, Resources: []string{"services", "services/status"}, Verbs: []string{"patch", "update"}},
				recordEvents,
			},
		},
		{
			role: announcerUser, subject: user(announcerUser),
			rules: []rbacv1.PolicyRule{
				{APIGroups: []string{""}, Resources: []string{"nodes", "services"}, Verbs: []string{"list", "watch"}},
				{APIGroups: []string{"coordination.k8s.io"}, Resources: []string{"leases"}, Verbs: []string{"create", "get", "update"}},
				recordEvents,
			},
		},
	}
}

func user(name string) rbacv1.Subject {
	return rbacv1.Subject{APIGroup: rbacv1.GroupName, Kind: rbacv1.UserKind, Name: name}
}

// allow gives nodes and the cloud's programs their permissions. Those of Kubernetes' own programs are built in.
func (r *testNetwork) allow(ctx context.Context) error {
	for _, p := range permissions() {
		role := &rbacv1.ClusterRole{ObjectMeta: metav1.ObjectMeta{Name: p.role}, Rules: p.rules}
		if _, err := r.client.RbacV1().ClusterRoles().Create(ctx, role, metav1.CreateOptions{}); err != nil {
			return fmt.Errorf("creating cluster role %s: %w", p.role, err)
		}
		binding := &rbacv1.ClusterRoleBinding{
			ObjectMeta: metav1.ObjectMeta{Name: p.role},
			RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: p.role},
			Subjects:   []rbacv1.Subject{p.subject},
		}
		if _, err := r.client.RbacV1().ClusterRoleBindings().Create(ctx, binding, metav1.CreateOptions{}); err != nil {
			return fmt.Errorf("binding cluster role %s: %w", p.role, err)
		}
	}
	return nil
}
