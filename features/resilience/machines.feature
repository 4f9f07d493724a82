@resilience @serial @ingress-nginx
Feature: Requests while machines and the control plane fail
  An annotation sends a request that one Pod doesn't answer to another one. Without the control plane the last routing table is
  served.

  Background:
    Given the cluster has at least 3 workers
    And an ingress controller with:
      | node | ${control plane} |
    And these objects:
      """
      apiVersion: apps/v1
      kind: Deployment
      metadata:
        name: shop
      spec:
        replicas: 2
        selector:
          matchLabels: {app: shop}
        template:
          metadata:
            labels: {app: shop}
          spec:
            terminationGracePeriodSeconds: 0
            affinity:
              nodeAffinity:
                requiredDuringSchedulingIgnoredDuringExecution:
                  nodeSelectorTerms:
                  - matchExpressions:
                    - {key: kubernetes.io/hostname, operator: In, values: ["${worker 1}", "${worker 2}"]}
              podAntiAffinity:
                requiredDuringSchedulingIgnoredDuringExecution:
                - topologyKey: kubernetes.io/hostname
                  labelSelector:
                    matchLabels: {app: shop}
            containers:
            - name: shop
              image: testbed.local/backends:dev
              imagePullPolicy: IfNotPresent
              args: [probe]
              ports:
              - {name: web, containerPort: 8080}
              readinessProbe:
                httpGet: {path: /, port: web}
                periodSeconds: 1
                failureThreshold: 1
      ---
      apiVersion: v1
      kind: Service
      metadata:
        name: shop
      spec:
        selector: {app: shop}
        ports: [{port: 80, targetPort: web}]
      ---
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata:
        name: shop
        annotations:
          nginx.ingress.kubernetes.io/proxy-connect-timeout: "1"
          nginx.ingress.kubernetes.io/proxy-read-timeout: "1"
          nginx.ingress.kubernetes.io/proxy-next-upstream: error timeout
      spec:
        ingressClassName: ${ingress class}
        rules:
        - host: shop.${domain}
          http:
            paths:
            - {path: /, pathType: Prefix, backend: {service: {name: shop, port: {number: 80}}}}
      """
    # After the previous scenario the controller may still be reconnecting to the API server.
    Then within 30 seconds, requests are answered as follows:
      | URL                    | status |
      | http://shop.${domain}/ | 200    |

  # Each request takes 100 ms, so that some are being answered by the Pod on that node, on connections that break.
  Scenario: A node is cut off from the network, and comes back
    When the client starts to make 100 requests a second to "http://shop.${domain}/delay/100ms"
    And the load run continues for 0.5 seconds
    And the node "${worker 1}" is cut off from the network
    And the load run continues for 2 seconds
    And the disruption ends
    And the load run continues for 2 seconds
    Then no request of the load run failed
    And 100 % of the requests of the load run were answered within 5000 ms
    And every Pod of "shop" has answered requests of the load run

  Scenario: A network loses packets
    When the client starts to make 50 requests a second to "http://shop.${domain}/"
    And the network of the node "${worker 1}" loses 5 % of its packets
    And the load run continues for 3 seconds
    And the disruption ends
    Then no request of the load run failed

  Scenario: A network is slow
    When the client starts to make 50 requests a second to "http://shop.${domain}/"
    And the network of the node "${worker 1}" delays packets by 50 ms, give or take 10 ms
    And the load run continues for 2 seconds
    And the disruption ends
    Then no request of the load run failed
    And 99 % of the requests of the load run were answered within 2000 ms

  Scenario: The processes of a node hang
    When the client starts to make 100 requests a second to "http://shop.${domain}/"
    And the load run continues for 0.5 seconds
    And the processes of the node "${worker 1}" hang
    And the load run continues for 2 seconds
    And the disruption ends
    And the load run continues for 1 second
    Then no request of the load run failed

  # The readiness probe takes the Pod out of the Service after a second or two.
  Scenario: A Pod hangs
    When the client starts to make 100 requests a second to "http://shop.${domain}/"
    And the load run continues for 0.5 seconds
    And a Pod of "shop" hangs
    And the load run continues for 4 seconds
    Then no request of the load run failed
    And in the last 1 second, 100 % of the requests of the load run were answered by Pods of "shop"

  Scenario: The API server is away, and what changed is served afterwards
    When the client starts to make 200 requests a second to "http://shop.${domain}/"
    And the load run continues for 0.5 seconds
    And the API server is stopped
    And the load run continues for 3 seconds
    And the disruption ends
    And the annotation "nginx.ingress.kubernetes.io/permanent-redirect" of the Ingress "shop" is set to "http://moved.${domain}/"
    Then within 30 seconds, requests are answered as follows:
      | URL                    | status |
      | http://shop.${domain}/ | 301    |
    And no request of the load run failed

  Scenario: etcd is restarted
    When the client starts to make 200 requests a second to "http://shop.${domain}/"
    And the load run continues for 0.5 seconds
    And etcd is stopped
    And the load run continues for 1 second
    And the disruption ends
    And the Deployment "shop" is scaled to 1 Pod
    Then no request of the load run failed
