@resilience @serial @ingress-nginx
Feature: Long connections
  WebSockets and downloads continue through changes of the routing table, and clients that read slowly don't delay others.

  Background:
    Given an ingress controller
    And a Service "probe" with 2 shared probe servers
    And these objects:
      """
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata:
        name: long
      spec:
        ingressClassName: ${ingress class}
        rules:
        - host: long.${domain}
          http:
            paths:
            - {path: /, pathType: Prefix, backend: {service: {name: probe, port: {number: 80}}}}
      """

  Scenario: A WebSocket and a download outlive changes
    Given the client opens a WebSocket to "ws://long.${domain}/websocket"
    And the client starts to download "http://long.${domain}/stream/60/50ms"
    When 20 copies of the Ingress "long" are created and deleted
    And the annotation "nginx.ingress.kubernetes.io/proxy-read-timeout" of the Ingress "long" is set to "30"
    Then the download is complete
    And the WebSocket sends "still here" back

  Scenario: Clients that read slowly don't delay others
    Given the client starts to download "http://long.${domain}/bytes/20000000" and reads 5000 KiB a second
    When the client makes 200 requests a second to "http://long.${domain}/" for 3 seconds
    Then no request of the load run failed
    And 99 % of the requests of the load run were answered within 1000 ms
    And the download is complete

  # Requests of 200 ms, 50 a second, would be ten at the same time. Three can be answered: 15 a second, or 30 %.
  @protection @annotation:limit-connections
  Scenario: Connections beyond a limit are rejected, and only those
    Given the annotation "nginx.ingress.kubernetes.io/limit-connections" of the Ingress "long" is set to "3"
    When the client starts to make requests:
      | rate        | 50                                |
      | target      | http://long.${domain}/delay/200ms |
      | connections | new                               |
    And the load run continues for 3 seconds
    Then 10 to 40 % of the requests of the load run succeeded, and the others were rejected with the status 503
