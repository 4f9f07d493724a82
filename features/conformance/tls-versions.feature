@ingress-nginx
Feature: Versions and ciphers of TLS
  The ConfigMap and an annotation restrict TLS versions and ciphers. If a restriction can't be applied, the paths answer 503.

  Background:
    Given a Service "echo" with 2 shared echo servers
    And these objects:
      """
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata:
        name: versions
      spec:
        ingressClassName: ${ingress class}
        rules:
        - host: versions.${domain}
          http: {paths: [{path: "/", pathType: Prefix, backend: {service: {name: echo, port: {number: 80}}}}]}
      """

  Scenario: ssl-protocols allows some versions
    Given an ingress controller with:
      | config ssl-protocols | TLSv1.2 |
    When the client requests "https://versions.${domain}/"
    Then the response status is 200
    And the connection uses no other version than "TLS 1.2"

  Scenario: With an unknown version the paths answer 503
    Given an ingress controller with:
      | config ssl-protocols | TLSv1.4 |
    When the client requests "https://versions.${domain}/"
    Then the response status is 503

  Scenario: ssl-ecdh-curve allows some curves
    Given an ingress controller with:
      | config ssl-ecdh-curve | secp384r1 |
    When the client requests "https://versions.${domain}/"
    Then the response status is 200
    And the keys were exchanged with the curve "CurveP384"

  @protection
  Scenario: Curves that Go lacks close the paths
    Given an ingress controller with:
      | config ssl-ecdh-curve | X448 |
    When the client requests "https://versions.${domain}/"
    Then the response status is 503

  @own
  Scenario: Sessions are resumed by tickets
    Given an ingress controller
    When the client requests "https://versions.${domain}/"
    Then the response status is 200
    And a second connection to "https://versions.${domain}/" resumes the TLS session

  Scenario: ssl-session-tickets sends no tickets
    Given an ingress controller with:
      | config ssl-session-tickets | false |
    When the client requests "https://versions.${domain}/"
    Then the response status is 200
    And a second connection to "https://versions.${domain}/" has a TLS session of its own

  @protection @annotation:ssl-ciphers
  Scenario: An exclusion of ciphers that is not known is rejected
    Given an ingress controller
    Then applying these objects is rejected with "excludes what is not known":
      """
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata:
        name: ciphers
        annotations:
          nginx.ingress.kubernetes.io/ssl-ciphers: "HIGH:!WEAK"
      spec:
        ingressClassName: ${ingress class}
        rules:
        - host: ciphers.${domain}
          http: {paths: [{path: "/", pathType: Prefix, backend: {service: {name: echo, port: {number: 80}}}}]}
      """
