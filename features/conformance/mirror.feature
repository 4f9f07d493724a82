@ingress-nginx
Feature: Mirroring
  Copies of requests are sent to another server. They neither delay nor fail the requests themselves.

  Background:
    Given an ingress controller
    And a Service "echo" with 2 shared echo servers
    And a Service "probe" with 1 shared probe server

  @annotation:mirror-target
  Scenario Outline: A mirror does not change the replies to clients: <server>
    Given these objects:
      """
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata:
        name: mirror
        annotations:
          nginx.ingress.kubernetes.io/mirror-target: http://${cluster IP of probe}<target>
      spec:
        ingressClassName: ${ingress class}
        rules:
        - host: <server>.${domain}
          http:
            paths:
            - {path: /, pathType: Prefix, backend: {service: {name: echo, port: {number: 80}}}}
      """
    When the client sends POST "http://<server>.${domain}/a" with the body:
      """
      some=thing
      """
    Then the response status is 200
    And the echo server saw:
      | method | POST       |
      | body   | some=thing |

    Examples:
      | server  | target              |
      | answers | $request_uri        |
      | fails   | /status/500         |
      | is-late | /delay/10s          |
      | aborts  | /abort              |
      | refuses | :9$request_uri      |

  # The extra server lists the requests that it has received, those of other scenarios included. The first copies may be lost, if
  # a node does not have the Service's address yet.
  @annotation:mirror-target
  Scenario: The mirror receives the target and the body of the request
    Given a Service "extra" with 1 shared extra server
    And these objects:
      """
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata:
        name: copied
        annotations:
          nginx.ingress.kubernetes.io/mirror-target: http://${cluster IP of extra}/${namespace}$request_uri
      spec:
        ingressClassName: ${ingress class}
        rules:
        - host: copied.${domain}
          http: {paths: [{path: "/", pathType: Prefix, backend: {service: {name: echo, port: {number: 80}}}}]}
      ---
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata:
        name: log
      spec:
        ingressClassName: ${ingress class}
        rules:
        - host: log.${domain}
          http: {paths: [{path: "/x/log", pathType: Exact, backend: {service: {name: extra, port: {number: 80}}}}]}
      """
    And within 10 seconds, requests are answered as follows:
      | URL                           | status | text                        |
      | http://copied.${domain}/first | 200    |                             |
      | http://log.${domain}/x/log    | 200    | "uri":"/${namespace}/first" |
    When the client sends POST "http://copied.${domain}/a?b" with the body:
      """
      some=thing
      """
    Then within 10 seconds, requests are answered as follows:
      | URL                        | status | text                             |
      | http://log.${domain}/x/log | 200    | "POST","uri":"/${namespace}/a?b" |
    And the response is:
      """
      /.*"uri":"\/${namespace}\/a\?b"[^}]*},"body":10.*/
      """

  # nginx announces the body all the same.
  @own @annotation:mirror-request-body
  Scenario: mirror-request-body leaves out the body of the request
    Given a Service "extra" with 1 shared extra server
    And these objects:
      """
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata:
        name: bare
        annotations:
          nginx.ingress.kubernetes.io/mirror-target: http://${cluster IP of extra}/${namespace}$request_uri
          nginx.ingress.kubernetes.io/mirror-request-body: "off"
      spec:
        ingressClassName: ${ingress class}
        rules:
        - host: bare.${domain}
          http: {paths: [{path: "/", pathType: Prefix, backend: {service: {name: echo, port: {number: 80}}}}]}
      ---
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata:
        name: log
      spec:
        ingressClassName: ${ingress class}
        rules:
        - host: log.${domain}
          http: {paths: [{path: "/x/log", pathType: Exact, backend: {service: {name: extra, port: {number: 80}}}}]}
      """
    And within 10 seconds, requests are answered as follows:
      | URL                         | status | text                        |
      | http://bare.${domain}/first | 200    |                             |
      | http://log.${domain}/x/log  | 200    | "uri":"/${namespace}/first" |
    When the client sends POST "http://bare.${domain}/a" with the body:
      """
      some=thing
      """
    Then within 10 seconds, requests are answered as follows:
      | URL                        | status | text                           |
      | http://log.${domain}/x/log | 200    | "POST","uri":"/${namespace}/a" |
    And the response is:
      """
      /.*"uri":"\/${namespace}\/a"[^}]*},"body":0.*/
      """

  @annotation:mirror-host
  Scenario: The mirror receives its own host
    Given a Service "extra" with 1 shared extra server
    And these objects:
      """
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata:
        name: copied
        annotations:
          nginx.ingress.kubernetes.io/mirror-target: http://${cluster IP of extra}/${namespace}$request_uri
          nginx.ingress.kubernetes.io/mirror-host: copies.${domain}
      spec:
        ingressClassName: ${ingress class}
        rules:
        - host: copied.${domain}
          http: {paths: [{path: "/", pathType: Prefix, backend: {service: {name: echo, port: {number: 80}}}}]}
      ---
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata:
        name: log
      spec:
        ingressClassName: ${ingress class}
        rules:
        - host: log.${domain}
          http: {paths: [{path: "/x/log", pathType: Exact, backend: {service: {name: extra, port: {number: 80}}}}]}
      """
    Then within 10 seconds, requests are answered as follows:
      | URL                        | status | text                      |
      | http://copied.${domain}/   | 200    |                           |
      | http://log.${domain}/x/log | 200    | "host":"copies.${domain}" |

  @annotation:mirror-target
  Scenario: Requests to another Ingress of the host are not copied
    Given a Service "extra" with 1 shared extra server
    And these objects:
      """
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata:
        name: copied
        annotations:
          nginx.ingress.kubernetes.io/mirror-target: http://${cluster IP of extra}/${namespace}$request_uri
      spec:
        ingressClassName: ${ingress class}
        rules:
        - host: copied.${domain}
          http: {paths: [{path: "/copied", pathType: Prefix, backend: {service: {name: echo, port: {number: 80}}}}]}
      ---
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata:
        name: plain
      spec:
        ingressClassName: ${ingress class}
        rules:
        - host: copied.${domain}
          http: {paths: [{path: "/", pathType: Prefix, backend: {service: {name: echo, port: {number: 80}}}}]}
      ---
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata:
        name: log
      spec:
        ingressClassName: ${ingress class}
        rules:
        - host: log.${domain}
          http: {paths: [{path: "/x/log", pathType: Exact, backend: {service: {name: extra, port: {number: 80}}}}]}
      """
    And within 10 seconds, requests are answered as follows:
      | URL                                  | status | text                               |
      | http://copied.${domain}/copied/first | 200    |                                    |
      | http://log.${domain}/x/log           | 200    | "uri":"/${namespace}/copied/first" |
    When the client requests "http://copied.${domain}/plain"
    And the client requests "http://copied.${domain}/copied"
    Then within 10 seconds, requests are answered as follows:
      | URL                        | status | text                         |
      | http://log.${domain}/x/log | 200    | "uri":"/${namespace}/copied" |
    And the response does not contain the text ""uri":"/${namespace}/plain""
