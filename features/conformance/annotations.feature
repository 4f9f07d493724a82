@ingress-nginx
Feature: Annotations

  Background:
    Given an ingress controller
    And a Service "echo" with 2 shared echo servers

  # Charts write annotations without a value.
  Scenario Outline: An annotation without a value counts as not given: <annotation>
    Given these objects:
      """
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata:
        name: empty
        annotations:
          nginx.ingress.kubernetes.io/<annotation>: ""
      spec:
        ingressClassName: ${ingress class}
        rules:
        - host: empty.${domain}
          http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: echo, port: {number: 80}}}}]}
      """
    When the client requests "http://empty.${domain}/"
    Then the response status is 200

    Examples:
      | annotation          |
      | proxy-body-size     |
      | ssl-redirect        |
      | affinity            |
      | proxy-read-timeout  |
      | session-cookie-name |
