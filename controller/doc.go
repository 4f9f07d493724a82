// Package controller keeps the data plane doing what the cluster's Ingresses say. Its loop takes a snapshot of the
// cluster, translates it to a routing table, and hands that to the proxy:
//
//	kube       watches Ingress, IngressClass, Service, EndpointSlice, Secret and the ConfigMap, and tells of changes
//	snapshot   what the cluster said at one moment: the Ingresses of this controller and what they refer to
//	config     what annotations and the ConfigMap mean
//	translate  Snapshot → route.Table, Problems and Steps; a pure function
//	           → the proxy applies the table
//
// Whoever wants to know how that went observes the loop:
//
//	Log          the steps and problems, in the log
//	events       problems, as Events of the objects that have them
//	status       the controller's addresses, in the status of the Ingresses that are served
//	diagnostics  readiness and metrics
//
// Beside the loop, admission asks translate what it would make of an Ingress that is about to be written, dump shows
// the table that is served, leader elects the replica that writes events and statuses, and app puts it all together.
package controller
