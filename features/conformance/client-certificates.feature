@ingress-nginx @protection
Feature: Client certificates
  Annotations require a certificate of the client. It is requested in the handshake, by the server name, and checked for each
  request.

  Background:
    Given an ingress controller
    And a Service "echo" with 2 shared echo servers
    And a TLS Secret "server" with a certificate for "mutual.${domain}, open.${domain}"
    And a TLS Secret "alice" with a self-signed ECDSA certificate for "alice"
    And a TLS Secret "mallory" with a self-signed ECDSA certificate for "mallory"
    And a Secret "authorities" with the certificate of the Secret "alice" as authority

  @annotation:auth-tls-secret
  Scenario: A certificate of the authority is required
    Given these objects:
      """
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata:
        name: mutual
        annotations:
          nginx.ingress.kubernetes.io/auth-tls-secret: ${namespace}/authorities
      spec:
        ingressClassName: ${ingress class}
        tls:
        - {hosts: ["mutual.${domain}"], secretName: server}
        rules:
        - host: mutual.${domain}
          http:
            paths:
            - {path: /, pathType: Prefix, backend: {service: {name: echo, port: {number: 80}}}}
      """
    When the client requests "https://mutual.${domain}/"
    Then the response status is 400
    When the client presents the certificate of the Secret "mallory"
    And the client requests "https://mutual.${domain}/"
    Then the response status is 400
    When the client presents the certificate of the Secret "alice"
    And the client requests "https://mutual.${domain}/"
    Then the response status is 200

  @annotation:auth-tls-secret
  Scenario: Header fields describe the certificate to backends, and clients can't forge them
    Given these objects:
      """
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata:
        name: mutual
        annotations:
          nginx.ingress.kubernetes.io/auth-tls-secret: ${namespace}/authorities
      spec:
        ingressClassName: ${ingress class}
        tls:
        - {hosts: ["mutual.${domain}"], secretName: server}
        rules:
        - host: mutual.${domain}
          http:
            paths:
            - {path: /, pathType: Prefix, backend: {service: {name: echo, port: {number: 80}}}}
      """
    When the client presents the certificate of the Secret "alice"
    And the client requests "https://mutual.${domain}/" with the headers:
      | ssl-client-verify | NONE |
      | ssl-client-cert   | x    |
    Then the echo server saw:
      | ssl-client-verify | SUCCESS |
    And the echo server saw no header "ssl-client-cert"

  @annotation:auth-tls-verify-client
  Scenario: A certificate may be optional
    Given these objects:
      """
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata:
        name: mutual
        annotations:
          nginx.ingress.kubernetes.io/auth-tls-secret: ${namespace}/authorities
          nginx.ingress.kubernetes.io/auth-tls-verify-client: optional
      spec:
        ingressClassName: ${ingress class}
        tls:
        - {hosts: ["mutual.${domain}"], secretName: server}
        rules:
        - host: mutual.${domain}
          http:
            paths:
            - {path: /, pathType: Prefix, backend: {service: {name: echo, port: {number: 80}}}}
      """
    When the client requests "https://mutual.${domain}/"
    Then the response status is 200
    And the echo server saw:
      | ssl-client-verify | NONE |
    When the client presents the certificate of the Secret "mallory"
    And the client requests "https://mutual.${domain}/"
    Then the response status is 400

  @annotation:auth-tls-match-cn
  Scenario: The subject of the certificate is restricted
    Given these objects:
      """
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata:
        name: mutual
        annotations:
          nginx.ingress.kubernetes.io/auth-tls-secret: ${namespace}/authorities
          nginx.ingress.kubernetes.io/auth-tls-match-cn: CN=bob
      spec:
        ingressClassName: ${ingress class}
        tls:
        - {hosts: ["mutual.${domain}"], secretName: server}
        rules:
        - host: mutual.${domain}
          http:
            paths:
            - {path: /, pathType: Prefix, backend: {service: {name: echo, port: {number: 80}}}}
      """
    When the client presents the certificate of the Secret "alice"
    And the client requests "https://mutual.${domain}/"
    Then the response status is 403

  @annotation:auth-tls-secret
  Scenario: All paths of the host require it
    Given these objects:
      """
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata:
        name: mutual
        annotations:
          nginx.ingress.kubernetes.io/auth-tls-secret: ${namespace}/authorities
      spec:
        ingressClassName: ${ingress class}
        tls:
        - {hosts: ["mutual.${domain}"], secretName: server}
        rules:
        - host: mutual.${domain}
          http:
            paths:
            - {path: /admin, pathType: Prefix, backend: {service: {name: echo, port: {number: 80}}}}
      ---
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata:
        name: beside
      spec:
        ingressClassName: ${ingress class}
        rules:
        - host: mutual.${domain}
          http:
            paths:
            - {path: /, pathType: Prefix, backend: {service: {name: echo, port: {number: 80}}}}
      """
    When the client requests "https://mutual.${domain}/"
    Then the response status is 400

  @annotation:auth-tls-secret
  Scenario: A connection for another host does not bypass it
    Given these objects:
      """
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata:
        name: mutual
        annotations:
          nginx.ingress.kubernetes.io/auth-tls-secret: ${namespace}/authorities
      spec:
        ingressClassName: ${ingress class}
        tls:
        - {hosts: ["mutual.${domain}"], secretName: server}
        rules:
        - host: mutual.${domain}
          http:
            paths:
            - {path: /, pathType: Prefix, backend: {service: {name: echo, port: {number: 80}}}}
      ---
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata:
        name: open
      spec:
        ingressClassName: ${ingress class}
        tls:
        - {hosts: ["open.${domain}"], secretName: server}
        rules:
        - host: open.${domain}
          http:
            paths:
            - {path: /, pathType: Prefix, backend: {service: {name: echo, port: {number: 80}}}}
      """
    When the client requests "https://open.${domain}/" with the headers:
      | Host | mutual.${domain} |
    Then the response status is 421

  @annotation:auth-tls-secret
  Scenario: Hosts whose authority is missing answer 503
    Given these objects:
      """
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata:
        name: mutual
        annotations:
          nginx.ingress.kubernetes.io/auth-tls-secret: ${namespace}/missing
      spec:
        ingressClassName: ${ingress class}
        tls:
        - {hosts: ["mutual.${domain}"], secretName: server}
        rules:
        - host: mutual.${domain}
          http:
            paths:
            - {path: /, pathType: Prefix, backend: {service: {name: echo, port: {number: 80}}}}
      """
    When the client requests "https://mutual.${domain}/"
    Then the response status is 503

  @annotation:auth-tls-secret
  Scenario: Plain text is redirected to HTTPS
    Given these objects:
      """
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata:
        name: mutual
        annotations:
          nginx.ingress.kubernetes.io/auth-tls-secret: ${namespace}/authorities
      spec:
        ingressClassName: ${ingress class}
        tls:
        - {hosts: ["mutual.${domain}"], secretName: server}
        rules:
        - host: mutual.${domain}
          http:
            paths:
            - {path: /, pathType: Prefix, backend: {service: {name: echo, port: {number: 80}}}}
      """
    Then requests are answered as follows:
      | URL                      | status |
      | http://mutual.${domain}/ | 308    |

  @annotation:auth-tls-secret
  Scenario: A host without the annotation requires no certificate
    Given these objects:
      """
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata:
        name: mutual
        annotations:
          nginx.ingress.kubernetes.io/auth-tls-secret: ${namespace}/authorities
      spec:
        ingressClassName: ${ingress class}
        tls:
        - {hosts: ["mutual.${domain}"], secretName: server}
        rules:
        - host: mutual.${domain}
          http: {paths: [{path: "/", pathType: Prefix, backend: {service: {name: echo, port: {number: 80}}}}]}
      ---
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata:
        name: open
      spec:
        ingressClassName: ${ingress class}
        tls:
        - {hosts: ["open.${domain}"], secretName: server}
        rules:
        - host: open.${domain}
          http: {paths: [{path: "/", pathType: Prefix, backend: {service: {name: echo, port: {number: 80}}}}]}
      """
    When the client requests "https://open.${domain}/"
    Then the response status is 200

  @annotation:auth-tls-error-page
  Scenario: Clients without a certificate are redirected to a page
    Given these objects:
      """
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata:
        name: mutual
        annotations:
          nginx.ingress.kubernetes.io/auth-tls-secret: ${namespace}/authorities
          nginx.ingress.kubernetes.io/auth-tls-error-page: https://help.example.test/certificates
      spec:
        ingressClassName: ${ingress class}
        tls:
        - {hosts: ["mutual.${domain}"], secretName: server}
        rules:
        - host: mutual.${domain}
          http: {paths: [{path: "/", pathType: Prefix, backend: {service: {name: echo, port: {number: 80}}}}]}
      """
    When the client requests "https://mutual.${domain}/"
    Then the response status is 302
    And the response has the headers:
      | Location | https://help.example.test/certificates |

  @annotation:auth-tls-pass-certificate-to-upstream
  Scenario: Backends get the certificate if an annotation says so
    Given these objects:
      """
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata:
        name: mutual
        annotations:
          nginx.ingress.kubernetes.io/auth-tls-secret: ${namespace}/authorities
          nginx.ingress.kubernetes.io/auth-tls-pass-certificate-to-upstream: "true"
      spec:
        ingressClassName: ${ingress class}
        tls:
        - {hosts: ["mutual.${domain}"], secretName: server}
        rules:
        - host: mutual.${domain}
          http: {paths: [{path: "/", pathType: Prefix, backend: {service: {name: echo, port: {number: 80}}}}]}
      """
    When the client presents the certificate of the Secret "alice"
    And the client requests "https://mutual.${domain}/"
    Then the echo server saw:
      | ssl-client-cert | /-----BEGIN%20CERTIFICATE-----.*/ |

  @annotation:auth-tls-verify-depth
  Scenario: The number of intermediate authorities
    Given a TLS Secret "chain" with a certificate for "carol" and 2 intermediate authorities
    And these objects:
      """
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata:
        name: two
        annotations:
          nginx.ingress.kubernetes.io/auth-tls-secret: ${namespace}/chain
          nginx.ingress.kubernetes.io/auth-tls-verify-depth: "2"
      spec:
        ingressClassName: ${ingress class}
        tls:
        - {hosts: ["mutual.${domain}"], secretName: server}
        rules:
        - host: mutual.${domain}
          http: {paths: [{path: "/", pathType: Prefix, backend: {service: {name: echo, port: {number: 80}}}}]}
      ---
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata:
        name: one
        annotations:
          nginx.ingress.kubernetes.io/auth-tls-secret: ${namespace}/chain
          nginx.ingress.kubernetes.io/auth-tls-verify-depth: "1"
      spec:
        ingressClassName: ${ingress class}
        tls:
        - {hosts: ["open.${domain}"], secretName: server}
        rules:
        - host: open.${domain}
          http: {paths: [{path: "/", pathType: Prefix, backend: {service: {name: echo, port: {number: 80}}}}]}
      """
    When the client presents the certificate of the Secret "chain"
    Then requests are answered as follows:
      | URL                       | status |
      | https://mutual.${domain}/ | 200    |
      | https://open.${domain}/   | 400    |
