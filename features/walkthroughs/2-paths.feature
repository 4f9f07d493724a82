@walkthrough @article
Feature: Routing by path
  An Ingress routes three paths to three Services. The controller distributes the requests over the Pods of each Service
  itself, by round robin; the addresses and ports of the Services are not used.

  Background:
    # helm upgrade ingress-nginx … with extraArgs: {v: "3"}
    Given an ingress controller with:
      | node            | ${control plane} |
      | HTTP node port  | 30080            |
      | HTTPS node port | 30443            |
      | log verbosity   | 3                |
    And the objects of "manifests/backends.yaml"
    And these objects:
      """
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata:
        name: ingress-1
      spec:
        ingressClassName: ${ingress class}
        rules:
        - http:
            paths:
            - path: /
              pathType: Prefix
              backend:
                service:
                  name: svc1-web
                  port: {number: 80}
            - path: /guest
              pathType: Prefix
              backend:
                service:
                  name: svc2-guest
                  port: {number: 8080}
            - path: /admin
              pathType: Prefix
              backend:
                service:
                  name: svc3-admin
                  port: {number: 8080}
      """
    And the client always sends the headers:
      | User-Agent | curl/7.79.1 |

  Scenario: The ports of the Services differ from those of the Pods
    # kubectl get pod,svc,ep
    When I run "kubectl get pod,svc,ep"
    Then it prints a table with these rows:
      | NAME                              | READY | STATUS  | RESTARTS |
      | /pod/deploy1-websrv-[a-z0-9-]+/   | 1/1   | Running | 0        |
      | /pod/deploy2-guestsrv-[a-z0-9-]+/ | 1/1   | Running | 0        |
      | /pod/deploy2-guestsrv-[a-z0-9-]+/ | 1/1   | Running | 0        |
      | /pod/deploy3-adminsrv-[a-z0-9-]+/ | 1/1   | Running | 0        |
      | /pod/deploy3-adminsrv-[a-z0-9-]+/ | 1/1   | Running | 0        |
      | /pod/deploy3-adminsrv-[a-z0-9-]+/ | 1/1   | Running | 0        |
    And it prints a table with these rows:
      | NAME               | TYPE      | EXTERNAL-IP | PORT(S)         |
      | service/svc1-web   | ClusterIP | <none>      | 9001/TCP        |
      | service/svc2-guest | NodePort  | <none>      | /9002:\d+\/TCP/ |
      | service/svc3-admin | ClusterIP | <none>      | 9003/TCP        |
    # The Service of the API server is always in the namespace default.
    When I run "kubectl get svc -n default"
    Then it prints a table with these rows:
      | NAME       | TYPE      | EXTERNAL-IP | PORT(S) |
      | kubernetes | ClusterIP | <none>      | 443/TCP |
    And the Services have these endpoints:
      | Service    | Pods             | ports |
      | svc1-web   | deploy1-websrv   | 80    |
      | svc2-guest | deploy2-guestsrv | 8080  |
      | svc3-admin | deploy3-adminsrv | 8080  |

  Scenario: The Pods are spread over the workers
    Given the cluster has at least 3 workers
    Then the Pods of "deploy2-guestsrv" run on 2 different nodes
    And the Pods of "deploy3-adminsrv" run on 3 different nodes
    And no Pod of "deploy3-adminsrv" runs on the node "${control plane}"

  Scenario: The Ingress refers to the ports of the Pods
    # kc describe ingress ingress-1
    When I run "kubectl describe ingress ingress-1"
    Then it prints:
      """
      Host        Path  Backends
      ----        ----  --------
      *
                  /        svc1-web:80 ()
                  /guest   svc2-guest:8080 ()
                  /admin   svc3-admin:8080 ()
      """

  Scenario: The routing table has a location for each path
    # kubectl exec deploy/ingress-nginx-controller -n ingress -it -- cat /etc/nginx/nginx.conf | grep location -A5
    When I run "kubectl exec deploy/ingress-nginx-controller -n ${controller namespace} -- controller dump"
    Then it prints:
      """
      location /guest {
          namespace "${namespace}"
          ingress   "ingress-1"
          service   "svc2-guest"
          port      "8080"
          path      "/guest"
      ...
      location /admin {
          namespace "${namespace}"
          ingress   "ingress-1"
          service   "svc3-admin"
          port      "8080"
          path      "/admin"
      ...
      location / {
          namespace "${namespace}"
          ingress   "ingress-1"
          service   "svc1-web"
          port      "80"
          path      "/"
      """

  Scenario: The log shows how the controller finds the endpoints
    # kubectl logs ingress-nginx-controller-5b8b86dff5-5stvf -n ingress
    Then the controller's log contains, in this order:
      | Creating upstream "${namespace}-svc1-web-80"                                                                                                                                         |
      | Obtaining ports information for Service "${namespace}/svc1-web"                                                                                                                      |
      | Getting Endpoints from endpointSlices for Service "${namespace}/svc1-web" and port &ServicePort{Name:web-port,Protocol:TCP,Port:9001,TargetPort:{0 80 },NodePort:0,AppProtocol:nil,} |
      | Endpoints found for Service "${namespace}/svc1-web": [{${address of deploy1-websrv} 80 &ObjectReference{Kind:Pod,Namespace:${namespace},Name:deploy1-websrv-                         |
    And the controller's log contains, in this order:
      | Creating upstream "${namespace}-svc2-guest-8080"                                                                                                                        |
      | Obtaining ports information for Service "${namespace}/svc2-guest"                                                                                                       |
      | Getting Endpoints from endpointSlices for Service "${namespace}/svc2-guest" and port &ServicePort{Name:guest-port,Protocol:TCP,Port:9002,TargetPort:{0 8080 },NodePort: |
      | 8080 &ObjectReference{Kind:Pod,Namespace:${namespace},Name:deploy2-guestsrv-                                                                                            |
    And the controller's log contains, in this order:
      | Creating upstream "${namespace}-svc3-admin-8080"                                                                                                                                           |
      | Obtaining ports information for Service "${namespace}/svc3-admin"                                                                                                                          |
      | Getting Endpoints from endpointSlices for Service "${namespace}/svc3-admin" and port &ServicePort{Name:admin-port,Protocol:TCP,Port:9003,TargetPort:{0 8080 },NodePort:0,AppProtocol:nil,} |
      | 8080 &ObjectReference{Kind:Pod,Namespace:${namespace},Name:deploy3-adminsrv-                                                                                                               |
    And the controller's log contains, in this order:
      | Replacing location "/" for server "_" with upstream "upstream-default-backend" to use upstream "${namespace}-svc1-web-80" (Ingress "${namespace}/ingress-1") |
      | Adding location "/guest" for server "_" with upstream "${namespace}-svc2-guest-8080" (Ingress "${namespace}/ingress-1")                                      |
      | Adding location "/admin" for server "_" with upstream "${namespace}-svc3-admin-8080" (Ingress "${namespace}/ingress-1")                                      |

  Scenario: The root path returns the web page
    # curl -s $MYIP:30080
    When the client requests "http://${control plane external address}:30080"
    Then the response status is 200
    And the response contains the text "<title>Welcome to nginx!</title>"

  Scenario: A hundred requests are spread over two Pods, fifty each
    # curl -s $MYIP:30080/guest
    When the client requests "http://${control plane external address}:30080/guest"
    Then the response is:
      """
      /Hello Kubernetes bootcamp! \| Running on: deploy2-guestsrv-[a-z0-9]+-[a-z0-9]+ \| v=1/
      """
    # for i in {1..100}; do curl -s $MYIP:30080/guest ; done | sort | uniq -c | sort -nr
    When the client requests "http://${control plane external address}:30080/guest" 100 times
    Then every response has the status 200
    And the responses are spread evenly over the Pods of "deploy2-guestsrv"

  Scenario: The echo server receives the client's address in a header
    # curl -s $MYIP:30080/admin
    When the client requests "http://${control plane external address}:30080/admin"
    Then the echo server is a Pod of "deploy3-adminsrv"
    And the echo server saw:
      | server_version  | nginx: 1.13.0 - lua: 10008                          |
      | client_address  | ${controller address}                               |
      | method          | GET                                                 |
      | real path       | /admin                                              |
      | query           |                                                     |
      | request_version | 1.1                                                 |
      | request_uri     | http://${control plane external address}:8080/admin |
    And the echo server saw exactly the headers:
      | accept             | */*                                     |
      | host               | ${control plane external address}:30080 |
      | user-agent         | curl/7.79.1                             |
      | x-forwarded-for    | ${client address}                       |
      | x-forwarded-host   | ${control plane external address}:30080 |
      | x-forwarded-port   | 80                                      |
      | x-forwarded-proto  | http                                    |
      | x-forwarded-scheme | http                                    |
      | x-real-ip          | ${client address}                       |
      | x-request-id       | /[0-9a-f]{32}/                          |
      | x-scheme           | http                                    |

  Scenario: A hundred requests are spread over three Pods: 34, 33 and 33
    # for i in {1..100}; do curl -s $MYIP:30080/admin | grep Hostname ; done | sort | uniq -c | sort -nr
    When the client requests "http://${control plane external address}:30080/admin" 100 times
    Then every response has the status 200
    And the responses are spread evenly over the Pods of "deploy3-adminsrv"

  Scenario: Requests to Pods on other nodes are tunnelled
    # tcpdump -i vetha126644e tcp port 8080 -w /tmp/ingress-nginx.pcap
    Given the Pod network is flannel with the backend "vxlan"
    And packets are captured on the link of the controller's Pod
    And packets are captured on the link of the node "${controller node}"
    # curl -s $MYIP:30080/admin
    When the client requests "http://${control plane external address}:30080/admin" 3 times
    Then on the Pod's link, the client opened a connection to port 80 of "${controller address}"
    And on the Pod's link, "${controller address}" exchanges data with each Pod of "deploy3-adminsrv" on port 8080
    And on the node's link, "${controller address}" exchanges data with each Pod of "deploy3-adminsrv" on port 8080, only in VXLAN to UDP port 8472 of the Pod's node

  Scenario: With the external traffic policy Local, the client's address is preserved and other nodes reject connections
    # curl -s $MYIP:30080/admin | egrep '(client_address|x-forwarded-for)'
    When the client requests "http://${control plane external address}:30080/admin"
    Then the echo server saw:
      | client_address  | ${controller address} |
      | x-forwarded-for | ${client address}     |
    And "${worker 1 external address}:30080" does not accept connections

  Scenario: With the external traffic policy Cluster, every node accepts requests and the client's address is lost
    # kubectl patch svc -n ingress ingress-nginx-controller -p '{"spec":{"externalTrafficPolicy": "Cluster"}}'
    When I run "kubectl patch svc -n ${controller namespace} ingress-nginx-controller -p '{"spec":{"externalTrafficPolicy": "Cluster"}}'"
    Then it prints "service/ingress-nginx-controller patched"
    # curl -s $MYIP:30080/admin | egrep '(client_address|x-forwarded-for)'
    And within 15 seconds, the echo server behind "http://${control plane external address}:30080/admin" sees:
      | client_address  | ${controller address}       |
      | x-forwarded-for | ${control plane masquerade} |
    And within 15 seconds, the echo server behind "http://${worker 1 external address}:30080/admin" sees:
      | client_address | ${controller address} |
