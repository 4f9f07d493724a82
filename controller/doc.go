// Package controller updates the data plane according to the cluster's Ingresses. Its loop takes a snapshot of the
// cluster, translates it to a routing table, and hands that to the proxy:
//
//	kube       watches Ingress, IngressClass, Service, EndpointSlice, Secret and the ConfigMap, and signals changes
//	snapshot   the cluster at one moment: the Ingresses of this controller and what they refer to
//	config     what annotations and the ConfigMap mean
//	translate  Snapshot → route.Table, Problems and Decisions; a pure function
//	           → the proxy applies the table
//
// Observers get the outcome of each round:
//
//	Log          the decisions and problems, in the log
//	events       problems, as Events of the objects that have them
//	status       the controller's addresses, in the status of the Ingresses that are served
//	diagnostics  readiness and metrics
//
// Independent of the loop, admission validates Ingresses with translate before they are stored, configdump shows the table
// that is served, explain explains what is done with a request, and leader elects the replica that writes events and statuses.
// app assembles these parts.
package controller
