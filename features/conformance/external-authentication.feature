@ingress-nginx @protection
Feature: External authentication
  Annotations name a server that authenticates each request: it allows a request by answering 2xx.

  Background:
    Given an ingress controller
    And a Service "echo" with 2 shared echo servers
    And a Service "probe" with 1 shared probe server

  @annotation:auth-url
  Scenario: The server's status decides
    Given these objects:
      """
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata:
        name: auth-200
        annotations:
          nginx.ingress.kubernetes.io/auth-url: http://${cluster IP of probe}/status/200
      spec:
        ingressClassName: ${ingress class}
        rules:
        - host: auth-200.${domain}
          http:
            paths:
            - {path: /, pathType: Prefix, backend: {service: {name: echo, port: {number: 80}}}}
      ---
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata:
        name: auth-204
        annotations:
          nginx.ingress.kubernetes.io/auth-url: http://${cluster IP of probe}/status/204
      spec:
        ingressClassName: ${ingress class}
        rules:
        - host: auth-204.${domain}
          http:
            paths:
            - {path: /, pathType: Prefix, backend: {service: {name: echo, port: {number: 80}}}}
      ---
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata:
        name: auth-401
        annotations:
          nginx.ingress.kubernetes.io/auth-url: http://${cluster IP of probe}/status/401
      spec:
        ingressClassName: ${ingress class}
        rules:
        - host: auth-401.${domain}
          http:
            paths:
            - {path: /, pathType: Prefix, backend: {service: {name: echo, port: {number: 80}}}}
      ---
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata:
        name: auth-403
        annotations:
          nginx.ingress.kubernetes.io/auth-url: http://${cluster IP of probe}/status/403
      spec:
        ingressClassName: ${ingress class}
        rules:
        - host: auth-403.${domain}
          http:
            paths:
            - {path: /, pathType: Prefix, backend: {service: {name: echo, port: {number: 80}}}}
      """
    Then within 10 seconds, requests are answered as follows:
      | URL                        | status |
      | http://auth-200.${domain}/ | 200    |
      | http://auth-204.${domain}/ | 200    |
      | http://auth-401.${domain}/ | 401    |
      | http://auth-403.${domain}/ | 403    |

  @annotation:auth-url
  Scenario: Any other answer of the server is an error
    Given these objects:
      """
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata:
        name: auth-302
        annotations:
          nginx.ingress.kubernetes.io/auth-url: http://${cluster IP of probe}/status/302
      spec:
        ingressClassName: ${ingress class}
        rules:
        - host: auth-302.${domain}
          http:
            paths:
            - {path: /, pathType: Prefix, backend: {service: {name: echo, port: {number: 80}}}}
      ---
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata:
        name: auth-404
        annotations:
          nginx.ingress.kubernetes.io/auth-url: http://${cluster IP of probe}/status/404
      spec:
        ingressClassName: ${ingress class}
        rules:
        - host: auth-404.${domain}
          http:
            paths:
            - {path: /, pathType: Prefix, backend: {service: {name: echo, port: {number: 80}}}}
      ---
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata:
        name: auth-503
        annotations:
          nginx.ingress.kubernetes.io/auth-url: http://${cluster IP of probe}/status/503
      spec:
        ingressClassName: ${ingress class}
        rules:
        - host: auth-503.${domain}
          http:
            paths:
            - {path: /, pathType: Prefix, backend: {service: {name: echo, port: {number: 80}}}}
      """
    Then requests are answered as follows:
      | URL                        | status |
      | http://auth-302.${domain}/ | 500    |
      | http://auth-404.${domain}/ | 500    |
      | http://auth-503.${domain}/ | 500    |

  @annotation:auth-url
  Scenario: Without the server no request is forwarded
    Given these objects, without waiting until they are ready:
      """
      apiVersion: v1
      kind: Service
      metadata: {name: dead}
      spec:
        selector: {app: none}
        ports: [{port: 80}]
      """
    And these objects:
      """
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata:
        name: dead
        annotations:
          nginx.ingress.kubernetes.io/auth-url: http://${cluster IP of dead}/
      spec:
        ingressClassName: ${ingress class}
        rules:
        - host: dead.${domain}
          http:
            paths:
            - {path: /, pathType: Prefix, backend: {service: {name: echo, port: {number: 80}}}}
      ---
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata:
        name: breaking
        annotations:
          nginx.ingress.kubernetes.io/auth-url: http://${cluster IP of probe}/abort
      spec:
        ingressClassName: ${ingress class}
        rules:
        - host: breaking.${domain}
          http:
            paths:
            - {path: /, pathType: Prefix, backend: {service: {name: echo, port: {number: 80}}}}
      """
    Then requests are answered as follows:
      | URL                        | status |
      | http://dead.${domain}/     | 500    |
      | http://breaking.${domain}/ | 500    |

  # A node forwards all packets of a connection to the Pod that it selected first.
  @annotation:auth-keepalive
  Scenario: After other Pods have taken over the server's address, their answers are used
    Given a Service "gate" with 1 shared echo server
    And these objects:
      """
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata:
        name: gate
        annotations:
          nginx.ingress.kubernetes.io/auth-url: http://${cluster IP of gate}/status/401
      spec:
        ingressClassName: ${ingress class}
        rules:
        - host: gate.${domain}
          http:
            paths:
            - {path: /, pathType: Prefix, backend: {service: {name: echo, port: {number: 80}}}}
      """
    And within 10 seconds, requests are answered as follows:
      | URL                    | status |
      | http://gate.${domain}/ | 200    |
    When a Service "gate" with 1 shared probe server
    Then within 10 seconds, requests are answered as follows:
      | URL                    | status |
      | http://gate.${domain}/ | 401    |

  @annotation:auth-signin
  Scenario: Clients are redirected to sign in
    Given these objects:
      """
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata:
        name: signin
        annotations:
          nginx.ingress.kubernetes.io/auth-url: http://${cluster IP of probe}/status/401
          nginx.ingress.kubernetes.io/auth-signin: https://login.test/start?rd=$escaped_request_uri
      spec:
        ingressClassName: ${ingress class}
        rules:
        - host: signin.${domain}
          http:
            paths:
            - {path: /, pathType: Prefix, backend: {service: {name: echo, port: {number: 80}}}}
      """
    Then within 10 seconds, requests are answered as follows:
      | URL                          | status |
      | http://signin.${domain}/cart | 302    |
    When the client requests "http://signin.${domain}/cart?item=1"
    Then the response status is 302
    And the response has the headers:
      | Location | https://login.test/start?rd=%2Fcart%3Fitem%3D1 |

  @annotation:auth-signin @annotation:auth-signin-redirect-param
  Scenario: The URL of the sign-in page contains the URL of the request
    Given these objects:
      """
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata:
        name: rd
        annotations:
          nginx.ingress.kubernetes.io/auth-url: http://${cluster IP of probe}/status/401
          nginx.ingress.kubernetes.io/auth-signin: https://login.test/
      spec:
        ingressClassName: ${ingress class}
        rules:
        - host: rd.${domain}
          http:
            paths:
            - {path: /, pathType: Prefix, backend: {service: {name: echo, port: {number: 80}}}}
      ---
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata:
        name: param
        annotations:
          nginx.ingress.kubernetes.io/auth-url: http://${cluster IP of probe}/status/401
          nginx.ingress.kubernetes.io/auth-signin: https://login.test/?a=b
          nginx.ingress.kubernetes.io/auth-signin-redirect-param: next
      spec:
        ingressClassName: ${ingress class}
        rules:
        - host: param.${domain}
          http:
            paths:
            - {path: /, pathType: Prefix, backend: {service: {name: echo, port: {number: 80}}}}
      """
    Then within 10 seconds, requests are answered as follows:
      | URL                      | status |
      | http://rd.${domain}/cart | 302    |
    When the client requests "http://rd.${domain}/cart"
    Then the response has the headers:
      | Location | https://login.test/?rd=http://rd.${domain}%2Fcart |
    Then within 10 seconds, requests are answered as follows:
      | URL                         | status |
      | http://param.${domain}/cart | 302    |
    When the client requests "http://param.${domain}/cart"
    Then the response has the headers:
      | Location | https://login.test/?a=b&next=http://param.${domain}%2Fcart |

  @annotation:auth-url
  Scenario: The body of a request reaches its backend and not the server
    Given these objects:
      """
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata:
        name: body
        annotations:
          nginx.ingress.kubernetes.io/auth-url: http://${cluster IP of probe}/status/200
      spec:
        ingressClassName: ${ingress class}
        rules:
        - host: body.${domain}
          http:
            paths:
            - {path: /, pathType: Prefix, backend: {service: {name: echo, port: {number: 80}}}}
      """
    Then within 10 seconds, requests are answered as follows:
      | URL                    | status |
      | http://body.${domain}/ | 200    |
    When the client sends POST "http://body.${domain}/form" with the body:
      """
      some=thing
      """
    Then the echo server saw:
      | method | POST       |
      | body   | some=thing |

  @annotation:auth-response-headers
  Scenario: Headers that only the server may set can't be forged
    Given these objects:
      """
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata:
        name: forged
        annotations:
          nginx.ingress.kubernetes.io/auth-url: http://${cluster IP of probe}/status/200
          nginx.ingress.kubernetes.io/auth-response-headers: X-Auth-User
      spec:
        ingressClassName: ${ingress class}
        rules:
        - host: forged.${domain}
          http:
            paths:
            - {path: /, pathType: Prefix, backend: {service: {name: echo, port: {number: 80}}}}
      """
    Then within 10 seconds, requests are answered as follows:
      | URL                      | status |
      | http://forged.${domain}/ | 200    |
    When the client requests "http://forged.${domain}/" with the headers:
      | X-Auth-User | root |
    Then the response status is 200
    And the echo server saw no header "x-auth-user"

  @annotation:auth-proxy-set-headers
  Scenario: Without the ConfigMap of the server's header fields the paths answer 503
    Given these objects:
      """
      apiVersion: v1
      kind: ConfigMap
      metadata: {name: fields}
      data: {X-Tenant: $host}
      ---
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata:
        name: fields
        annotations:
          nginx.ingress.kubernetes.io/auth-url: http://${cluster IP of probe}/status/200
          nginx.ingress.kubernetes.io/auth-proxy-set-headers: ${namespace}/fields
      spec:
        ingressClassName: ${ingress class}
        rules:
        - host: fields.${domain}
          http:
            paths:
            - {path: /, pathType: Prefix, backend: {service: {name: echo, port: {number: 80}}}}
      ---
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata:
        name: nofields
        annotations:
          nginx.ingress.kubernetes.io/auth-url: http://${cluster IP of probe}/status/200
          nginx.ingress.kubernetes.io/auth-proxy-set-headers: ${namespace}/missing
      spec:
        ingressClassName: ${ingress class}
        rules:
        - host: nofields.${domain}
          http:
            paths:
            - {path: /, pathType: Prefix, backend: {service: {name: echo, port: {number: 80}}}}
      """
    Then within 10 seconds, requests are answered as follows:
      | URL                        | status |
      | http://fields.${domain}/   | 200    |
      | http://nofields.${domain}/ | 503    |
