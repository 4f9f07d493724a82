@ingress-nginx
Feature: Load balancing
  Requests are distributed over the ready endpoints by exact round robin, independent of the client's connections.

  Background:
    Given an ingress controller
    And the objects of "manifests/echo.yaml"
    And these objects:
      """
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata:
        name: balancing
      spec:
        ingressClassName: ${ingress class}
        rules:
        - host: balancing.${domain}
          http:
            paths:
            - {path: /, pathType: Prefix, backend: {service: {name: echo, port: {number: 80}}}}
      """

  Scenario: Round robin
    When the client requests "http://balancing.${domain}/" 101 times
    Then every response has the status 200
    And the responses are spread evenly over the Pods of "echo"
    And the responses come in round-robin order from the Pods of "echo"
    When the client requests "http://balancing.${domain}/" 101 times over one connection
    Then every response has the status 200
    And the responses are spread evenly over the Pods of "echo"
    And the responses come in round-robin order from the Pods of "echo"

  Scenario: Endpoints are removed and added
    When these objects are applied:
      """
      apiVersion: v1
      kind: Service
      metadata:
        name: echo
      spec:
        selector: {app: none}
        ports:
        - {name: http, port: 80, targetPort: web}
      """
    Then within 10 seconds, requests are answered as follows:
      | URL                         | status |
      | http://balancing.${domain}/ | 503    |
    When the objects of "manifests/echo.yaml"
    Then within 10 seconds, requests are answered as follows:
      | URL                         | status |
      | http://balancing.${domain}/ | 200    |

  Scenario: An endpoint that is not ready receives no requests
    Given the objects of "manifests/next.yaml"
    And the objects of "manifests/probe.yaml"
    And these objects:
      """
      apiVersion: v1
      kind: Service
      metadata:
        name: manual
      spec:
        ports:
        - {name: http, port: 80, targetPort: 8080}
      ---
      apiVersion: discovery.k8s.io/v1
      kind: EndpointSlice
      metadata:
        name: manual
        labels: {kubernetes.io/service-name: manual}
      addressType: IPv4
      ports:
      - {name: http, port: 8080}
      endpoints:
      - {addresses: ["${address of next}"], conditions: {ready: true}}
      - {addresses: ["${address of probe}"], conditions: {ready: false}}
      ---
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata:
        name: manual
      spec:
        ingressClassName: ${ingress class}
        rules:
        - host: manual.${domain}
          http:
            paths:
            - {path: /, pathType: Prefix, backend: {service: {name: manual, port: {number: 80}}}}
      """
    When the client requests "http://manual.${domain}/" 20 times
    Then every response has the status 200
    And every response contains the text "1.13.1"

  @ingress-nginx @annotation:upstream-hash-by
  Scenario: upstream-hash-by sends requests of the same text to one Pod
    Given these objects:
      """
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata:
        name: hashed
        annotations: {nginx.ingress.kubernetes.io/upstream-hash-by: "$request_uri"}
      spec:
        ingressClassName: ${ingress class}
        rules:
        - host: hashed.${domain}
          http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: echo, port: {number: 80}}}}]}
      """
    When the client requests "http://hashed.${domain}/a" 20 times
    Then all responses come from one Pod of "echo"

  @ingress-nginx @annotation:service-upstream
  Scenario: service-upstream leaves the selection to the Service
    Given these objects:
      """
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata:
        name: service
        annotations: {nginx.ingress.kubernetes.io/service-upstream: "true"}
      spec:
        ingressClassName: ${ingress class}
        rules:
        - host: service.${domain}
          http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: echo, port: {number: 80}}}}]}
      """
    Then within 10 seconds, requests are answered as follows:
      | URL                       | status |
      | http://service.${domain}/ | 200    |

  @ingress-nginx @annotation:load-balance
  Scenario: Endpoints are selected by latency
    Given these objects:
      """
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata:
        name: latency
        annotations: {nginx.ingress.kubernetes.io/load-balance: ewma}
      spec:
        ingressClassName: ${ingress class}
        rules:
        - host: latency.${domain}
          http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: echo, port: {number: 80}}}}]}
      """
    When the client requests "http://latency.${domain}/" 20 times
    Then every response has the status 200
    And every response contains the text "server_version="
