@ingress-v1
Feature: IngressClass
  A controller serves the Ingresses of its own class and ignores all others.

  Background:
    Given an ingress controller
    And a Service "echo" with 2 shared echo servers

  Scenario: An Ingress of another class is not served
    Given these objects, without waiting until they are ready:
      """
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata:
        name: other
      spec:
        ingressClassName: other-controller
        rules:
        - host: other.${domain}
          http:
            paths:
            - {path: /, pathType: Prefix, backend: {service: {name: echo, port: {number: 80}}}}
      """
    And these objects:
      """
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata:
        name: own
      spec:
        ingressClassName: ${ingress class}
        rules:
        - host: own.${domain}
          http:
            paths:
            - {path: /, pathType: Prefix, backend: {service: {name: echo, port: {number: 80}}}}
      """
    Then requests are answered as follows:
      | URL                       | status |
      | http://own.${domain}/     | 200    |
      | http://other.${domain}/   | 404    |
