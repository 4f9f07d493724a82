@walkthrough @article
Feature: Installing an ingress controller
  The controller is installed on the node with the control plane, behind a Service of type NodePort. It has only the
  permissions that it needs.

  Background:
    # cat <<EOT> ingress-nginx-values.yaml
    Given the file "ingress-nginx-values.yaml" has:
      """
      controller:
        service:
          type: NodePort
          nodePorts:
            http: 30080
            https: 30443
        nodeSelector:
          kubernetes.io/hostname: "${control plane}"
        metrics:
          enabled: true
        serviceMonitor:
            enabled: true
      """
    # The chart of the test-bed takes the place of ingress-nginx's.
    When I run "helm upgrade --install ingress-nginx ingress-nginx/ingress-nginx -f ingress-nginx-values.yaml --namespace ${controller namespace} --version 4.11.2"
    Then it prints:
      """
      NAME: ingress-nginx
      ...
      NAMESPACE: ${controller namespace}
      STATUS: deployed
      """

  Scenario: The nodes and the client have the addresses of the article
    # MYIP=$(curl -s ipinfo.io/ip); echo $MYIP
    Then the cluster has these addresses, if they were configured:
      | placeholder                    | address        |
      | control plane                  | k3s-s          |
      | control plane address          | 192.168.10.10  |
      | control plane external address | 3.35.217.39    |
      | control plane pod range        | 172.16.0.0/24  |
      | control plane pod gateway      | 172.16.0.1     |
      | worker 1 address               | 192.168.10.101 |
      | worker 2 address               | 192.168.10.102 |
      | worker 3 address               | 192.168.10.103 |
      | client address                 | 175.116.31.155 |

  Scenario: The controller runs on the node with the control plane
    # kubectl get pod -n ingress -o wide
    When I run "kubectl get pod -n ${controller namespace} -o wide"
    Then it prints a table with exactly these rows:
      | NAME              | READY | STATUS  | RESTARTS | IP                    | NODE             |
      | ${controller pod} | 1/1   | Running | 0        | ${controller address} | ${control plane} |

  Scenario: Three Services select its Pod
    # kubectl get svc,ep -n ingress -o wide
    When I run "kubectl get svc,ep -n ${controller namespace} -o wide"
    Then it prints a table with exactly these rows:
      | NAME                                       | TYPE      | CLUSTER-IP | EXTERNAL-IP | PORT(S)                    | SELECTOR                                                                                                                      |
      | service/ingress-nginx-controller           | NodePort  | /[0-9.]+/  | <none>      | 80:30080/TCP,443:30443/TCP | app.kubernetes.io/component=controller,app.kubernetes.io/instance=${controller instance},app.kubernetes.io/name=ingress-nginx |
      | service/ingress-nginx-controller-admission | ClusterIP | /[0-9.]+/  | <none>      | 443/TCP                    | app.kubernetes.io/component=controller,app.kubernetes.io/instance=${controller instance},app.kubernetes.io/name=ingress-nginx |
      | service/ingress-nginx-controller-metrics   | ClusterIP | /[0-9.]+/  | <none>      | 10254/TCP                  | app.kubernetes.io/component=controller,app.kubernetes.io/instance=${controller instance},app.kubernetes.io/name=ingress-nginx |
    # The order of the two ports is arbitrary; the endpoints are compared below.
    And it prints a table with exactly these rows:
      | NAME                                         | ENDPOINTS                                                         |
      | endpoints/ingress-nginx-controller           | /${controller address}:(443\|80),${controller address}:(443\|80)/ |
      | endpoints/ingress-nginx-controller-admission | ${controller address}:8443                                        |
      | endpoints/ingress-nginx-controller-metrics   | ${controller address}:10254                                       |
    And the Services have these endpoints:
      | Service                                                    | Pods                                             | ports   |
      | ${controller namespace}/ingress-nginx-controller           | ${controller namespace}/ingress-nginx-controller | 80, 443 |
      | ${controller namespace}/ingress-nginx-controller-admission | ${controller namespace}/ingress-nginx-controller | 8443    |
      | ${controller namespace}/ingress-nginx-controller-metrics   | ${controller namespace}/ingress-nginx-controller | 10254   |

  Scenario: The Service preserves the client's address
    # kc describe svc -n ingress ingress-nginx-controller
    When I run "kubectl describe svc -n ${controller namespace} ingress-nginx-controller"
    Then it prints:
      """
      Name:                     ingress-nginx-controller
      Namespace:                ${controller namespace}
      ...
      Selector:                 app.kubernetes.io/component=controller,app.kubernetes.io/instance=${controller instance},app.kubernetes.io/name=ingress-nginx
      Type:                     NodePort
      IP Family Policy:         SingleStack
      IP Families:              IPv4
      ...
      Port:                     http  80/TCP
      TargetPort:               http/TCP
      NodePort:                 http  30080/TCP
      Endpoints:                ${controller address}:80
      Port:                     https  443/TCP
      TargetPort:               https/TCP
      NodePort:                 https  30443/TCP
      Endpoints:                ${controller address}:443
      Session Affinity:         None
      External Traffic Policy:  Local
      ...
      Events:                   <none>
      """

  Scenario: The controller has only the permissions that it needs
    # kc describe clusterroles ingress-nginx
    When I run "kubectl describe clusterroles ${controller instance}"
    Then it prints:
      """
      PolicyRule:
        Resources                           Non-Resource URLs  Resource Names  Verbs
        ---------                           -----------------  --------------  -----
      """
    And the ClusterRole "${controller instance}" grants exactly:
      | Resources                          | Verbs          |
      | events                             | create patch   |
      | services                           | get list watch |
      | ingressclasses.networking.k8s.io   | get list watch |
      | ingresses.networking.k8s.io        | get list watch |
      | nodes                              | list watch get |
      | endpointslices.discovery.k8s.io    | list watch get |
      | configmaps                         | list watch     |
      | endpoints                          | list watch     |
      | namespaces                         | list watch     |
      | pods                               | list watch     |
      | secrets                            | list watch     |
      | leases.coordination.k8s.io         | list watch     |
      | ingresses.networking.k8s.io/status | update         |

  Scenario: Helm lists the release
    # helm list -n ingress
    When I run "helm list -n ${controller namespace}"
    Then it prints a table with exactly these rows:
      | NAME          | NAMESPACE               | STATUS   | CHART                       |
      | ingress-nginx | ${controller namespace} | deployed | /ingress-testbed-\d.*/ |

  Scenario: An upgrade raises the verbosity of the log
    Given the file "ingress-nginx-values.yaml" has:
      """
      controller:
        service:
          type: NodePort
          nodePorts:
            http: 30080
            https: 30443
        nodeSelector:
          kubernetes.io/hostname: "${control plane}"
        metrics:
          enabled: true
        serviceMonitor:
            enabled: true
        extraArgs:
          v: "3"
      """
    # helm upgrade ingress-nginx ingress-nginx/ingress-nginx -f ingress-nginx-values.yaml --namespace ingress --version 4.11.2
    When I run "helm upgrade ingress-nginx ingress-nginx/ingress-nginx -f ingress-nginx-values.yaml --namespace ${controller namespace} --version 4.11.2"
    Then it prints:
      """
      Release "ingress-nginx" has been upgraded. Happy Helming!
      NAME: ingress-nginx
      ...
      STATUS: deployed
      """
    # kubectl get pod -n ingress
    When I run "kubectl get pod -n ${controller namespace}"
    Then it prints a table with exactly these rows:
      | NAME              | READY | STATUS  | RESTARTS |
      | ${controller pod} | 1/1   | Running | 0        |
    When I run "kubectl get deployment ingress-nginx-controller -n ${controller namespace} -o jsonpath='{.spec.template.spec.containers[0].args[?(@=="--v=3")]}'"
    Then it prints "--v=3"
