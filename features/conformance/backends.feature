@ingress-nginx
Feature: Protocols of backends
  Annotations set the protocol of backends.

  Background:
    Given an ingress controller
    And a Service "echo" with 2 shared echo servers

  @annotation:proxy-http-version
  Scenario: Requests are forwarded in HTTP/1.0
    Given these objects:
      """
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata:
        name: old
        annotations:
          nginx.ingress.kubernetes.io/proxy-http-version: "1.0"
      spec:
        ingressClassName: ${ingress class}
        rules:
        - host: old.${domain}
          http:
            paths:
            - {path: /, pathType: Prefix, backend: {service: {name: echo, port: {number: 80}}}}
      ---
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata:
        name: new
      spec:
        ingressClassName: ${ingress class}
        rules:
        - host: new.${domain}
          http:
            paths:
            - {path: /, pathType: Prefix, backend: {service: {name: echo, port: {number: 80}}}}
      """
    When the client requests "http://old.${domain}/"
    Then the response status is 200
    And the echo server saw:
      | request_version | 1.0   |
      | connection      | close |
    When the client requests "http://new.${domain}/"
    Then the response status is 200
    And the echo server saw:
      | request_version | 1.1   |
    And the echo server saw no header "connection"

  # The server speaks HTTP in plain text on port 8080, and over TLS on port 8443.
  @annotation:backend-protocol
  Scenario Outline: What backends speak: <protocol>
    Given a Service "extra" with 1 shared extra server
    And these objects:
      """
      apiVersion: v1
      kind: Service
      metadata: {name: speaking}
      spec:
        ports: [{name: web, port: 80, targetPort: <port>}]
      ---
      apiVersion: discovery.k8s.io/v1
      kind: EndpointSlice
      metadata:
        name: speaking
        labels: {kubernetes.io/service-name: speaking}
      addressType: IPv4
      ports: [{name: web, port: <port>}]
      endpoints:
      - {addresses: ["${address of extra}"], conditions: {ready: true, serving: true, terminating: false}}
      ---
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata:
        name: speaking
        annotations:
          nginx.ingress.kubernetes.io/backend-protocol: <protocol>
      spec:
        ingressClassName: ${ingress class}
        rules:
        - host: speaking.${domain}
          http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: speaking, port: {number: 80}}}}]}
      """
    When the client requests "http://speaking.${domain}/"
    Then the response contains the text "<text>"

    Examples:
      | protocol | port | text               |
      | HTTP     | 8080 | "proto":"HTTP/1.1" |
      | HTTPS    | 8443 | "tls":"TLS 1.3"    |
      | GRPC     | 8080 | "proto":"HTTP/2.0" |
      | GRPCS    | 8443 | "proto":"HTTP/2.0" |
