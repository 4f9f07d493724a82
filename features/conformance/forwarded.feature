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

  Scenario: Headers of the client are overwritten, kept or removed
    When the client requests "http://forwarded.${domain}/a%20b?c=d&e" with the headers:
      | X-Forwarded-For   | 198.51.100.1                     |
      | X-Forwarded-Proto | https                            |
      | X-Forwarded-Host  | other.test                       |
      | X-Real-IP         | 198.51.100.1                     |
      | X-Request-ID      | 0123456789abcdef0123456789abcdef |
      | X-Of-The-Client   | kept                             |
      | Connection        | X-Hop, close                     |
      | X-Hop             | dropped                          |
    Then the response status is 200
    And the echo server saw:
      | host                     | forwarded.${domain}              |
      | real path                | /a%20b?c=d&e                     |
      | query                    | c=d&e                            |
      | x-forwarded-for          | ${client address}                |
      | x-original-forwarded-for | 198.51.100.1                     |
      | x-forwarded-host         | forwarded.${domain}              |
      | x-forwarded-port         | 80                               |
      | x-forwarded-proto        | http                             |
      | x-forwarded-scheme       | http                             |
      | x-real-ip                | ${client address}                |
      | x-scheme                 | http                             |
      | x-request-id             | 0123456789abcdef0123456789abcdef |
      | x-of-the-client          | kept                             |
    And the echo server saw no header "x-hop"

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
