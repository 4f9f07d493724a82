Feature: Ingresses that make no sense
  A mistake is told to the person who makes it, when it is made, and does no harm to other Ingresses.

  Background:
    Given an ingress controller
    And the objects of "manifests/echo.yaml"

  Scenario Outline: A bad annotation is refused
    Then applying these objects is refused with "<message>":
      """
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata:
        name: refused
        annotations:
          nginx.ingress.kubernetes.io/canary: "true"
          nginx.ingress.kubernetes.io/<annotation>: "<value>"
      spec:
        ingressClassName: ${ingress class}
        rules:
        - host: refused.${domain}
          http:
            paths:
            - {path: /, pathType: Prefix, backend: {service: {name: echo, port: {number: 80}}}}
      """

    Examples:
      | annotation               | value | message                  |
      | canary-weight            | many  | canary-weight            |
      | canary-by-header-pattern | (     | canary-by-header-pattern |
      | proxy-read-timeout       | soon  | proxy-read-timeout       |

  Scenario: A Service or Secret that is not there
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
