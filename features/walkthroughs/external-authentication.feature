@walkthrough @protection
Feature: External authentication
  Before a request reaches its backend, the controller sends its header to an authentication server, as the documentation of
  ingress-nginx describes under "External Authentication"
  (https://kubernetes.github.io/ingress-nginx/user-guide/nginx-configuration/annotations/#external-authentication). An answer
  2xx lets the request in, 401 and 403 refuse it, and any other is an error. The server here identifies clients by the cookie
  session=NAME, and counts the requests that it gets.

  Background:
    Given an ingress controller
    And a Service "wiki" with 1 shared echo server
    And the objects of "manifests/login.yaml"

  Scenario: A client without a session is refused
    Given these objects:
      """
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata:
        name: wiki
        annotations:
          nginx.ingress.kubernetes.io/auth-url: http://${cluster IP of login}/session
      spec:
        ingressClassName: ${ingress class}
        rules:
        - host: wiki.${domain}
          http:
            paths:
            - {path: /, pathType: Prefix, backend: {service: {name: wiki, port: {number: 80}}}}
      """
    # Each node learns the server's address in its own time. Until then the controller answers 500.
    Then within 10 seconds, requests are answered as follows:
      | URL                        | status |
      | http://wiki.${domain}/page | 401    |
    When the client requests "http://wiki.${domain}/page"
    Then the response has the headers:
      | WWW-Authenticate | Bearer realm="session" |

  Scenario: A client with a session is let in
    When the client requests "http://wiki.${domain}/page?edit=1" with the cookie "session=alice"
    Then the response status is 200
    And the echo server saw:
      | real path | /page?edit=1 |
    # The backend doesn't get what the server has answered, unless an annotation says so.
    And the echo server saw no header "x-auth-user"

  Scenario: What the authentication server gets
    # The fields of the client's request, and its URL and method in fields of their own.
    When the client requests "http://login.${domain}/x/log"
    Then the response contains the text ""uri":"/session""
    And the response contains the text ""X-Original-Url":["http://wiki.${domain}/page?edit=1"]"
    And the response contains the text ""X-Original-Method":["GET"]"
    And the response contains the text ""Cookie":["session=alice"]"

  Scenario: A browser is redirected to sign in, and the page gets the URL to return to
    Given these objects:
      """
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata:
        name: handbook
        annotations:
          nginx.ingress.kubernetes.io/auth-url: http://${cluster IP of login}/session
          nginx.ingress.kubernetes.io/auth-signin: http://login.${domain}/signin
      spec:
        ingressClassName: ${ingress class}
        rules:
        - host: handbook.${domain}
          http:
            paths:
            - {path: /, pathType: Prefix, backend: {service: {name: wiki, port: {number: 80}}}}
      """
    When the client requests "http://handbook.${domain}/page?edit=1"
    Then the response status is 302
    And the response has the headers:
      | Location | http://login.${domain}/signin?rd=http://handbook.${domain}%2Fpage%3Fedit%3D1 |
    When the client requests "http://handbook.${domain}/page" with the cookie "session=alice"
    Then the response status is 200

  Scenario: The backend gets the user's name, which the client can't forge
    Given these objects:
      """
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata:
        name: accounts
        annotations:
          nginx.ingress.kubernetes.io/auth-url: http://${cluster IP of login}/session
          nginx.ingress.kubernetes.io/auth-response-headers: X-Auth-User
      spec:
        ingressClassName: ${ingress class}
        rules:
        - host: accounts.${domain}
          http:
            paths:
            - {path: /, pathType: Prefix, backend: {service: {name: wiki, port: {number: 80}}}}
      """
    When the client requests "http://accounts.${domain}/" with the headers:
      | Cookie      | session=alice |
      | X-Auth-User | root          |
    Then the response status is 200
    And the echo server saw:
      | x-auth-user | alice |

  Scenario: Without a cache, the server decides about each request
    When the client requests "http://login.${domain}/x/log?clear=1"
    And the client always sends the headers:
      | Cookie | session=carol |
    And the client requests "http://accounts.${domain}/" 5 times
    Then every response has the status 200
    When the client requests "http://login.${domain}/x/count"
    Then the response is:
      """
      5
      """

  Scenario: With a cache, the server decides once about each session
    # The key must contain all that the answer depends on. Otherwise a client gets the answer for another.
    Given these objects:
      """
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata:
        name: cached
        annotations:
          nginx.ingress.kubernetes.io/auth-url: http://${cluster IP of login}/session
          nginx.ingress.kubernetes.io/auth-response-headers: X-Auth-User
          nginx.ingress.kubernetes.io/auth-cache-key: $cookie_session
      spec:
        ingressClassName: ${ingress class}
        rules:
        - host: cached.${domain}
          http:
            paths:
            - {path: /, pathType: Prefix, backend: {service: {name: wiki, port: {number: 80}}}}
      """
    When the client requests "http://login.${domain}/x/log?clear=1"
    And the client always sends the headers:
      | Cookie | session=dave |
    And the client requests "http://cached.${domain}/" 5 times
    Then every response has the status 200
    When the client always sends the headers:
      | Cookie | session=erin |
    And the client requests "http://cached.${domain}/"
    Then the echo server saw:
      | x-auth-user | erin |
    When the client requests "http://login.${domain}/x/count"
    Then the response is:
      """
      2
      """

  Scenario: If the server fails, no client is let in
    Given these objects:
      """
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata:
        name: failing
        annotations:
          nginx.ingress.kubernetes.io/auth-url: http://${cluster IP of login}/session/?status=503
      spec:
        ingressClassName: ${ingress class}
        rules:
        - host: failing.${domain}
          http:
            paths:
            - {path: /, pathType: Prefix, backend: {service: {name: wiki, port: {number: 80}}}}
      """
    When the client requests "http://failing.${domain}/" with the cookie "session=alice"
    Then the response status is 500
