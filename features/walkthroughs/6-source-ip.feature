@walkthrough @article
Feature: Source addresses behind Services
  What address a server sees as its client's, for each type of Service. This replays "Using Source IP" of the Kubernetes
  documentation (https://kubernetes.io/docs/tutorials/services/source-ip/): an echo server returns the source address of
  each request. Its only Pod runs on the first worker.

  Background:
    Given the cluster has at least 2 workers
    # kubectl create deployment source-ip-app --image=registry.k8s.io/echoserver:1.10
    # kubectl run busybox -it --image=busybox:1.28 --restart=Never --rm
    And the objects of "manifests/source-ip.yaml"

  Scenario: ClusterIP: the source address of Pods is preserved, on the same node and on another
    # kubectl expose deployment source-ip-app --name=clusterip --port=80 --target-port=8080
    Given these objects:
      """
      apiVersion: v1
      kind: Service
      metadata: {name: clusterip}
      spec:
        selector: {app: source-ip-app}
        ports: [{port: 80, targetPort: 8080}]
      """
    # kubectl get svc clusterip
    When I run "kubectl get svc clusterip"
    Then it prints a table with exactly these rows:
      | NAME      | TYPE      | CLUSTER-IP                 | EXTERNAL-IP | PORT(S) |
      | clusterip | ClusterIP | ${cluster IP of clusterip} | <none>      | 80/TCP  |
    # wget -qO - 10.0.170.92
    When I run "kubectl exec near -- backends get http://${cluster IP of clusterip}" until it prints:
      """
      	client_address=${address of near}
      """
    And I run "kubectl exec far -- backends get http://${cluster IP of clusterip}" until it prints:
      """
      	client_address=${address of far}
      """

  Scenario: NodePort: the source address is that of the node, unless the policy is Local
    # kubectl expose deployment source-ip-app --name=nodeport --port=80 --target-port=8080 --type=NodePort
    Given these objects:
      """
      apiVersion: v1
      kind: Service
      metadata: {name: nodeport}
      spec:
        type: NodePort
        selector: {app: source-ip-app}
        ports: [{port: 80, targetPort: 8080}]
      """
    # for node in $NODES; do curl -s $node:$NODEPORT | grep -i client_address; done
    Then within 10 seconds, the echo server behind "http://${worker 1 external address}:${node port of nodeport}" sees:
      | client_address | ${worker 1 masquerade} |
    And within 10 seconds, the echo server behind "http://${worker 2 external address}:${node port of nodeport}" sees:
      | client_address | ${worker 2 masquerade} |
    # kubectl patch svc nodeport -p '{"spec":{"externalTrafficPolicy":"Local"}}'
    When I run "kubectl patch svc nodeport -p '{"spec":{"externalTrafficPolicy":"Local"}}'"
    Then it prints "service/nodeport patched"
    # Only the node with the Pod answers, and the Pod sees the client's own address.
    And within 15 seconds, the echo server behind "http://${worker 1 external address}:${node port of nodeport}" sees:
      | client_address | ${client address} |
    And within 15 seconds, "${worker 2 external address}:${node port of nodeport}" does not accept connections any more

  Scenario: LoadBalancer: the source address is that of a node, unless the policy is Local
    # kubectl expose deployment source-ip-app --name=loadbalancer --port=80 --target-port=8080 --type=LoadBalancer
    Given these objects:
      """
      apiVersion: v1
      kind: Service
      metadata: {name: loadbalancer}
      spec:
        type: LoadBalancer
        selector: {app: source-ip-app}
        ports: [{port: 80, targetPort: 8080}]
      """
    And the Service "loadbalancer" has a load balancer
    # kubectl get svc loadbalancer
    When I run "kubectl get svc loadbalancer"
    Then it prints a table with exactly these rows:
      | NAME         | TYPE         | EXTERNAL-IP                        | PORT(S)                                    |
      | loadbalancer | LoadBalancer | ${load balancer of loadbalancer} | 80:${node port of loadbalancer}/TCP |
    # curl 203.0.113.140
    And within 10 seconds, the echo server behind "http://${load balancer of loadbalancer}" sees:
      | client_address | ${any node masquerade} |
    # kubectl patch svc loadbalancer -p '{"spec":{"externalTrafficPolicy":"Local"}}'
    When I run "kubectl patch svc loadbalancer -p '{"spec":{"externalTrafficPolicy":"Local"}}'"
    Then it prints "service/loadbalancer patched"
    # kubectl get svc loadbalancer -o yaml | grep -i healthCheckNodePort
    When I run "kubectl get svc loadbalancer -o yaml" until it prints:
      """
        healthCheckNodePort: ${health check port of loadbalancer}
      """
    # curl localhost:32122/healthz, on a node with the Pod and on another
    Then within 15 seconds, requests are answered as follows:
      | URL                                                                              | status | text                |
      | http://${worker 1 external address}:${health check port of loadbalancer}/healthz | 200    | "localEndpoints": 1 |
      | http://${worker 2 external address}:${health check port of loadbalancer}/healthz | 503    | "localEndpoints": 0 |
    # curl 203.0.113.140
    And within 15 seconds, the echo server behind "http://${load balancer of loadbalancer}" sees:
      | client_address | ${client address} |
