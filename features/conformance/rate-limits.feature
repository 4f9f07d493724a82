@ingress-nginx @protection
Feature: Rate limits
  Annotations limit the rate of a client's requests; those above the limit are answered with 503.

  Background:
    Given an ingress controller
    And a Service "echo" with 2 shared echo servers

  @annotation:limit-rpm @annotation:limit-burst-multiplier
  Scenario: Requests in a minute
    Given these objects:
      """
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata:
        name: minute
        annotations:
          nginx.ingress.kubernetes.io/limit-rpm: "2"
          nginx.ingress.kubernetes.io/limit-burst-multiplier: "1"
      spec:
        ingressClassName: ${ingress class}
        rules:
        - host: minute.${domain}
          http:
            paths:
            - {path: /, pathType: Prefix, backend: {service: {name: echo, port: {number: 80}}}}
      """
    Then requests are answered as follows:
      | URL                      | status |
      | http://minute.${domain}/ | 200    |
      | http://minute.${domain}/ | 200    |
      | http://minute.${domain}/ | 200    |
      | http://minute.${domain}/ | 503    |
      | http://minute.${domain}/ | 503    |

  @annotation:limit-rps
  Scenario: Requests in a second
    Given these objects:
      """
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata:
        name: second
        annotations:
          nginx.ingress.kubernetes.io/limit-rps: "1"
      spec:
        ingressClassName: ${ingress class}
        rules:
        - host: second.${domain}
          http:
            paths:
            - {path: /, pathType: Prefix, backend: {service: {name: echo, port: {number: 80}}}}
      ---
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata:
        name: beside
      spec:
        ingressClassName: ${ingress class}
        rules:
        - host: beside.${domain}
          http:
            paths:
            - {path: /, pathType: Prefix, backend: {service: {name: echo, port: {number: 80}}}}
      """
    When the client requests "http://second.${domain}/" 30 times
    Then the responses have these statuses:
      | status | at least | at most |
      | 200    | 6        | 10      |
      | 503    | 20       | 24      |
    When the client requests "http://beside.${domain}/" 30 times
    Then every response has the status 200

  Scenario Outline: Some clients are not limited: <annotation>
    Given these objects:
      """
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata:
        name: exempt
        annotations:
          nginx.ingress.kubernetes.io/limit-rpm: "1"
          nginx.ingress.kubernetes.io/<annotation>: "${client address}/32"
      spec:
        ingressClassName: ${ingress class}
        rules:
        - host: exempt.${domain}
          http:
            paths:
            - {path: /, pathType: Prefix, backend: {service: {name: echo, port: {number: 80}}}}
      """
    When the client requests "http://exempt.${domain}/" 30 times
    Then every response has the status 200

    @annotation:limit-whitelist
    Examples:
      | annotation      |
      | limit-whitelist |

    @annotation:limit-allowlist
    Examples:
      | annotation      |
      | limit-allowlist |

  @annotation:limit-rate @annotation:limit-rate-after
  Scenario: Replies are not slowed down before the limit
    Given a Service "probe" with 1 shared probe server
    And these objects:
      """
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata:
        name: throttled
        annotations:
          nginx.ingress.kubernetes.io/limit-rate: "1"
          nginx.ingress.kubernetes.io/limit-rate-after: "1000"
      spec:
        ingressClassName: ${ingress class}
        rules:
        - host: throttled.${domain}
          http:
            paths:
            - {path: /, pathType: Prefix, backend: {service: {name: probe, port: {number: 80}}}}
      """
    Then requests are answered as follows:
      | URL                                   | status |
      | http://throttled.${domain}/bytes/1000 | 200    |

  @annotation:limit-rate @annotation:limit-rate-after
  Scenario: The rest of a reply is slowed down
    Given a Service "probe" with 1 shared probe server
    And these objects:
      """
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata:
        name: throttled
        annotations:
          nginx.ingress.kubernetes.io/limit-rate: "32"
          nginx.ingress.kubernetes.io/limit-rate-after: "32"
      spec:
        ingressClassName: ${ingress class}
        rules:
        - host: throttled.${domain}
          http: {paths: [{path: "/", pathType: Prefix, backend: {service: {name: probe, port: {number: 80}}}}]}
      ---
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata:
        name: beside
      spec:
        ingressClassName: ${ingress class}
        rules:
        - host: beside.${domain}
          http: {paths: [{path: "/", pathType: Prefix, backend: {service: {name: probe, port: {number: 80}}}}]}
      """
    When the client requests "http://throttled.${domain}/bytes/150000"
    Then the response status is 200
    And the response took at least 2 seconds
    When the client requests "http://beside.${domain}/bytes/150000"
    Then the response status is 200
    And the response took less than 2 seconds

  @annotation:limit-connections
  Scenario: Requests at the same time
    Given a Service "probe" with 1 shared probe server
    And these objects:
      """
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata:
        name: one
        annotations:
          nginx.ingress.kubernetes.io/limit-connections: "1"
      spec:
        ingressClassName: ${ingress class}
        rules:
        - host: one.${domain}
          http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: probe, port: {number: 80}}}}]}
      """
    When the client starts to download "http://one.${domain}/stream/30/100ms"
    And the client requests "http://one.${domain}/"
    Then the response status is 503
    When the download is complete
    Then within 2 seconds, requests are answered as follows:
      | URL                   | status |
      | http://one.${domain}/ | 200    |

  @annotation:limit-connections
  Scenario: A limit of requests at the same time is for the paths of its own Ingress
    Given a Service "probe" with 1 shared probe server
    And these objects:
      """
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata:
        name: limited
        annotations:
          nginx.ingress.kubernetes.io/limit-connections: "1"
      spec:
        ingressClassName: ${ingress class}
        rules:
        - host: limited.${domain}
          http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: probe, port: {number: 80}}}}]}
      ---
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata:
        name: free
      spec:
        ingressClassName: ${ingress class}
        rules:
        - host: free.${domain}
          http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: probe, port: {number: 80}}}}]}
      """
    When the client starts to download "http://limited.${domain}/stream/10/100ms"
    And the client requests "http://free.${domain}/"
    Then the response status is 200
