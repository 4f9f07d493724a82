@ingress-nginx
Feature: WebSocket
  A connection that is upgraded to the WebSocket protocol is forwarded (RFC 6455).

  Background:
    Given an ingress controller
    And a Service "probe" with 1 shared probe server
    And a TLS Secret "chat" with a certificate for "secure.${domain}"
    And these objects:
      """
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata:
        name: websocket
      spec:
        ingressClassName: ${ingress class}
        tls:
        - {hosts: ["secure.${domain}"], secretName: chat}
        rules:
        - host: chat.${domain}
          http: &probe
            paths:
            - {path: /, pathType: Prefix, backend: {service: {name: probe, port: {number: 80}}}}
        - host: secure.${domain}
          http: *probe
      """

  Scenario Outline: Messages are forwarded in both directions: <URL>
    When the client opens a WebSocket to "<URL>/websocket"
    Then the WebSocket sends "hello" back
    And the WebSocket sends "again" back

    Examples:
      | URL                    |
      | ws://chat.${domain}    |
      | wss://secure.${domain} |
