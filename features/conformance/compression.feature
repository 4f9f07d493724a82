@ingress-nginx
Feature: Compression
  A key of the ConfigMap compresses replies for clients that accept it.

  Background:
    Given an ingress controller with:
      | config use-gzip | true |
    And a Service "probe" with 1 shared probe server
    And a Service "echo" with 2 shared echo servers
    And these objects:
      """
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata:
        name: gzip
      spec:
        ingressClassName: ${ingress class}
        rules:
        - host: gzip.${domain}
          http:
            paths:
            - {path: /, pathType: Prefix, backend: {service: {name: echo, port: {number: 80}}}}
            - {path: /bytes, pathType: Prefix, backend: {service: {name: probe, port: {number: 80}}}}
            - {path: /status, pathType: Prefix, backend: {service: {name: probe, port: {number: 80}}}}
      """

  Scenario: Text is compressed for clients that accept it
    When the client requests "http://gzip.${domain}/" with the headers:
      | Accept-Encoding | br, gzip |
    Then the response status is 200
    And the response has the headers:
      | Content-Encoding | gzip            |
      | Vary             | Accept-Encoding |

  Scenario: Other clients get it uncompressed
    When the client requests "http://gzip.${domain}/"
    Then the response has no header "Content-Encoding"
    And the response has the headers:
      | Vary | Accept-Encoding |
    When the client requests "http://gzip.${domain}/" with the headers:
      | Accept-Encoding | gzip;q=0 |
    Then the response has no header "Content-Encoding"

  Scenario: Short replies and other media types are not compressed
    When the client requests "http://gzip.${domain}/status/200" with the headers:
      | Accept-Encoding | gzip |
    Then the response has no header "Content-Encoding"
    When the client requests "http://gzip.${domain}/bytes/5000" with the headers:
      | Accept-Encoding | gzip |
    Then the response has no header "Content-Encoding"
