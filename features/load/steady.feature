@load
Feature: A steady load
  Requests at a fixed rate, whatever the answers do. The rate is one that any machine can serve: the scenario is about
  requests that fail, not about a record.

  Scenario: No request fails
    Given an ingress controller
    And the objects of "../conformance/manifests/echo.yaml"
    And these objects:
      """
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata:
        name: load
      spec:
        ingressClassName: ${ingress class}
        rules:
        - host: load.${domain}
          http:
            paths:
            - {path: /, pathType: Prefix, backend: {service: {name: echo, port: {number: 80}}}}
      """
    When the client makes 200 requests a second to "http://load.${domain}/" for 2 seconds
    Then no request of the load failed
    And 99 % of the load was answered within 1000 ms
