@ingress-nginx
Feature: Canary releases
  A canary receives the requests of its host and path that its header, or else its cookie, or else its weight selects.

  Background:
    Given an ingress controller
    And a Service "echo" with 2 shared echo servers
    And a Service "next" with 1 shared echo server

  @annotation:canary @annotation:canary-by-header @annotation:canary-by-cookie @annotation:canary-weight
  Scenario: A header takes precedence over a cookie, and a cookie over the weight
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
        - host: other.${domain}
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
    Then the responses are split randomly by the text they contain:
      | text                | share |
      | server_version=echo | 50 %  |
      | server_version=next | 50 %  |
    When the client always sends the headers:
      | X-Canary | always |
    And the client requests "http://canary.${domain}/" 30 times
    Then every response contains the text "server_version=next"
    When the client requests "http://other.${domain}/" 30 times
    Then every response contains the text "server_version=echo"
    When the client always sends the headers:
      | X-Canary | never         |
      | Cookie   | canary=always |
    And the client requests "http://canary.${domain}/" 30 times
    Then every response contains the text "server_version=echo"
    When the client always sends the headers:
      | X-Canary | neither       |
      | Cookie   | canary=always |
    And the client requests "http://canary.${domain}/" 30 times
    Then every response contains the text "server_version=next"
    When the client always sends the headers:
      | Cookie | canary=never |
    And the client requests "http://canary.${domain}/" 30 times
    Then every response contains the text "server_version=echo"

  @annotation:canary-by-header-value
  Scenario: Selection by the value of a header
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
    Then the response contains the text "server_version=next"
    When the client requests "http://canary.${domain}/" with the header:
      | X-Region | always |
    Then the response contains the text "server_version=echo"
    When the client requests "http://canary.${domain}/"
    Then the response contains the text "server_version=echo"

  @annotation:canary-by-header @annotation:canary-by-cookie
  Scenario Outline: What headers and cookies select
    Given these objects:
      """
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata:
        name: main
      spec:
        ingressClassName: ${ingress class}
        rules:
        - host: selected.${domain}
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
          nginx.ingress.kubernetes.io/canary-by-header: X-Canary
          nginx.ingress.kubernetes.io/canary-by-cookie: canary
          nginx.ingress.kubernetes.io/canary-weight: "<weight>"
      spec:
        ingressClassName: ${ingress class}
        rules:
        - host: selected.${domain}
          http:
            paths:
            - {path: /, pathType: Prefix, backend: {service: {name: next, port: {number: 80}}}}
      """
    When the client always sends the headers:
      | X-Canary | <header> |
      | Cookie   | <cookie> |
    And the client requests "http://selected.${domain}/" 10 times
    Then every response contains the text "server_version=<Service>"

    Examples:
      | weight | header | cookie        | Service |
      | 0      | always | canary=never  | next    |
      | 100    | never  | canary=always | echo    |
      | 0      | other  | canary=always | next    |
      | 100    | other  | canary=never  | echo    |
      | 0      | other  | canary=other  | echo    |
      | 100    | other  | canary=other  | next    |
      | 0      | ALWAYS | other=always  | echo    |

  @annotation:canary-by-header-pattern
  Scenario Outline: Selection by a pattern of a header's value
    Given these objects:
      """
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata:
        name: main
      spec:
        ingressClassName: ${ingress class}
        rules:
        - host: chosen.${domain}
          http: {paths: [{path: "/", pathType: Prefix, backend: {service: {name: echo, port: {number: 80}}}}]}
      ---
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata:
        name: canary
        annotations:
          nginx.ingress.kubernetes.io/canary: "true"
          nginx.ingress.kubernetes.io/canary-by-header: X-Version
          nginx.ingress.kubernetes.io/canary-by-header-pattern: "^beta[0-9]"
      spec:
        ingressClassName: ${ingress class}
        rules:
        - host: chosen.${domain}
          http: {paths: [{path: "/", pathType: Prefix, backend: {service: {name: next, port: {number: 80}}}}]}
      """
    When the client requests "http://chosen.${domain}/" with the header:
      | X-Version | <version> |
    Then the response contains the text "server_version=<Service>"

    Examples:
      | version | Service |
      | beta2   | next    |
      | beta    | echo    |
      | always  | echo    |

  @annotation:canary-weight @annotation:canary-weight-total
  Scenario: The weight is a part of the total
    Given these objects:
      """
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata:
        name: main
      spec:
        ingressClassName: ${ingress class}
        rules:
        - host: chosen.${domain}
          http: {paths: [{path: "/", pathType: Prefix, backend: {service: {name: echo, port: {number: 80}}}}]}
      ---
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata:
        name: canary
        annotations:
          nginx.ingress.kubernetes.io/canary: "true"
          nginx.ingress.kubernetes.io/canary-weight: "10"
          nginx.ingress.kubernetes.io/canary-weight-total: "10"
      spec:
        ingressClassName: ${ingress class}
        rules:
        - host: chosen.${domain}
          http: {paths: [{path: "/", pathType: Prefix, backend: {service: {name: next, port: {number: 80}}}}]}
      """
    When the client requests "http://chosen.${domain}/" 30 times
    Then every response contains the text "server_version=next"

  @annotation:canary @annotation:canary-weight
  Scenario: A canary is for its own path
    Given these objects:
      """
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata:
        name: main
      spec:
        ingressClassName: ${ingress class}
        rules:
        - host: chosen.${domain}
          http: {paths: [{path: "/", pathType: Prefix, backend: {service: {name: echo, port: {number: 80}}}}]}
      ---
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata:
        name: other
      spec:
        ingressClassName: ${ingress class}
        rules:
        - host: chosen.${domain}
          http: {paths: [{path: "/other", pathType: Prefix, backend: {service: {name: echo, port: {number: 80}}}}]}
      ---
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata:
        name: canary
        annotations:
          nginx.ingress.kubernetes.io/canary: "true"
          nginx.ingress.kubernetes.io/canary-weight: "100"
      spec:
        ingressClassName: ${ingress class}
        rules:
        - host: chosen.${domain}
          http: {paths: [{path: "/", pathType: Prefix, backend: {service: {name: next, port: {number: 80}}}}]}
      """
    When the client requests "http://chosen.${domain}/" 10 times
    Then every response contains the text "server_version=next"
    When the client requests "http://chosen.${domain}/other" 10 times
    Then every response contains the text "server_version=echo"
