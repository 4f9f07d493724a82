@ingress-nginx
Feature: Cross-origin resource sharing
  Header fields of replies say which scripts may read them.

  Background:
    Given an ingress controller
    And a Service "echo" with 2 shared echo servers

  @annotation:enable-cors
  Scenario: Every origin is allowed by default
    Given these objects:
      """
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata:
        name: cors
        annotations:
          nginx.ingress.kubernetes.io/enable-cors: "true"
      spec:
        ingressClassName: ${ingress class}
        rules:
        - host: cors.${domain}
          http: {paths: [{path: "/", pathType: Prefix, backend: {service: {name: echo, port: {number: 80}}}}]}
      """
    When the client requests "http://cors.${domain}/" with the headers:
      | Origin | https://shop.example.test |
    Then the response status is 200
    And the response has the headers:
      | Access-Control-Allow-Origin      | * |
      | Access-Control-Allow-Credentials | true |
      | Access-Control-Max-Age           | 1728000 |

  @annotation:cors-allow-origin
  Scenario: The reply names the origin if the list has it
    Given these objects:
      """
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata:
        name: cors
        annotations:
          nginx.ingress.kubernetes.io/enable-cors: "true"
          nginx.ingress.kubernetes.io/cors-allow-origin: "https://other.test, https://shop.example.test"
      spec:
        ingressClassName: ${ingress class}
        rules:
        - host: cors.${domain}
          http: {paths: [{path: "/", pathType: Prefix, backend: {service: {name: echo, port: {number: 80}}}}]}
      """
    When the client requests "http://cors.${domain}/" with the headers:
      | Origin | https://shop.example.test |
    Then the response status is 200
    And the response has the headers:
      | Access-Control-Allow-Origin | https://shop.example.test |

  @annotation:cors-allow-origin
  Scenario: A star matches one label
    Given these objects:
      """
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata:
        name: cors
        annotations:
          nginx.ingress.kubernetes.io/enable-cors: "true"
          nginx.ingress.kubernetes.io/cors-allow-origin: "https://*.example.test"
      spec:
        ingressClassName: ${ingress class}
        rules:
        - host: cors.${domain}
          http: {paths: [{path: "/", pathType: Prefix, backend: {service: {name: echo, port: {number: 80}}}}]}
      """
    When the client requests "http://cors.${domain}/" with the headers:
      | Origin | https://shop.example.test |
    Then the response status is 200
    And the response has the headers:
      | Access-Control-Allow-Origin | https://shop.example.test |

  @annotation:cors-allow-origin
  Scenario: A request from another origin is answered without permission to read the reply
    Given these objects:
      """
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata:
        name: cors
        annotations:
          nginx.ingress.kubernetes.io/enable-cors: "true"
          nginx.ingress.kubernetes.io/cors-allow-origin: "https://other.test"
      spec:
        ingressClassName: ${ingress class}
        rules:
        - host: cors.${domain}
          http: {paths: [{path: "/", pathType: Prefix, backend: {service: {name: echo, port: {number: 80}}}}]}
      """
    When the client requests "http://cors.${domain}/" with the headers:
      | Origin | https://shop.example.test |
    Then the response status is 200
    And the response has no header "Access-Control-Allow-Origin"

  @annotation:cors-allow-methods
  Scenario: The methods are those of the annotation
    Given these objects:
      """
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata:
        name: cors
        annotations:
          nginx.ingress.kubernetes.io/enable-cors: "true"
          nginx.ingress.kubernetes.io/cors-allow-methods: "GET, POST"
      spec:
        ingressClassName: ${ingress class}
        rules:
        - host: cors.${domain}
          http: {paths: [{path: "/", pathType: Prefix, backend: {service: {name: echo, port: {number: 80}}}}]}
      """
    When the client requests "http://cors.${domain}/" with the headers:
      | Origin | https://shop.example.test |
    Then the response status is 200
    And the response has the headers:
      | Access-Control-Allow-Methods | GET, POST |

  @annotation:cors-allow-headers
  Scenario: The request fields are those of the annotation
    Given these objects:
      """
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata:
        name: cors
        annotations:
          nginx.ingress.kubernetes.io/enable-cors: "true"
          nginx.ingress.kubernetes.io/cors-allow-headers: "X-One,X-Two"
      spec:
        ingressClassName: ${ingress class}
        rules:
        - host: cors.${domain}
          http: {paths: [{path: "/", pathType: Prefix, backend: {service: {name: echo, port: {number: 80}}}}]}
      """
    When the client requests "http://cors.${domain}/" with the headers:
      | Origin | https://shop.example.test |
    Then the response status is 200
    And the response has the headers:
      | Access-Control-Allow-Headers | X-One,X-Two |

  @annotation:cors-expose-headers
  Scenario: The reply fields are those of the annotation
    Given these objects:
      """
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata:
        name: cors
        annotations:
          nginx.ingress.kubernetes.io/enable-cors: "true"
          nginx.ingress.kubernetes.io/cors-expose-headers: "X-One"
      spec:
        ingressClassName: ${ingress class}
        rules:
        - host: cors.${domain}
          http: {paths: [{path: "/", pathType: Prefix, backend: {service: {name: echo, port: {number: 80}}}}]}
      """
    When the client requests "http://cors.${domain}/" with the headers:
      | Origin | https://shop.example.test |
    Then the response status is 200
    And the response has the headers:
      | Access-Control-Expose-Headers | X-One |

  @annotation:cors-allow-credentials
  Scenario: Requests with cookies can be excluded
    Given these objects:
      """
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata:
        name: cors
        annotations:
          nginx.ingress.kubernetes.io/enable-cors: "true"
          nginx.ingress.kubernetes.io/cors-allow-credentials: "false"
      spec:
        ingressClassName: ${ingress class}
        rules:
        - host: cors.${domain}
          http: {paths: [{path: "/", pathType: Prefix, backend: {service: {name: echo, port: {number: 80}}}}]}
      """
    When the client requests "http://cors.${domain}/" with the headers:
      | Origin | https://shop.example.test |
    Then the response status is 200
    And the response has no header "Access-Control-Allow-Credentials"

  @annotation:cors-max-age
  Scenario: How long permissions are kept
    Given these objects:
      """
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata:
        name: cors
        annotations:
          nginx.ingress.kubernetes.io/enable-cors: "true"
          nginx.ingress.kubernetes.io/cors-max-age: "60"
      spec:
        ingressClassName: ${ingress class}
        rules:
        - host: cors.${domain}
          http: {paths: [{path: "/", pathType: Prefix, backend: {service: {name: echo, port: {number: 80}}}}]}
      """
    When the client requests "http://cors.${domain}/" with the headers:
      | Origin | https://shop.example.test |
    Then the response status is 200
    And the response has the headers:
      | Access-Control-Max-Age | 60 |
