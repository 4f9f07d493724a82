@ingress-nginx @annotation:ssl-passthrough @protection
Feature: TLS that is passed on
  With the annotation ssl-passthrough the backend has the certificate: TLS connections are passed on as they are, by the server
  name (SNI).

  Background:
    Given these objects:
      """
      apiVersion: apps/v1
      kind: Deployment
      metadata: {name: secure}
      spec:
        selector:
          matchLabels: {app: secure}
        template:
          metadata:
            labels: {app: secure}
          spec:
            terminationGracePeriodSeconds: 0
            containers:
            - name: extra
              image: testbed.local/backends:dev
              imagePullPolicy: IfNotPresent
              args: [extra]
              ports:
              - {name: https, containerPort: 8443}
              readinessProbe:
                tcpSocket: {port: https}
                periodSeconds: 1
      ---
      apiVersion: v1
      kind: Service
      metadata: {name: secure}
      spec:
        selector: {app: secure}
        ports: [{name: https, port: 443, targetPort: https}]
      """
    And a Service "echo" with 2 shared echo servers
    And a TLS Secret "terminated" with a certificate for "terminated.${domain}"

  Scenario: The backend's certificate is served, and other hosts are not affected
    Given an ingress controller with:
      | flag enable-ssl-passthrough | true |
    And these objects:
      """
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata:
        name: passed
        annotations:
          nginx.ingress.kubernetes.io/ssl-passthrough: "true"
      spec:
        ingressClassName: ${ingress class}
        rules:
        - host: passed.${domain}
          http: {paths: [{path: "/", pathType: Prefix, backend: {service: {name: secure, port: {number: 443}}}}]}
      ---
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata:
        name: terminated
      spec:
        ingressClassName: ${ingress class}
        tls: [{hosts: ["terminated.${domain}"], secretName: terminated}]
        rules:
        - host: terminated.${domain}
          http: {paths: [{path: "/", pathType: Prefix, backend: {service: {name: echo, port: {number: 80}}}}]}
      """
    Then within 10 seconds, the certificate served at "https://terminated.${domain}/" is that of the Secret "terminated"
    When the client requests "https://passed.${domain}/"
    Then the response status is 200
    And the certificate served is for "CN=extra,O=extra" and names no other hosts
    And the response contains the text "secure-"
    When the client requests "https://terminated.${domain}/"
    Then the response status is 200
    And the response came over "HTTP/2.0"

  @annotation:ssl-redirect
  Scenario: Plain text is redirected to HTTPS, which is passed on
    Given an ingress controller with:
      | flag enable-ssl-passthrough | true |
    And these objects:
      """
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata:
        name: passed
        annotations:
          nginx.ingress.kubernetes.io/ssl-passthrough: "true"
      spec:
        ingressClassName: ${ingress class}
        rules:
        - host: passed.${domain}
          http: {paths: [{path: "/", pathType: Prefix, backend: {service: {name: secure, port: {number: 443}}}}]}
      """
    When the client requests "http://passed.${domain}/"
    Then the response status is 308

  Scenario: Paths that can't be reached by TLS passthrough answer 503
    Given an ingress controller
    And these objects:
      """
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata:
        name: passed
        annotations:
          nginx.ingress.kubernetes.io/ssl-passthrough: "true"
          nginx.ingress.kubernetes.io/ssl-redirect: "false"
      spec:
        ingressClassName: ${ingress class}
        rules:
        - host: passed.${domain}
          http: {paths: [{path: "/", pathType: Prefix, backend: {service: {name: echo, port: {number: 80}}}}]}
      """
    When the client requests "https://passed.${domain}/"
    Then the response status is 503
    When the client requests "http://passed.${domain}/"
    Then the response status is 503
