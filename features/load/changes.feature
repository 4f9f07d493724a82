@load @rates @serial @ingress-nginx
Feature: Changes at a thousand requests a second
  What features/resilience/ does at rates that any machine can serve, at a thousand requests a second, for longer and more often.
  No request may fail. `--load-scale` multiplies the rates.

  Scenario: A Deployment is rolled out three times
    Given an ingress controller
    And the objects of "../resilience/manifests/shop.yaml"
    When the client starts to make 1000 requests a second to "http://shop.${domain}/"
    And the Deployment "shop" is rolled out again
    And the Deployment "shop" is rolled out again
    And the Deployment "shop" is rolled out again
    And the load run continues for 1 second
    Then no request of the load run failed
    And every Pod of "shop" has answered requests of the load run

  Scenario: The routing table is replaced a thousand times
    Given an ingress controller
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
    When the client starts to make 1000 requests a second to "http://shop.${domain}/"
    And the endpoint of the Service "shop" changes 1000 times, and each time requests to "http://shop.${domain}/" reach the new one within 1000 ms
    Then no request of the load run failed
    And every Pod of "shop" has answered requests of the load run

  Scenario Outline: A certificate is replaced six times, connections: <connections>, protocol: <protocol>
    Given an ingress controller
    And a Service "shop" with 2 shared probe servers
    And a TLS Secret "shop" with a certificate for "shop.${domain}"
    And these objects:
      """
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata:
        name: shop
      spec:
        ingressClassName: ${ingress class}
        tls:
        - {hosts: ["shop.${domain}"], secretName: shop}
        rules:
        - host: shop.${domain}
          http:
            paths:
            - {path: /, pathType: Prefix, backend: {service: {name: shop, port: {number: 80}}}}
      """
    And within 10 seconds, the certificate served at "https://shop.${domain}/" is that of the Secret "shop"
    When the client starts to make requests:
      | rate        | 1000                    |
      | target      | https://shop.${domain}/ |
      | protocol    | <protocol>              |
      | connections | <connections>           |
    And a TLS Secret "shop" with a certificate for "shop.${domain}"
    And the load run continues for 0.5 seconds
    And a TLS Secret "shop" with a certificate for "shop.${domain}"
    And the load run continues for 0.5 seconds
    And a TLS Secret "shop" with a certificate for "shop.${domain}"
    And the load run continues for 0.5 seconds
    And a TLS Secret "shop" with a certificate for "shop.${domain}"
    And the load run continues for 0.5 seconds
    And a TLS Secret "shop" with a certificate for "shop.${domain}"
    And the load run continues for 0.5 seconds
    And a TLS Secret "shop" with a certificate for "shop.${domain}"
    Then within 10 seconds, the certificate served at "https://shop.${domain}/" is that of the Secret "shop"
    And no request of the load run failed

    Examples:
      | protocol | connections |
      | HTTP/1.1 | new         |
      | HTTP/2   | kept        |

  Scenario: The controller is rolled out
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
    When the client starts to make requests:
      | rate        | 1000                   |
      | target      | http://shop.${domain}/ |
      | connections | new                    |
    And the ingress controller is rolled out again
    And the load run continues for 2 seconds
    Then no request of the load run failed

  Scenario: The API server is away for a minute
    Given an ingress controller
    And the objects of "../resilience/manifests/shop.yaml"
    When the client starts to make 1000 requests a second to "http://shop.${domain}/"
    And the load run continues for 0.5 seconds
    And the API server is stopped
    And the load run continues for 60 seconds
    And the disruption ends
    And the annotation "nginx.ingress.kubernetes.io/permanent-redirect" of the Ingress "shop" is set to "http://moved.${domain}/"
    Then within 60 seconds, requests are answered as follows:
      | URL                    | status |
      | http://shop.${domain}/ | 301    |
    And no request of the load run failed
