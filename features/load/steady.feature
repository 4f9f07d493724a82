@load
Feature: Steady load
  Requests are made at a constant rate, independent of the responses. Any machine can serve this rate: the scenario
  detects failed requests and does not measure the maximum throughput.

  Scenario: No request fails at a constant rate
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
    Then no request of the load run failed
    And 99 % of the requests of the load run were answered within 1000 ms
