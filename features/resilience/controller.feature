@resilience @serial @ingress-nginx
Feature: Requests while the controller is replaced
  With two Pods of the controller, one of them can be replaced without a failed request. If a Pod is killed, the requests on its
  connections fail, and so do those that nodes send to it until their rules are updated.

  Background:
    Given an ingress controller with:
      | replicas                | 2       |
      | external traffic policy | Cluster |
    And a Service "shop" with 2 shared probe servers
    And these objects:
      """
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata:
        name: shop
      spec:
        ingressClassName: ${ingress class}
        rules:
        - host: shop.${domain}
          http:
            paths:
            - {path: /, pathType: Prefix, backend: {service: {name: shop, port: {number: 80}}}}
      """

  Scenario: The controller is rolled out
    When the client starts to make requests:
      | rate        | 100                    |
      | target      | http://shop.${domain}/ |
      | connections | new                    |
    And the ingress controller is rolled out again
    And the load run continues for 2 seconds
    Then no request of the load run failed

  # A server may close an idle connection while a request is on its way (RFC 9112 section 9.5): at most one request on each of
  # the client's connections, about four here.
  Scenario: The controller is rolled out, and the client keeps its connections
    When the client starts to make 200 requests a second to "http://shop.${domain}/delay/20ms"
    And the ingress controller is rolled out again
    And the load run continues for 2 seconds
    Then at most 5 requests of the load run failed

  Scenario: A Pod of the controller is killed
    When the client starts to make requests:
      | rate        | 100                    |
      | target      | http://shop.${domain}/ |
      | connections | new                    |
    And the load run continues for 0.5 seconds
    And a Pod of the ingress controller is killed
    And the load run continues for 6 seconds
    Then at most 200 requests of the load run failed
    And no request of the load run failed that was due more than 2000 ms after the last change
