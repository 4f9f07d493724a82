@ingress-nginx
Feature: The access log
  The ConfigMap sets the format of the access log and lists paths that are not logged; an annotation turns logging off for an
  Ingress.

  Background:
    Given an ingress controller with:
      | config log-format-upstream  | logged $status $request_method $uri "$http_x_text" $namespace/$ingress_name |
      | config skip-access-log-urls | /skipped,~^/pattern                                                         |
    And a Service "echo" with 2 shared echo servers
    And these objects:
      """
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata:
        name: logged
      spec:
        ingressClassName: ${ingress class}
        rules:
        - host: logged.${domain}
          http: {paths: [{path: "/", pathType: Prefix, backend: {service: {name: echo, port: {number: 80}}}}]}
      ---
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata:
        name: quiet
        annotations:
          nginx.ingress.kubernetes.io/enable-access-log: "false"
      spec:
        ingressClassName: ${ingress class}
        rules:
        - host: quiet.${domain}
          http: {paths: [{path: "/", pathType: Prefix, backend: {service: {name: echo, port: {number: 80}}}}]}
      """

  @annotation:enable-access-log
  Scenario: Requests are logged in the format, except those that are excluded
    When the client requests "http://logged.${domain}/first-${namespace}" with the headers:
      | X-Text | a"b |
    And the client requests "http://logged.${domain}/skipped"
    And the client requests "http://logged.${domain}/pattern-${namespace}"
    And the client requests "http://quiet.${domain}/quiet-${namespace}"
    And the client requests "http://logged.${domain}/last-${namespace}"
    Then the controller's log contains, in this order:
      | logged 200 GET /first-${namespace} "a\\x22b" ${namespace}/logged |
      | logged 200 GET /last-${namespace} "-" ${namespace}/logged        |
    And the controller's log does not contain "/skipped"
    And the controller's log does not contain "/pattern-${namespace}"
    And the controller's log does not contain "/quiet-${namespace}"
