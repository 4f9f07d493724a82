@ingress-v1
Feature: TLS
  The certificate is selected by the server name (SNI). Requests in plain text for a host with a certificate are
  redirected to HTTPS.

  Background:
    Given an ingress controller
    And a Service "echo" with 2 shared echo servers
    And a TLS Secret "exact" with a certificate for "shop.${domain}"
    And a TLS Secret "wildcard" with a certificate for "*.${domain}"
    And these objects:
      """
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata:
        name: tls
      spec:
        ingressClassName: ${ingress class}
        tls:
        - {hosts: ["shop.${domain}"], secretName: exact}
        - {hosts: ["*.${domain}"], secretName: wildcard}
        rules:
        - host: shop.${domain}
          http: &echo
            paths:
            - {path: /, pathType: Prefix, backend: {service: {name: echo, port: {number: 80}}}}
        - host: "*.${domain}"
          http: *echo
      """

  Scenario: The certificate is selected by the server name
    Then within 10 seconds, the certificate served at "https://shop.${domain}/" is that of the Secret "exact"
    When the client requests "https://shop.${domain}/"
    Then the response status is 200
    And the certificate served is that of the Secret "exact"
    And within 10 seconds, the certificate served at "https://news.${domain}/" is that of the Secret "wildcard"
    When the client requests "https://news.${domain}/"
    Then the response status is 200
    And the certificate served is that of the Secret "wildcard"
    When the client requests "https://elsewhere.test/"
    Then the certificate served is not that of the Secret "exact"
    And the certificate served is not that of the Secret "wildcard"
    And the response status is 404

  @ingress-nginx
  Scenario: HTTP/2, HSTS and the redirect to HTTPS
    When the client requests "https://shop.${domain}/"
    Then the response came over "HTTP/2.0"
    And the response has the headers:
      | Strict-Transport-Security | max-age=31536000; includeSubDomains |
    And the echo server saw:
      | x-forwarded-proto | https          |
      | x-forwarded-port  | 443            |
      | x-forwarded-host  | shop.${domain} |
      | request_version   | 1.1            |
    When the client requests "http://shop.${domain}/cart?item=1"
    Then the response status is 308
    And the response has the headers:
      | Location | https://shop.${domain}/cart?item=1 |
    And the response has no header "Strict-Transport-Security"
