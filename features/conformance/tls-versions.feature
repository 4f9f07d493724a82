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

  # Go's server and nginx's choose differently where a client offers several ciphers, so that each host has just one.
  @protection @annotation:ssl-ciphers
  Scenario: ssl-ciphers is for the hosts of its own Ingress
    Given an ingress controller with:
      | config ssl-protocols | TLSv1.2 |
    And a TLS Secret "server" with a certificate for "long.${domain}, short.${domain}"
    And these objects:
      """
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata:
        name: long
        annotations:
          nginx.ingress.kubernetes.io/ssl-ciphers: ECDHE-ECDSA-AES256-GCM-SHA384
      spec:
        ingressClassName: ${ingress class}
        tls:
        - {hosts: ["long.${domain}"], secretName: server}
        rules:
        - host: long.${domain}
          http: {paths: [{path: "/", pathType: Prefix, backend: {service: {name: echo, port: {number: 80}}}}]}
      ---
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata:
        name: short
        annotations:
          nginx.ingress.kubernetes.io/ssl-ciphers: ECDHE-ECDSA-AES128-GCM-SHA256
      spec:
        ingressClassName: ${ingress class}
        tls:
        - {hosts: ["short.${domain}"], secretName: server}
        rules:
        - host: short.${domain}
          http: {paths: [{path: "/", pathType: Prefix, backend: {service: {name: echo, port: {number: 80}}}}]}
      """
    When the client requests "https://long.${domain}/"
    Then the connection uses the cipher "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384"
    When the client requests "https://short.${domain}/"
    Then the connection uses the cipher "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256"
