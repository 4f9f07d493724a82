@ingress-nginx
Feature: Rewriting of paths
  rewrite-target changes the path that backends receive, and with use-regex the paths of rules are regular expressions.

  Background:
    Given an ingress controller
    And a Service "echo" with 2 shared echo servers
    And a Service "next" with 1 shared echo server

  @annotation:rewrite-target
  Scenario Outline: Groups of the rule's path fill in the target
    Given these objects:
      """
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata:
        name: rewrite
        annotations:
          nginx.ingress.kubernetes.io/use-regex: "true"
          nginx.ingress.kubernetes.io/rewrite-target: /$2
      spec:
        ingressClassName: ${ingress class}
        rules:
        - host: rewrite.${domain}
          http: {paths: [{path: "/api(/|$)(.*)", pathType: ImplementationSpecific, backend: {service: {name: echo, port: {number: 80}}}}]}
      """
    When the client requests "http://rewrite.${domain}<path>"
    Then the response status is 200
    And the echo server saw:
      | real path | <seen> |

    Examples:
      | path         | seen     |
      | /api         | /        |
      | /api/        | /        |
      | /api/x/y?q=1 | /x/y?q=1 |
      | /api/a%20b   | /a%20b   |
      | /api/a%2Fb   | /a/b     |
      | /api//x      | /x       |
      | /API/x       | /x       |

  @annotation:rewrite-target
  Scenario: A path that the expression doesn't match is not found
    Given these objects:
      """
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata:
        name: rewrite
        annotations: {nginx.ingress.kubernetes.io/rewrite-target: /$2}
      spec:
        ingressClassName: ${ingress class}
        rules:
        - host: rewrite.${domain}
          http: {paths: [{path: "/api(/|$)(.*)", pathType: ImplementationSpecific, backend: {service: {name: echo, port: {number: 80}}}}]}
      """
    When the client requests "http://rewrite.${domain}/apix"
    Then the response status is 404

  @annotation:rewrite-target
  Scenario: A target without groups replaces the whole path
    Given these objects:
      """
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata:
        name: rewrite
        annotations: {nginx.ingress.kubernetes.io/rewrite-target: /}
      spec:
        ingressClassName: ${ingress class}
        rules:
        - host: rewrite.${domain}
          http: {paths: [{path: /app, pathType: Prefix, backend: {service: {name: echo, port: {number: 80}}}}]}
      """
    When the client requests "http://rewrite.${domain}/app/x?q=1"
    Then the echo server saw:
      | real path | /?q=1 |

  @annotation:use-regex
  Scenario: Of two expressions that match, the longer one wins
    Given these objects:
      """
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata:
        name: regex
        annotations: {nginx.ingress.kubernetes.io/use-regex: "true"}
      spec:
        ingressClassName: ${ingress class}
        rules:
        - host: regex.${domain}
          http:
            paths:
            - {path: "/.*", pathType: ImplementationSpecific, backend: {service: {name: echo, port: {number: 80}}}}
            - {path: "/[a-z]+/.*", pathType: ImplementationSpecific, backend: {service: {name: next, port: {number: 80}}}}
      """
    When the client requests "http://regex.${domain}/abc/1"
    Then every response contains the text "server_version=next"
    When the client requests "http://regex.${domain}/1/1"
    Then every response contains the text "server_version=echo"

  @annotation:use-regex
  Scenario Outline: A negative lookahead excludes paths: <path>
    Given these objects:
      """
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata:
        name: most
        annotations:
          nginx.ingress.kubernetes.io/use-regex: "true"
          nginx.ingress.kubernetes.io/rewrite-target: /most/$1
      spec:
        ingressClassName: ${ingress class}
        rules:
        - host: lookahead.${domain}
          http:
            paths:
            - {path: "/(?!api/|admin$)(.*)", pathType: ImplementationSpecific, backend: {service: {name: echo, port: {number: 80}}}}
      """
    When the client requests "http://lookahead.${domain}<path>"
    Then the response status is <status>

    Examples:
      | path      | status |
      | /shop/1   | 200    |
      | /apis     | 200    |
      | /admin/x  | 200    |
      | /api/v1   | 404    |
      | /API/v1   | 404    |
      | /admin    | 404    |

  @own @annotation:use-regex
  Scenario Outline: Regular expressions of one Ingress leave paths of another as they are
    Given these objects:
      """
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata:
        name: regex
        annotations: {nginx.ingress.kubernetes.io/use-regex: "true"}
      spec:
        ingressClassName: ${ingress class}
        rules:
        - host: mixed.${domain}
          http: {paths: [{path: "/rx/.*", pathType: ImplementationSpecific, backend: {service: {name: echo, port: {number: 80}}}}]}
      """
    And these objects:
      """
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata: {name: plain}
      spec:
        ingressClassName: ${ingress class}
        rules:
        - host: mixed.${domain}
          http: {paths: [{path: /exact, pathType: Exact, backend: {service: {name: next, port: {number: 80}}}}]}
      """
    When the client requests "http://mixed.${domain}<path>"
    Then the response status is <status>

    Examples:
      | path     | status |
      | /exact   | 200    |
      | /exactly | 404    |
      | /EXACT   | 404    |
      | /RX/1    | 200    |

  @annotation:x-forwarded-prefix
  Scenario: x-forwarded-prefix sets a header with the prefix that was removed
    Given these objects:
      """
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata:
        name: prefix
        annotations:
          nginx.ingress.kubernetes.io/rewrite-target: /$1
          nginx.ingress.kubernetes.io/x-forwarded-prefix: /app
      spec:
        ingressClassName: ${ingress class}
        rules:
        - host: prefix.${domain}
          http: {paths: [{path: "/app/(.*)", pathType: ImplementationSpecific, backend: {service: {name: echo, port: {number: 80}}}}]}
      """
    When the client requests "http://prefix.${domain}/app/x"
    Then the echo server saw:
      | real path          | /x   |
      | x-forwarded-prefix | /app |
