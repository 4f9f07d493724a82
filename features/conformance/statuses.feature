@ingress-nginx
Feature: Statuses of backends
  The replies of backends, including errors, reach the client unchanged.

  Background:
    Given an ingress controller
    And a Service "probe" with 1 shared probe server
    And these objects:
      """
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata:
        name: statuses
      spec:
        ingressClassName: ${ingress class}
        rules:
        - host: statuses.${domain}
          http:
            paths:
            - {path: /, pathType: Prefix, backend: {service: {name: probe, port: {number: 80}}}}
      """

  Scenario Outline: A status is forwarded
    When the client requests "http://statuses.${domain}/status/<status>"
    Then the response status is <status>

    Examples:
      | status |
      | 200    |
      | 201    |
      | 202    |
      | 204    |
      | 206    |
      | 301    |
      | 302    |
      | 303    |
      | 304    |
      | 307    |
      | 308    |
      | 400    |
      | 401    |
      | 403    |
      | 404    |
      | 405    |
      | 409    |
      | 410    |
      | 413    |
      | 418    |
      | 422    |
      | 429    |
      | 500    |
      | 501    |
      | 502    |
      | 503    |
      | 504    |
