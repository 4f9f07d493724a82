@ingress-nginx
Feature: Header fields and cookies
  Annotations add fields to replies and requests, and change what backends say about URLs and cookies.

  Background:
    Given an ingress controller
    And a Service "echo" with 2 shared echo servers

  @annotation:connection-proxy-header
  Scenario: connection-proxy-header sets the Connection that backends get
    Given these objects:
      """
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata:
        name: connection
        annotations:
          nginx.ingress.kubernetes.io/connection-proxy-header: "keep-alive"
      spec:
        ingressClassName: ${ingress class}
        rules:
        - host: connection.${domain}
          http: {paths: [{path: "/", pathType: Prefix, backend: {service: {name: echo, port: {number: 80}}}}]}
      """
    When the client requests "http://connection.${domain}/"
    Then the echo server saw:
      | connection | keep-alive |

  @protection @annotation:custom-headers
  Scenario: A ConfigMap of custom-headers that does not exist closes the paths
    Given these objects:
      """
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata:
        name: fields
        annotations:
          nginx.ingress.kubernetes.io/custom-headers: "${namespace}/missing"
      spec:
        ingressClassName: ${ingress class}
        rules:
        - host: fields.${domain}
          http: {paths: [{path: "/", pathType: Prefix, backend: {service: {name: echo, port: {number: 80}}}}]}
      """
    When the client requests "http://fields.${domain}/"
    Then the response status is 503
