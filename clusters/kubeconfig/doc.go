// Package kubeconfig runs the test-bed on any existing cluster, as a guest that leaves it as it was: a run creates objects
// in namespaces of its own only, gives cluster-scoped objects a name and a label of its own, and removes all of them
// afterwards.
package kubeconfig
