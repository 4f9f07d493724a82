@walkthrough
Feature: A canary release, step by step
  A shop releases its second version in the steps that the documentation of ingress-nginx describes under "Canary"
  (https://kubernetes.github.io/ingress-nginx/user-guide/nginx-configuration/annotations/#canary): first for testers by a
  header, then for a region by the value of a header, then for customers who have agreed by a cookie, then for a share of all
  requests, and at last for all. The shop's own Ingress stays as it is; only that of the canary changes.

  Background:
    Given an ingress controller
    And a Service "shop-v1" with 2 shared echo servers
    And a Service "shop-v2" with 1 shared echo server
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
            - {path: /, pathType: Prefix, backend: {service: {name: shop-v1, port: {number: 80}}}}
      """

  Scenario: Before the release, version 1 serves all requests
    When the client requests "http://shop.${domain}/" 40 times
    Then every response contains the text "server_version=shop-v1"

  Scenario: Step 1: testers choose version 2 by a header
    # Its values always and never decide. Any other leaves the decision to the next rule, and there is none yet.
    Given these objects:
      """
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata:
        name: canary
        annotations:
          nginx.ingress.kubernetes.io/canary: "true"
          nginx.ingress.kubernetes.io/canary-by-header: X-Preview
      spec:
        ingressClassName: ${ingress class}
        rules:
        - host: shop.${domain}
          http:
            paths:
            - {path: /, pathType: Prefix, backend: {service: {name: shop-v2, port: {number: 80}}}}
      """
    When the client requests "http://shop.${domain}/" 40 times
    Then every response contains the text "server_version=shop-v1"
    When the client requests "http://shop.${domain}/" with the header:
      | X-Preview | always |
    Then the response contains the text "server_version=shop-v2"
    When the client requests "http://shop.${domain}/" with the header:
      | X-Preview | never |
    Then the response contains the text "server_version=shop-v1"
    When the client requests "http://shop.${domain}/" with the header:
      | X-Preview | perhaps |
    Then the response contains the text "server_version=shop-v1"

  Scenario: Step 2: the value of a header selects a region
    # With canary-by-header-value, always and never are values like any other.
    Given the Ingress "canary" is deleted
    And these objects:
      """
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata:
        name: canary
        annotations:
          nginx.ingress.kubernetes.io/canary: "true"
          nginx.ingress.kubernetes.io/canary-by-header: X-Region
          nginx.ingress.kubernetes.io/canary-by-header-value: north
      spec:
        ingressClassName: ${ingress class}
        rules:
        - host: shop.${domain}
          http:
            paths:
            - {path: /, pathType: Prefix, backend: {service: {name: shop-v2, port: {number: 80}}}}
      """
    When the client requests "http://shop.${domain}/" with the header:
      | X-Region | north |
    Then the response contains the text "server_version=shop-v2"
    When the client requests "http://shop.${domain}/" with the header:
      | X-Region | south |
    Then the response contains the text "server_version=shop-v1"
    When the client requests "http://shop.${domain}/" with the header:
      | X-Region | always |
    Then the response contains the text "server_version=shop-v1"

  Scenario: Step 3: a cookie marks the customers who have agreed
    Given the Ingress "canary" is deleted
    And these objects:
      """
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata:
        name: canary
        annotations:
          nginx.ingress.kubernetes.io/canary: "true"
          nginx.ingress.kubernetes.io/canary-by-cookie: preview
      spec:
        ingressClassName: ${ingress class}
        rules:
        - host: shop.${domain}
          http:
            paths:
            - {path: /, pathType: Prefix, backend: {service: {name: shop-v2, port: {number: 80}}}}
      """
    When the client requests "http://shop.${domain}/" with the cookie "preview=always"
    Then the response contains the text "server_version=shop-v2"
    When the client requests "http://shop.${domain}/" with the cookie "preview=never"
    Then the response contains the text "server_version=shop-v1"
    # The application can use the cookie for itself, since other values decide nothing.
    When the client requests "http://shop.${domain}/" with the cookie "preview=yes"
    Then the response contains the text "server_version=shop-v1"

  Scenario: Step 4: version 2 serves a fifth of all requests
    # Chance decides about each request, so that 500 rarely split into exactly 400 and 100. The test under the chart says
    # which numbers are plausible.
    Given the Ingress "canary" is deleted
    And these objects:
      """
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata:
        name: canary
        annotations:
          nginx.ingress.kubernetes.io/canary: "true"
          nginx.ingress.kubernetes.io/canary-by-header: X-Preview
          nginx.ingress.kubernetes.io/canary-by-cookie: preview
          nginx.ingress.kubernetes.io/canary-weight: "20"
      spec:
        ingressClassName: ${ingress class}
        rules:
        - host: shop.${domain}
          http:
            paths:
            - {path: /, pathType: Prefix, backend: {service: {name: shop-v2, port: {number: 80}}}}
      """
    When the client requests "http://shop.${domain}/" 500 times
    Then every response has the status 200
    And the responses are split randomly by the text they contain:
      | text                   | share |
      | server_version=shop-v1 | 80 %  |
      | server_version=shop-v2 | 20 %  |

  Scenario Outline: A header decides before a cookie, and a cookie before the weight
    When the client always sends the headers:
      | X-Preview | <header>         |
      | Cookie    | preview=<cookie> |
    And the client requests "http://shop.${domain}/" 30 times
    Then every response contains the text "server_version=<Service>"

    Examples:
      | header | cookie | Service |
      | always | never  | shop-v2 |
      | never  | always | shop-v1 |
      | other  | always | shop-v2 |
      | other  | never  | shop-v1 |

  Scenario: Step 5: half of the requests
    Given the Ingress "canary" is deleted
    And these objects:
      """
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata:
        name: canary
        annotations:
          nginx.ingress.kubernetes.io/canary: "true"
          nginx.ingress.kubernetes.io/canary-by-header: X-Preview
          nginx.ingress.kubernetes.io/canary-by-cookie: preview
          nginx.ingress.kubernetes.io/canary-weight: "50"
      spec:
        ingressClassName: ${ingress class}
        rules:
        - host: shop.${domain}
          http:
            paths:
            - {path: /, pathType: Prefix, backend: {service: {name: shop-v2, port: {number: 80}}}}
      """
    When the client requests "http://shop.${domain}/" 500 times
    Then the responses are split randomly by the text they contain:
      | text                   | share |
      | server_version=shop-v1 | 50 %  |
      | server_version=shop-v2 | 50 %  |

  Scenario: Step 6: all requests, except for clients that refuse
    Given the Ingress "canary" is deleted
    And these objects:
      """
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata:
        name: canary
        annotations:
          nginx.ingress.kubernetes.io/canary: "true"
          nginx.ingress.kubernetes.io/canary-by-header: X-Preview
          nginx.ingress.kubernetes.io/canary-by-cookie: preview
          nginx.ingress.kubernetes.io/canary-weight: "100"
      spec:
        ingressClassName: ${ingress class}
        rules:
        - host: shop.${domain}
          http:
            paths:
            - {path: /, pathType: Prefix, backend: {service: {name: shop-v2, port: {number: 80}}}}
      """
    When the client requests "http://shop.${domain}/" 40 times
    Then every response contains the text "server_version=shop-v2"
    When the client requests "http://shop.${domain}/" with the cookie "preview=never"
    Then the response contains the text "server_version=shop-v1"

  Scenario: The way back is to delete the canary
    When the Ingress "canary" is deleted
    Then within 10 seconds, requests are answered as follows:
      | URL                    | status | text                   |
      | http://shop.${domain}/ | 200    | server_version=shop-v1 |
    When the client requests "http://shop.${domain}/" 40 times
    Then every response contains the text "server_version=shop-v1"
