@resilience @serial @ingress-nginx
Feature: Requests while Ingresses and Secrets change
  A change of the routing table must not affect requests for other routes.

  Background:
    Given an ingress controller

  Scenario: A certificate is replaced
    Given a Service "shop" with 2 shared probe servers
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
      | rate        | 50                      |
      | target      | https://shop.${domain}/ |
      | connections | new                     |
    And a TLS Secret "shop" with a certificate for "shop.${domain}, www.${domain}"
    Then within 10 seconds, the certificate served at "https://shop.${domain}/" is that of the Secret "shop"
    And no request of the load run failed
    When the client starts to make requests:
      | rate     | 300                     |
      | target   | https://shop.${domain}/ |
      | protocol | HTTP/2                  |
    And a TLS Secret "shop" with a certificate for "shop.${domain}"
    Then within 10 seconds, the certificate served at "https://shop.${domain}/" is that of the Secret "shop"
    And no request of the load run failed

  @annotation:canary-weight
  Scenario: A canary is raised in steps
    Given a Service "main" with 1 shared probe server
    And a Service "canary" with 1 shared probe server
    And these objects:
      """
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata:
        name: main
      spec:
        ingressClassName: ${ingress class}
        rules:
        - host: shop.${domain}
          http:
            paths:
            - {path: /, pathType: Prefix, backend: {service: {name: main, port: {number: 80}}}}
      ---
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata:
        name: canary
        annotations:
          nginx.ingress.kubernetes.io/canary: "true"
          nginx.ingress.kubernetes.io/canary-weight: "0"
      spec:
        ingressClassName: ${ingress class}
        rules:
        - host: shop.${domain}
          http:
            paths:
            - {path: /, pathType: Prefix, backend: {service: {name: canary, port: {number: 80}}}}
      """
    When the client starts to make 300 requests a second to "http://shop.${domain}/"
    And the load run continues for 1 second
    Then in the last 1 second, 0 % of the requests of the load run were answered by Pods of "canary"
    When the annotation "nginx.ingress.kubernetes.io/canary-weight" of the Ingress "canary" is set to "20"
    And the load run continues for 2 seconds
    Then in the last 1 second, 20 % of the requests of the load run were answered by Pods of "canary"
    When the annotation "nginx.ingress.kubernetes.io/canary-weight" of the Ingress "canary" is set to "100"
    And the load run continues for 2 seconds
    Then in the last 1 second, 100 % of the requests of the load run were answered by Pods of "canary"
    And no request of the load run failed

  Scenario: Two hundred other Ingresses are created and deleted
    Given a Service "shop" with 2 shared probe servers
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
    When the client starts to make 200 requests a second to "http://shop.${domain}/"
    And 200 copies of the Ingress "shop" are created and deleted
    Then no request of the load run failed
    And 99 % of the requests of the load run were answered within 1000 ms
