@ingress-nginx
Feature: Canary releases
  A canary receives the requests of its host and path that its header, or else its cookie, or else its weight selects.

  Background:
    Given an ingress controller
    And a Service "echo" with 2 shared echo servers
    And a Service "next" with 1 shared echo server

  @annotation:canary @annotation:canary-weight
  Scenario: The weight is the share of the requests
    Given these objects:
      """
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata: {name: main}
      spec:
        ingressClassName: ${ingress class}
        rules:
        - host: canary.${domain}
          http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: echo, port: {number: 80}}}}]}
      ---
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata:
        name: canary
        annotations:
          nginx.ingress.kubernetes.io/canary: "true"
          nginx.ingress.kubernetes.io/canary-weight: "50"
      spec:
        ingressClassName: ${ingress class}
        rules:
        - host: canary.${domain}
          http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: next, port: {number: 80}}}}]}
      """
    When the client requests "http://canary.${domain}/" 400 times
    Then the responses are split randomly by the text they contain:
      | text                | share |
      | server_version=echo | 50 %  |
      | server_version=next | 50 %  |

  @annotation:canary-by-header-value
  Scenario Outline: Selection by the value of a header: <value>
    Given these objects:
      """
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata: {name: main}
      spec:
        ingressClassName: ${ingress class}
        rules:
        - host: value.${domain}
          http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: echo, port: {number: 80}}}}]}
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
        - host: value.${domain}
          http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: next, port: {number: 80}}}}]}
      """
    When the client requests "http://value.${domain}/" with the headers:
      | X-Region | <value> |
    Then the response contains the text "server_version=<Service>"

    Examples:
      | value  | Service |
      | north  | next    |
      | south  | echo    |
      | always | echo    |

  @annotation:canary-by-header @annotation:canary-by-cookie
  Scenario Outline: A header takes precedence over a cookie, and a cookie over the weight
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

  @annotation:canary
  Scenario: A canary leaves another host with another Service alone
    Given a Service "third" with 1 shared echo server
    And these objects:
      """
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata: {name: main}
      spec:
        ingressClassName: ${ingress class}
        rules:
        - host: canary.${domain}
          http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: echo, port: {number: 80}}}}]}
      ---
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata: {name: beside}
      spec:
        ingressClassName: ${ingress class}
        rules:
        - host: beside.${domain}
          http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: third, port: {number: 80}}}}]}
      ---
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata:
        name: canary
        annotations:
          nginx.ingress.kubernetes.io/canary: "true"
          nginx.ingress.kubernetes.io/canary-by-header: X-Canary
      spec:
        ingressClassName: ${ingress class}
        rules:
        - host: canary.${domain}
          http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: next, port: {number: 80}}}}]}
      """
    When the client always sends the headers:
      | X-Canary | always |
    And the client requests "http://beside.${domain}/" 30 times
    Then every response contains the text "server_version=third"

  # In ingress-nginx, a canary gets the requests for all hosts and paths that have the Service of the path it names.
  @own @annotation:canary
  Scenario Outline: A canary leaves alone what has the same Service: <what>
    Given these objects:
      """
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata: {name: main}
      spec:
        ingressClassName: ${ingress class}
        rules:
        - host: canary.${domain}
          http:
            paths:
            - {path: /, pathType: Prefix, backend: {service: {name: echo, port: {number: 80}}}}
            - {path: /beside, pathType: Prefix, backend: {service: {name: echo, port: {number: 80}}}}
        - host: beside.${domain}
          http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: echo, port: {number: 80}}}}]}
      ---
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata:
        name: canary
        annotations:
          nginx.ingress.kubernetes.io/canary: "true"
          nginx.ingress.kubernetes.io/canary-by-header: X-Canary
      spec:
        ingressClassName: ${ingress class}
        rules:
        - host: canary.${domain}
          http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: next, port: {number: 80}}}}]}
      """
    When the client always sends the headers:
      | X-Canary | always |
    And the client requests "http://<host>.${domain}<path>" 30 times
    Then every response contains the text "server_version=echo"

    Examples:
      | what         | host   | path    |
      | another host | beside | /       |
      | another path | canary | /beside |

  @annotation:canary
  Scenario Outline: A canary without endpoints leaves its requests to the main Ingress: <Service>, <annotation>
    Given these objects, without waiting until they are ready:
      """
      apiVersion: v1
      kind: Service
      metadata: {name: empty}
      spec:
        selector: {app: none}
        ports: [{port: 80}]
      """
    And these objects:
      """
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata: {name: main}
      spec:
        ingressClassName: ${ingress class}
        rules:
        - host: canary.${domain}
          http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: echo, port: {number: 80}}}}]}
      ---
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata:
        name: canary
        annotations:
          nginx.ingress.kubernetes.io/canary: "true"
          nginx.ingress.kubernetes.io/<annotation>: "<value>"
      spec:
        ingressClassName: ${ingress class}
        rules:
        - host: canary.${domain}
          http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: <Service>, port: {number: 80}}}}]}
      """
    When the client always sends the headers:
      | X-Canary | always |
    And the client requests "http://canary.${domain}/" 20 times
    Then every response contains the text "server_version=echo"

    Examples:
      | Service | annotation       | value    |
      | empty   | canary-weight    | 100      |
      | empty   | canary-by-header | X-Canary |
      | missing | canary-weight    | 100      |
      | missing | canary-by-header | X-Canary |

  # ingress-nginx answers 503: it looks at the main Service first.
  @own @annotation:canary
  Scenario: A canary gets its requests also while the main Service has no endpoints
    Given these objects, without waiting until they are ready:
      """
      apiVersion: v1
      kind: Service
      metadata: {name: empty}
      spec:
        selector: {app: none}
        ports: [{port: 80}]
      """
    And these objects:
      """
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata: {name: main}
      spec:
        ingressClassName: ${ingress class}
        rules:
        - host: canary.${domain}
          http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: empty, port: {number: 80}}}}]}
      ---
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata:
        name: canary
        annotations:
          nginx.ingress.kubernetes.io/canary: "true"
          nginx.ingress.kubernetes.io/canary-by-header: X-Canary
      spec:
        ingressClassName: ${ingress class}
        rules:
        - host: canary.${domain}
          http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: next, port: {number: 80}}}}]}
      """
    When the client requests "http://canary.${domain}/" with the headers:
      | X-Canary | always |
    Then the response contains the text "server_version=next"

  # In ingress-nginx, the canary or the other host stops working.
  @own @annotation:canary
  Scenario Outline: The Service of a canary may be that of another host: <host><path>
    Given these objects:
      """
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata: {name: main}
      spec:
        ingressClassName: ${ingress class}
        rules:
        - host: canary.${domain}
          http: {paths: [{path: /main, pathType: Prefix, backend: {service: {name: echo, port: {number: 80}}}}]}
        - host: plain.${domain}
          http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: next, port: {number: 80}}}}]}
      ---
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata:
        name: canary
        annotations:
          nginx.ingress.kubernetes.io/canary: "true"
          nginx.ingress.kubernetes.io/canary-by-header: X-Canary
      spec:
        ingressClassName: ${ingress class}
        rules:
        - host: canary.${domain}
          http:
            paths:
            - {path: /main, pathType: Prefix, backend: {service: {name: next, port: {number: 80}}}}
            - {path: /only, pathType: Prefix, backend: {service: {name: next, port: {number: 80}}}}
      """
    When the client always sends the headers:
      | X-Canary | always |
    Then requests are answered as follows:
      | URL                           | status   | text   |
      | http://<host>.${domain}<path> | <status> | <text> |

    Examples:
      | host   | path  | status | text                |
      | plain  | /     | 200    | server_version=next |
      | canary | /main | 200    | server_version=next |
      | canary | /only | 404    |                     |

  @annotation:canary
  Scenario: A second canary of a path is rejected
    Given these objects:
      """
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata: {name: main}
      spec:
        ingressClassName: ${ingress class}
        rules:
        - host: canary.${domain}
          http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: echo, port: {number: 80}}}}]}
      ---
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata:
        name: first
        annotations:
          nginx.ingress.kubernetes.io/canary: "true"
          nginx.ingress.kubernetes.io/canary-by-header: X-Canary
      spec:
        ingressClassName: ${ingress class}
        rules:
        - host: canary.${domain}
          http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: next, port: {number: 80}}}}]}
      """
    And the next objects are younger by a second
    Then applying these objects is rejected with "first":
      """
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata:
        name: second
        annotations:
          nginx.ingress.kubernetes.io/canary: "true"
          nginx.ingress.kubernetes.io/canary-by-header: X-Canary
      spec:
        ingressClassName: ${ingress class}
        rules:
        - host: canary.${domain}
          http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: next, port: {number: 80}}}}]}
      """

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

  @annotation:canary-by-header-pattern
  Scenario Outline: A pattern with a negative lookahead selects all other values
    Given these objects:
      """
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata:
        name: main
      spec:
        ingressClassName: ${ingress class}
        rules:
        - host: others.${domain}
          http: {paths: [{path: "/", pathType: Prefix, backend: {service: {name: echo, port: {number: 80}}}}]}
      ---
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata:
        name: canary
        annotations:
          nginx.ingress.kubernetes.io/canary: "true"
          nginx.ingress.kubernetes.io/canary-by-header: X-User
          nginx.ingress.kubernetes.io/canary-by-header-pattern: "^(?!guest).*$"
      spec:
        ingressClassName: ${ingress class}
        rules:
        - host: others.${domain}
          http: {paths: [{path: "/", pathType: Prefix, backend: {service: {name: next, port: {number: 80}}}}]}
      """
    When the client requests "http://others.${domain}/" with the header:
      | X-User | <user> |
    Then the response contains the text "server_version=<Service>"

    Examples:
      | user   | Service |
      | alice  | next    |
      | guest7 | echo    |

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
