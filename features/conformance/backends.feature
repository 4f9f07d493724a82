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
