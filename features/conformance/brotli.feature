@ingress-nginx
Feature: Compression with Brotli
  The ConfigMap adds Brotli to gzip, and excludes clients from gzip.

  Background:
    Given an ingress controller with:
      | config use-gzip      | true |
      | config enable-brotli | true |
      | config gzip-disable  | ^Old |
    And a Service "echo" with 2 shared echo servers
    And these objects:
      """
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata:
        name: brotli
      spec:
        ingressClassName: ${ingress class}
        rules:
        - host: brotli.${domain}
          http: {paths: [{path: "/", pathType: Prefix, backend: {service: {name: echo, port: {number: 80}}}}]}
      """

  Scenario: Clients that accept Brotli get it
    When the client requests "http://brotli.${domain}/" with the headers:
      | Accept-Encoding | gzip, br |
    Then the response status is 200
    And the response has the headers:
      | Content-Encoding | br              |
      | Vary             | Accept-Encoding |

  Scenario: Clients that only accept gzip get gzip
    When the client requests "http://brotli.${domain}/" with the headers:
      | Accept-Encoding | gzip |
    Then the response has the headers:
      | Content-Encoding | gzip |

  Scenario: gzip-disable excludes clients by their User-Agent, ignoring case
    When the client requests "http://brotli.${domain}/" with the headers:
      | Accept-Encoding | gzip    |
      | User-Agent      | old/1.0 |
    Then the response status is 200
    And the response has no header "Content-Encoding"
