@ingress-nginx
Feature: Error pages
  An error backend replaces replies with certain statuses, and answers while a Service has no endpoint.

  Background:
    Given an ingress controller
    And a Service "echo" with 2 shared echo servers
    And a Service "probe" with 1 shared probe server
    And these objects:
      """
      apiVersion: v1
      kind: Service
      metadata: {name: empty}
      spec:
        selector: {app: none}
        ports: [{port: 80}]
      """

  @annotation:custom-http-errors @annotation:default-backend
  Scenario: The error backend gets the status and the URI of replaced replies
    Given these objects:
      """
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata:
        name: errors
        annotations:
          nginx.ingress.kubernetes.io/custom-http-errors: "404,503"
          nginx.ingress.kubernetes.io/default-backend: echo
      spec:
        ingressClassName: ${ingress class}
        rules:
        - host: errors.${domain}
          http:
            paths:
            - {path: /, pathType: Prefix, backend: {service: {name: probe, port: {number: 80}}}}
      """
    When the client requests "http://errors.${domain}/status/404?a=b" with the headers:
      | Accept   | text/html |
      | X-Code   | 200       |
    Then the response status is 200
    And the echo server saw:
      | real path      | /                  |
      | x-code         | 404                |
      | x-format       | text/html          |
      | x-original-uri | /status/404?a=b    |
      | x-namespace    | ${namespace}       |
      | x-ingress-name | errors             |
      | x-service-name | probe              |
      | x-service-port | 80                 |

  @annotation:custom-http-errors @annotation:default-backend
  Scenario: Replies with other statuses are not changed
    Given these objects:
      """
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata:
        name: others
        annotations:
          nginx.ingress.kubernetes.io/custom-http-errors: "404,503"
          nginx.ingress.kubernetes.io/default-backend: echo
      spec:
        ingressClassName: ${ingress class}
        rules:
        - host: others.${domain}
          http:
            paths:
            - {path: /, pathType: Prefix, backend: {service: {name: probe, port: {number: 80}}}}
      """
    Then requests are answered as follows:
      | URL                                | status |
      | http://others.${domain}/status/404 | 200    |
      | http://others.${domain}/status/503 | 200    |
      | http://others.${domain}/status/500 | 500    |
      | http://others.${domain}/status/403 | 403    |

  @annotation:default-backend
  Scenario: The error backend serves a Service without endpoints
    Given these objects:
      """
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata:
        name: unavailable
        annotations:
          nginx.ingress.kubernetes.io/default-backend: echo
      spec:
        ingressClassName: ${ingress class}
        rules:
        - host: unavailable.${domain}
          http:
            paths:
            - {path: /, pathType: Prefix, backend: {service: {name: empty, port: {number: 80}}}}
      """
    When the client requests "http://unavailable.${domain}/"
    Then the response status is 200
    And the echo server saw:
      | x-code         | 503          |
      | x-namespace    | ${namespace} |
      | x-ingress-name | unavailable  |
      | x-service-name | empty        |

  @annotation:disable-proxy-intercept-errors
  Scenario: Replies of backends can be exempt from error pages
    Given these objects:
      """
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata:
        name: exempt
        annotations:
          nginx.ingress.kubernetes.io/custom-http-errors: "404,502"
          nginx.ingress.kubernetes.io/default-backend: echo
          nginx.ingress.kubernetes.io/disable-proxy-intercept-errors: "true"
      spec:
        ingressClassName: ${ingress class}
        rules:
        - host: exempt.${domain}
          http:
            paths:
            - {path: /, pathType: Prefix, backend: {service: {name: probe, port: {number: 80}}}}
      """
    Then requests are answered as follows:
      | URL                                | status |
      | http://exempt.${domain}/status/404 | 404    |
      | http://exempt.${domain}/abort      | 200    |
