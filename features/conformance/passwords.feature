@ingress-nginx @protection
Feature: Passwords
  Annotations require a name and a password (RFC 7617), which are in a Secret.

  Background:
    Given an ingress controller
    And a Service "echo" with 2 shared echo servers

  @annotation:auth-type @annotation:auth-realm
  Scenario: The reply to a request without a password names the realm
    Given these objects:
      """
      apiVersion: v1
      kind: Secret
      metadata: {name: users}
      stringData:
        auth: |
          alice:$apr1$abcdefgh$h9FWgUz3n9YxylKLlR5SQ/
          bob:{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=
          carol:$2b$04$abcdefghijklmnopqrstuu2r9OfJnfCsdneAXAGHnS4UpFFP8WIrW
          dave:$6$abcdefgh$ltjgWl6579NluT/Vi1nwEvcil.G5Nbc4NiXZaNGStk8PSwGfQv72N2CKPPrVACtLtip/cZ/1GM/O6IND4WQhG.
      ---
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata:
        name: basic
        annotations:
          nginx.ingress.kubernetes.io/auth-type: basic
          nginx.ingress.kubernetes.io/auth-secret: users
          nginx.ingress.kubernetes.io/auth-realm: My realm
      spec:
        ingressClassName: ${ingress class}
        rules:
        - host: basic.${domain}
          http:
            paths:
            - {path: /, pathType: Prefix, backend: {service: {name: echo, port: {number: 80}}}}
      """
    When the client requests "http://basic.${domain}/"
    Then the response status is 401
    And the response has the headers:
      | WWW-Authenticate | Basic realm="My realm" |

  @annotation:auth-secret
  Scenario: Users with each kind of htpasswd hash are authenticated
    Given these objects:
      """
      apiVersion: v1
      kind: Secret
      metadata: {name: users}
      stringData:
        auth: |
          alice:$apr1$abcdefgh$h9FWgUz3n9YxylKLlR5SQ/
          bob:{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=
          carol:$2b$04$abcdefghijklmnopqrstuu2r9OfJnfCsdneAXAGHnS4UpFFP8WIrW
          dave:$6$abcdefgh$ltjgWl6579NluT/Vi1nwEvcil.G5Nbc4NiXZaNGStk8PSwGfQv72N2CKPPrVACtLtip/cZ/1GM/O6IND4WQhG.
      ---
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata:
        name: basic
        annotations:
          nginx.ingress.kubernetes.io/auth-type: basic
          nginx.ingress.kubernetes.io/auth-secret: users
      spec:
        ingressClassName: ${ingress class}
        rules:
        - host: basic.${domain}
          http:
            paths:
            - {path: /, pathType: Prefix, backend: {service: {name: echo, port: {number: 80}}}}
      """
    When the client requests "http://basic.${domain}/" with the headers:
      | Authorization | Basic YWxpY2U6c2VjcmV0 |
    Then the response status is 200
    When the client requests "http://basic.${domain}/" with the headers:
      | Authorization | Basic Ym9iOnNlY3JldA== |
    Then the response status is 200
    When the client requests "http://basic.${domain}/" with the headers:
      | Authorization | Basic Y2Fyb2w6c2VjcmV0 |
    Then the response status is 200
    When the client requests "http://basic.${domain}/" with the headers:
      | Authorization | Basic ZGF2ZTpzZWNyZXQ= |
    Then the response status is 200

  @annotation:auth-secret
  Scenario: Wrong passwords and unknown users are rejected
    Given these objects:
      """
      apiVersion: v1
      kind: Secret
      metadata: {name: users}
      stringData:
        auth: |
          alice:$apr1$abcdefgh$h9FWgUz3n9YxylKLlR5SQ/
          bob:{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=
          carol:$2b$04$abcdefghijklmnopqrstuu2r9OfJnfCsdneAXAGHnS4UpFFP8WIrW
          dave:$6$abcdefgh$ltjgWl6579NluT/Vi1nwEvcil.G5Nbc4NiXZaNGStk8PSwGfQv72N2CKPPrVACtLtip/cZ/1GM/O6IND4WQhG.
      ---
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata:
        name: basic
        annotations:
          nginx.ingress.kubernetes.io/auth-type: basic
          nginx.ingress.kubernetes.io/auth-secret: users
      spec:
        ingressClassName: ${ingress class}
        rules:
        - host: basic.${domain}
          http:
            paths:
            - {path: /, pathType: Prefix, backend: {service: {name: echo, port: {number: 80}}}}
      """
    When the client requests "http://basic.${domain}/" with the headers:
      | Authorization | Basic YWxpY2U6d3Jvbmc= |
    Then the response status is 401
    When the client requests "http://basic.${domain}/" with the headers:
      | Authorization | Basic Y2Fyb2w6c2VjcmV0IA== |
    Then the response status is 401
    When the client requests "http://basic.${domain}/" with the headers:
      | Authorization | Basic bWFsbG9yeTpzZWNyZXQ= |
    Then the response status is 401
    When the client requests "http://basic.${domain}/" with the headers:
      | Authorization | Bearer secret |
    Then the response status is 401

  @annotation:auth-type
  Scenario: The password is not forwarded to backends
    Given these objects:
      """
      apiVersion: v1
      kind: Secret
      metadata: {name: users}
      stringData:
        auth: |
          alice:$apr1$abcdefgh$h9FWgUz3n9YxylKLlR5SQ/
          bob:{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=
          carol:$2b$04$abcdefghijklmnopqrstuu2r9OfJnfCsdneAXAGHnS4UpFFP8WIrW
          dave:$6$abcdefgh$ltjgWl6579NluT/Vi1nwEvcil.G5Nbc4NiXZaNGStk8PSwGfQv72N2CKPPrVACtLtip/cZ/1GM/O6IND4WQhG.
      ---
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata:
        name: basic
        annotations:
          nginx.ingress.kubernetes.io/auth-type: basic
          nginx.ingress.kubernetes.io/auth-secret: users
      spec:
        ingressClassName: ${ingress class}
        rules:
        - host: basic.${domain}
          http:
            paths:
            - {path: /, pathType: Prefix, backend: {service: {name: echo, port: {number: 80}}}}
      """
    When the client requests "http://basic.${domain}/" with the headers:
      | Authorization | Basic YWxpY2U6c2VjcmV0 |
    Then the response status is 200
    And the echo server saw no header "authorization"

  @annotation:auth-secret-type
  Scenario: A Secret with a key for each user
    Given these objects:
      """
      apiVersion: v1
      kind: Secret
      metadata: {name: map}
      stringData:
        alice: $apr1$abcdefgh$h9FWgUz3n9YxylKLlR5SQ/
      ---
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata:
        name: basic
        annotations:
          nginx.ingress.kubernetes.io/auth-type: basic
          nginx.ingress.kubernetes.io/auth-secret: map
          nginx.ingress.kubernetes.io/auth-secret-type: auth-map
      spec:
        ingressClassName: ${ingress class}
        rules:
        - host: basic.${domain}
          http:
            paths:
            - {path: /, pathType: Prefix, backend: {service: {name: echo, port: {number: 80}}}}
      """
    When the client requests "http://basic.${domain}/" with the headers:
      | Authorization | Basic YWxpY2U6c2VjcmV0 |
    Then the response status is 200
    When the client requests "http://basic.${domain}/" with the headers:
      | Authorization | Basic Ym9iOnNlY3JldA== |
    Then the response status is 401

  @annotation:auth-secret
  Scenario: Paths whose Secret is missing answer 503
    Given these objects:
      """
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata:
        name: basic
        annotations:
          nginx.ingress.kubernetes.io/auth-type: basic
          nginx.ingress.kubernetes.io/auth-secret: missing
      spec:
        ingressClassName: ${ingress class}
        rules:
        - host: basic.${domain}
          http:
            paths:
            - {path: /, pathType: Prefix, backend: {service: {name: echo, port: {number: 80}}}}
      """
    Then requests are answered as follows:
      | URL                     | status |
      | http://basic.${domain}/ | 503    |
    When the client requests "http://basic.${domain}/" with the headers:
      | Authorization | Basic YWxpY2U6c2VjcmV0 |
    Then the response status is 503

  @annotation:auth-secret
  Scenario: A new password replaces the old one
    Given these objects:
      """
      apiVersion: v1
      kind: Secret
      metadata: {name: users}
      stringData:
        auth: |
          alice:$apr1$abcdefgh$h9FWgUz3n9YxylKLlR5SQ/
          bob:{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=
          carol:$2b$04$abcdefghijklmnopqrstuu2r9OfJnfCsdneAXAGHnS4UpFFP8WIrW
          dave:$6$abcdefgh$ltjgWl6579NluT/Vi1nwEvcil.G5Nbc4NiXZaNGStk8PSwGfQv72N2CKPPrVACtLtip/cZ/1GM/O6IND4WQhG.
      ---
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata:
        name: basic
        annotations:
          nginx.ingress.kubernetes.io/auth-type: basic
          nginx.ingress.kubernetes.io/auth-secret: users
      spec:
        ingressClassName: ${ingress class}
        rules:
        - host: basic.${domain}
          http:
            paths:
            - {path: /, pathType: Prefix, backend: {service: {name: echo, port: {number: 80}}}}
      """
    When the client requests "http://basic.${domain}/" with the headers:
      | Authorization | Basic Ym9iOnNlY3JldA== |
    Then the response status is 200
    Given these objects:
      """
      apiVersion: v1
      kind: Secret
      metadata: {name: users}
      stringData:
        auth: 'bob:$apr1$abcdefgh$sIeaKr98GjrrvSalt7xP3.'
      """
    Then within 10 seconds, requests are answered as follows:
      | URL                     | status |
      | http://basic.${domain}/ | 401    |
