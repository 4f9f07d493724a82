@ingress-v1
Feature: Host matching
  An exact host takes precedence over a wildcard, a wildcard matches exactly one label, and a host without a rule is
  answered with 404.

  Background:
    Given an ingress controller
    And a Service "echo" with 2 shared echo servers
    And these objects:
      """
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata:
        name: exact
      spec:
        ingressClassName: ${ingress class}
        rules:
        - host: shop.${domain}
          http:
            paths:
            - path: /
              pathType: Prefix
              backend: {service: {name: echo, port: {number: 80}}}
        - host: "*.${domain}"
          http:
            paths:
            - path: /any
              pathType: Prefix
              backend: {service: {name: echo, port: {number: 80}}}
      """

  Scenario: Exact hosts and wildcards
    Then requests are answered as follows:
      | URL                        | status | text           |
      | http://shop.${domain}/     | 200    | real path=/    |
      | http://SHOP.${domain}/any  | 200    | real path=/any |
      | http://other.${domain}/any | 200    | real path=/any |
      | http://other.${domain}/    | 404    |                |
      | http://a.b.${domain}/any   | 404    |                |
      | http://${domain}/any       | 404    |                |
      | http://elsewhere.test/any  | 404    |                |

  # Load balancers of clouds check nodes by address.
  @ingress-nginx
  Scenario Outline: Load balancers can check the controller at a host without rules: <scheme>
    When the client requests "<scheme>://elsewhere.test/healthz"
    Then the response status is 200

    Examples:
      | scheme |
      | http   |
      | https  |

  @ingress-nginx
  Scenario: The path of health checks is that of the backend on hosts with rules
    When the client requests "http://shop.${domain}/healthz"
    Then the response contains the text "real path=/healthz"

  @ingress-nginx @annotation:server-alias
  Scenario Outline: server-alias serves the host under more names
    Given these objects:
      """
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata:
        name: alias
        annotations: {nginx.ingress.kubernetes.io/server-alias: "one.alias.${domain},two.alias.${domain}"}
      spec:
        ingressClassName: ${ingress class}
        rules:
        - host: named.alias.${domain}
          http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: echo, port: {number: 80}}}}]}
      """
    When the client requests "http://<host>.alias.${domain}/"
    Then the response status is <status>

    Examples:
      | host  | status |
      | named | 200    |
      | one   | 200    |
      | two   | 200    |
      | three | 404    |
