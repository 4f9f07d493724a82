@load @rates @serial
Feature: A row of rates
  The same requests at rates that double. The table at the end of the run shows what each costs: latencies, and the CPU
  and memory of the controller. A rate that this machine can't carry fails, and the report says whether the client was the
  bottleneck. `--load-scale` multiplies the rates.

  Scenario Outline: <rate> requests a second
    Given an ingress controller
    And a Service "probe" with 2 shared probe servers
    And these objects:
      """
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata:
        name: load
      spec:
        ingressClassName: ${ingress class}
        rules:
        - host: load.${domain}
          http:
            paths:
            - {path: /, pathType: Prefix, backend: {service: {name: probe, port: {number: 80}}}}
      """
    When the client makes <rate> requests a second to "http://load.${domain}/" for 5 seconds
    Then no request of the load run failed

    Examples:
      | rate |
      | 125  |
      | 250  |
      | 500  |
      | 1000 |
