@load @rates @serial @own
Feature: Ten thousand Ingresses
  What a start of the controller and a change of one endpoint cost in a large cluster. The Ingresses are created before the
  controller is deployed, because its admission webhook would review each of them. Their addresses are not published.

  Scenario: The controller starts, and an endpoint changes
    Given 10000 Ingresses exist, each with a Service of 3 endpoints
    And a Service "shop" with 2 shared probe servers
    And an ingress controller with:
      | flag update-status | false |
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
    Then the controller served within 5 seconds of reading the cluster
    And within 10 seconds, requests are answered as follows:
      | URL                    | status |
      | http://shop.${domain}/ | 200    |
    When the client starts to make 100 requests a second to "http://shop.${domain}/"
    And the endpoint of the Service "shop" changes 200 times, and each time requests to "http://shop.${domain}/" reach the new one within 100 ms
    Then no request of the load run failed
