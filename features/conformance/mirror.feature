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

  @annotation:mirror-host
  Scenario: The mirror receives its own host and the target of the request
    Given these objects:
      """
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata:
        name: copied
        annotations:
          nginx.ingress.kubernetes.io/mirror-target: http://${controller address}/copy$request_uri
          nginx.ingress.kubernetes.io/mirror-host: copies.${domain}
      spec:
        ingressClassName: ${ingress class}
        rules:
        - host: copied.${domain}
          http:
            paths:
            - {path: /, pathType: Prefix, backend: {service: {name: echo, port: {number: 80}}}}
      """
    When the client requests "http://copied.${domain}/a?b"
    Then the response status is 200
    And the controller's log contains, in this order:
      | copies.${domain} |
