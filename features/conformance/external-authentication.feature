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

  # The extra server lists the requests that it has received, those of other scenarios included.
  @annotation:auth-method
  Scenario: The method of requests to the server
    Given a Service "extra" with 1 shared extra server
    And these objects:
      """
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata:
        name: method
        annotations:
          nginx.ingress.kubernetes.io/auth-url: http://${cluster IP of extra}/auth/${namespace}
          nginx.ingress.kubernetes.io/auth-method: POST
      spec:
        ingressClassName: ${ingress class}
        rules:
        - host: method.${domain}
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
      | URL                      | status |
      | http://method.${domain}/ | 200    |
    When the client requests "http://log.${domain}/x/log"
    Then the response contains the text ""method":"POST","uri":"/auth/${namespace}""

  @annotation:auth-request-redirect
  Scenario: The page that the server is to lead users back to
    Given a Service "extra" with 1 shared extra server
    And these objects:
      """
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata:
        name: back
        annotations:
          nginx.ingress.kubernetes.io/auth-url: http://${cluster IP of extra}/auth/${namespace}
          nginx.ingress.kubernetes.io/auth-request-redirect: https://start.${domain}/
      spec:
        ingressClassName: ${ingress class}
        rules:
        - host: back.${domain}
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
      | URL                    | status |
      | http://back.${domain}/ | 200    |
    When the client requests "http://log.${domain}/x/log"
    Then the response contains the text ""X-Auth-Request-Redirect":["https://start.${domain}/"]"

  @annotation:auth-always-set-cookie
  Scenario: Cookies of the server reach clients with errors of backends, too
    Given a Service "extra" with 1 shared extra server
    And these objects:
      """
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata:
        name: always
        annotations:
          nginx.ingress.kubernetes.io/auth-url: http://${cluster IP of extra}/auth/${namespace}
          nginx.ingress.kubernetes.io/auth-always-set-cookie: "true"
      spec:
        ingressClassName: ${ingress class}
        rules:
        - host: always.${domain}
          http: {paths: [{path: "/", pathType: Prefix, backend: {service: {name: extra, port: {number: 80}}}}]}
      ---
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata:
        name: default
        annotations:
          nginx.ingress.kubernetes.io/auth-url: http://${cluster IP of extra}/auth/${namespace}
      spec:
        ingressClassName: ${ingress class}
        rules:
        - host: default.${domain}
          http: {paths: [{path: "/", pathType: Prefix, backend: {service: {name: extra, port: {number: 80}}}}]}
      """
    Then within 10 seconds, requests are answered as follows:
      | URL                                  | status |
      | http://default.${domain}/?status=418 | 418    |
      | http://always.${domain}/?status=418  | 418    |
    And the response has the headers:
      | Set-Cookie | authc=1; Path=/ |
    When the client requests "http://default.${domain}/?status=418"
    Then the response has no header "Set-Cookie"

  @annotation:auth-cache-key
  Scenario: Answers of the server are kept for requests with the same key
    The server allows requests with the cookie.

    Given a Service "extra" with 1 shared extra server
    And these objects:
      """
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata:
        name: kept
        annotations:
          nginx.ingress.kubernetes.io/auth-url: http://${cluster IP of extra}/session
          nginx.ingress.kubernetes.io/auth-cache-key: $http_x_key
      spec:
        ingressClassName: ${ingress class}
        rules:
        - host: kept.${domain}
          http: {paths: [{path: "/", pathType: Prefix, backend: {service: {name: echo, port: {number: 80}}}}]}
      """
    And within 10 seconds, requests are answered as follows:
      | URL                    | status |
      | http://kept.${domain}/ | 401    |
    And the client always sends the headers:
      | X-Key | one |
    And the client requests "http://kept.${domain}/" with the cookie "session=alice"
    Then the response status is 200
    When the client requests "http://kept.${domain}/"
    Then the response status is 200
    When the client requests "http://kept.${domain}/" with the headers:
      | X-Key | two |
    Then the response status is 401

  @annotation:auth-cache-duration
  Scenario: Answers of the server with other statuses than auth-cache-duration names are not kept
    Given a Service "extra" with 1 shared extra server
    And these objects:
      """
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata:
        name: refused
        annotations:
          nginx.ingress.kubernetes.io/auth-url: http://${cluster IP of extra}/session
          nginx.ingress.kubernetes.io/auth-cache-key: $http_x_key
          nginx.ingress.kubernetes.io/auth-cache-duration: 401 5m
      spec:
        ingressClassName: ${ingress class}
        rules:
        - host: refused.${domain}
          http: {paths: [{path: "/", pathType: Prefix, backend: {service: {name: echo, port: {number: 80}}}}]}
      """
    And within 10 seconds, requests are answered as follows:
      | URL                       | status |
      | http://refused.${domain}/ | 401    |
    And the client always sends the headers:
      | X-Key | one |
    And the client requests "http://refused.${domain}/" with the cookie "session=alice"
    Then the response status is 200
    When the client requests "http://refused.${domain}/"
    Then the response status is 401

  @annotation:enable-global-auth
  Scenario: enable-global-auth exempts the paths of an Ingress from the server of the ConfigMap
    Given an ingress controller with:
      | config global-auth-url | http://${cluster IP of probe}/status/401 |
    And these objects:
      """
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata:
        name: exempt
        annotations:
          nginx.ingress.kubernetes.io/enable-global-auth: "false"
      spec:
        ingressClassName: ${ingress class}
        rules:
        - host: exempt.${domain}
          http: {paths: [{path: "/", pathType: Prefix, backend: {service: {name: echo, port: {number: 80}}}}]}
      ---
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata:
        name: others
      spec:
        ingressClassName: ${ingress class}
        rules:
        - host: others.${domain}
          http: {paths: [{path: "/", pathType: Prefix, backend: {service: {name: echo, port: {number: 80}}}}]}
      """
    Then within 10 seconds, requests are answered as follows:
      | URL                      | status |
      | http://exempt.${domain}/ | 200    |
      | http://others.${domain}/ | 401    |
