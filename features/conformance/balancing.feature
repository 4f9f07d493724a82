@ingress-nginx
Feature: Load balancing
  Requests are distributed over the ready endpoints of a Service, independent of the client's connections.

  Background:
    Given an ingress controller
    And a Service "echo" with 2 shared echo servers
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

  # ingress-nginx counts turns in each of its workers.
  @own
  Scenario: Requests come in turn to the endpoints
    When the client requests "http://balancing.${domain}/" 101 times
    Then the responses come in round-robin order from the Pods of "echo"

  @own
  Scenario: Requests of one connection come in turn to the endpoints
    When the client requests "http://balancing.${domain}/" 101 times over one connection
    Then the responses come in round-robin order from the Pods of "echo"

  Scenario: Endpoints get equal shares of the requests
    Given a Service "one" with 1 shared echo server
    And a Service "two" with 1 shared echo server
    And these objects:
      """
      apiVersion: v1
      kind: Service
      metadata: {name: both}
      spec:
        ports: [{name: http, port: 80, targetPort: 8080}]
      ---
      apiVersion: discovery.k8s.io/v1
      kind: EndpointSlice
      metadata:
        name: both
        labels: {kubernetes.io/service-name: both}
      addressType: IPv4
      ports: [{name: http, port: 8080}]
      endpoints:
      - {addresses: ["${address of one}"], conditions: {ready: true, serving: true, terminating: false}}
      - {addresses: ["${address of two}"], conditions: {ready: true, serving: true, terminating: false}}
      ---
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata: {name: both}
      spec:
        ingressClassName: ${ingress class}
        rules:
        - host: both.${domain}
          http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: both, port: {number: 80}}}}]}
      """
    When the client requests "http://both.${domain}/" 100 times
    Then the responses are split randomly by the text they contain:
      | text               | share |
      | server_version=one | 50 %  |
      | server_version=two | 50 %  |

  Scenario: Without endpoints requests fail, until there are some again
    When these objects are applied:
      """
      apiVersion: discovery.k8s.io/v1
      kind: EndpointSlice
      metadata:
        name: echo-shared
        labels: {kubernetes.io/service-name: echo}
      addressType: IPv4
      ports: [{name: http, port: 8080}]
      endpoints: []
      """
    Then within 10 seconds, requests are answered as follows:
      | URL                         | status |
      | http://balancing.${domain}/ | 503    |
    When a Service "echo" with 2 shared echo servers
    Then within 10 seconds, requests are answered as follows:
      | URL                         | status |
      | http://balancing.${domain}/ | 200    |

  # In a slice made by hand, conditions that are not given count as true (Kubernetes' API, "EndpointConditions").
  Scenario Outline: An endpoint receives requests if it is ready, and none otherwise: <ready>, <serving>, <terminating>
    Given a Service "other" with 1 shared echo server
    And a Service "subject" with 1 shared echo server
    And these objects:
      """
      apiVersion: v1
      kind: Service
      metadata: {name: manual}
      spec:
        ports: [{name: http, port: 80, targetPort: 8080}]
      ---
      apiVersion: discovery.k8s.io/v1
      kind: EndpointSlice
      metadata:
        name: manual
        labels: {kubernetes.io/service-name: manual}
      addressType: IPv4
      ports: [{name: http, port: 8080}]
      endpoints:
      - {addresses: ["${address of other}"], conditions: {ready: true, serving: true, terminating: false}}
      - {addresses: ["${address of subject}"], conditions: {ready: <ready>, serving: <serving>, terminating: <terminating>}}
      ---
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata: {name: manual}
      spec:
        ingressClassName: ${ingress class}
        rules:
        - host: manual.${domain}
          http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: manual, port: {number: 80}}}}]}
      """
    When the client requests "http://manual.${domain}/" 40 times
    Then the responses contain these texts:
      | text                   | at least | at most |
      | server_version=other   | 1        | 40      |
      | server_version=subject | <least>  | <most>  |

    Examples:
      | ready | serving | terminating | least | most |
      | true  | true    | false       | 1     | 39   |
      | false | false   | false       | 0     | 0    |
      | false | true    | true        | 0     | 0    |
      | false | false   | true        | 0     | 0    |

  # ingress-nginx answers 503. KEP-1669 leaves it to the consumers of the API.
  @own
  Scenario: Endpoints that terminate and still serve get requests while no other endpoint is ready
    Given a Service "leaving" with 1 shared echo server
    And these objects:
      """
      apiVersion: v1
      kind: Service
      metadata: {name: last}
      spec:
        ports: [{name: http, port: 80, targetPort: 8080}]
      ---
      apiVersion: discovery.k8s.io/v1
      kind: EndpointSlice
      metadata:
        name: last
        labels: {kubernetes.io/service-name: last}
      addressType: IPv4
      ports: [{name: http, port: 8080}]
      endpoints:
      - {addresses: ["${address of leaving}"], conditions: {ready: false, serving: true, terminating: true}}
      ---
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata: {name: last}
      spec:
        ingressClassName: ${ingress class}
        rules:
        - host: last.${domain}
          http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: last, port: {number: 80}}}}]}
      """
    When the client requests "http://last.${domain}/"
    Then the response status is 200

  @annotation:upstream-hash-by
  Scenario: upstream-hash-by sends requests of the same text to one Pod
    Given these objects:
      """
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata:
        name: hashed
        annotations: {nginx.ingress.kubernetes.io/upstream-hash-by: "$request_uri"}
      spec:
        ingressClassName: ${ingress class}
        rules:
        - host: hashed.${domain}
          http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: echo, port: {number: 80}}}}]}
      """
    When the client requests "http://hashed.${domain}/a" 20 times
    Then all responses come from one Pod of "echo"

  @annotation:upstream-hash-by
  Scenario: upstream-hash-by is for the paths of its own Ingress
    Given a Service "one" with 1 shared echo server
    And a Service "two" with 1 shared echo server
    And these objects:
      """
      apiVersion: v1
      kind: Service
      metadata: {name: both}
      spec:
        ports: [{name: http, port: 80, targetPort: 8080}]
      ---
      apiVersion: discovery.k8s.io/v1
      kind: EndpointSlice
      metadata:
        name: both
        labels: {kubernetes.io/service-name: both}
      addressType: IPv4
      ports: [{name: http, port: 8080}]
      endpoints:
      - {addresses: ["${address of one}"], conditions: {ready: true, serving: true, terminating: false}}
      - {addresses: ["${address of two}"], conditions: {ready: true, serving: true, terminating: false}}
      ---
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata:
        name: hashed
        annotations:
          nginx.ingress.kubernetes.io/upstream-hash-by: "$request_uri"
      spec:
        ingressClassName: ${ingress class}
        rules:
        - host: hashed.${domain}
          http: {paths: [{path: "/hashed", pathType: Prefix, backend: {service: {name: both, port: {number: 80}}}}]}
      ---
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata:
        name: plain
      spec:
        ingressClassName: ${ingress class}
        rules:
        - host: hashed.${domain}
          http: {paths: [{path: "/", pathType: Prefix, backend: {service: {name: both, port: {number: 80}}}}]}
      """
    When the client requests "http://hashed.${domain}/" 40 times
    Then the responses contain these texts:
      | text               | at least | at most |
      | server_version=one | 1        | 39      |
      | server_version=two | 1        | 39      |

  @annotation:upstream-hash-by-subset @annotation:upstream-hash-by-subset-size
  Scenario: upstream-hash-by-subset sends requests of the same text to some of the Pods
    Given a Service "one" with 1 shared echo server
    And a Service "two" with 1 shared echo server
    And these objects:
      """
      apiVersion: v1
      kind: Service
      metadata: {name: both}
      spec:
        ports: [{name: http, port: 80, targetPort: 8080}]
      ---
      apiVersion: discovery.k8s.io/v1
      kind: EndpointSlice
      metadata:
        name: both
        labels: {kubernetes.io/service-name: both}
      addressType: IPv4
      ports: [{name: http, port: 8080}]
      endpoints:
      - {addresses: ["${address of one}"], conditions: {ready: true, serving: true, terminating: false}}
      - {addresses: ["${address of two}"], conditions: {ready: true, serving: true, terminating: false}}
      ---
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata:
        name: subset
        annotations:
          nginx.ingress.kubernetes.io/upstream-hash-by: "$request_uri"
          nginx.ingress.kubernetes.io/upstream-hash-by-subset: "true"
          nginx.ingress.kubernetes.io/upstream-hash-by-subset-size: "2"
      spec:
        ingressClassName: ${ingress class}
        rules:
        - host: subset.${domain}
          http: {paths: [{path: "/", pathType: Prefix, backend: {service: {name: both, port: {number: 80}}}}]}
      """
    When the client requests "http://subset.${domain}/a" 40 times
    Then the responses contain these texts:
      | text               | at least | at most |
      | server_version=one | 1        | 39      |
      | server_version=two | 1        | 39      |

  # The nodes keep a client of such a Service on one Pod. The controller, which takes turns, would not.
  @annotation:service-upstream
  Scenario: service-upstream leaves the selection to the Service
    Given the objects of "manifests/next.yaml"
    And the Deployment "next" is scaled to 2 Pods
    And these objects:
      """
      apiVersion: v1
      kind: Service
      metadata: {name: keeping}
      spec:
        selector: {app: next}
        sessionAffinity: ClientIP
        ports: [{name: http, port: 80, targetPort: web}]
      ---
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata:
        name: service
        annotations: {nginx.ingress.kubernetes.io/service-upstream: "true"}
      spec:
        ingressClassName: ${ingress class}
        rules:
        - host: service.${domain}
          http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: keeping, port: {number: 80}}}}]}
      """
    And within 10 seconds, requests are answered as follows:
      | URL                       | status |
      | http://service.${domain}/ | 200    |
    When the client requests "http://service.${domain}/" 20 times
    Then all responses come from one Pod of "next"

  # One endpoint takes 100 ms to answer, the other none. Taking turns, each would get 20.
  @annotation:load-balance
  Scenario: ewma prefers the endpoint that answers faster
    Given a Service "fast" with 1 shared echo server
    And a Service "slow" with 1 shared probe server
    And these objects:
      """
      apiVersion: v1
      kind: Service
      metadata: {name: uneven}
      spec:
        ports: [{name: http, port: 80, targetPort: 8080}]
      ---
      apiVersion: discovery.k8s.io/v1
      kind: EndpointSlice
      metadata:
        name: uneven
        labels: {kubernetes.io/service-name: uneven}
      addressType: IPv4
      ports: [{name: http, port: 8080}]
      endpoints:
      - {addresses: ["${address of fast}"], conditions: {ready: true, serving: true, terminating: false}}
      - {addresses: ["${address of slow}"], conditions: {ready: true, serving: true, terminating: false}}
      ---
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata:
        name: latency
        annotations: {nginx.ingress.kubernetes.io/load-balance: ewma}
      spec:
        ingressClassName: ${ingress class}
        rules:
        - host: latency.${domain}
          http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: uneven, port: {number: 80}}}}]}
      """
    When the client requests "http://latency.${domain}/delay/100ms" 40 times
    Then the responses contain these texts:
      | text                | at least | at most |
      | server_version=fast | 30       | 40      |
      | waited 100ms        | 0        | 10      |
