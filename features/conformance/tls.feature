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

  Scenario Outline: The certificate is selected by the server name: <host>
    Then within 10 seconds, the certificate served at "https://<host>.${domain}/" is that of the Secret "<Secret>"

    Examples:
      | host | Secret   |
      | shop | exact    |
      | news | wildcard |

  Scenario Outline: A host without a certificate doesn't get that of another host: <Secret>
    When the client requests "https://elsewhere.test/"
    Then the certificate served is not that of the Secret "<Secret>"

    Examples:
      | Secret   |
      | exact    |
      | wildcard |

  Scenario: A host without a rule is not found over HTTPS, either
    When the client requests "https://elsewhere.test/"
    Then the response status is 404

  Scenario: Requests over HTTPS are served
    When the client requests "https://shop.${domain}/"
    Then the response status is 200

  @ingress-nginx
  Scenario: HTTP/2 is offered over TLS
    When the client requests "https://shop.${domain}/"
    Then the response came over "HTTP/2.0"

  @ingress-nginx
  Scenario: Backends get HTTP/1.1, whatever the client speaks
    When the client requests "https://shop.${domain}/"
    Then the echo server saw:
      | request_version | 1.1 |

  @ingress-nginx
  Scenario: Backends are told that the client uses HTTPS
    When the client requests "https://shop.${domain}/"
    Then the echo server saw:
      | x-forwarded-proto | https          |
      | x-forwarded-port  | 443            |
      | x-forwarded-host  | shop.${domain} |

  @ingress-nginx
  Scenario: Replies over HTTPS have Strict-Transport-Security
    When the client requests "https://shop.${domain}/"
    Then the response has the headers:
      | Strict-Transport-Security | max-age=31536000; includeSubDomains |

  @ingress-nginx
  Scenario: Replies over HTTPS have Strict-Transport-Security also where the default certificate is served
    When the client requests "https://elsewhere.test/"
    Then the response has the headers:
      | Strict-Transport-Security | max-age=31536000; includeSubDomains |

  @ingress-nginx
  Scenario: Replies in plain text have no Strict-Transport-Security (RFC 6797, section 7.2)
    When the client requests "http://shop.${domain}/cart"
    Then the response has no header "Strict-Transport-Security"

  @ingress-nginx
  Scenario: Plain text is redirected to HTTPS, with the method kept
    When the client requests "http://shop.${domain}/cart?item=1"
    Then the response status is 308

  @ingress-nginx
  Scenario: The redirect to HTTPS keeps host, path and query
    When the client requests "http://shop.${domain}/cart?item=1"
    Then the response has the headers:
      | Location | https://shop.${domain}/cart?item=1 |

  # One certificate for several hosts lets browsers send requests for all of them over one connection (RFC 9113, section 9.1.1).
  @ingress-nginx
  Scenario: Requests over HTTPS are routed by their Host, not by the server name
    Given a Service "next" with 1 shared echo server
    And these objects:
      """
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata: {name: reused}
      spec:
        ingressClassName: ${ingress class}
        rules:
        - host: reused.${domain}
          http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: next, port: {number: 80}}}}]}
      """
    When the client requests "https://news.${domain}/" with the headers:
      | Host | reused.${domain} |
    Then the response contains the text "server_version=next"

  @ingress-nginx
  Scenario Outline: A tls section without a certificate redirects to HTTPS, too: <tls>
    Given these objects:
      """
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata: {name: bare}
      spec:
        ingressClassName: ${ingress class}
        tls: [{hosts: ["bare.other.${domain}"]<secretName>}]
        rules:
        - host: bare.other.${domain}
          http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: echo, port: {number: 80}}}}]}
      """
    When the client requests "http://bare.other.${domain}/cart"
    Then the response status is 308

    Examples:
      | tls              | secretName            |
      | no secretName    |                       |
      | a missing Secret | , secretName: missing |

  @ingress-nginx
  Scenario Outline: A tls section without a certificate gets the default one: <tls>
    Given these objects:
      """
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata: {name: bare}
      spec:
        ingressClassName: ${ingress class}
        tls: [{hosts: ["bare.other.${domain}"]<secretName>}]
        rules:
        - host: bare.other.${domain}
          http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: echo, port: {number: 80}}}}]}
      """
    When the client requests "https://bare.other.${domain}/cart"
    Then the response status is 200

    Examples:
      | tls              | secretName            |
      | no secretName    |                       |
      | a missing Secret | , secretName: missing |

  @ingress-nginx
  Scenario: A certificate for another host is not served
    Given a TLS Secret "foreign" with a certificate for "foreign.test"
    And these objects:
      """
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata: {name: mismatch}
      spec:
        ingressClassName: ${ingress class}
        tls: [{hosts: ["mismatch.other.${domain}"], secretName: foreign}]
        rules:
        - host: mismatch.other.${domain}
          http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: echo, port: {number: 80}}}}]}
      """
    When the client requests "https://mismatch.other.${domain}/"
    Then the certificate served is not that of the Secret "foreign"

  @ingress-nginx
  Scenario: The flag default-ssl-certificate names the certificate for unknown hosts
    Given a TLS Secret "default" with a certificate for "elsewhere.test"
    And an ingress controller with:
      | flag default-ssl-certificate | ${namespace}/default |
    When the client requests "https://elsewhere.test/"
    Then the certificate served is that of the Secret "default"
