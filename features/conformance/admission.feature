@own
Feature: Validation
  An invalid Ingress is rejected when it is applied. An incomplete one is reported by an event, and does not affect other
  Ingresses.

  Background:
    Given an ingress controller
    And a Service "echo" with 2 shared echo servers

  Scenario Outline: An invalid annotation is rejected
    Then applying these objects is rejected with "<annotation>":
      """
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata:
        name: rejected
        annotations:
          nginx.ingress.kubernetes.io/canary: "true"
          nginx.ingress.kubernetes.io/<annotation>: "<value>"
      spec:
        ingressClassName: ${ingress class}
        rules:
        - host: rejected.${domain}
          http:
            paths:
            - {path: /, pathType: Prefix, backend: {service: {name: echo, port: {number: 80}}}}
      """

    Examples:
      | annotation               | value            |
      | canary-weight            | many             |
      | canary-weight            | -1               |
      | canary-by-header-pattern | (                |
      | proxy-read-timeout       | soon             |
      | proxy-connect-timeout    | -1               |
      | proxy-body-size          | large            |
      | whitelist-source-range   | everywhere       |
      | allowlist-source-range   | 10.0.0.0/64      |
      | denylist-source-range    | 10.0.0           |
      | auth-type                | digest           |
      | auth-secret-type         | file             |
      | auth-url                 | ftp://auth.test/ |
      | auth-method              | FETCH            |
      | auth-tls-verify-client   | maybe            |
      | satisfy                  | some             |
      | limit-rps                | fast             |
      | limit-rpm                | -5               |
      | permanent-redirect-code  | 200              |
      | backend-protocol         | SMTP             |
      | session-cookie-samesite  | Loose            |
      | cors-max-age             | long             |
      | proxy-next-upstream      | always           |
      | custom-headers           | name             |

  Scenario: A missing Service or Secret is reported by an event
    Given these objects:
      """
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata:
        name: incomplete
      spec:
        ingressClassName: ${ingress class}
        tls:
        - {hosts: ["incomplete.${domain}"], secretName: missing}
        rules:
        - host: incomplete.${domain}
          http:
            paths:
            - {path: /, pathType: Prefix, backend: {service: {name: missing, port: {number: 80}}}}
            - {path: /echo, pathType: Prefix, backend: {service: {name: echo, port: {number: 80}}}}
      """
    Then an event on the Ingress "incomplete" says "missing"
    And requests are answered as follows:
      | URL                               | status |
      | https://incomplete.${domain}/     | 503    |
      | https://incomplete.${domain}/echo | 200    |

  @annotation:use-regex
  Scenario: A path that is not a regular expression is rejected
    Then applying these objects is rejected with "not a regular expression":
      """
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata:
        name: regex
        annotations:
          nginx.ingress.kubernetes.io/use-regex: "true"
      spec:
        ingressClassName: ${ingress class}
        rules:
        - host: regex.${domain}
          http:
            paths:
            - {path: "/admin/(", pathType: ImplementationSpecific, backend: {service: {name: echo, port: {number: 80}}}}
      """
