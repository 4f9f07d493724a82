@ingress-nginx @annotation:backend-protocol
Feature: FastCGI
  Backends of the protocol FCGI get requests as parameters, which annotations add to.

  Background:
    Given an ingress controller
    And a Service "app" with 1 shared fastcgi server

  Scenario: Requests and replies
    Given these objects:
      """
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata:
        name: app
        annotations:
          nginx.ingress.kubernetes.io/backend-protocol: FCGI
      spec:
        ingressClassName: ${ingress class}
        rules:
        - host: app.${domain}
          http: {paths: [{path: "/", pathType: Prefix, backend: {service: {name: app, port: {number: 80}}}}]}
      """
    When the client requests "http://app.${domain}/a%20b?status=418" with the headers:
      | X-Mine | 1 |
    Then the response status is 418
    And the response contains the text "uri=/a%20b?status=418"
    And the response contains the text "host=app.${domain}"
    And the response contains the text "X-Mine: 1"
    And the response contains the text "DOCUMENT_URI=/a b"
    And the response contains the text "REDIRECT_STATUS=200"
    When the client sends POST "http://app.${domain}/" with the body:
      """
      a body
      """
    Then the response status is 200
    And the response contains the text "method=POST"
    And the response contains the text "body=a body"

  @annotation:fastcgi-index @annotation:fastcgi-params-configmap
  Scenario: Parameters of a ConfigMap, with the name of the script
    Given these objects:
      """
      apiVersion: v1
      kind: ConfigMap
      metadata: {name: parameters}
      data:
        SCRIPT_FILENAME: /srv$fastcgi_script_name
        MY_HOST: $host
      ---
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata:
        name: app
        annotations:
          nginx.ingress.kubernetes.io/backend-protocol: FCGI
          nginx.ingress.kubernetes.io/fastcgi-index: index.php
          nginx.ingress.kubernetes.io/fastcgi-params-configmap: parameters
      spec:
        ingressClassName: ${ingress class}
        rules:
        - host: app.${domain}
          http: {paths: [{path: "/", pathType: Prefix, backend: {service: {name: app, port: {number: 80}}}}]}
      ---
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata:
        name: plain
        annotations:
          nginx.ingress.kubernetes.io/backend-protocol: FCGI
      spec:
        ingressClassName: ${ingress class}
        rules:
        - host: app.${domain}
          http: {paths: [{path: "/plain", pathType: Prefix, backend: {service: {name: app, port: {number: 80}}}}]}
      """
    When the client requests "http://app.${domain}/shop/"
    Then the response status is 200
    And the response contains the text "SCRIPT_FILENAME=/srv/shop/index.php"
    And the response contains the text "MY_HOST=app.${domain}"
    When the client requests "http://app.${domain}/shop/cart.php"
    Then the response contains the text "SCRIPT_FILENAME=/srv/shop/cart.php"
    When the client requests "http://app.${domain}/plain/"
    Then the response status is 200
    And the response does not contain the text "MY_HOST"
