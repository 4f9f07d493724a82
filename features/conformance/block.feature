@ingress-nginx @protection
Feature: Requests that are refused everywhere
  Keys of the ConfigMap refuse requests by their address, User-Agent and Referer, whatever their host.

  Background:
    Given a Service "echo" with 1 shared echo server
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
          http: {paths: [{path: "/", pathType: Prefix, backend: {service: {name: echo, port: {number: 80}}}}]}
      """

  Scenario: User agents
    Given an ingress controller with:
      | config block-user-agents | ~*scraper |
    When the client requests "http://shop.${domain}/" with the headers:
      | User-Agent | A Scraper |
    Then the response status is 403
    When the client requests "http://shop.${domain}/" with the headers:
      | User-Agent | A browser |
    Then the response status is 200

  Scenario: Referers
    Given an ingress controller with:
      | config block-referers | https://bad.example.test/ |
    When the client requests "http://shop.${domain}/" with the headers:
      | Referer | https://bad.example.test/ |
    Then the response status is 403
    When the client requests "http://shop.${domain}/"
    Then the response status is 200

  Scenario: Addresses
    Given an ingress controller with:
      | config block-cidrs | ${client address}/32 |
    When the client requests "http://shop.${domain}/"
    Then the response status is 403
