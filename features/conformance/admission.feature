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
      | configuration-snippet    | deny all;        |
      | server-snippet           | deny all;        |
      | enable-modsecurity       | true             |

  Scenario: A missing Service is reported by an event
    Given these objects:
      """
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata: {name: incomplete}
      spec:
        ingressClassName: ${ingress class}
        rules:
        - host: incomplete.${domain}
          http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: no-service, port: {number: 80}}}}]}
      """
    Then an event on the Ingress "incomplete" says "no-service"

  Scenario: A missing Secret is reported by an event
    Given these objects:
      """
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata: {name: incomplete}
      spec:
        ingressClassName: ${ingress class}
        tls: [{hosts: ["incomplete.${domain}"], secretName: no-secret}]
        rules:
        - host: incomplete.${domain}
          http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: echo, port: {number: 80}}}}]}
      """
    Then an event on the Ingress "incomplete" says "no-secret"

  Scenario: A certificate for another host is reported by an event
    Given a TLS Secret "foreign" with a certificate for "foreign.test"
    And these objects:
      """
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata: {name: mismatch}
      spec:
        ingressClassName: ${ingress class}
        tls: [{hosts: ["mismatch.${domain}"], secretName: foreign}]
        rules:
        - host: mismatch.${domain}
          http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: echo, port: {number: 80}}}}]}
      """
    Then an event on the Ingress "mismatch" says "foreign"

  Scenario: A path with a missing Service leaves the others as they are
    Given these objects:
      """
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata: {name: incomplete}
      spec:
        ingressClassName: ${ingress class}
        rules:
        - host: incomplete.${domain}
          http:
            paths:
            - {path: /, pathType: Prefix, backend: {service: {name: no-service, port: {number: 80}}}}
            - {path: /echo, pathType: Prefix, backend: {service: {name: echo, port: {number: 80}}}}
      """
    Then requests are answered as follows:
      | URL                              | status |
      | http://incomplete.${domain}/     | 503    |
      | http://incomplete.${domain}/echo | 200    |

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
