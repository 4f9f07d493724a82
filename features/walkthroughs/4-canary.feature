@walkthrough @article
Feature: A canary deployment
  A second Ingress for the same host is annotated as a canary and receives a random tenth of the requests.

  Background:
    Given an ingress controller with:
      | node            | ${control plane} |
      | HTTP node port  | 30080            |
      | HTTPS node port | 30443            |
      | log verbosity   | 3                |
    And the objects of "manifests/versions.yaml"
    And these objects:
      """
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata:
        name: ingress-canary-v1
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
                  name: svc-v1
                  port:
                    number: 8080
      ---
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata:
        name: ingress-canary-v2
        annotations:
          nginx.ingress.kubernetes.io/canary: "true"
          nginx.ingress.kubernetes.io/canary-weight: "10"
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
                  name: svc-v2
                  port:
                    number: 8080
      """
    And the client's hosts file has:
      """
      ${control plane external address} gyull.com
      """

  Scenario: Each version has three Pods
    # kubectl get svc,ep,pod
    When I run "kubectl get svc,ep,pod"
    Then it prints a table with these rows:
      | NAME           | TYPE      | EXTERNAL-IP | PORT(S)  |
      | service/svc-v1 | ClusterIP | <none>      | 9001/TCP |
      | service/svc-v2 | ClusterIP | <none>      | 9001/TCP |
    And it prints a table with these rows:
      | NAME                   | READY | STATUS  | RESTARTS |
      | /pod/dp-v1-[a-z0-9-]+/ | 1/1   | Running | 0        |
      | /pod/dp-v1-[a-z0-9-]+/ | 1/1   | Running | 0        |
      | /pod/dp-v1-[a-z0-9-]+/ | 1/1   | Running | 0        |
      | /pod/dp-v2-[a-z0-9-]+/ | 1/1   | Running | 0        |
      | /pod/dp-v2-[a-z0-9-]+/ | 1/1   | Running | 0        |
      | /pod/dp-v2-[a-z0-9-]+/ | 1/1   | Running | 0        |
    And the Services have these endpoints:
      | Service | Pods  | ports |
      | svc-v1  | dp-v1 | 8080  |
      | svc-v2  | dp-v2 | 8080  |

  Scenario: The Pods report their versions
    # for pod in $(kubectl get pod -o wide -l app=svc-v1 …); do curl -s $pod:8080 | egrep '(Hostname|nginx)'; done
    Then each Pod of "dp-v1" answers requests to its port 8080 with:
      | server_version | nginx: 1.13.0 - lua: 10008 |
    And each Pod of "dp-v2" answers requests to its port 8080 with:
      | server_version | nginx: 1.13.1 - lua: 10008 |

  Scenario Outline: A tenth of <number> requests goes to the new version
    # for i in {1..<number>}; do curl -s $MYDOMAIN1:30080 | grep nginx ; done | sort | uniq -c | sort -nr
    When the client requests "http://gyull.com:30080" <number> times
    Then every response has the status 200
    And the responses are split randomly by the text they contain:
      | text                                      | share |
      | server_version=nginx: 1.13.0 - lua: 10008 | 90 %  |
      | server_version=nginx: 1.13.1 - lua: 10008 | 10 %  |

    Examples:
      | number |
      | 100    |
      | 1000   |
