@kubernetes
Feature: Load balancers
  A Service of type LoadBalancer has an address at which the client outside the cluster reaches it. One node announces the
  address; the external traffic policy decides which nodes can, and what source address the Pods see.

  Background:
    Given the cluster has at least 2 workers
    And these objects:
      """
      apiVersion: apps/v1
      kind: Deployment
      metadata: {name: echo}
      spec:
        replicas: 2
        selector:
          matchLabels: {app: echo}
        template:
          metadata:
            labels: {app: echo}
          spec:
            terminationGracePeriodSeconds: 0
            affinity:
              nodeAffinity:
                requiredDuringSchedulingIgnoredDuringExecution:
                  nodeSelectorTerms:
                  - matchExpressions:
                    - {key: kubernetes.io/hostname, operator: In, values: ["${worker 1}", "${worker 2}"]}
              podAntiAffinity:
                requiredDuringSchedulingIgnoredDuringExecution:
                - topologyKey: kubernetes.io/hostname
                  labelSelector:
                    matchLabels: {app: echo}
            containers:
            - name: echo
              image: testbed.local/backends:dev
              imagePullPolicy: IfNotPresent
              args: [echo]
              ports:
              - {name: web, containerPort: 8080}
              readinessProbe:
                tcpSocket: {port: web}
                periodSeconds: 1
      """

  Scenario: With the policy Cluster, Pods see the address of a node
    Given these objects:
      """
      apiVersion: v1
      kind: Service
      metadata: {name: echo}
      spec:
        type: LoadBalancer
        selector: {app: echo}
        ports: [{port: 80, targetPort: web}]
      """
    And the Service "echo" has a load balancer
    Then within 10 seconds, the echo server behind "http://${load balancer of echo}/" sees:
      | client_address | ${any node masquerade} |

  Scenario: With the policy Local, Pods see the address of the client, and nodes without Pods fail their health checks
    Given these objects:
      """
      apiVersion: v1
      kind: Service
      metadata: {name: echo}
      spec:
        type: LoadBalancer
        externalTrafficPolicy: Local
        selector: {app: echo}
        ports: [{port: 80, targetPort: web}]
      """
    And the Service "echo" has a load balancer
    Then within 10 seconds, the echo server behind "http://${load balancer of echo}/" sees:
      | client_address | ${client address} |
    And within 10 seconds, requests are answered as follows:
      | URL                                                                                  | status |
      | http://${worker 1 external address}:${health check port of echo}/healthz      | 200    |
      | http://${worker 2 external address}:${health check port of echo}/healthz      | 200    |
      | http://${control plane external address}:${health check port of echo}/healthz | 503    |

  Scenario: Another node takes over if the announcing node is disconnected
    Given these objects:
      """
      apiVersion: v1
      kind: Service
      metadata: {name: echo}
      spec:
        type: LoadBalancer
        externalTrafficPolicy: Local
        selector: {app: echo}
        ports: [{port: 80, targetPort: web}]
      """
    And the Service "echo" has a load balancer
    And within 10 seconds, the echo server behind "http://${load balancer of echo}/" sees:
      | client_address | ${client address} |
    When the node that announces the load balancer of "echo" is disconnected from the network
    Then within 30 seconds, the echo server behind "http://${load balancer of echo}/" sees:
      | client_address | ${client address} |

  Scenario: The ingress controller is reached at the ports 80 and 443 of a load balancer
    Given an ingress controller
    And these objects:
      """
      apiVersion: v1
      kind: Service
      metadata:
        name: public
        namespace: ${controller namespace}
      spec:
        type: LoadBalancer
        externalTrafficPolicy: Local
        selector:
          app.kubernetes.io/component: controller
          app.kubernetes.io/instance: ${controller instance}
        ports:
        - {name: http, port: 80, targetPort: http}
        - {name: https, port: 443, targetPort: https}
      ---
      apiVersion: v1
      kind: Service
      metadata: {name: echo}
      spec:
        selector: {app: echo}
        ports: [{port: 80, targetPort: web}]
      ---
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata: {name: echo}
      spec:
        ingressClassName: ${ingress class}
        rules:
        - host: public.${domain}
          http:
            paths:
            - {path: /, pathType: Prefix, backend: {service: {name: echo, port: {number: 80}}}}
      """
    And the Service "${controller namespace}/public" has a load balancer
    And the client's hosts file has:
      """
      ${load balancer of ${controller namespace}/public} public.${domain}
      """
    Then within 10 seconds, the echo server behind "http://public.${domain}/" sees:
      | x-forwarded-for   | ${client address} |
      | x-forwarded-proto | http              |
    And within 10 seconds, the echo server behind "https://public.${domain}/" sees:
      | x-forwarded-for   | ${client address} |
      | x-forwarded-proto | https             |
