@own
Feature: Validation
  An invalid Ingress is rejected when it is applied. An incomplete one is reported by an event, and does not affect other
  Ingresses.

  Background:
    Given an ingress controller
    And a Service "echo" with 2 shared echo servers

  Scenario Outline: An invalid annotation is rejected
    Then applying these objects is rejected with "<message>":
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
      | annotation               | value | message                  |
      | canary-weight            | many  | canary-weight            |
      | canary-by-header-pattern | (     | canary-by-header-pattern |
      | proxy-read-timeout       | soon  | proxy-read-timeout       |

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
