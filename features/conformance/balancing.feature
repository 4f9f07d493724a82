Feature: Balancing
  Requests go to the endpoints in turn, exactly, whatever connections they come on.

  Background:
    Given an ingress controller
    And the objects of "manifests/echo.yaml"
    And these objects:
      """
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata:
        name: balancing
      spec:
        ingressClassName: ${ingress class}
        rules:
        - host: balancing.${domain}
          http:
            paths:
            - {path: /, pathType: Prefix, backend: {service: {name: echo, port: {number: 80}}}}
      """

  Scenario: Round robin
    When the client requests "http://balancing.${domain}/" 101 times
    Then every response has the status 200
    And the responses come evenly from the Pods of "echo"
    And the responses come in turn from the Pods of "echo"
    When the client requests "http://balancing.${domain}/" 101 times over one connection
    Then every response has the status 200
    And the responses come evenly from the Pods of "echo"
    And the responses come in turn from the Pods of "echo"

  Scenario: Endpoints that come and go
    When these objects are applied:
      """
      apiVersion: v1
      kind: Service
      metadata:
        name: echo
      spec:
        selector: {app: nobody}
        ports:
        - {name: http, port: 80, targetPort: web}
      """
    Then within 10 seconds, requests are answered as follows:
      | URL                         | status |
      | http://balancing.${domain}/ | 503    |
    When the objects of "manifests/echo.yaml"
    Then within 10 seconds, requests are answered as follows:
      | URL                         | status |
      | http://balancing.${domain}/ | 200    |
