// Package kubeconfig runs the test-bed on any existing cluster, as a guest: a run creates objects only in new namespaces, marks
// cluster-scoped objects with its name and a label, and removes all of them afterwards.
package kubeconfig
