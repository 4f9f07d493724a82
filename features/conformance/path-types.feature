@ingress-v1
Feature: Path types
  Which requests a path matches, by its type: the table of the Kubernetes documentation ("Ingress", "Examples").

  Background:
    Given an ingress controller
    And a Service "echo" with 2 shared echo servers

  Scenario Outline: One path
    Given these objects:
      """
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata:
        name: one
      spec:
        ingressClassName: ${ingress class}
        rules:
        - host: one.${domain}
          http:
            paths:
            - {path: <path>, pathType: <type>, backend: {service: {name: echo, port: {number: 80}}}}
      """
    Then requests are answered as follows:
      | URL                           | status   |
      | http://one.${domain}<request> | <status> |

    Examples:
      | type   | path      | request      | status |
      | Prefix | /         | /            | 200    |
      | Prefix | /         | /any/thing   | 200    |
      | Exact  | /foo      | /foo         | 200    |
      | Exact  | /foo      | /bar         | 404    |
      | Exact  | /foo      | /foo/        | 404    |
      | Exact  | /foo/     | /foo         | 404    |
      | Exact  | /foo      | /FOO         | 404    |
      | Exact  | /foo      | /foo?query=1 | 200    |
      | Prefix | /foo      | /foo         | 200    |
      | Prefix | /foo      | /foo/        | 200    |
      | Prefix | /foo/     | /foo         | 200    |
      | Prefix | /foo/     | /foo/        | 200    |
      | Prefix | /foo      | /Foo         | 404    |
      | Prefix | /aaa/bb   | /aaa/bbb     | 404    |
      | Prefix | /aaa/bbb  | /aaa/bbb     | 200    |
      | Prefix | /aaa/bbb/ | /aaa/bbb     | 200    |
      | Prefix | /aaa/bbb  | /aaa/bbb/    | 200    |
      | Prefix | /aaa/bbb  | /aaa/bbb/ccc | 200    |
      | Prefix | /aaa/bbb  | /aaa/bbbxyz  | 404    |

  Scenario Outline: Several paths
    Given a Service "next" with 1 shared echo server
    And these objects:
      """
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata:
        name: several
      spec:
        ingressClassName: ${ingress class}
        rules:
        - host: several.${domain}
          http:
            paths:
            - {path: <first>, pathType: <first type>, backend: {service: {name: echo, port: {number: 80}}}}
            - {path: <second>, pathType: <second type>, backend: {service: {name: next, port: {number: 80}}}}
      """
    Then requests are answered as follows:
      | URL                               | status | text                     |
      | http://several.${domain}<request> | 200    | server_version=<Service> |

    Examples:
      | first type | first | second type | second   | request  | Service |
      | Prefix     | /     | Prefix      | /aaa     | /aaa/ccc | next    |
      | Prefix     | /aaa  | Prefix      | /        | /aaa/ccc | echo    |
      | Prefix     | /     | Prefix      | /aaa/bbb | /aaa/bbb | next    |
      | Prefix     | /     | Prefix      | /aaa     | /ccc     | echo    |
      | Prefix     | /foo  | Exact       | /foo     | /foo     | next    |
      | Exact      | /foo  | Prefix      | /foo     | /foo     | echo    |
      | Exact      | /foo  | Prefix      | /foo     | /foo/bar | next    |

  Scenario Outline: The wildcard of a host matches one label
    Given these objects:
      """
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata:
        name: wildcard
      spec:
        ingressClassName: ${ingress class}
        rules:
        - host: "*.foo.${domain}"
          http:
            paths:
            - {path: /, pathType: Prefix, backend: {service: {name: echo, port: {number: 80}}}}
      """
    Then requests are answered as follows:
      | URL                      | status   |
      | http://<host>.${domain}/ | <status> |

    Examples:
      | host        | status |
      | bar.foo     | 200    |
      | baz.bar.foo | 404    |
      | foo         | 404    |
      | barfoo      | 404    |
