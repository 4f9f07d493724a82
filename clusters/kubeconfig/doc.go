// Package kubeconfig runs the test-bed on any cluster at all, as a guest that leaves it as it was: everything is made
// in namespaces of the run's own, what has no namespace carries a name and a label of the run's own, and all of it is
// removed afterwards.
package kubeconfig
