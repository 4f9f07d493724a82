@walkthrough @protection
Feature: Rate limits
  Annotations refuse the requests of clients that send too many, as the documentation of ingress-nginx describes under "Rate
  limiting" (https://kubernetes.github.io/ingress-nginx/user-guide/nginx-configuration/annotations/#rate-limiting). Each client
  address has a bucket of the size rate × limit-burst-multiplier (5 by default), which drains at the rate. A request
  that would overflow the bucket is refused at once; none waits.

  Background:
    Given an ingress controller
    And a Service "tickets" with 1 shared echo server

  Scenario: A burst is let through, and then nothing
    # The bucket holds 2 × 3 requests, and the first one passes beside it. Within half a minute none of them drains.
    Given these objects:
      """
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata:
        name: minute
        annotations:
          nginx.ingress.kubernetes.io/limit-rpm: "2"
          nginx.ingress.kubernetes.io/limit-burst-multiplier: "3"
      spec:
        ingressClassName: ${ingress class}
        rules:
        - host: minute.${domain}
          http:
            paths:
            - {path: /, pathType: Prefix, backend: {service: {name: tickets, port: {number: 80}}}}
      """
    Then requests are answered as follows:
      | URL                            | status | comment                   |
      | http://minute.${domain}/seat/1 | 200    | the bucket has none       |
      | http://minute.${domain}/seat/2 | 200    | 1 of 6                    |
      | http://minute.${domain}/seat/3 | 200    | 2 of 6                    |
      | http://minute.${domain}/seat/4 | 200    | 3 of 6                    |
      | http://minute.${domain}/seat/5 | 200    | 4 of 6                    |
      | http://minute.${domain}/seat/6 | 200    | 5 of 6                    |
      | http://minute.${domain}/seat/7 | 200    | 6 of 6: the bucket is full |
      | http://minute.${domain}/seat/8 | 503    | overflows                 |
      | http://minute.${domain}/seat/9 | 503    | overflows                 |

  Scenario: Over time, requests get through at the rate
    # Of 80 requests in 4 seconds, 5 pass in each second, and the burst of 5 besides: about a third. The plot shows which.
    Given these objects:
      """
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata:
        name: second
        annotations:
          nginx.ingress.kubernetes.io/limit-rps: "5"
          nginx.ingress.kubernetes.io/limit-burst-multiplier: "1"
      spec:
        ingressClassName: ${ingress class}
        rules:
        - host: second.${domain}
          http:
            paths:
            - {path: /, pathType: Prefix, backend: {service: {name: tickets, port: {number: 80}}}}
      """
    When the client makes 20 requests a second to "http://second.${domain}/" for 4 seconds
    Then 25 to 45 % of the requests of the load run succeeded, and the others were rejected with the status 503

  Scenario: Other hosts are not limited, though the same Service serves them
    Given these objects:
      """
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
            - {path: /, pathType: Prefix, backend: {service: {name: tickets, port: {number: 80}}}}
      """
    When the client requests "http://second.${domain}/" 30 times
    Then the responses have these statuses:
      | status | at least | at most |
      | 200    | 1        | 20      |
      | 503    | 10       | 29      |
    When the client requests "http://beside.${domain}/" 30 times
    Then every response has the status 200

  Scenario: Clients on a list are exempt
    Given these objects:
      """
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata:
        name: exempt
        annotations:
          nginx.ingress.kubernetes.io/limit-rps: "5"
          nginx.ingress.kubernetes.io/limit-burst-multiplier: "1"
          nginx.ingress.kubernetes.io/limit-whitelist: "192.0.2.0/24,${client address}/32"
      spec:
        ingressClassName: ${ingress class}
        rules:
        - host: exempt.${domain}
          http:
            paths:
            - {path: /, pathType: Prefix, backend: {service: {name: tickets, port: {number: 80}}}}
      ---
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata:
        name: others
        annotations:
          nginx.ingress.kubernetes.io/limit-rps: "5"
          nginx.ingress.kubernetes.io/limit-burst-multiplier: "1"
          nginx.ingress.kubernetes.io/limit-whitelist: "192.0.2.0/24"
      spec:
        ingressClassName: ${ingress class}
        rules:
        - host: others.${domain}
          http:
            paths:
            - {path: /, pathType: Prefix, backend: {service: {name: tickets, port: {number: 80}}}}
      """
    When the client requests "http://exempt.${domain}/" 30 times
    Then every response has the status 200
    When the client requests "http://others.${domain}/" 30 times
    Then the responses have these statuses:
      | status | at least | at most |
      | 200    | 1        | 20      |
      | 503    | 10       | 29      |

  Scenario: A key of the ConfigMap chooses the status, such as 429
    Given an ingress controller with:
      | config limit-req-status-code | 429 |
    When the client requests "http://second.${domain}/" 30 times
    Then the responses have these statuses:
      | status | at least | at most |
      | 200    | 1        | 20      |
      | 429    | 10       | 29      |
