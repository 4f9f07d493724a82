@ingress-nginx
Feature: Header fields and cookies
  Annotations add fields to replies and requests, and change URLs and cookies in the replies of backends.

  Background:
    Given an ingress controller
    And a Service "echo" with 2 shared echo servers

  @annotation:connection-proxy-header
  Scenario: connection-proxy-header sets the Connection header of requests to backends
    Given these objects:
      """
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata:
        name: connection
        annotations:
          nginx.ingress.kubernetes.io/connection-proxy-header: "keep-alive"
      spec:
        ingressClassName: ${ingress class}
        rules:
        - host: connection.${domain}
          http: {paths: [{path: "/", pathType: Prefix, backend: {service: {name: echo, port: {number: 80}}}}]}
      """
    When the client requests "http://connection.${domain}/"
    Then the echo server saw:
      | connection | keep-alive |

  @protection @annotation:custom-headers
  Scenario: A ConfigMap of custom-headers that does not exist closes the paths
    Given these objects:
      """
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata:
        name: fields
        annotations:
          nginx.ingress.kubernetes.io/custom-headers: "${namespace}/missing"
      spec:
        ingressClassName: ${ingress class}
        rules:
        - host: fields.${domain}
          http: {paths: [{path: "/", pathType: Prefix, backend: {service: {name: echo, port: {number: 80}}}}]}
      """
    When the client requests "http://fields.${domain}/"
    Then the response status is 503

  Scenario: The Server header of backends is not passed on
    Given a Service "extra" with 1 shared extra server
    And these objects:
      """
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata: {name: server}
      spec:
        ingressClassName: ${ingress class}
        rules:
        - host: server.${domain}
          http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: extra, port: {number: 80}}}}]}
      """
    When the client requests "http://server.${domain}/?hdr=Server:backend"
    Then the response has no header "Server"

  Scenario: Other headers of backends are passed on
    Given a Service "extra" with 1 shared extra server
    And these objects:
      """
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata: {name: others}
      spec:
        ingressClassName: ${ingress class}
        rules:
        - host: others.${domain}
          http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: extra, port: {number: 80}}}}]}
      """
    When the client requests "http://others.${domain}/?hdr=X-Powered-By:php"
    Then the response has the headers:
      | X-Powered-By | php |

  @annotation:proxy-cookie-path
  Scenario: proxy-cookie-path replaces the beginning of the path of backends' cookies
    Given a Service "extra" with 1 shared extra server
    And these objects:
      """
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata:
        name: cookie-path
        annotations:
          nginx.ingress.kubernetes.io/proxy-cookie-path: "/one/ /"
      spec:
        ingressClassName: ${ingress class}
        rules:
        - host: cookie-path.${domain}
          http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: extra, port: {number: 80}}}}]}
      """
    When the client requests "http://cookie-path.${domain}/?hdr=Set-Cookie:a%3D1%3B%20Path%3D/one/x%3B%20Domain%3Dinner.local"
    Then the response has the headers:
      | Set-Cookie | a=1; Path=/x; Domain=inner.local |

  @annotation:proxy-cookie-domain
  Scenario: proxy-cookie-domain replaces the domain of backends' cookies
    Given a Service "extra" with 1 shared extra server
    And these objects:
      """
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata:
        name: cookie-domain
        annotations:
          nginx.ingress.kubernetes.io/proxy-cookie-domain: "inner.local outer.test"
      spec:
        ingressClassName: ${ingress class}
        rules:
        - host: cookie-domain.${domain}
          http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: extra, port: {number: 80}}}}]}
      """
    When the client requests "http://cookie-domain.${domain}/?hdr=Set-Cookie:a%3D1%3B%20Path%3D/one/x%3B%20Domain%3Dinner.local"
    Then the response has the headers:
      | Set-Cookie | a=1; Path=/one/x; Domain=outer.test |

  @annotation:proxy-redirect-from @annotation:proxy-redirect-to
  Scenario: proxy-redirect replaces the beginning of backends' redirects
    Given a Service "extra" with 1 shared extra server
    And these objects:
      """
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata:
        name: location
        annotations:
          nginx.ingress.kubernetes.io/proxy-redirect-from: "http://inner.local/"
          nginx.ingress.kubernetes.io/proxy-redirect-to: "https://outer.test/"
      spec:
        ingressClassName: ${ingress class}
        rules:
        - host: location.${domain}
          http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: extra, port: {number: 80}}}}]}
      """
    When the client requests "http://location.${domain}/?status=302&hdr=Location:http://inner.local/a"
    Then the response has the headers:
      | Location | https://outer.test/a |

  @protection @annotation:custom-headers
  Scenario: Fields of replies and requests
    The ConfigMap names others whose fields are set everywhere, and says which ones custom-headers may set.

    Given these objects:
      """
      apiVersion: v1
      kind: ConfigMap
      metadata: {name: of-replies}
      data: {X-Everywhere: "1"}
      ---
      apiVersion: v1
      kind: ConfigMap
      metadata: {name: of-requests}
      data: {X-Asked: "$host"}
      ---
      apiVersion: v1
      kind: ConfigMap
      metadata: {name: own}
      data: {X-Own: "2"}
      ---
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata:
        name: fields
        annotations:
          nginx.ingress.kubernetes.io/custom-headers: "${namespace}/own"
      spec:
        ingressClassName: ${ingress class}
        rules:
        - host: fields.${domain}
          http: {paths: [{path: "/", pathType: Prefix, backend: {service: {name: echo, port: {number: 80}}}}]}
      ---
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata:
        name: beside
      spec:
        ingressClassName: ${ingress class}
        rules:
        - host: fields.${domain}
          http: {paths: [{path: "/beside", pathType: Prefix, backend: {service: {name: echo, port: {number: 80}}}}]}
      """
    And an ingress controller with:
      | config add-headers                     | ${namespace}/of-replies  |
      | config proxy-set-headers               | ${namespace}/of-requests |
      | config global-allowed-response-headers | X-Own                    |
    When the client requests "http://fields.${domain}/"
    Then the response has the headers:
      | X-Everywhere | 1 |
      | X-Own        | 2 |
    And the echo server saw:
      | x-asked | fields.${domain} |
    When the client requests "http://fields.${domain}/beside"
    Then the response has the headers:
      | X-Everywhere | 1 |
    And the response has no header "X-Own"
    When the client requests "http://fields.${domain}.elsewhere.test/"
    Then the response status is 404
    And the response has the headers:
      | X-Everywhere | 1 |

  Scenario: hide-headers leaves out fields of backends' replies
    Given a Service "extra" with 1 shared extra server
    And an ingress controller with:
      | config hide-headers | X-Hidden |
    And these objects:
      """
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata:
        name: hidden
      spec:
        ingressClassName: ${ingress class}
        rules:
        - host: hidden.${domain}
          http: {paths: [{path: "/", pathType: Prefix, backend: {service: {name: extra, port: {number: 80}}}}]}
      """
    When the client requests "http://hidden.${domain}/?hdr=X-Hidden:1&hdr=X-Shown:2"
    Then the response has no header "X-Hidden"
    And the response has the headers:
      | X-Shown | 2 |

  Scenario: server-tokens names the proxy in replies
    Given a Service "extra" with 1 shared extra server
    And an ingress controller with:
      | config server-tokens | true |
    And these objects:
      """
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata:
        name: tokens
      spec:
        ingressClassName: ${ingress class}
        rules:
        - host: tokens.${domain}
          http: {paths: [{path: "/", pathType: Prefix, backend: {service: {name: extra, port: {number: 80}}}}]}
      """
    When the client requests "http://tokens.${domain}/?hdr=Server:backend"
    Then the response has the headers:
      | Server | /(nginx\|ingress-testbed).*/ |

  Scenario: allow-backend-server-header passes on the names of backends
    Given a Service "extra" with 1 shared extra server
    And an ingress controller with:
      | config server-tokens               | true |
      | config allow-backend-server-header | true |
    And these objects:
      """
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata:
        name: tokens
      spec:
        ingressClassName: ${ingress class}
        rules:
        - host: tokens.${domain}
          http: {paths: [{path: "/", pathType: Prefix, backend: {service: {name: extra, port: {number: 80}}}}]}
      """
    When the client requests "http://tokens.${domain}/?hdr=Server:backend"
    Then the response has the headers:
      | Server | backend |
