@ingress-v1
Feature: Path matching
  Prefixes are compared by path element, an exact path takes precedence over a prefix, and a longer prefix over a shorter
  one (Kubernetes documentation, "Ingress", "Path types").

  Background:
    Given an ingress controller
    And a Service "echo" with 2 shared echo servers
    And a Service "next" with 1 shared echo server

  Scenario: Path types
    Given these objects:
      """
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata:
        name: paths
      spec:
        ingressClassName: ${ingress class}
        rules:
        - host: paths.${domain}
          http:
            paths:
            - {path: /prefix, pathType: Prefix, backend: {service: {name: echo, port: {number: 80}}}}
            - {path: /prefix/longer, pathType: Prefix, backend: {service: {name: next, port: {number: 80}}}}
            - {path: /prefix/exact, pathType: Exact, backend: {service: {name: next, port: {name: http}}}}
            - {path: /slash/, pathType: Prefix, backend: {service: {name: echo, port: {number: 80}}}}
            - {path: /any, pathType: ImplementationSpecific, backend: {service: {name: echo, port: {number: 80}}}}
      """
    Then requests are answered as follows:
      | URL                                        | status | text                |
      | http://paths.${domain}/prefix              | 200    | server_version=echo |
      | http://paths.${domain}/prefix/             | 200    | server_version=echo |
      | http://paths.${domain}/prefix/one/two      | 200    | server_version=echo |
      | http://paths.${domain}/prefix?query=/      | 200    | server_version=echo |
      | http://paths.${domain}/prefixes            | 404    |                     |
      | http://paths.${domain}/Prefix              | 404    |                     |
      | http://paths.${domain}/prefix/longer       | 200    | server_version=next |
      | http://paths.${domain}/prefix/longer/three | 200    | server_version=next |
      | http://paths.${domain}/prefix/longerer     | 200    | server_version=echo |
      | http://paths.${domain}/prefix/exact        | 200    | server_version=next |
      | http://paths.${domain}/prefix/exact/more   | 200    | server_version=echo |
      | http://paths.${domain}/slash/one           | 200    | server_version=echo |
      | http://paths.${domain}/slash               | 200    | server_version=echo |
      | http://paths.${domain}/any/thing           | 200    | server_version=echo |
      | http://paths.${domain}/anything            | 404    |                     |
      | http://paths.${domain}/                    | 404    |                     |

  @own-controller
  Scenario: The default backend receives requests that match no rule
    Given these objects:
      """
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata:
        name: default-backend
      spec:
        ingressClassName: ${ingress class}
        defaultBackend: {service: {name: next, port: {number: 80}}}
        rules:
        - host: default.${domain}
          http:
            paths:
            - {path: /echo, pathType: Prefix, backend: {service: {name: echo, port: {number: 80}}}}
      """
    Then requests are answered as follows:
      | URL                              | status | text                |
      | http://default.${domain}/echo    | 200    | server_version=echo |
      | http://default.${domain}/another | 200    | server_version=next |

  @ingress-nginx
  Scenario: A path that an older Ingress has is rejected
    Given these objects:
      """
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata: {name: older}
      spec:
        ingressClassName: ${ingress class}
        rules:
        - host: twice.${domain}
          http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: echo, port: {number: 80}}}}]}
      """
    And the next objects are younger by a second
    Then applying these objects is rejected with "older":
      """
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata: {name: younger}
      spec:
        ingressClassName: ${ingress class}
        rules:
        - host: twice.${domain}
          http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: next, port: {number: 80}}}}]}
      """

  # A webhook has no opinion on Ingresses of a class that does not exist. When it does, both are there.
  @ingress-nginx
  Scenario Outline: Of two Ingresses that have a path the older one serves it: <older>, then <younger>
    Given these objects, without waiting until they are ready:
      """
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata: {name: <older>}
      spec:
        ingressClassName: ${namespace}
        rules:
        - host: twice.${domain}
          http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: echo, port: {number: 80}}}}]}
      """
    And the next objects are younger by a second
    And these objects, without waiting until they are ready:
      """
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata: {name: <younger>}
      spec:
        ingressClassName: ${namespace}
        rules:
        - host: twice.${domain}
          http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: next, port: {number: 80}}}}]}
      """
    When these objects:
      """
      apiVersion: networking.k8s.io/v1
      kind: IngressClass
      metadata: {name: "${namespace}"}
      spec: {controller: "${controller of the ingress class}"}
      """
    Then within 10 seconds, requests are answered as follows:
      | URL                     | status | text                |
      | http://twice.${domain}/ | 200    | server_version=echo |

    Examples:
      | older | younger |
      | a     | b       |
      | b     | a       |

  # ingress-nginx compares the decoded path, in which several slashes are one, and forwards the path as it came.
  @ingress-nginx
  Scenario Outline: Paths are compared decoded: <path>
    Given these objects:
      """
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata: {name: decoded}
      spec:
        ingressClassName: ${ingress class}
        rules:
        - host: decoded.${domain}
          http:
            paths:
            - {path: /foo, pathType: Prefix, backend: {service: {name: echo, port: {number: 80}}}}
            - {path: /foo/bar, pathType: Prefix, backend: {service: {name: next, port: {number: 80}}}}
      """
    When the client requests "http://decoded.${domain}<path>"
    Then the response contains the text "server_version=<Service>"

    Examples:
      | path       | Service |
      | //foo      | echo    |
      | /foo//bar  | next    |
      | /foo%2Fbar | next    |
      | /%66oo     | echo    |
      | /x/../foo  | echo    |
