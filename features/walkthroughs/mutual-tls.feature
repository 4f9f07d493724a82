@walkthrough @protection
Feature: Mutual TLS
  The controller terminates TLS for a bank, which also requires certificates of its clients, by the annotations that the
  documentation of ingress-nginx describes under "Client Certificate Authentication"
  (https://kubernetes.github.io/ingress-nginx/user-guide/nginx-configuration/annotations/#client-certificate-authentication).
  Clients without a certificate complete the handshake. The refusal is an HTTP response with the status 400 and not an
  alert of TLS, so that an access log shows it.

  Background:
    Given an ingress controller
    And a Service "bank" with 1 shared echo server
    And a TLS Secret "server" with a certificate for "open.${domain}, bank.${domain}, audit.${domain}, board.${domain}, branch.${domain}"
    # openssl req -x509 -nodes -newkey rsa:2048 -keyout alice.key -out alice.crt -subj "/CN=alice/O=alice"; and for mallory
    And a TLS Secret "alice" with a self-signed certificate for "alice"
    And a TLS Secret "mallory" with a self-signed certificate for "mallory"
    # kubectl create secret generic authorities --from-file=ca.crt=alice.crt
    And a Secret "authorities" with the certificate of the Secret "alice" as authority

  Scenario: TLS ends at the controller, and the backend gets plain text
    Given these objects:
      """
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
            - {path: /, pathType: Prefix, backend: {service: {name: bank, port: {number: 80}}}}
      """
    And packets are captured on the link of the controller's Pod
    When the client requests "https://open.${domain}/"
    Then the response status is 200
    And the certificate served is that of the Secret "server"
    And the connection uses "TLS 1.2" or newer
    And the echo server saw:
      | x-forwarded-proto | https |
      | x-forwarded-port  | 443   |
    And the echo server saw no header "ssl-client-verify"
    And on the Pod's link, the client's TLS ClientHello on port 443 names "open.${domain}"
    And on the Pod's link, the server answers with a TLS ServerHello from port 443

  Scenario: A client without a certificate is refused
    Given these objects:
      """
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata:
        name: bank
        annotations:
          nginx.ingress.kubernetes.io/auth-tls-secret: ${namespace}/authorities
      spec:
        ingressClassName: ${ingress class}
        tls:
        - {hosts: ["bank.${domain}"], secretName: server}
        rules:
        - host: bank.${domain}
          http:
            paths:
            - {path: /, pathType: Prefix, backend: {service: {name: bank, port: {number: 80}}}}
      """
    When the client requests "https://bank.${domain}/account"
    Then the response status is 400

  Scenario: A client with the certificate of another authority is refused
    When the client presents the certificate of the Secret "mallory"
    And the client requests "https://bank.${domain}/account"
    Then the response status is 400

  Scenario: A client with the right certificate is let in, and the backend gets its name
    When the client presents the certificate of the Secret "alice"
    And the client requests "https://bank.${domain}/account"
    Then the response status is 200
    And the echo server saw:
      | real path             | /account         |
      | ssl-client-verify     | SUCCESS          |
      | ssl-client-subject-dn | CN=alice,O=alice |
      | ssl-client-issuer-dn  | CN=alice,O=alice |
    And the echo server saw no header "ssl-client-cert"

  Scenario: A client can't forge what the backend gets
    When the client presents the certificate of the Secret "alice"
    And the client requests "https://bank.${domain}/account" with the headers:
      | ssl-client-subject-dn | CN=director |
      | ssl-client-cert       | forged      |
    Then the response status is 200
    And the echo server saw:
      | ssl-client-subject-dn | CN=alice,O=alice |
    And the echo server saw no header "ssl-client-cert"

  Scenario: An annotation passes the whole certificate to the backend
    Given these objects:
      """
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata:
        name: audit
        annotations:
          nginx.ingress.kubernetes.io/auth-tls-secret: ${namespace}/authorities
          nginx.ingress.kubernetes.io/auth-tls-pass-certificate-to-upstream: "true"
      spec:
        ingressClassName: ${ingress class}
        tls:
        - {hosts: ["audit.${domain}"], secretName: server}
        rules:
        - host: audit.${domain}
          http:
            paths:
            - {path: /, pathType: Prefix, backend: {service: {name: bank, port: {number: 80}}}}
      """
    When the client presents the certificate of the Secret "alice"
    And the client requests "https://audit.${domain}/"
    Then the response status is 200
    And the echo server saw:
      | ssl-client-cert | /-----BEGIN%20CERTIFICATE-----%0A.+-----END%20CERTIFICATE-----%0A/ |

  Scenario: Of the known clients, only some are let in
    Given these objects:
      """
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata:
        name: board
        annotations:
          nginx.ingress.kubernetes.io/auth-tls-secret: ${namespace}/authorities
          nginx.ingress.kubernetes.io/auth-tls-match-cn: CN=(bob|carol)
      spec:
        ingressClassName: ${ingress class}
        tls:
        - {hosts: ["board.${domain}"], secretName: server}
        rules:
        - host: board.${domain}
          http:
            paths:
            - {path: /, pathType: Prefix, backend: {service: {name: bank, port: {number: 80}}}}
      """
    When the client presents the certificate of the Secret "alice"
    And the client requests "https://board.${domain}/"
    Then the response status is 403

  Scenario: Where a certificate is optional, the backend decides what clients without one may do
    Given these objects:
      """
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata:
        name: branch
        annotations:
          nginx.ingress.kubernetes.io/auth-tls-secret: ${namespace}/authorities
          nginx.ingress.kubernetes.io/auth-tls-verify-client: optional
      spec:
        ingressClassName: ${ingress class}
        tls:
        - {hosts: ["branch.${domain}"], secretName: server}
        rules:
        - host: branch.${domain}
          http:
            paths:
            - {path: /, pathType: Prefix, backend: {service: {name: bank, port: {number: 80}}}}
      """
    When the client requests "https://branch.${domain}/"
    Then the response status is 200
    And the echo server saw:
      | ssl-client-verify | NONE |
    # A wrong certificate is worse than none.
    When the client presents the certificate of the Secret "mallory"
    And the client requests "https://branch.${domain}/"
    Then the response status is 400

  Scenario: Plain text is no way around the certificate
    Then requests are answered as follows:
      | URL                           | status | comment             |
      | http://bank.${domain}/account | 308    | redirected to HTTPS |
