@ingress-v1
Feature: Services with external names
  A Service of type ExternalName has no endpoints but a DNS name, which the controller looks up.

  Background:
    Given an ingress controller
    And the cluster's DNS server is ready
    And the objects of "manifests/echo.yaml"

  Scenario: Requests are forwarded to the addresses of the name
    Given these objects:
      """
      apiVersion: v1
      kind: Service
      metadata: {name: external}
      spec:
        type: ExternalName
        externalName: echo.${namespace}.svc.cluster.local
        ports: [{port: 80}]
      ---
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata: {name: external}
      spec:
        ingressClassName: ${ingress class}
        rules:
        - host: external.${domain}
          http:
            paths:
            - {path: /, pathType: Prefix, backend: {service: {name: external, port: {number: 80}}}}
      """
    Then within 30 seconds, requests are answered as follows:
      | URL                        | status |
      | http://external.${domain}/ | 200    |
    And the echo server is a Pod of "echo"

  Scenario: A name that does not exist has no endpoints
    Given these objects:
      """
      apiVersion: v1
      kind: Service
      metadata: {name: missing}
      spec:
        type: ExternalName
        externalName: missing.${namespace}.svc.cluster.local
        ports: [{port: 80}]
      ---
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata: {name: missing}
      spec:
        ingressClassName: ${ingress class}
        rules:
        - host: missing.${domain}
          http:
            paths:
            - {path: /, pathType: Prefix, backend: {service: {name: missing, port: {number: 80}}}}
      """
    Then requests are answered as follows:
      | URL                       | status |
      | http://missing.${domain}/ | 503    |
