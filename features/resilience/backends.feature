@resilience @serial @ingress-nginx
Feature: Requests while backends change
  Pods start and stop while requests are made. A request fails only if the Pod that is answering it is killed: it can't be sent
  again once the client may have received a part of the response.

  Background:
    Given an ingress controller
    And the objects of "manifests/shop.yaml"

  Scenario: A Deployment is rolled out, and its Pods stop at once
    When the client starts to make 200 requests a second to "http://shop.${domain}/"
    And the load run continues for 0.5 seconds
    And the Deployment "shop" is rolled out again
    And the load run continues for 0.5 seconds
    Then no request of the load run failed
    And 100 % of the requests of the load run were answered within 5000 ms
    And every Pod of "shop" has answered requests of the load run

  Scenario: A Deployment is rolled out, and its Pods still serve for a while
    Given these objects:
      """
      apiVersion: apps/v1
      kind: Deployment
      metadata:
        name: slow
      spec:
        replicas: 2
        selector:
          matchLabels: {app: slow}
        template:
          metadata:
            labels: {app: slow}
          spec:
            containers:
            - name: slow
              image: testbed.local/backends:dev
              imagePullPolicy: IfNotPresent
              args: [probe]
              ports:
              - {name: web, containerPort: 8080}
              lifecycle:
                preStop: {sleep: {seconds: 2}}
              readinessProbe:
                tcpSocket: {port: web}
                periodSeconds: 1
      ---
      apiVersion: v1
      kind: Service
      metadata:
        name: slow
      spec:
        selector: {app: slow}
        ports: [{port: 80, targetPort: web}]
      ---
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata:
        name: slow
      spec:
        ingressClassName: ${ingress class}
        rules:
        - host: slow.${domain}
          http:
            paths:
            - {path: /, pathType: Prefix, backend: {service: {name: slow, port: {number: 80}}}}
      """
    When the client starts to make requests:
      | rate   | 200                              |
      | target | http://slow.${domain}/           |
      | target | http://slow.${domain}/delay/50ms |
    And the load run continues for 0.5 seconds
    And the Deployment "slow" is rolled out again
    And the load run continues for 2.5 seconds
    Then no request of the load run failed
    And every Pod of "slow" has answered requests of the load run

  Scenario: A Deployment is scaled up and down
    When the client starts to make requests:
      | rate        | 50 to 300 over 2s, 300 |
      | target      | http://shop.${domain}/ |
      | connections | new                    |
    And the Deployment "shop" is scaled to 5 Pods
    And the load run continues for 0.5 seconds
    Then every Pod of "shop" has answered requests of the load run
    When the Deployment "shop" is scaled to 3 Pods
    And the load run continues for 0.5 seconds
    Then no request of the load run failed

  # The requests that a Pod was answering when it was killed may fail: at 100 requests a second of 20 ms each, two are being
  # answered at any time, a third of them by that Pod.
  Scenario: A Pod is killed
    When the client starts to make 100 requests a second to "http://shop.${domain}/stream/2/20ms"
    And the load run continues for 0.5 seconds
    And a Pod of "shop" is killed
    And the load run continues for 1 second
    Then at most 5 requests of the load run failed
    And no request of the load run failed that was due more than 500 ms after the last change
