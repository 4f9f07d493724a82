@ingress-nginx
Feature: TCP and UDP services
  ConfigMaps list TCP and UDP ports of the controller and the Services to which they are forwarded.

  Scenario: Connections to a TCP port are spread over the Pods of a Service
    Given a Service "echo" with 2 shared echo servers
    And an ingress controller with:
      | TCP 9000           | ${namespace}/echo:80 |
      | TCP node port 9000 | 30900                |
    When the client requests "http://${controller node external address}:30900/" 10 times
    Then every response has the status 200
    And the responses are spread evenly over the Pods of "echo"
    And the echo server saw no header "x-forwarded-for"

  Scenario: A missing Service does not affect the other ports
    Given a Service "echo" with 2 shared echo servers
    And an ingress controller with:
      | TCP 9000           | ${namespace}/echo:80    |
      | TCP 9001           | ${namespace}/missing:80 |
      | TCP node port 9000 | 30900                   |
    When the client requests "http://${controller node external address}:30900/"
    Then the response status is 200

  Scenario: Datagrams to a UDP port reach a Service, and its answers reach the client
    Given the cluster's DNS server is ready
    And an ingress controller with:
      | UDP 5353           | kube-system/kube-dns:53 |
      | UDP node port 5353 | 30053                   |
    Then the client gets an address for "kubernetes.default.svc.cluster.local" from the DNS server "${controller node external address}:30053" over UDP
