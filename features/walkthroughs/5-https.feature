@walkthrough @article
Feature: HTTPS
  An Ingress refers to a Secret with a certificate. The controller serves the certificate for the Ingress's host,
  terminates TLS, and forwards the requests in plain text.

  Background:
    Given an ingress controller with:
      | node            | ${control plane} |
      | HTTP node port  | 30080            |
      | HTTPS node port | 30443            |
      | log verbosity   | 3                |
    And the objects of "manifests/pod-https.yaml"
    # openssl req -x509 -nodes -days 365 -newkey rsa:2048 -keyout tls.key -out tls.crt -subj "/CN=$MYDOMAIN1/O=$MYDOMAIN1"
    # kubectl create secret tls secret-https --key tls.key --cert tls.crt
    And a TLS Secret "secret-https" with a self-signed certificate for "gyull.com"
    And these objects:
      """
      apiVersion: networking.k8s.io/v1
      kind: Ingress
      metadata:
        name: https
      spec:
        ingressClassName: ${ingress class}
        tls:
        - hosts:
          - gyull.com
          secretName: secret-https
        rules:
        - host: gyull.com
          http:
            paths:
            - path: /
              pathType: Prefix
              backend:
                service:
                  name: svc-https
                  port:
                    number: 8080
      """
    And the client's hosts file has:
      """
      ${control plane external address} gyull.com
      """

  Scenario: The Ingress has an address and terminates TLS
    # kubectl describe ingress
    When I run "kubectl describe ingress https" until it prints:
      """
      Name:             https
      Labels:           <none>
      Namespace:        ${namespace}
      Address:          ${controller cluster IP}
      Ingress Class:    ${ingress class}
      Default backend:  <default>
      TLS:
        secret-https terminates gyull.com
      Rules:
        Host        Path  Backends
        ----        ----  --------
        gyull.com
                    /   svc-https:8080 (${address of pod-https}:8080)
      """
    When I run "kubectl get ingress https"
    Then it prints a table with exactly these rows:
      | NAME  | CLASS            | HOSTS     | ADDRESS                  | PORTS   |
      | https | ${ingress class} | gyull.com | ${controller cluster IP} | 80, 443 |

  Scenario: The Service selects the Pod, and the Secret contains a key pair
    # kubectl get svc,ep,pod
    When I run "kubectl get svc,ep,pod"
    Then it prints a table with these rows:
      | NAME          | READY | STATUS  | RESTARTS |
      | pod/pod-https | 1/1   | Running | 0        |
    And it prints a table with these rows:
      | NAME              | TYPE      | EXTERNAL-IP | PORT(S)  |
      | service/svc-https | ClusterIP | <none>      | 8080/TCP |
    And it prints a table with these rows:
      | NAME                | ENDPOINTS                    |
      | endpoints/svc-https | ${address of pod-https}:8080 |
    # kubectl get secrets secret-https
    When I run "kubectl get secrets secret-https"
    Then it prints a table with exactly these rows:
      | NAME         | TYPE              | DATA |
      | secret-https | kubernetes.io/tls | 2    |

  Scenario: The certificate of the Secret is served
    When the client requests "https://gyull.com:30443/"
    Then the response status is 200
    And the certificate served is that of the Secret "secret-https"
    And the certificate served is for "CN=gyull.com,O=gyull.com" and names no other hosts
    And the connection uses "TLS 1.2" or newer
    And the echo server saw:
      | client_address    | ${controller address} |
      | x-forwarded-for   | ${client address}     |
      | x-forwarded-port  | 443                   |
      | x-forwarded-proto | https                 |

  Scenario: The packets reach the controller on port 443
    # export IngHttps=$(kubectl get service -n ingress ingress-nginx-controller -o jsonpath='{.spec.ports[1].nodePort}')
    When I run "kubectl get service -n ${controller namespace} ingress-nginx-controller -o jsonpath='{.spec.ports[0].nodePort} {.spec.ports[1].nodePort}'"
    Then it prints "30080 30443"
    # tcpdump -i vetha126644e tcp port 443 -nn
    Given packets are captured on the link of the controller's Pod
    When the client requests "https://gyull.com:30443/"
    Then on the Pod's link, the client opened a connection to port 443 of "${controller address}"
    And on the Pod's link, the client's TLS ClientHello on port 443 names "gyull.com"
    And on the Pod's link, the server answers with a TLS ServerHello from port 443
    # tcpdump -i vetha126644e tcp port $IngHttp -nn
    And on the Pod's link, no packet uses the TCP port 30080
    # tcpdump -i vetha126644e tcp port $IngHttps -nn
    And on the Pod's link, no packet uses the TCP port 30443
