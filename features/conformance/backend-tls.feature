@ingress-nginx
Feature: TLS to backends
  Annotations say what backends are offered, and which certificate they must have. ingress-nginx has them need the annotation proxy-ssl-secret.

  Background:
    Given an ingress controller
    And a Service "secure" with 1 shared extra server
    And a TLS Secret "client" with a self-signed ECDSA certificate for "proxy"

  @protection @annotation:proxy-ssl-protocols
  Scenario: A version of TLS
    Given these objects:
      """
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata:
        name: old
        annotations:
          nginx.ingress.kubernetes.io/backend-protocol: HTTPS
          nginx.ingress.kubernetes.io/proxy-ssl-secret: ${namespace}/client
          nginx.ingress.kubernetes.io/proxy-ssl-protocols: TLSv1.2
      spec:
        ingressClassName: ${ingress class}
        rules:
        - host: old.${domain}
          http: {paths: [{path: "/", pathType: Prefix, backend: {service: {name: secure, port: {number: 443}}}}]}
      ---
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata:
        name: new
        annotations:
          nginx.ingress.kubernetes.io/backend-protocol: HTTPS
          nginx.ingress.kubernetes.io/proxy-ssl-secret: ${namespace}/client
      spec:
        ingressClassName: ${ingress class}
        rules:
        - host: new.${domain}
          http: {paths: [{path: "/", pathType: Prefix, backend: {service: {name: secure, port: {number: 443}}}}]}
      """
    When the client requests "http://old.${domain}/"
    Then the response status is 200
    And the response contains the text "TLS 1.2"
    When the client requests "http://new.${domain}/"
    Then the response status is 200
    And the response contains the text "TLS 1.3"

  @protection @annotation:proxy-ssl-protocols
  Scenario: A version of TLS that does not exist is rejected
    Then applying these objects is rejected with "proxy-ssl-protocols":
      """
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata:
        name: wrong
        annotations:
          nginx.ingress.kubernetes.io/backend-protocol: HTTPS
          nginx.ingress.kubernetes.io/proxy-ssl-secret: ${namespace}/client
          nginx.ingress.kubernetes.io/proxy-ssl-protocols: TLSv1.4
      spec:
        ingressClassName: ${ingress class}
        rules:
        - host: wrong.${domain}
          http: {paths: [{path: "/", pathType: Prefix, backend: {service: {name: secure, port: {number: 443}}}}]}
      """

  @protection @annotation:proxy-ssl-ciphers
  Scenario Outline: Ciphers of TLS 1.2
    The backend's key is of the type RSA.

    Given these objects:
      """
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata:
        name: ciphers
        annotations:
          nginx.ingress.kubernetes.io/backend-protocol: HTTPS
          nginx.ingress.kubernetes.io/proxy-ssl-secret: ${namespace}/client
          nginx.ingress.kubernetes.io/proxy-ssl-protocols: TLSv1.2
          nginx.ingress.kubernetes.io/proxy-ssl-ciphers: <ciphers>
      spec:
        ingressClassName: ${ingress class}
        rules:
        - host: ciphers.${domain}
          http: {paths: [{path: "/", pathType: Prefix, backend: {service: {name: secure, port: {number: 443}}}}]}
      """
    When the client requests "http://ciphers.${domain}/"
    Then the response status is <status>

    Examples:
      | ciphers                       | status |
      | ECDHE-RSA-AES256-GCM-SHA384   | 200    |
      | ECDHE-ECDSA-AES256-GCM-SHA384 | 502    |
      | HIGH:!aRSA                    | 502    |

  @protection @annotation:proxy-ssl-ciphers
  Scenario: An exclusion of ciphers that is not known is rejected
    Then applying these objects is rejected with "excludes what is not known":
      """
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata:
        name: wrong
        annotations:
          nginx.ingress.kubernetes.io/backend-protocol: HTTPS
          nginx.ingress.kubernetes.io/proxy-ssl-secret: ${namespace}/client
          nginx.ingress.kubernetes.io/proxy-ssl-ciphers: "HIGH:!WEAK"
      spec:
        ingressClassName: ${ingress class}
        rules:
        - host: wrong.${domain}
          http: {paths: [{path: "/", pathType: Prefix, backend: {service: {name: secure, port: {number: 443}}}}]}
      """

  @annotation:proxy-ssl-secret
  Scenario: The client certificate of the proxy
    Without it a Secret that is missing would not matter.

    Given these objects:
      """
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata:
        name: missing
        annotations:
          nginx.ingress.kubernetes.io/backend-protocol: HTTPS
          nginx.ingress.kubernetes.io/proxy-ssl-secret: ${namespace}/missing
      spec:
        ingressClassName: ${ingress class}
        rules:
        - host: missing.${domain}
          http: {paths: [{path: "/", pathType: Prefix, backend: {service: {name: secure, port: {number: 443}}}}]}
      """
    When the client requests "http://missing.${domain}/"
    Then the response status is 503

  @annotation:proxy-ssl-server-name @annotation:proxy-ssl-name
  Scenario: The name that is sent
    Given these objects:
      """
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata:
        name: named
        annotations:
          nginx.ingress.kubernetes.io/backend-protocol: HTTPS
          nginx.ingress.kubernetes.io/proxy-ssl-secret: ${namespace}/client
          nginx.ingress.kubernetes.io/proxy-ssl-server-name: "on"
          nginx.ingress.kubernetes.io/proxy-ssl-name: backend.example.com
      spec:
        ingressClassName: ${ingress class}
        rules:
        - host: named.${domain}
          http: {paths: [{path: "/", pathType: Prefix, backend: {service: {name: secure, port: {number: 443}}}}]}
      ---
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata:
        name: unnamed
        annotations:
          nginx.ingress.kubernetes.io/backend-protocol: HTTPS
          nginx.ingress.kubernetes.io/proxy-ssl-secret: ${namespace}/client
          nginx.ingress.kubernetes.io/proxy-ssl-name: backend.example.com
      spec:
        ingressClassName: ${ingress class}
        rules:
        - host: unnamed.${domain}
          http: {paths: [{path: "/", pathType: Prefix, backend: {service: {name: secure, port: {number: 443}}}}]}
      """
    When the client requests "http://named.${domain}/"
    Then the response status is 200
    And the response contains the text ""sni":"backend.example.com""
    When the client requests "http://unnamed.${domain}/"
    Then the response status is 200
    And the response contains the text ""sni":"""

  @annotation:proxy-ssl-verify @annotation:proxy-ssl-name
  Scenario: A backend whose certificate is of an unknown authority
    Given a Secret "authority" with the certificate of the Secret "client" as authority
    And these objects:
      """
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata:
        name: verified
        annotations:
          nginx.ingress.kubernetes.io/backend-protocol: HTTPS
          nginx.ingress.kubernetes.io/proxy-ssl-secret: ${namespace}/authority
          nginx.ingress.kubernetes.io/proxy-ssl-verify: "on"
          nginx.ingress.kubernetes.io/proxy-ssl-name: extra
      spec:
        ingressClassName: ${ingress class}
        rules:
        - host: verified.${domain}
          http: {paths: [{path: "/", pathType: Prefix, backend: {service: {name: secure, port: {number: 443}}}}]}
      ---
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata:
        name: unverified
        annotations:
          nginx.ingress.kubernetes.io/backend-protocol: HTTPS
          nginx.ingress.kubernetes.io/proxy-ssl-secret: ${namespace}/authority
          nginx.ingress.kubernetes.io/proxy-ssl-name: extra
      spec:
        ingressClassName: ${ingress class}
        rules:
        - host: unverified.${domain}
          http: {paths: [{path: "/", pathType: Prefix, backend: {service: {name: secure, port: {number: 443}}}}]}
      """
    When the client requests "http://verified.${domain}/"
    Then the response status is 502
    When the client requests "http://unverified.${domain}/"
    Then the response status is 200

  @annotation:backend-protocol
  Scenario Outline: What backends speak
    Given these objects:
      """
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata:
        name: protocol
        annotations:
          nginx.ingress.kubernetes.io/backend-protocol: <protocol>
      spec:
        ingressClassName: ${ingress class}
        rules:
        - host: protocol.${domain}
          http: {paths: [{path: "/", pathType: Prefix, backend: {service: {name: secure, port: {number: 443}}}}]}
      """
    When the client requests "http://protocol.${domain}/"
    Then the response status is <status>
    And the response contains the text "<text>"

    Examples:
      | protocol | status | text     |
      | HTTPS    | 200    | HTTP/1.1 |
      | GRPCS    | 200    | HTTP/2.0 |
      | HTTP     | 400    | HTTPS    |

  @annotation:backend-protocol
  Scenario: Backends speak what clients speak
    The port of the Service takes TLS alone.

    Given these objects:
      """
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata:
        name: auto
        annotations:
          nginx.ingress.kubernetes.io/backend-protocol: AUTO_HTTP
      spec:
        ingressClassName: ${ingress class}
        rules:
        - host: auto.${domain}
          http: {paths: [{path: "/", pathType: Prefix, backend: {service: {name: secure, port: {number: 443}}}}]}
      """
    When the client requests "https://auto.${domain}/"
    Then the response status is 200
    And the response contains the text "TLS 1.3"
    When the client requests "http://auto.${domain}/"
    Then the response status is 400

  # The controller is its own backend: its certificate, versions and client certificates are those of the scenario.
  @annotation:proxy-ssl-secret
  Scenario: The certificate of the Secret is presented to backends that request one
    Given a TLS Secret "server" with a certificate for "inner.${domain}"
    And a TLS Secret "other" with a self-signed ECDSA certificate for "other"
    And a Secret "authorities" with the certificate of the Secret "client" as authority
    And these objects:
      """
      apiVersion: v1
      kind: Service
      metadata: {name: inner}
      spec:
        ports: [{name: https, port: 443}]
      ---
      apiVersion: discovery.k8s.io/v1
      kind: EndpointSlice
      metadata:
        name: inner
        labels: {kubernetes.io/service-name: inner}
      addressType: IPv4
      ports: [{name: https, port: 443}]
      endpoints:
      - {addresses: ["${controller cluster IP}"], conditions: {ready: true, serving: true, terminating: false}}
      ---
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata:
        name: inner
        annotations:
          nginx.ingress.kubernetes.io/auth-tls-secret: ${namespace}/authorities
          nginx.ingress.kubernetes.io/ssl-redirect: "false"
      spec:
        ingressClassName: ${ingress class}
        tls:
        - {hosts: ["inner.${domain}"], secretName: server}
        rules:
        - host: inner.${domain}
          http: {paths: [{path: "/", pathType: Prefix, backend: {service: {name: secure, port: {number: 80}}}}]}
      ---
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata:
        name: known
        annotations:
          nginx.ingress.kubernetes.io/backend-protocol: HTTPS
          nginx.ingress.kubernetes.io/upstream-vhost: inner.${domain}
          nginx.ingress.kubernetes.io/proxy-ssl-server-name: "on"
          nginx.ingress.kubernetes.io/proxy-ssl-name: inner.${domain}
          nginx.ingress.kubernetes.io/proxy-ssl-secret: ${namespace}/client
      spec:
        ingressClassName: ${ingress class}
        rules:
        - host: known.${domain}
          http: {paths: [{path: "/", pathType: Prefix, backend: {service: {name: inner, port: {number: 443}}}}]}
      ---
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata:
        name: unknown
        annotations:
          nginx.ingress.kubernetes.io/backend-protocol: HTTPS
          nginx.ingress.kubernetes.io/upstream-vhost: inner.${domain}
          nginx.ingress.kubernetes.io/proxy-ssl-server-name: "on"
          nginx.ingress.kubernetes.io/proxy-ssl-name: inner.${domain}
          nginx.ingress.kubernetes.io/proxy-ssl-secret: ${namespace}/other
      spec:
        ingressClassName: ${ingress class}
        rules:
        - host: unknown.${domain}
          http: {paths: [{path: "/", pathType: Prefix, backend: {service: {name: inner, port: {number: 443}}}}]}
      """
    Then requests are answered as follows:
      | URL                       | status |
      | http://known.${domain}/   | 200    |
      | http://unknown.${domain}/ | 400    |

  @protection @annotation:proxy-ssl-verify @annotation:proxy-ssl-verify-depth
  Scenario: The number of intermediate authorities
    Given a TLS Secret "server" with a certificate for "inner.${domain}" and 2 intermediate authorities
    And these objects:
      """
      apiVersion: v1
      kind: Service
      metadata: {name: inner}
      spec:
        ports: [{name: https, port: 443}]
      ---
      apiVersion: discovery.k8s.io/v1
      kind: EndpointSlice
      metadata:
        name: inner
        labels: {kubernetes.io/service-name: inner}
      addressType: IPv4
      ports: [{name: https, port: 443}]
      endpoints:
      - {addresses: ["${controller cluster IP}"], conditions: {ready: true, serving: true, terminating: false}}
      ---
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata:
        name: inner
        annotations:
          nginx.ingress.kubernetes.io/ssl-redirect: "false"
      spec:
        ingressClassName: ${ingress class}
        tls:
        - {hosts: ["inner.${domain}"], secretName: server}
        rules:
        - host: inner.${domain}
          http: {paths: [{path: "/", pathType: Prefix, backend: {service: {name: secure, port: {number: 80}}}}]}
      ---
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata:
        name: two
        annotations:
          nginx.ingress.kubernetes.io/backend-protocol: HTTPS
          nginx.ingress.kubernetes.io/upstream-vhost: inner.${domain}
          nginx.ingress.kubernetes.io/proxy-ssl-server-name: "on"
          nginx.ingress.kubernetes.io/proxy-ssl-name: inner.${domain}
          nginx.ingress.kubernetes.io/proxy-ssl-secret: ${namespace}/server
          nginx.ingress.kubernetes.io/proxy-ssl-verify: "on"
          nginx.ingress.kubernetes.io/proxy-ssl-verify-depth: "2"
      spec:
        ingressClassName: ${ingress class}
        rules:
        - host: two.${domain}
          http: {paths: [{path: "/", pathType: Prefix, backend: {service: {name: inner, port: {number: 443}}}}]}
      ---
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata:
        name: one
        annotations:
          nginx.ingress.kubernetes.io/backend-protocol: HTTPS
          nginx.ingress.kubernetes.io/upstream-vhost: inner.${domain}
          nginx.ingress.kubernetes.io/proxy-ssl-server-name: "on"
          nginx.ingress.kubernetes.io/proxy-ssl-name: inner.${domain}
          nginx.ingress.kubernetes.io/proxy-ssl-secret: ${namespace}/server
          nginx.ingress.kubernetes.io/proxy-ssl-verify: "on"
          nginx.ingress.kubernetes.io/proxy-ssl-verify-depth: "1"
      spec:
        ingressClassName: ${ingress class}
        rules:
        - host: one.${domain}
          http: {paths: [{path: "/", pathType: Prefix, backend: {service: {name: inner, port: {number: 443}}}}]}
      """
    Then requests are answered as follows:
      | URL                   | status |
      | http://two.${domain}/ | 200    |
      | http://one.${domain}/ | 502    |

  @protection @annotation:proxy-ssl-protocols
  Scenario: A backend that only has an older version of TLS
    Given an ingress controller with:
      | config ssl-protocols | TLSv1.2 |
    And a TLS Secret "server" with a certificate for "inner.${domain}"
    And these objects:
      """
      apiVersion: v1
      kind: Service
      metadata: {name: inner}
      spec:
        ports: [{name: https, port: 443}]
      ---
      apiVersion: discovery.k8s.io/v1
      kind: EndpointSlice
      metadata:
        name: inner
        labels: {kubernetes.io/service-name: inner}
      addressType: IPv4
      ports: [{name: https, port: 443}]
      endpoints:
      - {addresses: ["${controller cluster IP}"], conditions: {ready: true, serving: true, terminating: false}}
      ---
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata:
        name: inner
        annotations:
          nginx.ingress.kubernetes.io/ssl-redirect: "false"
      spec:
        ingressClassName: ${ingress class}
        tls:
        - {hosts: ["inner.${domain}"], secretName: server}
        rules:
        - host: inner.${domain}
          http: {paths: [{path: "/", pathType: Prefix, backend: {service: {name: secure, port: {number: 80}}}}]}
      ---
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata:
        name: both
        annotations:
          nginx.ingress.kubernetes.io/backend-protocol: HTTPS
          nginx.ingress.kubernetes.io/upstream-vhost: inner.${domain}
          nginx.ingress.kubernetes.io/proxy-ssl-server-name: "on"
          nginx.ingress.kubernetes.io/proxy-ssl-name: inner.${domain}
          nginx.ingress.kubernetes.io/proxy-ssl-secret: ${namespace}/client
          nginx.ingress.kubernetes.io/proxy-ssl-protocols: TLSv1.2 TLSv1.3
      spec:
        ingressClassName: ${ingress class}
        rules:
        - host: both.${domain}
          http: {paths: [{path: "/", pathType: Prefix, backend: {service: {name: inner, port: {number: 443}}}}]}
      ---
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata:
        name: newer
        annotations:
          nginx.ingress.kubernetes.io/backend-protocol: HTTPS
          nginx.ingress.kubernetes.io/upstream-vhost: inner.${domain}
          nginx.ingress.kubernetes.io/proxy-ssl-server-name: "on"
          nginx.ingress.kubernetes.io/proxy-ssl-name: inner.${domain}
          nginx.ingress.kubernetes.io/proxy-ssl-secret: ${namespace}/client
          nginx.ingress.kubernetes.io/proxy-ssl-protocols: TLSv1.3
      spec:
        ingressClassName: ${ingress class}
        rules:
        - host: newer.${domain}
          http: {paths: [{path: "/", pathType: Prefix, backend: {service: {name: inner, port: {number: 443}}}}]}
      """
    Then requests are answered as follows:
      | URL                     | status |
      | http://both.${domain}/  | 200    |
      | http://newer.${domain}/ | 502    |
