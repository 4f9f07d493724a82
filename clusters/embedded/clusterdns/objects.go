package clusterdns

import (
	"fmt"
	"net/netip"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/utils/ptr"
)

const (
	namespace = metav1.NamespaceSystem
	// coredns is the name of all objects but the Service and the role, whose names are those that kubeadm gives them.
	coredns     = "coredns"
	roleName    = "system:coredns"
	appLabel    = "k8s-app"
	healthPort  = 8080
	readyPort   = 8181
	dnsPort     = 53
	configMount = "/etc/coredns"
)

func labels() map[string]string { return map[string]string{appLabel: ServiceName} }

// corefile returns CoreDNS's configuration. Names of the cluster are answered from the API server. All others don't exist:
// the simulated internet has no name servers, and an immediate NXDOMAIN spares resolvers their time-outs.
func corefile(domain string) string {
	return fmt.Sprintf(`%[1]s:53 in-addr.arpa:53 ip6.arpa:53 {
    errors
    health :%[2]d
    ready :%[3]d
    kubernetes %[1]s in-addr.arpa ip6.arpa {
        pods insecure
        ttl 5
    }
    cache 5
    reload
}
# To forward other names, add a block such as "example.com:53 { forward . 192.0.2.53 }".
.:53 {
    errors
    template ANY ANY {
        rcode NXDOMAIN
    }
}
`, domain, healthPort, readyPort)
}

func serviceAccount() *corev1.ServiceAccount {
	return &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Name: coredns, Namespace: namespace}}
}

func clusterRole() *rbacv1.ClusterRole {
	listWatch := []string{"list", "watch"}
	return &rbacv1.ClusterRole{
		ObjectMeta: metav1.ObjectMeta{Name: roleName},
		Rules: []rbacv1.PolicyRule{
			{APIGroups: []string{""}, Resources: []string{"services", "pods", "namespaces"}, Verbs: listWatch},
			{APIGroups: []string{"discovery.k8s.io"}, Resources: []string{"endpointslices"}, Verbs: listWatch},
		},
	}
}

func clusterRoleBinding() *rbacv1.ClusterRoleBinding {
	return &rbacv1.ClusterRoleBinding{
		ObjectMeta: metav1.ObjectMeta{Name: roleName},
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: roleName},
		Subjects:   []rbacv1.Subject{{Kind: rbacv1.ServiceAccountKind, Name: coredns, Namespace: namespace}},
	}
}

func configMap(domain string) *corev1.ConfigMap {
	return &corev1.ConfigMap{
		ObjectMeta: metav1.ObjectMeta{Name: coredns, Namespace: namespace},
		Data:       map[string]string{"Corefile": corefile(domain)},
	}
}

func service(address netip.Addr) *corev1.Service {
	return &corev1.Service{
		ObjectMeta: metav1.ObjectMeta{Name: ServiceName, Namespace: namespace, Labels: labels()},
		Spec: corev1.ServiceSpec{
			ClusterIP: address.String(), Selector: labels(),
			Ports: []corev1.ServicePort{
				{Name: "dns", Port: dnsPort, Protocol: corev1.ProtocolUDP},
				{Name: "dns-tcp", Port: dnsPort, Protocol: corev1.ProtocolTCP},
			},
		},
	}
}

// deployment runs one server, on the node with the control plane: that node exists as long as the cluster, also while
// others are cut off.
func deployment(image string) *appsv1.Deployment {
	return &appsv1.Deployment{
		ObjectMeta: metav1.ObjectMeta{Name: coredns, Namespace: namespace, Labels: labels()},
		Spec: appsv1.DeploymentSpec{
			Selector: &metav1.LabelSelector{MatchLabels: labels()},
			Template: corev1.PodTemplateSpec{
				ObjectMeta: metav1.ObjectMeta{Labels: labels()},
				Spec: corev1.PodSpec{
					ServiceAccountName: coredns, PriorityClassName: "system-cluster-critical",
					NodeSelector: map[string]string{"node-role.kubernetes.io/control-plane": "true"},
					Tolerations:  []corev1.Toleration{{Operator: corev1.TolerationOpExists}},
					DNSPolicy:    corev1.DNSDefault, TerminationGracePeriodSeconds: ptr.To(int64(0)),
					Containers: []corev1.Container{container(image)},
					Volumes: []corev1.Volume{{Name: "config", VolumeSource: corev1.VolumeSource{
						ConfigMap: &corev1.ConfigMapVolumeSource{LocalObjectReference: corev1.LocalObjectReference{Name: coredns}},
					}}},
				},
			},
		},
	}
}

func container(image string) corev1.Container {
	return corev1.Container{
		Name: coredns, Image: image, ImagePullPolicy: corev1.PullIfNotPresent, Args: []string{"-conf", configMount + "/Corefile"},
		Ports: []corev1.ContainerPort{
			{Name: "dns", ContainerPort: dnsPort, Protocol: corev1.ProtocolUDP},
			{Name: "dns-tcp", ContainerPort: dnsPort, Protocol: corev1.ProtocolTCP},
		},
		Resources: corev1.ResourceRequirements{Requests: corev1.ResourceList{
			corev1.ResourceCPU: resource.MustParse("10m"), corev1.ResourceMemory: resource.MustParse("30Mi"),
		}},
		VolumeMounts:   []corev1.VolumeMount{{Name: "config", MountPath: configMount, ReadOnly: true}},
		LivenessProbe:  probe("/health", healthPort),
		ReadinessProbe: probe("/ready", readyPort),
	}
}

func probe(path string, port int) *corev1.Probe {
	return &corev1.Probe{ProbeHandler: corev1.ProbeHandler{
		HTTPGet: &corev1.HTTPGetAction{Path: path, Port: intstr.FromInt(port)},
	}}
}
