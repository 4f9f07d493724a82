@ingress-nginx
Feature: Error responses
  The status identifies the error: no matching rule, no endpoint, a refused connection, or a timeout.

  Background:
    Given an ingress controller
    And the objects of "manifests/probe.yaml"
    And these objects:
      """
      apiVersion: v1
      kind: Service
      metadata: {name: empty}
      spec:
        selector: {app: none}
        ports: [{port: 80}]
      ---
      apiVersion: v1
      kind: Service
      metadata: {name: refusing}
      spec:
        selector: {app: probe}
        ports: [{port: 80, targetPort: 9}]
      ---
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata:
        name: errors
        annotations:
          nginx.ingress.kubernetes.io/proxy-read-timeout: "1"
      spec:
        ingressClassName: ${ingress class}
        rules:
        - host: errors.${domain}
          http:
            paths:
            - {path: /missing, pathType: Prefix, backend: {service: {name: missing, port: {number: 80}}}}
            - {path: /empty, pathType: Prefix, backend: {service: {name: empty, port: {number: 80}}}}
            - {path: /refusing, pathType: Prefix, backend: {service: {name: refusing, port: {number: 80}}}}
            - {path: /delay, pathType: Prefix, backend: {service: {name: probe, port: {number: 80}}}}
            - {path: /status, pathType: Prefix, backend: {service: {name: probe, port: {number: 80}}}}
            - {path: /abort, pathType: Prefix, backend: {service: {name: probe, port: {number: 80}}}}
      """

  Scenario: Each error has its own status
    Then requests are answered as follows:
      | URL                               | status |
      | http://errors.${domain}/nothing   | 404    |
      | http://errors.${domain}/missing   | 503    |
      | http://errors.${domain}/empty     | 503    |
      | http://errors.${domain}/refusing  | 502    |
      | http://errors.${domain}/abort     | 502    |
      | http://errors.${domain}/delay/10s | 504    |

  @annotation:proxy-body-size
  Scenario Outline: A request body above the limit is rejected: <body>
    Given these objects:
      """
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata:
        name: limited
        annotations:
          nginx.ingress.kubernetes.io/proxy-body-size: "10"
      spec:
        ingressClassName: ${ingress class}
        rules:
        - host: limited.${domain}
          http: {paths: [{path: /upload, pathType: Prefix, backend: {service: {name: probe, port: {number: 80}}}}]}
      """
    When the client sends POST "http://limited.${domain}/upload" with the body:
      """
      <body>
      """
    Then the response status is <status>

    Examples:
      | body        | status |
      | 1234567890  | 200    |
      | 12345678901 | 413    |
