@ingress-nginx
Feature: Paths of an Ingress's own
  Annotations are for the paths of their own Ingress: another one of the same host is served as if they were not there.

  Background:
    Given an ingress controller
    And a Service "echo" with 1 shared echo server
    And a Service "extra" with 1 shared extra server

  Scenario Outline: Requests and their answers stay as they are: <annotation>
    Given these objects:
      """
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata:
        name: annotated
        annotations:
          nginx.ingress.kubernetes.io/<annotation>: <value>
          nginx.ingress.kubernetes.io/<second>: <its value>
      spec:
        ingressClassName: ${ingress class}
        rules:
        - host: own.${domain}
          http: {paths: [{path: "/annotated", pathType: Prefix, backend: {service: {name: echo, port: {number: 80}}}}]}
      ---
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata:
        name: plain
      spec:
        ingressClassName: ${ingress class}
        rules:
        - host: own.${domain}
          http: {paths: [{path: "/", pathType: Prefix, backend: {service: {name: echo, port: {number: 80}}}}]}
      """
    When the client requests "http://own.${domain}/" with the headers:
      | Origin | https://shop.example.test |
    Then the response status is 200
    And the echo server saw:
      | real path       | /             |
      | request_version | 1.1           |
      | host            | own.${domain} |
    And the echo server saw no header "connection"
    And the echo server saw no header "x-forwarded-prefix"
    And the response has no header "access-control-allow-origin"
    And the response has no header "set-cookie"
    And the response has no header "x-of-annotated"

    @annotation:app-root
    Examples:
      | annotation | value | second | its value |
      | app-root | /start | enable-access-log | "true" |

    @annotation:permanent-redirect
    Examples:
      | annotation | value | second | its value |
      | permanent-redirect | https://elsewhere.example.test/ | enable-access-log | "true" |

    @annotation:force-ssl-redirect
    Examples:
      | annotation | value | second | its value |
      | force-ssl-redirect | "true" | enable-access-log | "true" |

    @annotation:enable-cors
    Examples:
      | annotation | value | second | its value |
      | enable-cors | "true" | enable-access-log | "true" |

    @protection @annotation:denylist-source-range
    Examples:
      | annotation | value | second | its value |
      | denylist-source-range | ${client address}/32 | enable-access-log | "true" |

    @annotation:upstream-vhost
    Examples:
      | annotation | value | second | its value |
      | upstream-vhost | other.example.test | enable-access-log | "true" |

    @annotation:connection-proxy-header
    Examples:
      | annotation | value | second | its value |
      | connection-proxy-header | keep-alive | enable-access-log | "true" |

    @annotation:proxy-http-version
    Examples:
      | annotation | value | second | its value |
      | proxy-http-version | "1.0" | enable-access-log | "true" |

    @annotation:affinity
    Examples:
      | annotation | value | second | its value |
      | affinity | cookie | enable-access-log | "true" |

    @protection @annotation:auth-url
    Examples:
      | annotation | value | second | its value |
      | auth-url | http://nowhere.${namespace}.svc.cluster.local/ | enable-access-log | "true" |

    @annotation:rewrite-target @annotation:x-forwarded-prefix
    Examples:
      | annotation | value | second | its value |
      | rewrite-target | /elsewhere | x-forwarded-prefix | /prefix |

    @protection @annotation:denylist-source-range @annotation:satisfy
    Examples:
      | annotation | value | second | its value |
      | denylist-source-range | ${client address}/32 | satisfy | any |

  @protection @annotation:auth-type @annotation:auth-secret
  Scenario: A password
    Given these objects:
      """
      apiVersion: v1
      kind: Secret
      metadata: {name: users}
      stringData: {auth: "alice:{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g="}
      ---
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata:
        name: annotated
        annotations:
          nginx.ingress.kubernetes.io/auth-type: basic
          nginx.ingress.kubernetes.io/auth-secret: users
      spec:
        ingressClassName: ${ingress class}
        rules:
        - host: own.${domain}
          http: {paths: [{path: "/annotated", pathType: Prefix, backend: {service: {name: echo, port: {number: 80}}}}]}
      ---
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata:
        name: plain
      spec:
        ingressClassName: ${ingress class}
        rules:
        - host: own.${domain}
          http: {paths: [{path: "/", pathType: Prefix, backend: {service: {name: echo, port: {number: 80}}}}]}
      """
    Then requests are answered as follows:
      | URL                             | status |
      | http://own.${domain}/annotated  | 401    |
      | http://own.${domain}/           | 200    |

  @protection @annotation:satisfy
  Scenario: A password or an address
    Given these objects:
      """
      apiVersion: v1
      kind: Secret
      metadata: {name: users}
      stringData: {auth: "alice:{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g="}
      ---
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata:
        name: annotated
        annotations:
          nginx.ingress.kubernetes.io/auth-type: basic
          nginx.ingress.kubernetes.io/auth-secret: users
          nginx.ingress.kubernetes.io/whitelist-source-range: 192.0.2.0/24
          nginx.ingress.kubernetes.io/satisfy: any
      spec:
        ingressClassName: ${ingress class}
        rules:
        - host: own.${domain}
          http: {paths: [{path: "/annotated", pathType: Prefix, backend: {service: {name: echo, port: {number: 80}}}}]}
      ---
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata:
        name: plain
      spec:
        ingressClassName: ${ingress class}
        rules:
        - host: own.${domain}
          http: {paths: [{path: "/", pathType: Prefix, backend: {service: {name: echo, port: {number: 80}}}}]}
      """
    Then requests are answered as follows:
      | URL                             | status |
      | http://own.${domain}/annotated  | 401    |
      | http://own.${domain}/           | 200    |

  @protection @annotation:limit-rpm @annotation:limit-burst-multiplier
  Scenario: A rate
    Given these objects:
      """
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata:
        name: annotated
        annotations:
          nginx.ingress.kubernetes.io/limit-rpm: "1"
          nginx.ingress.kubernetes.io/limit-burst-multiplier: "1"
      spec:
        ingressClassName: ${ingress class}
        rules:
        - host: own.${domain}
          http: {paths: [{path: "/annotated", pathType: Prefix, backend: {service: {name: echo, port: {number: 80}}}}]}
      ---
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata:
        name: plain
      spec:
        ingressClassName: ${ingress class}
        rules:
        - host: own.${domain}
          http: {paths: [{path: "/", pathType: Prefix, backend: {service: {name: echo, port: {number: 80}}}}]}
      """
    When the client requests "http://own.${domain}/" 10 times
    Then every response has the status 200

  @protection @annotation:limit-connections
  Scenario: Connections
    Ingresses with the same limit count for themselves.

    Given these objects:
      """
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata:
        name: annotated
        annotations:
          nginx.ingress.kubernetes.io/limit-connections: "1"
      spec:
        ingressClassName: ${ingress class}
        rules:
        - host: own.${domain}
          http: {paths: [{path: "/annotated", pathType: Prefix, backend: {service: {name: echo, port: {number: 80}}}}]}
      ---
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata:
        name: plain
      spec:
        ingressClassName: ${ingress class}
        rules:
        - host: own.${domain}
          http: {paths: [{path: "/", pathType: Prefix, backend: {service: {name: echo, port: {number: 80}}}}]}
      """
    When the client requests "http://own.${domain}/" 10 times
    Then every response has the status 200

  @annotation:proxy-body-size
  Scenario: The size of bodies
    Given these objects:
      """
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata:
        name: annotated
        annotations:
          nginx.ingress.kubernetes.io/proxy-body-size: "4"
      spec:
        ingressClassName: ${ingress class}
        rules:
        - host: own.${domain}
          http: {paths: [{path: "/annotated", pathType: Prefix, backend: {service: {name: echo, port: {number: 80}}}}]}
      ---
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata:
        name: plain
      spec:
        ingressClassName: ${ingress class}
        rules:
        - host: own.${domain}
          http: {paths: [{path: "/", pathType: Prefix, backend: {service: {name: echo, port: {number: 80}}}}]}
      """
    When the client sends POST "http://own.${domain}/annotated" with the body:
      """
      12345
      """
    Then the response status is 413
    When the client sends POST "http://own.${domain}/" with the body:
      """
      12345
      """
    Then the response status is 200

  @annotation:proxy-read-timeout
  Scenario: A time-out
    Given these objects:
      """
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata:
        name: annotated
        annotations:
          nginx.ingress.kubernetes.io/proxy-read-timeout: "1"
      spec:
        ingressClassName: ${ingress class}
        rules:
        - host: own.${domain}
          http: {paths: [{path: "/annotated", pathType: Prefix, backend: {service: {name: extra, port: {number: 80}}}}]}
      ---
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata:
        name: plain
      spec:
        ingressClassName: ${ingress class}
        rules:
        - host: own.${domain}
          http: {paths: [{path: "/", pathType: Prefix, backend: {service: {name: extra, port: {number: 80}}}}]}
      """
    Then requests are answered as follows:
      | URL                                        | status |
      | http://own.${domain}/annotated?delay=1500ms | 504    |
      | http://own.${domain}/?delay=1500ms          | 200    |

  @annotation:custom-http-errors @annotation:default-backend
  Scenario: Error pages
    Given these objects:
      """
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata:
        name: annotated
        annotations:
          nginx.ingress.kubernetes.io/custom-http-errors: "418"
          nginx.ingress.kubernetes.io/default-backend: echo
      spec:
        ingressClassName: ${ingress class}
        rules:
        - host: own.${domain}
          http: {paths: [{path: "/annotated", pathType: Prefix, backend: {service: {name: extra, port: {number: 80}}}}]}
      ---
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata:
        name: plain
      spec:
        ingressClassName: ${ingress class}
        rules:
        - host: own.${domain}
          http: {paths: [{path: "/", pathType: Prefix, backend: {service: {name: extra, port: {number: 80}}}}]}
      """
    When the client requests "http://own.${domain}/annotated?status=418"
    Then the response status is 200
    And the response contains the text "Hostname"
    When the client requests "http://own.${domain}/?status=418"
    Then the response status is 418

  @annotation:proxy-cookie-path @annotation:proxy-cookie-domain
  Scenario: Cookies of backends
    Given these objects:
      """
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata:
        name: annotated
        annotations:
          nginx.ingress.kubernetes.io/proxy-cookie-path: "/in /out"
          nginx.ingress.kubernetes.io/proxy-cookie-domain: "in.test out.test"
      spec:
        ingressClassName: ${ingress class}
        rules:
        - host: own.${domain}
          http: {paths: [{path: "/annotated", pathType: Prefix, backend: {service: {name: extra, port: {number: 80}}}}]}
      ---
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata:
        name: plain
      spec:
        ingressClassName: ${ingress class}
        rules:
        - host: own.${domain}
          http: {paths: [{path: "/", pathType: Prefix, backend: {service: {name: extra, port: {number: 80}}}}]}
      """
    When the client requests "http://own.${domain}/annotated?hdr=Set-Cookie:a%3D1%3B%20Path%3D/in%3B%20Domain%3Din.test"
    Then the response has the headers:
      | Set-Cookie | a=1; Path=/out; Domain=out.test |
    When the client requests "http://own.${domain}/?hdr=Set-Cookie:a%3D1%3B%20Path%3D/in%3B%20Domain%3Din.test"
    Then the response has the headers:
      | Set-Cookie | a=1; Path=/in; Domain=in.test |

  @annotation:proxy-redirect-from @annotation:proxy-redirect-to
  Scenario: Redirects of backends
    Given these objects:
      """
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata:
        name: annotated
        annotations:
          nginx.ingress.kubernetes.io/proxy-redirect-from: http://in.test/
          nginx.ingress.kubernetes.io/proxy-redirect-to: http://out.test/
      spec:
        ingressClassName: ${ingress class}
        rules:
        - host: own.${domain}
          http: {paths: [{path: "/annotated", pathType: Prefix, backend: {service: {name: extra, port: {number: 80}}}}]}
      ---
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata:
        name: plain
      spec:
        ingressClassName: ${ingress class}
        rules:
        - host: own.${domain}
          http: {paths: [{path: "/", pathType: Prefix, backend: {service: {name: extra, port: {number: 80}}}}]}
      """
    When the client requests "http://own.${domain}/annotated?status=302&hdr=Location:http://in.test/x"
    Then the response has the headers:
      | Location | http://out.test/x |
    When the client requests "http://own.${domain}/?status=302&hdr=Location:http://in.test/x"
    Then the response has the headers:
      | Location | http://in.test/x |

  # One endpoint takes 50 ms to answer, the other none. With ewma, that one would get nearly all requests.
  @annotation:load-balance
  Scenario: Endpoints that take turns
    Given a Service "fast" with 1 shared echo server
    And a Service "slow" with 1 shared probe server
    And these objects:
      """
      apiVersion: v1
      kind: Service
      metadata: {name: annotated}
      spec:
        ports: [{name: http, port: 80, targetPort: 8080}]
      ---
      apiVersion: discovery.k8s.io/v1
      kind: EndpointSlice
      metadata:
        name: annotated
        labels: {kubernetes.io/service-name: annotated}
      addressType: IPv4
      ports: [{name: http, port: 8080}]
      endpoints:
      - {addresses: ["${address of fast}"], conditions: {ready: true, serving: true, terminating: false}}
      - {addresses: ["${address of slow}"], conditions: {ready: true, serving: true, terminating: false}}
      ---
      apiVersion: v1
      kind: Service
      metadata: {name: plain}
      spec:
        ports: [{name: http, port: 80, targetPort: 8080}]
      ---
      apiVersion: discovery.k8s.io/v1
      kind: EndpointSlice
      metadata:
        name: plain
        labels: {kubernetes.io/service-name: plain}
      addressType: IPv4
      ports: [{name: http, port: 8080}]
      endpoints:
      - {addresses: ["${address of fast}"], conditions: {ready: true, serving: true, terminating: false}}
      - {addresses: ["${address of slow}"], conditions: {ready: true, serving: true, terminating: false}}
      ---
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata:
        name: annotated
        annotations: {nginx.ingress.kubernetes.io/load-balance: ewma}
      spec:
        ingressClassName: ${ingress class}
        rules:
        - host: own.${domain}
          http: {paths: [{path: /annotated, pathType: Prefix, backend: {service: {name: annotated, port: {number: 80}}}}]}
      ---
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata:
        name: plain
      spec:
        ingressClassName: ${ingress class}
        rules:
        - host: own.${domain}
          http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: plain, port: {number: 80}}}}]}
      """
    When the client requests "http://own.${domain}/delay/50ms" 24 times
    Then the responses contain these texts:
      | text                | at least | at most |
      | server_version=fast | 6        | 18      |
      | waited 50ms         | 6        | 18      |
