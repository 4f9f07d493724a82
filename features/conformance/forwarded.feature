@ingress-nginx
Feature: Forwarded headers
  The controller forwards the client's address, protocol and host in headers, and overwrites those that the client sent.

  Background:
    Given an ingress controller
    And a Service "echo" with 2 shared echo servers
    And these objects:
      """
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata:
        name: forwarded
      spec:
        ingressClassName: ${ingress class}
        rules:
        - host: forwarded.${domain}
          http:
            paths:
            - {path: /, pathType: Prefix, backend: {service: {name: echo, port: {number: 80}}}}
      """

  Scenario: The request line is forwarded as it came
    When the client requests "http://forwarded.${domain}/a%20b?c=d&e"
    Then the echo server saw:
      | host      | forwarded.${domain} |
      | real path | /a%20b?c=d&e        |
      | query     | c=d&e               |

  Scenario Outline: What the client claims about itself is replaced: <header>
    When the client requests "http://forwarded.${domain}/" with the headers:
      | <header> | <claim> |
    Then the echo server saw:
      | <header> | <truth> |

    Examples:
      | header             | claim        | truth               |
      | x-forwarded-for    | 198.51.100.1 | ${client address}   |
      | x-real-ip          | 198.51.100.1 | ${client address}   |
      | x-forwarded-host   | other.test   | forwarded.${domain} |
      | x-forwarded-port   | 8443         | 80                  |
      | x-forwarded-proto  | https        | http                |
      | x-forwarded-scheme | https        | http                |
      | x-scheme           | https        | http                |

  Scenario: The chain of addresses that the client sent is kept apart
    When the client requests "http://forwarded.${domain}/" with the headers:
      | X-Forwarded-For | 198.51.100.1 |
    Then the echo server saw:
      | x-original-forwarded-for | 198.51.100.1 |

  Scenario: The client's ID of the request is kept
    When the client requests "http://forwarded.${domain}/" with the headers:
      | X-Request-ID | 0123456789abcdef0123456789abcdef |
    Then the echo server saw:
      | x-request-id | 0123456789abcdef0123456789abcdef |

  Scenario: Other headers of the client are kept
    When the client requests "http://forwarded.${domain}/" with the headers:
      | X-Of-The-Client | kept |
    Then the echo server saw:
      | x-of-the-client | kept |

  # Servers of CGI and WSGI take both spellings for the same field.
  Scenario Outline: Header names with an underscore are dropped: <header>
    When the client requests "http://forwarded.${domain}/" with the headers:
      | <header> | forged |
    Then the echo server saw no header "<header>"

    Examples:
      | header          |
      | api_key         |
      | x_real_ip       |
      | x_forwarded_for |

  # CGI servers would take it for the environment variable HTTP_PROXY ("httpoxy", CVE-2016-5385).
  Scenario: The header Proxy is dropped
    When the client requests "http://forwarded.${domain}/" with the headers:
      | Proxy | http://forged.test |
    Then the echo server saw no header "proxy"

  # nginx passes it on.
  @own
  Scenario: A header that Connection names is for the next hop alone (RFC 9110, section 7.6.1)
    When the client requests "http://forwarded.${domain}/" with the headers:
      | Connection | X-Hop, close |
      | X-Hop      | dropped      |
    Then the echo server saw no header "x-hop"

  @annotation:upstream-vhost
  Scenario: The Host header of backends can be replaced
    Given these objects:
      """
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata:
        name: upstream-host
        annotations:
          nginx.ingress.kubernetes.io/upstream-vhost: inner.local
      spec:
        ingressClassName: ${ingress class}
        rules:
        - host: upstream-host.${domain}
          http:
            paths:
            - {path: /, pathType: Prefix, backend: {service: {name: echo, port: {number: 80}}}}
      """
    When the client requests "http://upstream-host.${domain}/"
    Then the echo server saw:
      | host             | inner.local             |
      | x-forwarded-host | upstream-host.${domain} |

  @annotation:upstream-vhost
  Scenario: The Host header of backends can name their Service
    Service meshes such as Linkerd find the Service of a request by it.

    Given these objects:
      """
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata:
        name: meshed
        annotations:
          nginx.ingress.kubernetes.io/upstream-vhost: $service_name.$namespace.svc.cluster.local:$service_port
      spec:
        ingressClassName: ${ingress class}
        rules:
        - host: meshed.${domain}
          http:
            paths:
            - {path: /, pathType: Prefix, backend: {service: {name: echo, port: {number: 80}}}}
      """
    When the client requests "http://meshed.${domain}/"
    Then the echo server saw:
      | host | echo.${namespace}.svc.cluster.local:80 |

  Scenario Outline: Methods and bodies are forwarded
    When the client sends <method> "http://forwarded.${domain}/form" with the body:
      """
      some=thing
      """
    Then the echo server saw:
      | method         | <method>   |
      | content-length | 10         |
      | body           | some=thing |

    Examples:
      | method |
      | POST   |
      | PUT    |
      | PATCH  |
      | DELETE |

  Scenario: The reply to HEAD has no body
    When the client sends HEAD "http://forwarded.${domain}/"
    Then the response status is 200
    And the response is:
      """
      """

  Scenario: enable-real-ip takes only the client's address from proxies in front
    Given an ingress controller with:
      | config enable-real-ip                | true  |
      | config proxy-add-original-uri-header | true  |
      | config generate-request-id           | false |
    When the client requests "http://forwarded.${domain}/a%20b?c=d" with the headers:
      | X-Forwarded-For   | 198.51.100.1 |
      | X-Forwarded-Proto | https        |
    Then the echo server saw:
      | x-real-ip         | 198.51.100.1 |
      | x-forwarded-for   | 198.51.100.1 |
      | x-forwarded-proto | http         |
      | x-original-uri    | /a%20b?c=d   |
    And the echo server saw no header "x-request-id"

  Scenario: Behind trusted proxies the client is the last address that is not theirs
    Given an ingress controller with:
      | config use-forwarded-headers | true                 |
      | config proxy-real-ip-cidr    | ${client address}/32 |
    When the client requests "http://forwarded.${domain}/" with the headers:
      | X-Forwarded-For | 198.51.100.66, 203.0.113.9 |
    Then the echo server saw:
      | x-real-ip | 203.0.113.9 |

  # Content delivery networks send the host that the user sees in this field, and a Host that the rules have.
  Scenario: Behind trusted proxies backends get the first X-Forwarded-Host as Host
    Given an ingress controller with:
      | config use-forwarded-headers | true                 |
      | config proxy-real-ip-cidr    | ${client address}/32 |
    When the client requests "http://forwarded.${domain}/" with the headers:
      | X-Forwarded-Host | shop.example.test, cdn.example.test |
    Then the echo server saw:
      | host             | shop.example.test |
      | x-forwarded-host | shop.example.test |

  Scenario: use-forwarded-headers trusts proxies in front
    Given an ingress controller with:
      | config use-forwarded-headers         | true |
      | config compute-full-forwarded-for    | true |
      | config enable-underscores-in-headers | true |
    When the client requests "http://forwarded.${domain}/" with the headers:
      | X-Forwarded-For   | 198.51.100.1 |
      | X-Forwarded-Proto | https        |
      | with_underscores  | 1            |
    Then the echo server saw:
      | x-real-ip         | 198.51.100.1                    |
      | x-forwarded-for   | 198.51.100.1, ${client address} |
      | x-forwarded-proto | https                           |
      | with_underscores  | 1                               |

  Scenario: use-proxy-protocol takes the client's address from the PROXY protocol
    Given an ingress controller with:
      | config use-proxy-protocol | true |
    When the client's connections begin with the PROXY protocol, from "203.0.113.9:4711"
    And the client requests "http://forwarded.${domain}/"
    Then the echo server saw:
      | x-real-ip | 203.0.113.9 |
