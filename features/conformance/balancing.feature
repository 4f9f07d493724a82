Feature: Balancing
  Requests go to the endpoints in turn, exactly, whatever connections they come on.

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
    And the responses come evenly from the Pods of "echo"
    And the responses come in turn from the Pods of "echo"
    When the client requests "http://balancing.${domain}/" 101 times over one connection
    Then every response has the status 200
    And the responses come evenly from the Pods of "echo"
    And the responses come in turn from the Pods of "echo"

  Scenario: Endpoints that come and go
    When these objects are applied:
      """
      apiVersion: v1
      kind: Service
      metadata:
        name: echo
      spec:
        selector: {app: nobody}
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

  Scenario: An endpoint that is not ready gets no requests
    Given the objects of "manifests/next.yaml"
    And the objects of "manifests/probe.yaml"
    And these objects:
      """
      apiVersion: v1
      kind: Service
      metadata:
        name: by-hand
      spec:
        ports:
        - {name: http, port: 80, targetPort: 8080}
      ---
      apiVersion: discovery.k8s.io/v1
      kind: EndpointSlice
      metadata:
        name: by-hand
        labels: {kubernetes.io/service-name: by-hand}
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
        name: by-hand
      spec:
        ingressClassName: ${ingress class}
        rules:
        - host: by-hand.${domain}
          http:
            paths:
            - {path: /, pathType: Prefix, backend: {service: {name: by-hand, port: {number: 80}}}}
      """
    When the client requests "http://by-hand.${domain}/" 20 times
    Then every response has the status 200
    And every response has the text "1.13.1"
