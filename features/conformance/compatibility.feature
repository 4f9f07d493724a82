# Each scenario shows a row of docs/compatibility.md, which its tag names, and runs in both modes of the controller. Of two
# scenarios that follow each other in the same mode, the second one needs no new controller: so the modes alternate.
@own @compatibility
Feature: Differences to ingress-nginx
  By default the controller does what users need; in its mode ingress-nginx it does what ingress-nginx does.

  Background:
    Given a Service "echo" with 2 shared echo servers

  @difference:canary-by-service @annotation:canary
  Scenario Outline: A canary and another host that has the same Service: <mode>
    Given an ingress controller with:
      | flag compatibility | <mode> |
    And a Service "next" with 1 shared echo server
    And these objects:
      """
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata: {name: main}
      spec:
        ingressClassName: ${ingress class}
        rules:
        - host: shop.${domain}
          http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: echo, port: {number: 80}}}}]}
        - host: news.${domain}
          http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: echo, port: {number: 80}}}}]}
      ---
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata:
        name: canary
        annotations:
          nginx.ingress.kubernetes.io/canary: "true"
          nginx.ingress.kubernetes.io/canary-by-header: X-Canary
      spec:
        ingressClassName: ${ingress class}
        rules:
        - host: shop.${domain}
          http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: next, port: {number: 80}}}}]}
      """
    When the client requests "http://news.${domain}/" with the headers:
      | X-Canary | always |
    Then the response contains the text "server_version=<Service>"

    Examples:
      | mode          | Service |
      | mend          | echo    |
      | ingress-nginx | next    |

  @difference:tls-section-for-all-hosts @annotation:ssl-redirect
  Scenario Outline: A host that the tls section of its Ingress does not list: <mode>
    Given an ingress controller with:
      | flag compatibility | <mode> |
    And a TLS Secret "shop" with a certificate for "shop.${domain}"
    And these objects:
      """
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata: {name: tls}
      spec:
        ingressClassName: ${ingress class}
        tls: [{hosts: ["shop.${domain}"], secretName: shop}]
        rules:
        - host: shop.${domain}
          http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: echo, port: {number: 80}}}}]}
        - host: news.${domain}
          http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: echo, port: {number: 80}}}}]}
      """
    When the client requests "http://news.${domain}/"
    Then the response status is <status>

    Examples:
      | mode          | status |
      | ingress-nginx | 308    |
      | mend          | 200    |

  @difference:regular-expressions-for-all-paths @annotation:use-regex
  Scenario Outline: A path of type Exact beside regular expressions of another Ingress: <mode>
    Given an ingress controller with:
      | flag compatibility | <mode> |
    And these objects:
      """
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata:
        name: regex
        annotations:
          nginx.ingress.kubernetes.io/use-regex: "true"
      spec:
        ingressClassName: ${ingress class}
        rules:
        - host: mixed.${domain}
          http: {paths: [{path: "/rx/.*", pathType: ImplementationSpecific, backend: {service: {name: echo, port: {number: 80}}}}]}
      ---
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata: {name: plain}
      spec:
        ingressClassName: ${ingress class}
        rules:
        - host: mixed.${domain}
          http: {paths: [{path: /exact, pathType: Exact, backend: {service: {name: echo, port: {number: 80}}}}]}
      """
    When the client requests "http://mixed.${domain}/EXACTLY"
    Then the response status is <status>

    Examples:
      | mode          | status |
      | mend          | 404    |
      | ingress-nginx | 200    |

  @difference:strict-paths
  Scenario: In the mode ingress-nginx, a path of type Prefix with other characters than usual is rejected
    Given an ingress controller with:
      | flag compatibility | ingress-nginx |
    Then applying these objects is rejected with "/a(b)":
      """
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata: {name: strict}
      spec:
        ingressClassName: ${ingress class}
        rules:
        - host: strict.${domain}
          http: {paths: [{path: "/a(b)", pathType: Prefix, backend: {service: {name: echo, port: {number: 80}}}}]}
      """

  @difference:strict-paths
  Scenario: A path of type Prefix may have any characters that URLs have
    Given an ingress controller with:
      | flag compatibility | mend |
    And these objects:
      """
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata: {name: strict}
      spec:
        ingressClassName: ${ingress class}
        rules:
        - host: strict.${domain}
          http: {paths: [{path: "/a(b)", pathType: Prefix, backend: {service: {name: echo, port: {number: 80}}}}]}
      """
    When the client requests "http://strict.${domain}/a(b)/c"
    Then the response status is 200

  @difference:slash-redirect
  Scenario Outline: A rule whose path ends in a slash, and a request without it: <mode>
    Given an ingress controller with:
      | flag compatibility | <mode> |
    And these objects:
      """
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata: {name: slash}
      spec:
        ingressClassName: ${ingress class}
        rules:
        - host: slash.${domain}
          http: {paths: [{path: /docs/, pathType: Prefix, backend: {service: {name: echo, port: {number: 80}}}}]}
      """
    When the client requests "http://slash.${domain}/docs"
    Then the response status is <status>

    Examples:
      | mode          | status |
      | mend          | 200    |
      | ingress-nginx | 301    |

  @difference:raw-paths
  Scenario Outline: The path that backends get: <mode>
    Given an ingress controller with:
      | flag compatibility | <mode> |
    And these objects:
      """
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata: {name: raw}
      spec:
        ingressClassName: ${ingress class}
        rules:
        - host: raw.${domain}
          http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: echo, port: {number: 80}}}}]}
      """
    When the client requests "http://raw.${domain}/a/../b"
    Then the echo server saw:
      | real path | <path> |

    Examples:
      | mode          | path    |
      | ingress-nginx | /a/../b |
      | mend          | /b      |

  @difference:cut-slash @annotation:preserve-trailing-slash
  Scenario Outline: The redirect to HTTPS and a slash at the end: <mode>
    Given an ingress controller with:
      | flag compatibility | <mode> |
    And these objects:
      """
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata:
        name: cut
        annotations:
          nginx.ingress.kubernetes.io/force-ssl-redirect: "true"
      spec:
        ingressClassName: ${ingress class}
        rules:
        - host: cut.${domain}
          http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: echo, port: {number: 80}}}}]}
      """
    When the client requests "http://cut.${domain}/docs/"
    Then the response has the headers:
      | Location | https://cut.${domain}<path> |

    Examples:
      | mode          | path   |
      | mend          | /docs/ |
      | ingress-nginx | /docs  |

  @difference:www-port @annotation:from-to-www-redirect
  Scenario Outline: The redirect of from-to-www-redirect and the port: <mode>
    Given an ingress controller with:
      | flag compatibility | <mode> |
    And these objects:
      """
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata:
        name: www
        annotations:
          nginx.ingress.kubernetes.io/from-to-www-redirect: "true"
      spec:
        ingressClassName: ${ingress class}
        rules:
        - host: bare.${domain}
          http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: echo, port: {number: 80}}}}]}
      """
    When the client requests "http://www.bare.${domain}/docs"
    Then the response has the headers:
      | Location | http://bare.${domain}<port>/docs |

    Examples:
      | mode          | port |
      | ingress-nginx | :80  |
      | mend          |      |

  @difference:lenient-values
  Scenario: A wrong value of an annotation is rejected
    Given an ingress controller with:
      | flag compatibility | mend |
    Then applying these objects is rejected with "proxy-read-timeout":
      """
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata:
        name: lenient
        annotations:
          nginx.ingress.kubernetes.io/proxy-read-timeout: "soon"
      spec:
        ingressClassName: ${ingress class}
        rules:
        - host: lenient.${domain}
          http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: echo, port: {number: 80}}}}]}
      """

  @difference:lenient-values
  Scenario: In the mode ingress-nginx, a wrong value of an annotation counts as not given
    Given an ingress controller with:
      | flag compatibility | ingress-nginx |
    And these objects:
      """
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata:
        name: lenient
        annotations:
          nginx.ingress.kubernetes.io/proxy-read-timeout: "soon"
      spec:
        ingressClassName: ${ingress class}
        rules:
        - host: lenient.${domain}
          http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: echo, port: {number: 80}}}}]}
      """
    When the client requests "http://lenient.${domain}/"
    Then the response status is 200

  @difference:canary-total @annotation:canary-weight-total
  Scenario Outline: A total of canary weights below 100: <mode>
    Given an ingress controller with:
      | flag compatibility | <mode> |
    And a Service "next" with 1 shared echo server
    And these objects:
      """
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata: {name: main}
      spec:
        ingressClassName: ${ingress class}
        rules:
        - host: total.${domain}
          http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: echo, port: {number: 80}}}}]}
      ---
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata:
        name: canary
        annotations:
          nginx.ingress.kubernetes.io/canary: "true"
          nginx.ingress.kubernetes.io/canary-weight: "25"
          nginx.ingress.kubernetes.io/canary-weight-total: "50"
      spec:
        ingressClassName: ${ingress class}
        rules:
        - host: total.${domain}
          http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: next, port: {number: 80}}}}]}
      """
    When the client requests "http://total.${domain}/" 400 times
    Then the responses are split randomly by the text they contain:
      | text                | share    |
      | server_version=echo | <main>   |
      | server_version=next | <canary> |

    Examples:
      | mode          | main | canary |
      | ingress-nginx | 75 % | 25 %   |
      | mend          | 50 % | 50 %   |

  @difference:session-stays @annotation:session-cookie-change-on-failure
  Scenario Outline: A session whose endpoint fails: <mode>
    Given an ingress controller with:
      | flag compatibility | <mode> |
    And the objects of "manifests/next.yaml"
    And a Service "other" with 1 shared echo server
    And these objects:
      """
      apiVersion: v1
      kind: Service
      metadata: {name: session}
      spec:
        ports: [{name: http, port: 80, targetPort: 8080}]
      ---
      apiVersion: discovery.k8s.io/v1
      kind: EndpointSlice
      metadata:
        name: session
        labels: {kubernetes.io/service-name: session}
      addressType: IPv4
      ports: [{name: http, port: 8080}]
      endpoints:
      - {addresses: ["${address of next}"], conditions: {ready: true, serving: true, terminating: false}}
      ---
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata:
        name: session
        annotations:
          nginx.ingress.kubernetes.io/affinity: cookie
          nginx.ingress.kubernetes.io/proxy-connect-timeout: "1"
      spec:
        ingressClassName: ${ingress class}
        rules:
        - host: session.${domain}
          http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: session, port: {number: 80}}}}]}
      """
    And the client keeps cookies
    And the client requests "http://session.${domain}/"
    When these objects are applied:
      """
      apiVersion: discovery.k8s.io/v1
      kind: EndpointSlice
      metadata:
        name: session
        labels: {kubernetes.io/service-name: session}
      addressType: IPv4
      ports: [{name: http, port: 8080}]
      endpoints:
      - {addresses: ["${address of next}"], conditions: {ready: true, serving: true, terminating: false}}
      - {addresses: ["${address of other}"], conditions: {ready: true, serving: true, terminating: false}}
      """
    And the Deployment "next" is deleted
    Then within 20 seconds, requests are answered as follows:
      | URL                       | status   | text   |
      | http://session.${domain}/ | <status> | <text> |

    Examples:
      | mode          | status   | text                 |
      | mend          | 200      | server_version=other |
      | ingress-nginx | /50[24]/ |                      |

  @difference:insecure-none @annotation:session-cookie-samesite
  Scenario Outline: A cookie with SameSite=None in plain text: <mode>
    Given an ingress controller with:
      | flag compatibility | <mode> |
    And these objects:
      """
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata:
        name: none
        annotations:
          nginx.ingress.kubernetes.io/affinity: cookie
          nginx.ingress.kubernetes.io/session-cookie-samesite: None
      spec:
        ingressClassName: ${ingress class}
        rules:
        - host: none.${domain}
          http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: echo, port: {number: 80}}}}]}
      """
    When the client requests "http://none.${domain}/"
    Then the response has the headers:
      | Set-Cookie | /INGRESSCOOKIE=[^;]+; Path=\/<Secure>; HttpOnly; SameSite=None/ |

    Examples:
      | mode          | Secure   |
      | ingress-nginx |          |
      | mend          | ; Secure |

  @difference:cookie-of-regex @annotation:session-cookie-path @annotation:use-regex
  Scenario Outline: The path of a cookie for a regular expression: <mode>
    Given an ingress controller with:
      | flag compatibility | <mode> |
    And these objects:
      """
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata:
        name: regex
        annotations:
          nginx.ingress.kubernetes.io/affinity: cookie
          nginx.ingress.kubernetes.io/use-regex: "true"
      spec:
        ingressClassName: ${ingress class}
        rules:
        - host: regex.${domain}
          http: {paths: [{path: "/rx/.*", pathType: ImplementationSpecific, backend: {service: {name: echo, port: {number: 80}}}}]}
      """
    When the client requests "http://regex.${domain}/rx/1"
    Then the response has the headers:
      | Set-Cookie | /INGRESSCOOKIE=[^;]+; Path=<path>; HttpOnly/ |

    Examples:
      | mode          | path       |
      | mend          | \/         |
      | ingress-nginx | \/rx\/\.\* |

  @difference:affinity-by-service @annotation:affinity
  Scenario Outline: The cookie of a Service that two Ingresses have: <mode>
    Given an ingress controller with:
      | flag compatibility | <mode> |
    And these objects:
      """
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata:
        name: older
        annotations:
          nginx.ingress.kubernetes.io/affinity: cookie
          nginx.ingress.kubernetes.io/session-cookie-name: first
      spec:
        ingressClassName: ${ingress class}
        rules:
        - host: one.${domain}
          http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: echo, port: {number: 80}}}}]}
      """
    And the next objects are younger by a second
    And these objects:
      """
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata:
        name: younger
        annotations:
          nginx.ingress.kubernetes.io/affinity: cookie
          nginx.ingress.kubernetes.io/session-cookie-name: second
      spec:
        ingressClassName: ${ingress class}
        rules:
        - host: two.${domain}
          http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: echo, port: {number: 80}}}}]}
      """
    When the client requests "http://one.${domain}/"
    Then the response has the headers:
      | Set-Cookie | /<cookie>=.*/ |

    Examples:
      | mode          | cookie |
      | ingress-nginx | second |
      | mend          | first  |

  @difference:forwarded-from-all
  Scenario Outline: A peer that is no trusted proxy says that the client uses HTTPS: <mode>
    Given an ingress controller with:
      | flag compatibility           | <mode>       |
      | config use-forwarded-headers | true         |
      | config proxy-real-ip-cidr    | 192.0.2.0/24 |
    And these objects:
      """
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata: {name: forwarded}
      spec:
        ingressClassName: ${ingress class}
        rules:
        - host: forwarded.${domain}
          http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: echo, port: {number: 80}}}}]}
      """
    When the client requests "http://forwarded.${domain}/" with the headers:
      | X-Forwarded-Proto | https |
    Then the echo server saw:
      | x-forwarded-proto | <scheme> |

    Examples:
      | mode          | scheme |
      | mend          | http   |
      | ingress-nginx | https  |

  @difference:hsts-gaps @annotation:from-to-www-redirect
  Scenario Outline: Strict-Transport-Security in a redirect between hosts: <mode>
    Given an ingress controller with:
      | flag compatibility | <mode> |
    And these objects:
      """
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata:
        name: www
        annotations:
          nginx.ingress.kubernetes.io/from-to-www-redirect: "true"
      spec:
        ingressClassName: ${ingress class}
        rules:
        - host: bare.${domain}
          http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: echo, port: {number: 80}}}}]}
      """
    When the client requests "https://www.bare.${domain}/docs"
    Then the response has the headers:
      | Strict-Transport-Security | <value> |

    Examples:
      | mode          | value                               |
      | ingress-nginx |                                     |
      | mend          | max-age=31536000; includeSubDomains |

  @own-controller @difference:default-backend-of-hosts
  Scenario Outline: The default backend of an Ingress with rules, and a host that no Ingress names: <mode>
    Given an ingress controller with:
      | flag compatibility | <mode> |
    And these objects:
      """
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata: {name: default}
      spec:
        ingressClassName: ${ingress class}
        defaultBackend: {service: {name: echo, port: {number: 80}}}
        rules:
        - host: default.${domain}
          http: {paths: [{path: /docs, pathType: Prefix, backend: {service: {name: echo, port: {number: 80}}}}]}
      """
    When the client requests "http://elsewhere.test/"
    Then the response status is <status>

    Examples:
      | mode          | status |
      | mend          | 200    |
      | ingress-nginx | 404    |

  @difference:duplicate-paths
  Scenario: In the mode ingress-nginx, the first of two equal paths of an Ingress is served
    Given an ingress controller with:
      | flag compatibility | ingress-nginx |
    And these objects:
      """
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata: {name: twice}
      spec:
        ingressClassName: ${ingress class}
        rules:
        - host: twice.${domain}
          http:
            paths:
            - {path: /docs, pathType: Prefix, backend: {service: {name: echo, port: {number: 80}}}}
            - {path: /docs, pathType: Prefix, backend: {service: {name: echo, port: {number: 80}}}}
      """
    When the client requests "http://twice.${domain}/docs"
    Then the response status is 200

  @difference:duplicate-paths
  Scenario: A path that an Ingress has twice is rejected
    Given an ingress controller with:
      | flag compatibility | mend |
    Then applying these objects is rejected with "/docs":
      """
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata: {name: twice}
      spec:
        ingressClassName: ${ingress class}
        rules:
        - host: twice.${domain}
          http:
            paths:
            - {path: /docs, pathType: Prefix, backend: {service: {name: echo, port: {number: 80}}}}
            - {path: /docs, pathType: Prefix, backend: {service: {name: echo, port: {number: 80}}}}
      """

  @difference:no-error-backend @annotation:custom-http-errors
  Scenario Outline: An error page without a default backend: <mode>
    Given an ingress controller with:
      | flag compatibility | <mode> |
    And a Service "probe" with 1 shared probe server
    And these objects:
      """
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata:
        name: pages
        annotations:
          nginx.ingress.kubernetes.io/custom-http-errors: "503"
      spec:
        ingressClassName: ${ingress class}
        rules:
        - host: pages.${domain}
          http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: probe, port: {number: 80}}}}]}
      """
    When the client requests "http://pages.${domain}/status/503"
    Then the response status is <status>

    Examples:
      | mode          | status |
      | mend          | 503    |
      | ingress-nginx | 404    |

  @difference:old-requests @annotation:custom-http-errors
  Scenario Outline: The version of HTTP that error backends get: <mode>
    Given an ingress controller with:
      | flag compatibility | <mode> |
    And a Service "probe" with 1 shared probe server
    And these objects:
      """
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata:
        name: pages
        annotations:
          nginx.ingress.kubernetes.io/custom-http-errors: "503"
          nginx.ingress.kubernetes.io/default-backend: echo
      spec:
        ingressClassName: ${ingress class}
        rules:
        - host: pages.${domain}
          http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: probe, port: {number: 80}}}}]}
      """
    When the client requests "http://pages.${domain}/status/503"
    Then the echo server saw:
      | request_version | <version> |

    Examples:
      | mode          | version |
      | ingress-nginx | 1.0     |
      | mend          | 1.1     |

  @difference:forwarded-port
  Scenario Outline: The port where a proxy in front names a scheme and no port: <mode>
    Given an ingress controller with:
      | flag compatibility           | <mode> |
      | config use-forwarded-headers | true   |
    And these objects:
      """
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata: {name: port}
      spec:
        ingressClassName: ${ingress class}
        rules:
        - host: port.${domain}
          http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: echo, port: {number: 80}}}}]}
      """
    When the client requests "http://port.${domain}/" with the headers:
      | X-Forwarded-Proto | https |
    Then the echo server saw:
      | x-forwarded-port | <port> |

    Examples:
      | mode          | port |
      | ingress-nginx | 80   |
      | mend          | 443  |

  # When the second Ingress is served, the controller has seen the annotation of the first.
  @difference:class-field
  Scenario Outline: An Ingress whose annotation names another class than its field: <mode>
    Given an ingress controller with:
      | flag compatibility | <mode> |
    And these objects:
      """
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata: {name: two}
      spec:
        ingressClassName: ${ingress class}
        rules:
        - host: two.${domain}
          http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: echo, port: {number: 80}}}}]}
      """
    When the annotation "kubernetes.io/ingress.class" of the Ingress "two" is set to "another"
    And these objects are applied:
      """
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata: {name: later}
      spec:
        ingressClassName: ${ingress class}
        rules:
        - host: later.${domain}
          http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: echo, port: {number: 80}}}}]}
      """
    Then requests are answered as follows:
      | URL                     | status   |
      | http://later.${domain}/ | 200      |
      | http://two.${domain}/   | <status> |

    Examples:
      | mode          | status |
      | mend          | 404    |
      | ingress-nginx | 200    |

  @difference:loose-hosts
  Scenario Outline: A Host field whose port is not a number: <mode>
    Given an ingress controller with:
      | flag compatibility | <mode> |
    And these objects:
      """
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata: {name: loose}
      spec:
        ingressClassName: ${ingress class}
        rules:
        - host: loose.${domain}
          http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: echo, port: {number: 80}}}}]}
      """
    When the client requests "http://loose.${domain}/" with the headers:
      | Host | loose.${domain}:any |
    Then the response status is <status>

    Examples:
      | mode          | status |
      | ingress-nginx | 200    |
      | mend          | 400    |

  @difference:request-lines
  Scenario Outline: A method in lower case: <mode>
    Given an ingress controller with:
      | flag compatibility | <mode> |
    And these objects:
      """
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata: {name: method}
      spec:
        ingressClassName: ${ingress class}
        rules:
        - host: method.${domain}
          http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: echo, port: {number: 80}}}}]}
      """
    When the client sends get "http://method.${domain}/"
    Then the response status is <status>

    Examples:
      | mode          | status |
      | mend          | 200    |
      | ingress-nginx | 400    |

  @difference:header-limits
  Scenario Outline: A header field that is longer than large-client-header-buffers allows: <mode>
    Given an ingress controller with:
      | flag compatibility                 | <mode> |
      | config large-client-header-buffers | 4 100  |
    And these objects:
      """
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata: {name: limits}
      spec:
        ingressClassName: ${ingress class}
        rules:
        - host: limits.${domain}
          http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: echo, port: {number: 80}}}}]}
      """
    When the client requests "http://limits.${domain}/" with the headers:
      | X-Long | 012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789 |
    Then the response status is <status>

    Examples:
      | mode          | status |
      | ingress-nginx | 400    |
      | mend          | 200    |

  @difference:reply-header-size @annotation:proxy-buffer-size
  Scenario Outline: A reply whose header is larger than proxy-buffer-size: <mode>
    Given an ingress controller with:
      | flag compatibility | <mode> |
    And a Service "extra" with 1 shared extra server
    And these objects:
      """
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata:
        name: reply
        annotations:
          nginx.ingress.kubernetes.io/proxy-buffer-size: "100"
      spec:
        ingressClassName: ${ingress class}
        rules:
        - host: reply.${domain}
          http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: extra, port: {number: 80}}}}]}
      """
    When the client requests "http://reply.${domain}/?hdr=X-Long:012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789"
    Then the response status is <status>

    Examples:
      | mode          | status |
      | mend          | 200    |
      | ingress-nginx | 502    |

  @difference:reply-header-size @annotation:proxy-buffer-size
  Scenario: In the mode ingress-nginx, proxy-buffer-size is for the paths of its own Ingress
    Given an ingress controller with:
      | flag compatibility | ingress-nginx |
    And a Service "extra" with 1 shared extra server
    And these objects:
      """
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata:
        name: small
        annotations:
          nginx.ingress.kubernetes.io/proxy-buffer-size: "100"
      spec:
        ingressClassName: ${ingress class}
        rules:
        - host: reply.${domain}
          http: {paths: [{path: "/small", pathType: Prefix, backend: {service: {name: extra, port: {number: 80}}}}]}
      ---
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata:
        name: default
      spec:
        ingressClassName: ${ingress class}
        rules:
        - host: reply.${domain}
          http: {paths: [{path: "/", pathType: Prefix, backend: {service: {name: extra, port: {number: 80}}}}]}
      """
    When the client requests "http://reply.${domain}/?hdr=X-Long:012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789"
    Then the response status is 200

  @difference:no-allow
  Scenario Outline: A method that is not allowed: <mode>
    Given an ingress controller with:
      | flag compatibility | <mode> |
    And these objects:
      """
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata: {name: allow}
      spec:
        ingressClassName: ${ingress class}
        rules:
        - host: allow.${domain}
          http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: echo, port: {number: 80}}}}]}
      """
    When the client sends TRACE "http://allow.${domain}/"
    Then the response has the headers:
      | Allow | <methods> |

    Examples:
      | mode          | methods   |
      | ingress-nginx |           |
      | mend          | /GET, .*/ |

  @difference:lone-upgrade
  Scenario: Upgrade without Connection is not forwarded
    Given an ingress controller with:
      | flag compatibility | mend |
    And these objects:
      """
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata: {name: upgrade}
      spec:
        ingressClassName: ${ingress class}
        rules:
        - host: upgrade.${domain}
          http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: echo, port: {number: 80}}}}]}
      """
    When the client requests "http://upgrade.${domain}/" with the headers:
      | Upgrade | other |
    Then the echo server saw no header "upgrade"

  @difference:lone-upgrade
  Scenario: In the mode ingress-nginx, Upgrade without Connection is forwarded
    Given an ingress controller with:
      | flag compatibility | ingress-nginx |
    And these objects:
      """
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata: {name: upgrade}
      spec:
        ingressClassName: ${ingress class}
        rules:
        - host: upgrade.${domain}
          http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: echo, port: {number: 80}}}}]}
      """
    When the client requests "http://upgrade.${domain}/" with the headers:
      | Upgrade | other |
    Then the echo server saw:
      | upgrade | other |

  @difference:nominated-fields
  Scenario Outline: A field that a backend's Connection names: <mode>
    Given an ingress controller with:
      | flag compatibility | <mode> |
    And a Service "extra" with 1 shared extra server
    And these objects:
      """
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata: {name: nominated}
      spec:
        ingressClassName: ${ingress class}
        rules:
        - host: nominated.${domain}
          http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: extra, port: {number: 80}}}}]}
      """
    When the client requests "http://nominated.${domain}/?hdr=Connection:X-Hop&hdr=X-Hop:1"
    Then the response has the headers:
      | X-Hop | <value> |

    Examples:
      | mode          | value |
      | ingress-nginx | 1     |
      | mend          |       |

  @difference:x-accel
  Scenario Outline: A backend that answers with X-Accel-Redirect: <mode>
    Given an ingress controller with:
      | flag compatibility | <mode> |
    And a Service "extra" with 1 shared extra server
    And these objects:
      """
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata: {name: accel}
      spec:
        ingressClassName: ${ingress class}
        rules:
        - host: accel.${domain}
          http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: extra, port: {number: 80}}}}]}
      """
    When the client requests "http://accel.${domain}/a?hdr=X-Accel-Redirect:/b"
    Then the response contains the text "<text>"

    Examples:
      | mode          | text          |
      | mend          | "uri":"/a?hdr |
      | ingress-nginx | "uri":"/b"    |

  @difference:plain-errors
  Scenario Outline: An error of the controller itself for a call of gRPC: <mode>
    Given an ingress controller with:
      | flag compatibility | <mode> |
    And these objects:
      """
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata:
        name: grpc
        annotations: {nginx.ingress.kubernetes.io/backend-protocol: GRPC}
      spec:
        ingressClassName: ${ingress class}
        rules:
        - host: grpc.${domain}
          http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: missing, port: {number: 80}}}}]}
      """
    And the client always sends the headers:
      | Content-Type | application/grpc |
      | TE           | trailers         |
    When the client sends POST "https://grpc.${domain}/shop.Cart/Add"
    Then the response status is <status>
    And the response has the headers:
      | Grpc-Status | <code> |

    Examples:
      | mode          | status | code |
      | ingress-nginx | 503    |      |
      | mend          | 200    | 14   |

  @difference:backend-tls-needs-secret @annotation:proxy-ssl-name @annotation:proxy-ssl-server-name
  Scenario Outline: The name that a backend is sent, without a Secret: <mode>
    Given an ingress controller with:
      | flag compatibility | <mode> |
    And a Service "secure" with 1 shared extra server
    And these objects:
      """
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata:
        name: named
        annotations:
          nginx.ingress.kubernetes.io/backend-protocol: HTTPS
          nginx.ingress.kubernetes.io/proxy-ssl-server-name: "on"
          nginx.ingress.kubernetes.io/proxy-ssl-name: backend.example.com
      spec:
        ingressClassName: ${ingress class}
        rules:
        - host: named.${domain}
          http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: secure, port: {number: 443}}}}]}
      """
    When the client requests "http://named.${domain}/"
    Then the response contains the text ""sni":"<name>""

    Examples:
      | mode          | name                |
      | ingress-nginx |                     |
      | mend          | backend.example.com |
