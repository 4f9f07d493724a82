@ingress-nginx
Feature: Session affinity
  A cookie assigns a client to one endpoint. Annotations set its attributes.

  Background:
    Given an ingress controller
    And a Service "echo" with 2 shared echo servers

  @annotation:affinity
  Scenario: A session begins with a cookie for the rule's path
    Given these objects:
      """
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata:
        name: session
        annotations:
          nginx.ingress.kubernetes.io/affinity: "cookie"
      spec:
        ingressClassName: ${ingress class}
        rules:
        - host: session.${domain}
          http: {paths: [{path: "/sub", pathType: Prefix, backend: {service: {name: echo, port: {number: 80}}}}]}
      """
    When the client requests "http://session.${domain}/sub"
    Then the response has the headers:
      | Set-Cookie | /INGRESSCOOKIE=[^;]+; Path=\/sub; HttpOnly/ |

  @annotation:session-cookie-name
  Scenario: The name of the cookie
    Given these objects:
      """
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata:
        name: session
        annotations:
          nginx.ingress.kubernetes.io/affinity: "cookie"
          nginx.ingress.kubernetes.io/session-cookie-name: "route"
      spec:
        ingressClassName: ${ingress class}
        rules:
        - host: session.${domain}
          http: {paths: [{path: "/", pathType: Prefix, backend: {service: {name: echo, port: {number: 80}}}}]}
      """
    When the client requests "http://session.${domain}/"
    Then the response has the headers:
      | Set-Cookie | /route=[^;]+; Path=\/; HttpOnly/ |

  @annotation:session-cookie-path
  Scenario: The path of the cookie
    Given these objects:
      """
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata:
        name: session
        annotations:
          nginx.ingress.kubernetes.io/affinity: "cookie"
          nginx.ingress.kubernetes.io/session-cookie-path: "/shop"
      spec:
        ingressClassName: ${ingress class}
        rules:
        - host: session.${domain}
          http: {paths: [{path: "/", pathType: Prefix, backend: {service: {name: echo, port: {number: 80}}}}]}
      """
    When the client requests "http://session.${domain}/"
    Then the response has the headers:
      | Set-Cookie | /INGRESSCOOKIE=[^;]+; Path=\/shop; HttpOnly/ |

  @annotation:session-cookie-domain
  Scenario: The domain of the cookie
    Given these objects:
      """
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata:
        name: session
        annotations:
          nginx.ingress.kubernetes.io/affinity: "cookie"
          nginx.ingress.kubernetes.io/session-cookie-domain: "example.com"
      spec:
        ingressClassName: ${ingress class}
        rules:
        - host: session.${domain}
          http: {paths: [{path: "/", pathType: Prefix, backend: {service: {name: echo, port: {number: 80}}}}]}
      """
    When the client requests "http://session.${domain}/"
    Then the response has the headers:
      | Set-Cookie | /INGRESSCOOKIE=[^;]+; Domain=example\.com; Path=\/; HttpOnly/ |

  @annotation:session-cookie-max-age
  Scenario: How long the cookie is kept
    Given these objects:
      """
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata:
        name: session
        annotations:
          nginx.ingress.kubernetes.io/affinity: "cookie"
          nginx.ingress.kubernetes.io/session-cookie-max-age: "172800"
      spec:
        ingressClassName: ${ingress class}
        rules:
        - host: session.${domain}
          http: {paths: [{path: "/", pathType: Prefix, backend: {service: {name: echo, port: {number: 80}}}}]}
      """
    When the client requests "http://session.${domain}/"
    Then the response has the headers:
      | Set-Cookie | /INGRESSCOOKIE=[^;]+; Max-Age=172800; Path=\/; HttpOnly/ |

  @annotation:session-cookie-expires
  Scenario: When the cookie expires
    Given these objects:
      """
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata:
        name: session
        annotations:
          nginx.ingress.kubernetes.io/affinity: "cookie"
          nginx.ingress.kubernetes.io/session-cookie-expires: "172800"
      spec:
        ingressClassName: ${ingress class}
        rules:
        - host: session.${domain}
          http: {paths: [{path: "/", pathType: Prefix, backend: {service: {name: echo, port: {number: 80}}}}]}
      """
    When the client requests "http://session.${domain}/"
    Then the response has the headers:
      | Set-Cookie | /INGRESSCOOKIE=[^;]+; Expires=[^;]+ GMT; Path=\/; HttpOnly/ |

  @annotation:session-cookie-samesite
  Scenario: The SameSite attribute, in any case
    Given these objects:
      """
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata:
        name: session
        annotations:
          nginx.ingress.kubernetes.io/affinity: "cookie"
          nginx.ingress.kubernetes.io/session-cookie-samesite: "lax"
      spec:
        ingressClassName: ${ingress class}
        rules:
        - host: session.${domain}
          http: {paths: [{path: "/", pathType: Prefix, backend: {service: {name: echo, port: {number: 80}}}}]}
      """
    When the client requests "http://session.${domain}/"
    Then the response has the headers:
      | Set-Cookie | /INGRESSCOOKIE=[^;]+; Path=\/; HttpOnly; SameSite=[Ll]ax/ |

  # Such browsers take SameSite=None for SameSite=Strict.
  @annotation:session-cookie-conditional-samesite-none
  Scenario: Browsers that do not know SameSite=None get no SameSite attribute
    Given these objects:
      """
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata:
        name: session
        annotations:
          nginx.ingress.kubernetes.io/affinity: "cookie"
          nginx.ingress.kubernetes.io/session-cookie-samesite: "None"
          nginx.ingress.kubernetes.io/session-cookie-conditional-samesite-none: "true"
      spec:
        ingressClassName: ${ingress class}
        rules:
        - host: session.${domain}
          http: {paths: [{path: "/", pathType: Prefix, backend: {service: {name: echo, port: {number: 80}}}}]}
      """
    When the client requests "https://session.${domain}/" with the headers:
      | User-Agent | Mozilla/5.0 (iPhone; CPU iPhone OS 12_4 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/12.1.2 Mobile/15E148 Safari/604.1 |
    Then the response has the headers:
      | Set-Cookie | /INGRESSCOOKIE=[^;]+; Path=\/; Secure; HttpOnly/ |
    When the client requests "https://session.${domain}/" with the headers:
      | User-Agent | Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0 |
    Then the response has the headers:
      | Set-Cookie | /INGRESSCOOKIE=[^;]+; Path=\/; Secure; HttpOnly; SameSite=None/ |

  @annotation:session-cookie-secure
  Scenario: The cookie is Secure over plain text if an annotation says so
    Given these objects:
      """
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata:
        name: session
        annotations:
          nginx.ingress.kubernetes.io/affinity: "cookie"
          nginx.ingress.kubernetes.io/session-cookie-secure: "true"
      spec:
        ingressClassName: ${ingress class}
        rules:
        - host: session.${domain}
          http: {paths: [{path: "/", pathType: Prefix, backend: {service: {name: echo, port: {number: 80}}}}]}
      """
    When the client requests "http://session.${domain}/"
    Then the response has the headers:
      | Set-Cookie | /INGRESSCOOKIE=[^;]+; Path=\/; Secure; HttpOnly/ |

  @annotation:session-cookie-secure
  Scenario: The cookie is Secure over HTTPS in any case
    Given these objects:
      """
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata:
        name: session
        annotations:
          nginx.ingress.kubernetes.io/affinity: "cookie"
          nginx.ingress.kubernetes.io/session-cookie-secure: "false"
      spec:
        ingressClassName: ${ingress class}
        rules:
        - host: session.${domain}
          http: {paths: [{path: "/", pathType: Prefix, backend: {service: {name: echo, port: {number: 80}}}}]}
      """
    When the client requests "https://session.${domain}/"
    Then the response has the headers:
      | Set-Cookie | /INGRESSCOOKIE=[^;]+; Path=\/; Secure; HttpOnly/ |

  @annotation:affinity-mode
  Scenario: Persistent sessions begin with a cookie, too
    Given these objects:
      """
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata:
        name: session
        annotations:
          nginx.ingress.kubernetes.io/affinity: "cookie"
          nginx.ingress.kubernetes.io/affinity-mode: "persistent"
      spec:
        ingressClassName: ${ingress class}
        rules:
        - host: session.${domain}
          http: {paths: [{path: "/", pathType: Prefix, backend: {service: {name: echo, port: {number: 80}}}}]}
      """
    When the client requests "http://session.${domain}/"
    Then the response has the headers:
      | Set-Cookie | /INGRESSCOOKIE=[^;]+; Path=\/; HttpOnly/ |

  @own @annotation:session-cookie-path @annotation:use-regex
  Scenario: The cookie of a regular expression is for all paths
    Given these objects:
      """
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata:
        name: session
        annotations:
          nginx.ingress.kubernetes.io/affinity: "cookie"
          nginx.ingress.kubernetes.io/use-regex: "true"
      spec:
        ingressClassName: ${ingress class}
        rules:
        - host: session.${domain}
          http: {paths: [{path: "/rx/.*", pathType: ImplementationSpecific, backend: {service: {name: echo, port: {number: 80}}}}]}
      """
    When the client requests "http://session.${domain}/rx/1"
    Then the response has the headers:
      | Set-Cookie | /INGRESSCOOKIE=[^;]+; Path=\/; HttpOnly/ |

  @annotation:affinity
  Scenario: A session stays on its endpoint
    Given these objects:
      """
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata:
        name: session
        annotations:
          nginx.ingress.kubernetes.io/affinity: "cookie"
      spec:
        ingressClassName: ${ingress class}
        rules:
        - host: session.${domain}
          http: {paths: [{path: "/", pathType: Prefix, backend: {service: {name: echo, port: {number: 80}}}}]}
      """
    And the client keeps cookies
    When the client requests "http://session.${domain}/" 20 times
    Then all responses come from one Pod of "echo"

  @annotation:affinity-canary-behavior
  Scenario: A session stays on its side of a canary
    Given a Service "next" with 1 shared echo server
    And these objects:
      """
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata:
        name: main
        annotations:
          nginx.ingress.kubernetes.io/affinity: "cookie"
      spec:
        ingressClassName: ${ingress class}
        rules:
        - host: side.${domain}
          http: {paths: [{path: "/", pathType: Prefix, backend: {service: {name: echo, port: {number: 80}}}}]}
      """
    And the client keeps cookies
    And the client requests "http://side.${domain}/"
    And these objects:
      """
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata:
        name: canary
        annotations:
          nginx.ingress.kubernetes.io/canary: "true"
          nginx.ingress.kubernetes.io/canary-weight: "100"
      spec:
        ingressClassName: ${ingress class}
        rules:
        - host: side.${domain}
          http: {paths: [{path: "/", pathType: Prefix, backend: {service: {name: next, port: {number: 80}}}}]}
      """
    When the client requests "http://side.${domain}/" 20 times
    Then every response contains the text "server_version=echo"
