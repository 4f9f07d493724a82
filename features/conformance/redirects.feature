@ingress-nginx
Feature: Redirects
  Annotations with which the controller redirects clients, without a backend.

  Background:
    Given an ingress controller
    And a Service "echo" with 2 shared echo servers

  @annotation:app-root
  Scenario: app-root redirects the root, and nothing else
    Given these objects:
      """
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata:
        name: root
        annotations: {nginx.ingress.kubernetes.io/app-root: /app}
      spec:
        ingressClassName: ${ingress class}
        rules:
        - host: root.${domain}
          http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: echo, port: {number: 80}}}}]}
      """
    When the client requests "http://root.${domain}/?q=1"
    Then the response status is 302
    And the response has the headers:
      | Location | http://root.${domain}/app |
    When the client requests "http://root.${domain}/x"
    Then the response status is 200

  @annotation:permanent-redirect
  Scenario: permanent-redirect redirects all paths to one URL
    Given these objects:
      """
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata:
        name: permanent
        annotations: {nginx.ingress.kubernetes.io/permanent-redirect: "https://www.example.com/p"}
      spec:
        ingressClassName: ${ingress class}
        rules:
        - host: permanent.${domain}
          http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: echo, port: {number: 80}}}}]}
      """
    When the client requests "http://permanent.${domain}/x?y=1"
    Then the response status is 301
    And the response has the headers:
      | Location | https://www.example.com/p |

  @annotation:permanent-redirect-code
  Scenario Outline: permanent-redirect-code sets the status
    Given these objects:
      """
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata:
        name: permanent
        annotations:
          nginx.ingress.kubernetes.io/permanent-redirect: "https://www.example.com"
          nginx.ingress.kubernetes.io/permanent-redirect-code: "<status>"
      spec:
        ingressClassName: ${ingress class}
        rules:
        - host: permanent.${domain}
          http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: echo, port: {number: 80}}}}]}
      """
    When the client requests "http://permanent.${domain}/"
    Then the response status is <status>

    Examples:
      | status |
      | 301    |
      | 302    |
      | 303    |
      | 307    |
      | 308    |

  @annotation:temporal-redirect
  Scenario: temporal-redirect wins over permanent-redirect
    Given these objects:
      """
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata:
        name: temporal
        annotations:
          nginx.ingress.kubernetes.io/permanent-redirect: "https://www.example.com/p"
          nginx.ingress.kubernetes.io/temporal-redirect: "https://www.example.com/t"
      spec:
        ingressClassName: ${ingress class}
        rules:
        - host: temporal.${domain}
          http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: echo, port: {number: 80}}}}]}
      """
    When the client requests "http://temporal.${domain}/"
    Then the response status is 302
    And the response has the headers:
      | Location | https://www.example.com/t |

  @annotation:temporal-redirect-code
  Scenario Outline: temporal-redirect-code sets the status
    Given these objects:
      """
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata:
        name: temporal
        annotations:
          nginx.ingress.kubernetes.io/temporal-redirect: "https://www.example.com/t"
          nginx.ingress.kubernetes.io/temporal-redirect-code: "<status>"
      spec:
        ingressClassName: ${ingress class}
        rules:
        - host: temporal.${domain}
          http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: echo, port: {number: 80}}}}]}
      """
    When the client requests "http://temporal.${domain}/"
    Then the response status is <status>

    Examples:
      | status |
      | 301    |
      | 302    |
      | 303    |
      | 307    |

  @annotation:from-to-www-redirect
  Scenario Outline: from-to-www-redirect redirects to the host that has the rules
    Given these objects:
      """
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata:
        name: www
        annotations: {nginx.ingress.kubernetes.io/from-to-www-redirect: "true"}
      spec:
        ingressClassName: ${ingress class}
        rules:
        - host: <host>
          http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: echo, port: {number: 80}}}}]}
      """
    When the client requests "http://<other>/x?y=1"
    Then the response status is 308
    And the response has the headers:
      | Location | /http:\/\/<host>(:80)?\/x\?y=1/ |
    When the client requests "http://<host>/x"
    Then the response status is 200

    Examples:
      | host              | other             |
      | bare.${domain}    | www.bare.${domain} |
      | www.long.${domain} | long.${domain}   |

  @annotation:preserve-trailing-slash
  Scenario: preserve-trailing-slash keeps the slash in the redirect to HTTPS
    Given these objects:
      """
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata:
        name: slash
        annotations:
          nginx.ingress.kubernetes.io/force-ssl-redirect: "true"
          nginx.ingress.kubernetes.io/preserve-trailing-slash: "true"
      spec:
        ingressClassName: ${ingress class}
        rules:
        - host: slash.${domain}
          http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: echo, port: {number: 80}}}}]}
      """
    When the client requests "http://slash.${domain}/x/"
    Then the response has the headers:
      | Location | https://slash.${domain}/x/ |

  @annotation:preserve-trailing-slash
  Scenario: Without preserve-trailing-slash the slash is removed
    Given these objects:
      """
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata:
        name: slash
        annotations:
          nginx.ingress.kubernetes.io/force-ssl-redirect: "true"
          nginx.ingress.kubernetes.io/preserve-trailing-slash: "false"
      spec:
        ingressClassName: ${ingress class}
        rules:
        - host: slash.${domain}
          http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: echo, port: {number: 80}}}}]}
      """
    When the client requests "http://slash.${domain}/x/"
    Then the response has the headers:
      | Location | https://slash.${domain}/x |

  @annotation:ssl-redirect
  Scenario: The path of an ACME challenge is not redirected to HTTPS
    Given a TLS Secret "shop" with a certificate for "acme.${domain}"
    And these objects:
      """
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata: {name: acme}
      spec:
        ingressClassName: ${ingress class}
        tls: [{hosts: ["acme.${domain}"], secretName: shop}]
        rules:
        - host: acme.${domain}
          http:
            paths:
            - {path: /, pathType: Prefix, backend: {service: {name: echo, port: {number: 80}}}}
            - {path: /.well-known/acme-challenge/token, pathType: Exact, backend: {service: {name: echo, port: {number: 80}}}}
      """
    When the client requests "http://acme.${domain}/.well-known/acme-challenge/token"
    Then the response status is 200
    When the client requests "http://acme.${domain}/"
    Then the response status is 308

  # A solver of ACME makes an Ingress of its own for the host.
  @annotation:ssl-redirect
  Scenario: The path of an ACME challenge in another Ingress is not redirected to HTTPS, either
    Given a TLS Secret "shop" with a certificate for "acme.${domain}"
    And a Service "solver" with 1 shared echo server
    And these objects:
      """
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata: {name: shop}
      spec:
        ingressClassName: ${ingress class}
        tls: [{hosts: ["acme.${domain}"], secretName: shop}]
        rules:
        - host: acme.${domain}
          http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: echo, port: {number: 80}}}}]}
      ---
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata:
        name: solver
        annotations:
          nginx.ingress.kubernetes.io/whitelist-source-range: "0.0.0.0/0,::/0"
      spec:
        ingressClassName: ${ingress class}
        rules:
        - host: acme.${domain}
          http: {paths: [{path: /.well-known/acme-challenge/token, pathType: Exact, backend: {service: {name: solver, port: {number: 80}}}}]}
      """
    When the client requests "http://acme.${domain}/.well-known/acme-challenge/token"
    Then the response contains the text "server_version=solver"
