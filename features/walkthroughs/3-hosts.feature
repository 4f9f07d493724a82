@walkthrough @article
Feature: Routing by host
  One rule matches a host, another all of its subdomains, one label deep. The controller answers a request that matches no
  rule with 404.

  Background:
    Given an ingress controller with:
      | node            | ${control plane} |
      | HTTP node port  | 30080            |
      | HTTPS node port | 30443            |
      | log verbosity   | 3                |
    And the objects of "manifests/backends.yaml"
    And these objects:
      """
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata:
        name: ingress-2
      spec:
        ingressClassName: ${ingress class}
        rules:
        - host: gyull.com
          http:
            paths:
            - path: /
              pathType: Prefix
              backend:
                service:
                  name: svc3-admin
                  port:
                    number: 8080
        - host: "*.gyull.com"
          http:
            paths:
            - path: /echo
              pathType: Prefix
              backend:
                service:
                  name: svc3-admin
                  port:
                    number: 8080
      """
    # echo "$MYIP $MYDOMAIN1" | sudo tee -a /etc/hosts
    # echo "$MYIP $MYDOMAIN2" | sudo tee -a /etc/hosts
    And the client's hosts file has:
      """
      ${control plane external address} gyull.com
      ${control plane external address} test.gyull.com
      """

  Scenario: The rules are listed by host
    # kubectl describe ingress ingress-2
    When I run "kubectl describe ingress ingress-2"
    Then it prints:
      """
      Name:             ingress-2
      ...
      Rules:
        Host         Path  Backends
        ----         ----  --------
        gyull.com
                     /   svc3-admin:8080 ()
        *.gyull.com
                     /echo   svc3-admin:8080 ()
      """

  Scenario: The host matches every path
    # curl -o /dev/null -s -w "%{http_code}\n" $MYDOMAIN1:30080/ …
    Then requests are answered as follows:
      | URL                    | status | text              |
      | gyull.com:30080/       | 200    | real path=/       |
      | gyull.com:30080/gyull  | 200    | real path=/gyull  |
      | gyull.com:30080/echo   | 200    | real path=/echo   |
      | gyull.com:30080/echo/5 | 200    | real path=/echo/5 |

  Scenario: A subdomain matches only its path
    # curl -o /dev/null -s -w "%{http_code}\n" $MYDOMAIN2:30080/ …
    Then requests are answered as follows:
      | URL                         | status | text              |
      | test.gyull.com:30080/       | 404    |                   |
      | test.gyull.com:30080/gyull  | 404    |                   |
      | test.gyull.com:30080/echo   | 200    | real path=/echo   |
      | test.gyull.com:30080/echo/5 | 200    | real path=/echo/5 |
