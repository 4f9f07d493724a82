@ingress-nginx
Feature: Retries and time-outs
  A request whose endpoint fails is sent to another one, unless an endpoint may have processed it. Annotations change the
  conditions.

  Background:
    Given an ingress controller
    And a Service "echo" with 2 shared echo servers
    And the objects of "manifests/probe.yaml"
    And these objects:
      """
      apiVersion: v1
      kind: Service
      metadata: {name: half}
      spec:
        ports: [{port: 80}]
      """
    And these objects:
      """
      apiVersion: discovery.k8s.io/v1
      kind: EndpointSlice
      metadata:
        name: half-1
        labels: {kubernetes.io/service-name: half}
      addressType: IPv4
      ports: [{name: "", port: 8080, protocol: TCP}]
      endpoints:
      - addresses: ["${address of probe}"]
        conditions: {ready: true, serving: true, terminating: false}
      ---
      apiVersion: discovery.k8s.io/v1
      kind: EndpointSlice
      metadata:
        name: half-2
        labels: {kubernetes.io/service-name: half}
      addressType: IPv4
      ports: [{name: "", port: 9, protocol: TCP}]
      endpoints:
      - addresses: ["${controller address}"]
        conditions: {ready: true, serving: true, terminating: false}
      """

  Scenario: An endpoint that refuses connections does not fail requests
    Given these objects:
      """
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata:
        name: default
      spec:
        ingressClassName: ${ingress class}
        rules:
        - host: default.${domain}
          http:
            paths:
            - {path: /, pathType: Prefix, backend: {service: {name: half, port: {number: 80}}}}
      """
    When the client requests "http://default.${domain}/" 10 times
    Then every response has the status 200

  @annotation:proxy-next-upstream
  Scenario: Retries can be switched off
    Given these objects:
      """
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata:
        name: never
        annotations:
          nginx.ingress.kubernetes.io/proxy-next-upstream: "off"
      spec:
        ingressClassName: ${ingress class}
        rules:
        - host: never.${domain}
          http:
            paths:
            - {path: /, pathType: Prefix, backend: {service: {name: half, port: {number: 80}}}}
      """
    When the client requests "http://never.${domain}/" 10 times
    Then the responses have these statuses:
      | status | at least | at most |
      | 200    | 1        | 9       |
      | 502    | 1        | 9       |

  @annotation:proxy-next-upstream-tries
  Scenario: The number of tries
    Given these objects:
      """
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata:
        name: once
        annotations:
          nginx.ingress.kubernetes.io/proxy-next-upstream-tries: "1"
      spec:
        ingressClassName: ${ingress class}
        rules:
        - host: once.${domain}
          http: {paths: [{path: "/", pathType: Prefix, backend: {service: {name: half, port: {number: 80}}}}]}
      """
    When the client requests "http://once.${domain}/" 10 times
    Then the responses have these statuses:
      | status | at least | at most |
      | 200    | 1        | 9       |
      | 502    | 1        | 9       |

  @annotation:proxy-next-upstream
  Scenario: A status that is to be retried reaches the client if there is no other endpoint
    Given these objects:
      """
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata:
        name: status
        annotations:
          nginx.ingress.kubernetes.io/proxy-next-upstream: error http_500
      spec:
        ingressClassName: ${ingress class}
        rules:
        - host: status.${domain}
          http:
            paths:
            - {path: /, pathType: Prefix, backend: {service: {name: probe, port: {number: 80}}}}
      """
    Then requests are answered as follows:
      | URL                                | status |
      | http://status.${domain}/status/500 | 500    |

  @annotation:proxy-next-upstream
  Scenario: Requests to another Ingress of the host are still sent again
    Given these objects:
      """
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata:
        name: never
        annotations:
          nginx.ingress.kubernetes.io/proxy-next-upstream: "off"
      spec:
        ingressClassName: ${ingress class}
        rules:
        - host: again.${domain}
          http: {paths: [{path: "/never", pathType: Prefix, backend: {service: {name: half, port: {number: 80}}}}]}
      ---
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata:
        name: default
      spec:
        ingressClassName: ${ingress class}
        rules:
        - host: again.${domain}
          http: {paths: [{path: "/", pathType: Prefix, backend: {service: {name: half, port: {number: 80}}}}]}
      """
    When the client requests "http://again.${domain}/" 10 times
    Then every response has the status 200

  # After 2 s without an answer, the time for other tries is over. Without the annotation, the other endpoint would get the request.
  @annotation:proxy-next-upstream-timeout
  Scenario: The time for all tries
    Given a Service "quick" with 1 shared echo server
    And these objects:
      """
      apiVersion: v1
      kind: Service
      metadata: {name: half-slow}
      spec:
        ports: [{port: 80}]
      ---
      apiVersion: discovery.k8s.io/v1
      kind: EndpointSlice
      metadata:
        name: half-slow
        labels: {kubernetes.io/service-name: half-slow}
      addressType: IPv4
      ports: [{name: "", port: 8080, protocol: TCP}]
      endpoints:
      - {addresses: ["${address of probe}"], conditions: {ready: true, serving: true, terminating: false}}
      - {addresses: ["${address of quick}"], conditions: {ready: true, serving: true, terminating: false}}
      ---
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata:
        name: short
        annotations:
          nginx.ingress.kubernetes.io/proxy-next-upstream: error timeout
          nginx.ingress.kubernetes.io/proxy-read-timeout: "2"
          nginx.ingress.kubernetes.io/proxy-next-upstream-timeout: "1"
      spec:
        ingressClassName: ${ingress class}
        rules:
        - host: short.${domain}
          http: {paths: [{path: "/", pathType: Prefix, backend: {service: {name: half-slow, port: {number: 80}}}}]}
      """
    When the client requests "http://short.${domain}/delay/10s" 8 times at once
    Then the responses have these statuses:
      | status | at least | at most |
      | 200    | 1        | 7       |
      | 504    | 1        | 7       |

  # Nothing answers at the port of the endpoint, as with a machine that is off. The default time-out is 5 s.
  @annotation:proxy-connect-timeout
  Scenario: The time for connecting
    Given these objects:
      """
      apiVersion: v1
      kind: Service
      metadata: {name: unreachable}
      spec:
        ports: [{port: 80}]
      ---
      apiVersion: discovery.k8s.io/v1
      kind: EndpointSlice
      metadata:
        name: unreachable
        labels: {kubernetes.io/service-name: unreachable}
      addressType: IPv4
      ports: [{name: "", port: 8082, protocol: TCP}]
      endpoints:
      - {addresses: ["${address of probe}"], conditions: {ready: true, serving: true, terminating: false}}
      ---
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata:
        name: connecting
        annotations:
          nginx.ingress.kubernetes.io/proxy-connect-timeout: "1"
          nginx.ingress.kubernetes.io/proxy-next-upstream-tries: "1"
      spec:
        ingressClassName: ${ingress class}
        rules:
        - host: connecting.${domain}
          http: {paths: [{path: "/", pathType: Prefix, backend: {service: {name: unreachable, port: {number: 80}}}}]}
      """
    When the client requests "http://connecting.${domain}/"
    Then the response status is 504
    And the response took less than 4 seconds

  @annotation:proxy-send-timeout
  Scenario: The time in which a backend must take more of a request
    Given these objects:
      """
      apiVersion: v1
      kind: Service
      metadata: {name: stalled}
      spec:
        ports: [{port: 80}]
      ---
      apiVersion: discovery.k8s.io/v1
      kind: EndpointSlice
      metadata:
        name: stalled
        labels: {kubernetes.io/service-name: stalled}
      addressType: IPv4
      ports: [{name: "", port: 8083, protocol: TCP}]
      endpoints:
      - {addresses: ["${address of probe}"], conditions: {ready: true, serving: true, terminating: false}}
      ---
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata:
        name: sending
        annotations:
          nginx.ingress.kubernetes.io/proxy-send-timeout: "1"
          nginx.ingress.kubernetes.io/proxy-next-upstream-tries: "1"
          nginx.ingress.kubernetes.io/proxy-body-size: 16m
      spec:
        ingressClassName: ${ingress class}
        rules:
        - host: sending.${domain}
          http: {paths: [{path: "/", pathType: Prefix, backend: {service: {name: stalled, port: {number: 80}}}}]}
      """
    When the client sends POST "http://sending.${domain}/" with a body of 12288 KiB
    Then the response status is 504
    And the response took less than 4 seconds
