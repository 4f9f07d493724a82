@ingress-nginx @protection
Feature: Address lists
  Annotations allow or deny clients by their address. Denied requests are answered with 403.

  Background:
    Given an ingress controller
    And a Service "echo" with 2 shared echo servers

  @annotation:whitelist-source-range
  Scenario: A list of networks allows only their clients
    Given these objects:
      """
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata:
        name: inside
        annotations:
          nginx.ingress.kubernetes.io/whitelist-source-range: "192.0.2.0/24, ${client address}/32"
      spec:
        ingressClassName: ${ingress class}
        rules:
        - host: inside.${domain}
          http:
            paths:
            - {path: /, pathType: Prefix, backend: {service: {name: echo, port: {number: 80}}}}
      ---
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata:
        name: outside
        annotations:
          nginx.ingress.kubernetes.io/whitelist-source-range: "192.0.2.0/24, 198.51.100.7"
      spec:
        ingressClassName: ${ingress class}
        rules:
        - host: outside.${domain}
          http:
            paths:
            - {path: /, pathType: Prefix, backend: {service: {name: echo, port: {number: 80}}}}
      """
    Then requests are answered as follows:
      | URL                       | status |
      | http://inside.${domain}/  | 200    |
      | http://outside.${domain}/ | 403    |

  @annotation:allowlist-source-range
  Scenario: The annotation has a second name
    Given these objects:
      """
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata:
        name: inside
        annotations:
          nginx.ingress.kubernetes.io/allowlist-source-range: "${client address}/32"
      spec:
        ingressClassName: ${ingress class}
        rules:
        - host: inside.${domain}
          http:
            paths:
            - {path: /, pathType: Prefix, backend: {service: {name: echo, port: {number: 80}}}}
      ---
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata:
        name: outside
        annotations:
          nginx.ingress.kubernetes.io/allowlist-source-range: "192.0.2.0/24"
      spec:
        ingressClassName: ${ingress class}
        rules:
        - host: outside.${domain}
          http:
            paths:
            - {path: /, pathType: Prefix, backend: {service: {name: echo, port: {number: 80}}}}
      """
    Then requests are answered as follows:
      | URL                       | status |
      | http://inside.${domain}/  | 200    |
      | http://outside.${domain}/ | 403    |

  @annotation:denylist-source-range
  Scenario: A list of networks denies their clients
    Given these objects:
      """
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata:
        name: denied
        annotations:
          nginx.ingress.kubernetes.io/denylist-source-range: "${client address}/32"
      spec:
        ingressClassName: ${ingress class}
        rules:
        - host: denied.${domain}
          http:
            paths:
            - {path: /, pathType: Prefix, backend: {service: {name: echo, port: {number: 80}}}}
      ---
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata:
        name: others
        annotations:
          nginx.ingress.kubernetes.io/denylist-source-range: "192.0.2.0/24"
      spec:
        ingressClassName: ${ingress class}
        rules:
        - host: others.${domain}
          http:
            paths:
            - {path: /, pathType: Prefix, backend: {service: {name: echo, port: {number: 80}}}}
      """
    Then requests are answered as follows:
      | URL                      | status |
      | http://denied.${domain}/ | 403    |
      | http://others.${domain}/ | 200    |

  @annotation:whitelist-source-range
  Scenario: A client can't choose its address
    Given these objects:
      """
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata:
        name: forged
        annotations:
          nginx.ingress.kubernetes.io/whitelist-source-range: "198.51.100.7"
      spec:
        ingressClassName: ${ingress class}
        rules:
        - host: forged.${domain}
          http:
            paths:
            - {path: /, pathType: Prefix, backend: {service: {name: echo, port: {number: 80}}}}
      """
    When the client requests "http://forged.${domain}/" with the headers:
      | X-Forwarded-For | 198.51.100.7 |
      | X-Real-IP       | 198.51.100.7 |
    Then the response status is 403

  @annotation:whitelist-source-range
  Scenario: A list of all networks excludes no client
    Given these objects:
      """
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata:
        name: solver
        annotations:
          nginx.ingress.kubernetes.io/whitelist-source-range: "0.0.0.0/0,::/0"
      spec:
        ingressClassName: ${ingress class}
        rules:
        - host: solver.${domain}
          http:
            paths:
            - {path: /.well-known/acme-challenge/token, pathType: Exact, backend: {service: {name: echo, port: {number: 80}}}}
      """
    Then requests are answered as follows:
      | URL                                                      | status |
      | http://solver.${domain}/.well-known/acme-challenge/token | 200    |

  @annotation:whitelist-source-range
  Scenario: A list applies to the paths of its own Ingress only
    Given these objects:
      """
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata:
        name: admin
        annotations:
          nginx.ingress.kubernetes.io/whitelist-source-range: "192.0.2.0/24"
      spec:
        ingressClassName: ${ingress class}
        rules:
        - host: shop.${domain}
          http:
            paths:
            - {path: /admin, pathType: Prefix, backend: {service: {name: echo, port: {number: 80}}}}
      ---
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata:
        name: public
      spec:
        ingressClassName: ${ingress class}
        rules:
        - host: shop.${domain}
          http:
            paths:
            - {path: /, pathType: Prefix, backend: {service: {name: echo, port: {number: 80}}}}
      """
    Then requests are answered as follows:
      | URL                                  | status |
      | http://shop.${domain}/admin          | 403    |
      | http://shop.${domain}/admin/users    | 403    |
      | http://shop.${domain}/               | 200    |
      | http://shop.${domain}/administration | 200    |

  @annotation:satisfy
  Scenario: With satisfy: any, an address or a password is enough
    Given these objects:
      """
      apiVersion: v1
      kind: Secret
      metadata: {name: users}
      stringData:
        auth: 'alice:$apr1$abcdefgh$h9FWgUz3n9YxylKLlR5SQ/'
      ---
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata:
        name: address
        annotations:
          nginx.ingress.kubernetes.io/satisfy: any
          nginx.ingress.kubernetes.io/whitelist-source-range: "${client address}/32"
          nginx.ingress.kubernetes.io/auth-type: basic
          nginx.ingress.kubernetes.io/auth-secret: users
      spec:
        ingressClassName: ${ingress class}
        rules:
        - host: address.${domain}
          http:
            paths:
            - {path: /, pathType: Prefix, backend: {service: {name: echo, port: {number: 80}}}}
      ---
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata:
        name: password
        annotations:
          nginx.ingress.kubernetes.io/satisfy: any
          nginx.ingress.kubernetes.io/whitelist-source-range: "192.0.2.0/24"
          nginx.ingress.kubernetes.io/auth-type: basic
          nginx.ingress.kubernetes.io/auth-secret: users
      spec:
        ingressClassName: ${ingress class}
        rules:
        - host: password.${domain}
          http:
            paths:
            - {path: /, pathType: Prefix, backend: {service: {name: echo, port: {number: 80}}}}
      """
    Then requests are answered as follows:
      | URL                        | status |
      | http://address.${domain}/  | 200    |
      | http://password.${domain}/ | 401    |
    When the client requests "http://password.${domain}/" with the headers:
      | Authorization | Basic YWxpY2U6c2VjcmV0 |
    Then the response status is 200

  @annotation:whitelist-source-range
  Scenario Outline: Forms of a list
    Given these objects:
      """
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata:
        name: forms
        annotations:
          nginx.ingress.kubernetes.io/whitelist-source-range: "<list>"
      spec:
        ingressClassName: ${ingress class}
        rules:
        - host: forms.${domain}
          http:
            paths:
            - {path: /, pathType: Prefix, backend: {service: {name: echo, port: {number: 80}}}}
      """
    Then requests are answered as follows:
      | URL                     | status   |
      | http://forms.${domain}/ | <status> |

    Examples:
      | list                                | status |
      | ${client address}                   | 200    |
      | ${client address}/32                | 200    |
      | 192.0.2.0/24, ${client address}/32  | 200    |
      | ${client address}/32,192.0.2.0/24   | 200    |
      | 192.0.2.1                           | 403    |
      | 2001:db8::/32                       | 403    |
      | 2001:db8::/32, ${client address}/32 | 200    |
