Feature: Canary
  A canary gets the requests that its header, then its cookie, then its weight give it, on its own host and path alone.

  Background:
    Given an ingress controller
    And the objects of "manifests/echo.yaml"
    And the objects of "manifests/next.yaml"

  Scenario: Header and cookie come before the weight
    Given these objects:
      """
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata:
        name: main
      spec:
        ingressClassName: ${ingress class}
        rules:
        - host: canary.${domain}
          http: &main
            paths:
            - {path: /, pathType: Prefix, backend: {service: {name: echo, port: {number: 80}}}}
        - host: beside.${domain}
          http: *main
      ---
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata:
        name: canary
        annotations:
          nginx.ingress.kubernetes.io/canary: "true"
          nginx.ingress.kubernetes.io/canary-by-header: X-Canary
          nginx.ingress.kubernetes.io/canary-by-cookie: canary
          nginx.ingress.kubernetes.io/canary-weight: "50"
      spec:
        ingressClassName: ${ingress class}
        rules:
        - host: canary.${domain}
          http:
            paths:
            - {path: /, pathType: Prefix, backend: {service: {name: next, port: {number: 80}}}}
      """
    When the client requests "http://canary.${domain}/" 400 times
    Then the responses are split at random by the text they have:
      | text   | share |
      | 1.13.0 | 50 %  |
      | 1.13.1 | 50 %  |
    When the client always sends the headers:
      | X-Canary | always |
    And the client requests "http://canary.${domain}/" 30 times
    Then every response has the text "1.13.1"
    When the client requests "http://beside.${domain}/" 30 times
    Then every response has the text "1.13.0"
    When the client always sends the headers:
      | X-Canary | never         |
      | Cookie   | canary=always |
    And the client requests "http://canary.${domain}/" 30 times
    Then every response has the text "1.13.0"
    When the client always sends the headers:
      | X-Canary | neither       |
      | Cookie   | canary=always |
    And the client requests "http://canary.${domain}/" 30 times
    Then every response has the text "1.13.1"
    When the client always sends the headers:
      | Cookie | canary=never |
    And the client requests "http://canary.${domain}/" 30 times
    Then every response has the text "1.13.0"

  Scenario: A header's value
    Given these objects:
      """
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata:
        name: main
      spec:
        ingressClassName: ${ingress class}
        rules:
        - host: canary.${domain}
          http:
            paths:
            - {path: /, pathType: Prefix, backend: {service: {name: echo, port: {number: 80}}}}
      ---
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
        - host: canary.${domain}
          http:
            paths:
            - {path: /, pathType: Prefix, backend: {service: {name: next, port: {number: 80}}}}
      """
    When the client requests "http://canary.${domain}/" with the header:
      | X-Region | north |
    Then the response has the text "1.13.1"
    When the client requests "http://canary.${domain}/" with the header:
      | X-Region | always |
    Then the response has the text "1.13.0"
    When the client requests "http://canary.${domain}/"
    Then the response has the text "1.13.0"
